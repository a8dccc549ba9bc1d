"""What a request carries. In: a request. Out: plain dicts and numbers. Never reads more than a page would send."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastapi.exceptions import HTTPException
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connector.errors import InputRefused

LARGEST = 1024 * 1024
"""Bytes of the longest body any page of ours sends; chunks of sound have a limit of their own."""
# What is read of a body before a route has looked at it; routes say more exactly what is wrong.
_CUT = LARGEST + 64 * 1024
_TOO_LARGE = "This request is larger than a page can send: send less at once."
_LONGEST_NUMBER = 9


class PlainForms:
    """Pure ASGI middleware: a body is short and in one part, whoever sends it.

    No page of ours sends parts, and files in them would be written to disk before anybody knows who sends them. Chunks
    of sound are let through: they are read after their upload token, up to a limit of their own.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (scope["method"] == "PUT" and scope["path"].startswith("/recordings/")):
            await self._app(scope, receive, send)
            return
        headers, taken = Headers(scope=scope), 0
        if headers.get("content-type", "").strip().lower().startswith("multipart/"):
            raise InputRefused("A form is taken as application/x-www-form-urlencoded: send it without parts.")
        told = headers.get("content-length", "")
        if told.isdecimal() and int(told[:20]) > _CUT:
            raise HTTPException(413, _TOO_LARGE)

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > _CUT:
                raise HTTPException(413, _TOO_LARGE)
            return message

        await self._app(scope, counted, send)


async def read_object(request: Request, *, known: frozenset[str], empty: bool = False) -> dict[str, Any]:
    """The JSON object of a body of at most 1 MiB; raises InputRefused for anything else, and for names not `known`.

    With `empty`, no body at all is an object without fields. Whose visit it is and who asks is never read from a
    body: it is the session's.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST:
            raise InputRefused(_TOO_LARGE)
    if empty and not body:
        return {}
    try:
        found = json.loads(bytes(body).decode("utf-8"), parse_constant=_refuse, object_pairs_hook=_once)
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


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A name that stands twice means one thing to us and may mean another to whoever looked at it before."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON number")
