"""What a statement denies, and how far the denial reaches."""

import pytest

from connector.clinical.negation import find_negated, is_negated


@pytest.mark.parametrize(
    ("said", "denied"),
    [
        ("I have no chest pain but I do have a cough", ["chest pain"]),
        ("denies fever, chills, or cough", ["fever, chills, or cough"]),
        ("I don't have any swelling, I have pain", ["have any swelling"]),
        ("the strep test is negative", ["the strep test"]),
        ("lungs clear without wheezing", ["wheezing"]),
        ("no change in his weight", []),
        ("not only pain", []),
        ("pain in the knee", []),
    ],
)
def test_a_denial_reaches_to_the_end_of_its_clause(said, denied) -> None:
    assert [said[span.start : span.end].strip() for span in find_negated(said)] == denied


def test_a_word_outside_the_denial_is_affirmed() -> None:
    said = "no fever but a cough"
    assert is_negated(said, said.index("fever"), said.index("fever") + 5)
    assert not is_negated(said, said.index("cough"), said.index("cough") + 5)
