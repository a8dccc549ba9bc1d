"""Values of a vendor's answer made safe to keep. In: any JSON value. Out: text, milliseconds, a confidence.

Total: never raises for any value a JSON reader can give.
"""

from __future__ import annotations

import math
import unicodedata
from typing import Any

LONGEST_MS = 24 * 3600 * 1000
_SHOWN = {"Cc": " ", "Cf": ""}


def clean_text(value: Any) -> str:
    """Return `value` as one line of text: no control characters, none that are unseen or turn the direction of others,
    no lone surrogates, no doubled spaces.

    Anything but a string is the empty text.
    """
    if not isinstance(value, str):
        return ""
    whole = value.encode("utf-8", "replace").decode("utf-8")
    if whole.isascii() and whole.isprintable():
        return " ".join(whole.split())
    kept = (_SHOWN.get(unicodedata.category(character), character) for character in whole)
    return " ".join("".join(kept).split())


def read_ms(value: Any) -> int:
    """Return `value` as whole milliseconds within one day; 0 for anything that is no number."""
    return max(0, min(LONGEST_MS, round(read_number(value))))


def read_confidence(value: Any) -> float | None:
    """Return `value` as a confidence from 0 to 1, None when none is stated."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = read_number(value)
    return max(0.0, min(1.0, number))


def read_number(value: Any) -> float:
    """Return a finite number; 0 for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    try:
        number = float(value)
    except OverflowError:
        return 0.0
    return number if math.isfinite(number) else 0.0


def read_list(value: Any) -> list[Any]:
    """Return `value` when it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def read_dict(value: Any) -> dict[str, Any]:
    """Return `value` when it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}
