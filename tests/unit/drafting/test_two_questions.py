"""A question that puts two things at once, as clinicians do."""

from __future__ import annotations

import pytest

from connector.drafting.replies import asks_twice


@pytest.mark.parametrize(
    ("question", "twice"),
    [
        ("How long does it last, and does it ever come at rest?", True),
        ("When did it start and is it getting worse", True),
        ("How long does it last?", False),
        ("Any chest pain and shortness of breath?", False),
    ],
)
def test_two_questions_in_one_are_told_from_one(question: str, twice: bool) -> None:
    assert asks_twice(question) is twice
