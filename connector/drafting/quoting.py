"""Chart words as data. In: text or a Source from the chart. Out: one line of text that is only data. Never drops words.

Whatever builds our structure (tag brackets, bars, escapes, code fences, and what looks like them) goes in as `\\uXXXX`.
"""

from __future__ import annotations

import re
import unicodedata

from connector.drafting.plain import plain_text
from connector.records import Source

_STRUCTURE = frozenset("<>&|\\`")
# What eye or model takes for an angle bracket or a bar. Full-width and small forms fall under _STRUCTURE by NFKC.
_LIKE_BRACKETS = "\u00ab\u00bb\u02c2\u02c3\u1433\u1438\u16b2\u2039\u203a\u226a\u226b\u226e\u226f\u227a\u227b"
_LIKE_BRACKETS += "\u22d6\u22d7\u2329\u232a\u276c\u276d\u276e\u276f\u2770\u2771"
_LIKE_BRACKETS += "\u27e8\u27e9\u27ea\u27eb\u29fc\u29fd\u2aa1\u2aa2\u3008\u3009\u300a\u300b\U0001d236\U0001d237"
_LIKE_BARS = "\u00a6\u01c0\u05c0\u0964\u2016\u2223\u2225\u23b8\u23b9\u23d0\u2502\u2503\u2551\u2758\u2759\u275a\u2d4f"
_LOOKALIKES = frozenset(_LIKE_BRACKETS + _LIKE_BARS)
_ESCAPED = re.compile(r"\\u([0-9a-f]{4})|\\U([0-9a-f]{8})")
_REFERENCE = re.compile(r"[A-Z][A-Za-z]{0,63}/[A-Za-z0-9._-]{1,128}")
_VERSION = re.compile(r"[A-Za-z0-9._-]{1,64}")
NO_ID = "(no id)"
"""The label of a resource whose id is none that FHIR allows: it cannot be cited."""


def quote(text: str, most: int) -> str:
    """The text on one line, at most `most` characters of it (then `…`), with every structural character escaped."""
    line = plain_text(text)
    if len(line) > most:
        line = line[: most - 1].rstrip() + "…"
    return "".join(_escape(character) if _is_structural(character) else character for character in line)


def unquote(text: str) -> str:
    """What quote was given, on one line."""
    return _ESCAPED.sub(lambda found: chr(int(found[1] or found[2], 16)), text)


def label(source: Source) -> str:
    """`Type/id`, with ` v3` behind it where the version is known; NO_ID where the id could be more than an id."""
    if not _REFERENCE.fullmatch(source.reference):
        return NO_ID
    known = source.version is not None and _VERSION.fullmatch(source.version)
    return f"{source.reference} v{source.version}" if known else source.reference


def _is_structural(character: str) -> bool:
    if character.isascii():
        return character in _STRUCTURE
    return character in _LOOKALIKES or not _STRUCTURE.isdisjoint(unicodedata.normalize("NFKC", character))


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
