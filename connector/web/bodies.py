"""What a request carries. In: a request. Out: plain dicts and numbers. Never reads more than a page would send."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from connector.errors import InputRefused

_LARGEST = 1024 * 1024
_LONGEST_NUMBER = 9


async def read_object(request: Request, *, known: frozenset[str]) -> dict[str, Any]:
    """The JSON object of a body of at most 1 MiB; raises InputRefused for anything else, and for names not `known`.

    Whose visit it is and who asks is never read from a body: it is the session's.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _LARGEST:
            raise InputRefused("This request is larger than a page can send: send less at once.")
    try:
        found = json.loads(bytes(body).decode("utf-8"), parse_constant=_refuse)
        # Half a surrogate pair is text to JSON and to nobody after it.
        json.dumps(found, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise InputRefused("This request does not hold readable JSON: reload the page and try again.") from None
    if not isinstance(found, dict):
        raise InputRefused("This request does not hold a JSON object: reload the page and try again.")
    refuse_unknown(found, known=known)
    return found


def refuse_unknown(found: Mapping[str, Any], *, known: frozenset[str]) -> None:
    """Raises InputRefused for a field nobody asked for; its name may hold anything and is not repeated."""
    if not known.issuperset(found):
        raise InputRefused(f"This request may hold only {', '.join(sorted(known))}: reload the page and try again.")


def read_number(value: object) -> int | None:
    """A whole number from 0, as JSON or a form gives it; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value) if isinstance(value, str) or 0 <= value < 10**_LONGEST_NUMBER else ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER else None


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON number")
