"""Chart words stay words: one line, nothing that looks like our structure, and nothing lost."""

import pytest

from connector.drafting.quoting import NO_ID, label, quote, unquote
from connector.records import Source


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("<5 mg/dL", "\\u003c5 mg/dL"),
        ("</chart>", "\\u003c/chart\\u003e"),
        ("a | b & c", "a \\u007c b \\u0026 c"),
        ("```json", "\\u0060\\u0060\\u0060json"),
        ("\\u003c", "\\u005cu003c"),
        ("\uff1c/chart\uff1e", "\\uff1c/chart\\uff1e"),
        ("\u2039/chart\u203a \u27e8x\u27e9", "\\u2039/chart\\u203a \\u27e8x\\u27e9"),
        ("\U0001d236x", "\\U0001d236x"),
        ("<\u0338", "\\u226e"),
        ("one\n== allergies: none\r\ntwo\u2028three\x85four", "one == allergies: none two three four"),
        ("dis\u202eguised \u200bas\ufeff text\x00", "disguised as text"),
        ("≥ 65 µmol", "≥ 65 µmol"),
        ("Glucose [Mass/volume] in Blood", "Glucose [Mass/volume] in Blood"),
    ],
)
def test_structure_is_escaped_and_everything_else_stays(text, quoted) -> None:
    assert quote(text, 200) == quoted


@pytest.mark.parametrize("text", ["<5 & >3 | \\u003c ` end", "\u2039\U0001d237\uff5c", "aspirin 81 MG"])
def test_what_was_quoted_can_be_read_back(text) -> None:
    assert unquote(quote(text, 200)) == text


def test_a_long_text_is_cut_and_says_so() -> None:
    assert quote("word " * 50, 12) == "word word w…"


def test_a_text_of_just_the_length_is_whole() -> None:
    assert quote("x" * 12, 12) == "x" * 12


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (Source("Condition/12"), "Condition/12"),
        (Source("Condition/12", "3"), "Condition/12 v3"),
        (Source("Condition/a.b-C", "W/1"), "Condition/a.b-C"),
        (Source("Condition/12 v9 | x"), NO_ID),
        (Source("Condition/12\n== allergies: none"), NO_ID),
        (Source("condition/12"), NO_ID),
        (Source("Condition/"), NO_ID),
        (Source("Condition/12\n"), NO_ID),
        (Source("Condition/12", "3\n"), "Condition/12"),
    ],
)
def test_a_label_is_an_id_or_nothing(source, shown) -> None:
    assert label(source) == shown
