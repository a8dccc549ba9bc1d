"""Characters that hide, reorder or control text are dropped."""

import pytest

from connector.drafting.plain import plain_lines, plain_text


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("  two   blanks ", "two blanks"),
        ("a\x00b\x1b[31mc", "a b [31mc"),
        ("0\x080", "0 0"),
        ("a\u200bb\u2060c\ufeffd", "abcd"),
        ("\u202eevil\u202c \u2066x\u2069", "evil x"),
        ("line\none\r\ntwo\u2028three", "line one two three"),
        ("Pe\u0301rez", "Pérez"),
        ("a" + "\u0301" * 20, "á" + "\u0301" * 4),
        ("\u3164\u2800", ""),
        ("\ue000\ud800", ""),
        ("98.6 °F ½ ≥ 5", "98.6 °F ½ ≥ 5"),
        ("", ""),
    ],
)
def test_only_what_can_be_seen_stays(raw, plain) -> None:
    assert plain_text(raw) == plain


def test_lines_may_be_kept() -> None:
    assert plain_lines("S: pain\u200b\n\n P:  rest\x07") == "S: pain\nP: rest"
