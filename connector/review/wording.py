"""Text as it may stand in a note. In: any string. Out: the same words in normal form. Never changes a word."""

from __future__ import annotations

import re
import unicodedata

_BANNED = ("Cc", "Cf", "Cs")
_NOT_XML = "\ufffe\uffff"


def clean_text(text: str) -> str:
    """Text without control, bidi, zero-width or surrogate characters, with single blanks and no empty lines.

    Line breaks stay, as `\\n`; Unicode is composed (NFC), so that the same words always have the same bytes.
    """
    lines = (
        " ".join("".join(char for char in line if _may_stand(char)).split())
        for line in unicodedata.normalize("NFC", text).splitlines()
    )
    return "\n".join(line for line in lines if line)


def clean_line(text: str) -> str:
    """The same on one line."""
    return " ".join(clean_text(text).split())


def find_words(words: str, text: str) -> list[tuple[int, int]]:
    """Where `words` stand in `text` as whole words, whatever their case; a plural `s` counts as the same word."""
    pattern = rf"(?<![\w-]){re.escape(words)}(?:s|es)?(?![\w])"
    return [match.span() for match in re.finditer(pattern, text, re.IGNORECASE)]


def _may_stand(char: str) -> bool:
    return char == "\t" or (unicodedata.category(char) not in _BANNED and char not in _NOT_XML)
