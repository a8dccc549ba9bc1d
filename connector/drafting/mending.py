"""JSON a model wrote with slips of form. In: its text. Out: the same as JSON that can be read, and whether it changed.

Mends syntax only: brackets, quotes, commas, a fence around it. Where a letter or digit would go, come or move it mends
nothing, and neither where the text breaks off.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import accumulate

from json_repair import repair_json

MOST_MENDED = 60_000
"""Characters of an answer that is mended at all: more than any note has, and a second or two of work at the worst."""
_DEEPEST = 24
"""Brackets within brackets of an answer that is mended: a note has six, and each one more costs the mender time."""
REPAIRED = "json-repair"
"""What stands in a draft's stamp behind its maker where this was needed."""
_FENCE = re.compile(r"```\s*$")
_ENDINGS = ("}", "]")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_LETTER_ESCAPES = re.compile(r"\\[bfnrt]")
_FORM = re.compile(r"[\s{}\[\],:\"'`\\]+")


@dataclass(frozen=True, slots=True)
class MendedText:
    """Text to be read as JSON, and whether anything had to be mended in it."""

    text: str
    repaired: bool = False


def mend_json(content: str) -> MendedText:
    """The content as it is where it can be read, or where mending it would change more than its form.

    May take a second or two: not for an event loop.
    """
    if len(content) > MOST_MENDED or _reads(content) or _depth(content) > _DEEPEST:
        return MendedText(content)
    begins = content.find("{")
    body = _FENCE.sub("", content[begins:]).rstrip() if begins >= 0 else ""
    if not body.endswith(_ENDINGS):
        return MendedText(content)
    try:
        mended = json.dumps(repair_json(body, return_objects=True), ensure_ascii=False)
    except (ValueError, TypeError, RecursionError):
        return MendedText(content)
    return MendedText(mended, repaired=True) if _words(mended) == _words(body) else MendedText(content)


def _reads(content: str) -> bool:
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return False
    return True


def _depth(text: str) -> int:
    """The most brackets open at once, those inside of strings counted too."""
    steps = ((letter in "{[") - (letter in "}]") for letter in text)
    return max(accumulate(steps), default=0)


def _words(text: str) -> str:
    """All that is said in a JSON text, without its form."""
    plain = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), _LETTER_ESCAPES.sub("", text))
    return _FORM.sub("", plain).casefold()
