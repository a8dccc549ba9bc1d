"""In: every ASGI request. Out: the app's answer, or the fault a test asked for; either way one entry in the journal.
Never touches /sandbox, /health or the pages' static files."""

import asyncio
import json
import socket
import struct
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from .faults import FaultBook, FaultRule
from .journal import JournalEntry, RequestJournal, RequestNote
from .long_answers import LONG_ANSWERS
from .refusals import FHIR_JSON, make_outcome

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
NOTE = "sandbox_ehr_note"
_UNTOUCHED = ("/sandbox/", "/static/", "/health")
_FORM_ONLY = ("/auth/token", "/auth/introspect", "/auth/revoke")
_LONGEST_HANG = 600.0


class FaultInjector:
    """The outermost ASGI app of the sandbox EHR, so that it can drop the connection itself."""

    def __init__(self, app: App, *, faults: FaultBook, journal: RequestJournal) -> None:
        self.app = app
        self._faults = faults
        self._journal = journal

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """ASGI entry point."""
        if scope["type"] != "http" or scope["path"].startswith(_UNTOUCHED):
            await self.app(scope, receive, send)
            return
        note = scope[NOTE] = RequestNote()
        body, replay = await _read_body(receive)
        rule = self._faults.strike(scope["method"], scope["path"], body)
        record = _Record(self._journal, scope, note)
        watched = _WatchedSend(send, record)
        try:
            if rule is None:
                await self.app(scope, replay, watched)
            else:
                note.fault = rule.kind
                await self._apply(rule, scope, replay, send=watched)
            if note.drop:
                record.write(None)
                await _drop_connection(send, receive)
        finally:
            record.write(None)

    async def _apply(self, rule: FaultRule, scope: Message, receive: Receive, *, send: "_WatchedSend") -> None:
        if rule.kind == "status":
            await _send_status(rule, scope["path"], send)
        elif rule.kind in LONG_ANSWERS:
            await LONG_ANSWERS[rule.kind](rule, scope, send)
        elif rule.kind == "reset":
            send.record.write(None)
            await _drop_connection(send.raw, receive)
        elif rule.kind == "commit_then_timeout":
            await self.app(scope, receive, _swallow)
            hang = _LONGEST_HANG if rule.seconds is None else rule.seconds
            await _wait_for_disconnect(receive, hang)
            send.record.write(None)
            await _drop_connection(send.raw, receive)
        else:
            if rule.kind == "slow":
                await asyncio.sleep(1.0 if rule.seconds is None else rule.seconds)
            await self.app(scope, receive, send)


class _Record:
    """The journal entry of one request, written once: before the last byte of its answer, or before it is dropped."""

    def __init__(self, journal: RequestJournal, scope: Message, note: RequestNote) -> None:
        self.note = note
        self._journal = journal
        self._scope = scope
        self._seq = journal.next_number()
        self._started, self._clock = time.time(), time.monotonic()
        self._written = False

    def write(self, status: int | None) -> None:
        """Add the entry, unless that has been done."""
        if self._written:
            return
        self._written = True
        self._journal.add(
            JournalEntry(
                seq=self._seq,
                time=self._started,
                method=self._scope["method"],
                path=self._scope["path"],
                query=_show_query(self._scope),
                status=status,
                client_id=self.note.client_id,
                seconds=round(time.monotonic() - self._clock, 4),
                fault=self.note.fault,
                detail=self.note.detail,
                mischief=self.note.mischief,
                evidence=self.note.evidence,
            )
        )


def _show_query(scope: Message) -> str:
    """The query as sent; where only a form belongs, a code or token may be in it, so it is hidden."""
    query = str(scope.get("query_string", b"").decode("latin-1"))
    return "(hidden)" if query and scope["path"] in _FORM_ONLY else query


class _WatchedSend:
    def __init__(self, send: Send, record: _Record) -> None:
        self.raw = send
        self.record = record
        self._status: int | None = None

    async def __call__(self, message: Message) -> None:
        if self.record.note.drop:
            return
        if message["type"] == "http.response.start":
            self._status = message["status"]
        elif not message.get("more_body", False):
            self.record.write(self._status)
        await self.raw(message)


async def _read_body(receive: Receive) -> tuple[bytes, Receive]:
    chunks, more = [], True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    body, given = b"".join(chunks), False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return body, replay


async def _send_status(rule: FaultRule, path: str, send: Send) -> None:
    body, kind = rule.body, "text/plain; charset=utf-8"
    if body is None and path.startswith("/fhir"):
        body = make_outcome("transient", f"fault on request, status {rule.status}.")
    if not isinstance(body, str):
        kind = FHIR_JSON if path.startswith("/fhir") else "application/json"
        body = "" if body is None else json.dumps(body)
    named = {"content-type": kind} | {name.lower(): value for name, value in rule.headers.items()}
    content = body.encode()
    headers = [(name.encode(), value.encode("latin-1")) for name, value in named.items()]
    headers.append((b"content-length", str(len(content)).encode()))
    await send({"type": "http.response.start", "status": rule.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def _swallow(_message: Message) -> None:
    return


async def _wait_for_disconnect(receive: Receive, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return


async def _drop_connection(send: Send, receive: Receive) -> None:
    """Reset the client's TCP connection without an HTTP answer; uvicorn keeps the transport beside its send."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("the server offers no transport to reset")
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await _wait_for_disconnect(receive, 1.0)
