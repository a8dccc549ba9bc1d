"""Text as it may stand in a note."""

from __future__ import annotations

import pytest

from connector.review.wording import clean_line, clean_text, find_words


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("  Two\t blanks  ", "Two blanks"),
        ("evil\u202etxt\u202c \u200bhidden\ufeff", "eviltxt hidden"),
        ("bell\x07 nul\x00", "bell nul"),
        ("one\r\n\r\n two\u2028three", "one\ntwo\nthree"),
        ("e\u0301", "é"),
        ("\ud800 \uffff", ""),
        ("120/80 mmHg – 37 °C", "120/80 mmHg – 37 °C"),
    ],
)
def test_text_keeps_its_words_and_nothing_unseen(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


def test_a_line_has_no_breaks() -> None:
    assert clean_line("a\n b\r\nc") == "a b c"


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("Lisinopril and lisinopril", [(0, 10), (15, 25)]),
        ("lisinoprilat", []),
        ("non-lisinopril", []),
        ("two lisinoprils", [(4, 15)]),
        ("lisinopril.", [(0, 10)]),
    ],
)
def test_words_are_found_whole(text: str, places: list[tuple[int, int]]) -> None:
    assert find_words("lisinopril", text) == places
