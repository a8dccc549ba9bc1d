"""In: a fault rule that struck. Out: an answer that does not end, or leads on for ever.
Never holds what it sends: a flood of gigabytes is one piece sent over and over."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from .faults import FaultRule
from .refusals import FHIR_JSON

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
FLOOD_BYTES = 1 << 30
_PIECE = (b'{"resource": {"resourceType": "Basic", "id": "' + b"f" * 64 + b'"}},') * 600


async def _flood(rule: FaultRule, scope: Mapping[str, Any], send: Send) -> None:
    """A searchset of a gigabyte, its length not announced."""
    del rule, scope
    await _start(send)
    await _piece(send, b'{"resourceType": "Bundle", "type": "searchset", "entry": [')
    for _ in range(FLOOD_BYTES // len(_PIECE)):
        await _piece(send, _PIECE)
    await send({"type": "http.response.body", "body": b"{}]}"})


async def _drip(rule: FaultRule, scope: Mapping[str, Any], send: Send) -> None:
    """An empty searchset, a byte at a time."""
    del scope
    await _start(send)
    for byte in json.dumps({"resourceType": "Bundle", "type": "searchset", "entry": []}).encode():
        await _piece(send, bytes([byte]))
        await asyncio.sleep(1.0 if rule.seconds is None else rule.seconds)
    await send({"type": "http.response.body", "body": b""})


async def _lead_on(rule: FaultRule, scope: Mapping[str, Any], send: Send) -> None:
    """An empty page of a searchset that always has a next one, at an address of its own."""
    host = dict(scope["headers"]).get(b"host", b"localhost").decode("latin-1")
    url = f"{scope['scheme']}://{host}{scope['path']}?page={rule.hits}"
    page = {"resourceType": "Bundle", "type": "searchset", "link": [{"relation": "next", "url": url}]}
    await _start(send)
    await send({"type": "http.response.body", "body": json.dumps(page).encode()})


LONG_ANSWERS: Mapping[str, Callable[[FaultRule, Mapping[str, Any], Send], Awaitable[None]]] = {
    "flood": _flood,
    "drip": _drip,
    "endless_next": _lead_on,
}


async def _start(send: Send) -> None:
    headers = [(b"content-type", FHIR_JSON.encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def _piece(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})
