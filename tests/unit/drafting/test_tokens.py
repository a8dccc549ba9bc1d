"""Token estimates err on the safe side."""

import pytest

from connector.drafting.tokens import estimate_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("a", 1),
        ("aspirin", 3),
        ("81 MG", 3),
        ("a b", 2),
        ("a    b", 5),
        ("[x]", 3),
        ("é", 2),
        ("薬", 3),
        ("💊", 4),
    ],
)
def test_words_digits_signs_and_bytes_are_counted(text, tokens) -> None:
    assert estimate_tokens(text) == tokens


def test_english_prose_counts_above_the_usual_rule_of_four_letters_a_token() -> None:
    prose = "The patient was told to take lisinopril every morning and to come back in two weeks."
    assert estimate_tokens(prose) > len(prose) / 4


def test_a_lone_surrogate_is_counted_too() -> None:
    assert estimate_tokens("\ud800") >= 1
