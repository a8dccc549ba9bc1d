"""In: every request, before the application. Out: the same, or the fault a test asked for; and an entry in the journal.

Marks every answer with x-sandbox; never touches the sandbox's own endpoints.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any

from connector_sandbox.assemblyai.faults import ON_THE_WIRE, FaultBook, FaultRule
from connector_sandbox.assemblyai.journal import Entry, Journal
from connector_sandbox.assemblyai.refusals import UNAUTHORIZED, GatewayRefused, Refused

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

FAULT = "sandbox.fault"
MARK = (b"x-sandbox", b"playback")
QUOTA = "Forbidden: the limit of 20,000 requests in 5 minutes has been exceeded"
BALANCE = "Your current account balance is negative. Please top up to continue using the API."
_REFUSALS = {"quota": (403, QUOTA), "balance": (400, BALANCE), "revoked_key": (401, UNAUTHORIZED)}
_OWN = ("/health", "/sandbox/")
_DRIPS = 20


class Gate:
    """The outermost ASGI layer; uvicorn must be the caller, because a reset cuts its connection."""

    def __init__(self, app: App, *, faults: FaultBook, journal: Journal) -> None:
        self._app = app
        self._faults = faults
        self._journal = journal

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or scope["path"].startswith(_OWN):
            await self._app(scope, receive, send)
            return
        entry = self._journal.open(scope["method"], scope["path"], at=datetime.now(UTC))
        rule = self._draw(scope)
        entry.fault = rule.kind if rule else None
        started = time.monotonic()
        try:
            await self._pass(scope, _listening(receive, entry), send=send, entry=entry, rule=rule)
        finally:
            entry.seconds = round(time.monotonic() - started, 4)

    def _draw(self, scope: MutableMapping[str, Any]) -> FaultRule | None:
        """The fault of this request; a key that was once revoked meets nothing else any more."""
        key = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1").removeprefix("Bearer ")
        if key in self._faults.revoked:
            return FaultRule(kind="revoked_key")
        rule = self._faults.draw(scope["method"], scope["path"])
        if rule is not None and rule.kind == "revoked_key":
            self._faults.revoked.add(key)
        return rule

    async def _pass(
        self, scope: MutableMapping[str, Any], receive: Receive, *, send: Send, entry: Entry, rule: FaultRule | None
    ) -> None:
        if rule is None or rule.kind not in ON_THE_WIRE:
            scope[FAULT] = rule
            await self._app(scope, receive, _marking(send, entry))
        elif rule.kind == "status":
            await _read_all(receive)
            await _answer(_marking(send, entry), rule)
        elif rule.kind in _REFUSALS:
            await _read_all(receive)
            await _answer(_marking(send, entry), _refusal(rule, path=scope["path"]))
        elif rule.kind in ("half_body", "drip"):
            await self._spoil(scope, receive, send=send, entry=entry, rule=rule)
        elif rule.kind == "reset":
            await _cut(receive, send)
        elif rule.kind == "slow":
            await asyncio.sleep(rule.seconds)
            await self._app(scope, receive, _marking(send, entry))
        else:
            await self._app(scope, receive, _dropping)
            await _wait_for_end(receive, rule.seconds)
            await _cut(receive, send)

    async def _spoil(
        self, scope: MutableMapping[str, Any], receive: Receive, *, send: Send, entry: Entry, rule: FaultRule
    ) -> None:
        """Do the work, then send the answer drop by drop, or half of it, announced as the whole."""
        start, body = await _collect(self._app, scope, receive)
        await _marking(send, entry)(start)
        if rule.kind == "drip":
            size = max(1, -(-len(body) // _DRIPS))
            for first in range(0, len(body), size):
                await asyncio.sleep(rule.seconds * size / len(body))
                await send({"type": "http.response.body", "body": body[first : first + size], "more_body": True})
            await send({"type": "http.response.body", "body": b""})
            return
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await asyncio.sleep(0.05)  # what is in the socket arrives before the cut
        await _cut(receive, send)


async def _collect(app: App, scope: MutableMapping[str, Any], receive: Receive) -> tuple[Message, bytes]:
    """The answer's head and its whole body."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, keep)
    return messages[0], b"".join(message.get("body", b"") for message in messages[1:])


def _refusal(rule: FaultRule, *, path: str) -> FaultRule:
    """The rule as a status answer, in the words and the envelope of the part of the vendor the path belongs to."""
    status, text = _REFUSALS[rule.kind]
    refused = Refused(status, text) if path.startswith("/v2/") else GatewayRefused(status, text)
    return rule.model_copy(update={"status": status, "message": json.dumps(refused.body())})


def _listening(receive: Receive, entry: Entry) -> Receive:
    async def listen() -> Message:
        message = await receive()
        if message["type"] == "http.request":
            entry.take(message.get("body", b""))
        return message

    return listen


def _marking(send: Send, entry: Entry) -> Send:
    async def mark(message: Message) -> None:
        if message["type"] == "http.response.start":
            entry.status = message["status"]
            headers = list(message.get("headers", []))
            if all(name.lower() != MARK[0] for name, _ in headers):
                headers.append(MARK)
            message = {**message, "headers": headers}
        await send(message)

    return mark


async def _dropping(_message: Message) -> None:
    """A send that keeps the answer to itself."""


async def _read_all(receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return


async def _answer(send: Send, rule: FaultRule) -> None:
    words = rule.message or f"Sandbox: HTTP {rule.status} on request"
    body = words.encode() if rule.kind in _REFUSALS else json.dumps({"error": words}).encode()
    fixed = {"content-type": "application/json", "content-length": str(len(body))}
    headers = [(name.lower().encode(), value.encode()) for name, value in {**fixed, **rule.headers}.items()]
    empty = rule.status in (204, 304) or rule.status < 200
    await send({"type": "http.response.start", "status": rule.status, "headers": [] if empty else headers})
    await send({"type": "http.response.body", "body": b"" if empty else body})


async def _wait_for_end(receive: Receive, seconds: float) -> None:
    """Wait until the client hangs up, at most so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return


async def _cut(receive: Receive, send: Send) -> None:
    """Cut the connection without an answer: uvicorn's send belongs to the cycle that holds the transport."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise RuntimeError("only uvicorn's connections can be cut")
    transport.abort()
    await _wait_for_end(receive, 1.0)
