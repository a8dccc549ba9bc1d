"""Plain text. In: any string. Out: the same without characters that hide, reorder or control text. Never adds words."""

from __future__ import annotations

import unicodedata

# Control characters and separators part words; what is merely unseen goes: format (zero-width, bidi), lone surrogates,
# private use, unassigned.
_APART = frozenset({"Cc", "Zl", "Zp"})
_UNSEEN = frozenset({"Cf", "Cs", "Co", "Cn"})
# Blank to the eye although Unicode calls them letters or marks: Hangul fillers, Khmer inherent vowels, Braille blank.
_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_MARKS_IN_A_ROW = 4


def plain_text(text: str) -> str:
    """NFC on one line: control characters as spaces, unseen ones dropped, runs of marks cut, spaces single."""
    return " ".join(_seen(text).split())


def plain_lines(text: str) -> str:
    """As plain_text, line by line: line ends stay, empty lines go."""
    lines = (plain_text(line) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def _seen(text: str) -> str:
    kept: list[str] = []
    marks = 0
    for character in unicodedata.normalize("NFC", text):
        category = unicodedata.category(character)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if category in _APART:
            kept.append(" ")
        elif category not in _UNSEEN and character not in _BLANKS and marks <= _MARKS_IN_A_ROW:
            kept.append(character)
    return "".join(kept)
