"""The one way out over HTTP. In: requests and limits. Out: whole, size-limited answers, retried where that is safe.

Never follows redirects, never reads proxy settings, and never puts an address or a body into an error.
"""

from __future__ import annotations

import asyncio
import json
import random
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx

from connector.errors import ConnectorError, Misconfigured

RETRYABLE = frozenset({429, 500, 502, 503, 504})
LARGEST_ANSWER = 64 * 1024 * 1024

# The connection was never made, so nothing of the request can have arrived.
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Timing:
    """Where a client's time and chance come from: seconds of a steady clock, the wall clock, sleep, 0 to 1."""

    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one call is tried: at most `attempts` within `deadline_s`, pauses from `first_s` doubling to `most_s`.

    A Retry-After replaces the pause, up to `retry_after_most_s`. With `repeatable` false only calls that cannot have
    had an effect are sent again: those whose connection was never made and those answered with one of `statuses`.
    """

    attempts: int = 5
    deadline_s: float = 60.0
    first_s: float = 0.5
    most_s: float = 8.0
    retry_after_most_s: float = 30.0
    statuses: frozenset[int] = RETRYABLE
    repeatable: bool = True


@dataclass(frozen=True, slots=True)
class Peer:
    """The party called: its name in sentences for the reader, and what to raise when it is away or stays silent.

    `unknown` is raised when a call that may not be repeated was sent and no answer came.
    """

    name: str
    unavailable: type[ConnectorError]
    unknown: type[ConnectorError]


def make_client(
    *, timeout: float, transport: httpx.AsyncBaseTransport | None = None, ca_file: Path | None = None
) -> httpx.AsyncClient:
    """Return an HTTP client with `timeout` seconds on each read, write and wait; the caller closes it.

    Redirects are answers, not instructions; proxy variables and .netrc are not read. `ca_file` (PEM) replaces the
    public certificate authorities; raises Misconfigured where it cannot be read.
    """
    limits = httpx.Timeout(timeout, connect=min(timeout, 10.0))
    trusted = trust_file(ca_file) if ca_file is not None else True
    return httpx.AsyncClient(
        timeout=limits, trust_env=False, follow_redirects=False, transport=transport, verify=trusted
    )


def trust_file(ca_file: Path, *, setting: str = "CONNECTOR_EHR_CA_FILE") -> ssl.SSLContext:
    """Trusts the certificate authorities of a file (PEM) and no others; Misconfigured where it cannot be read."""
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except OSError as error:  # ssl.SSLError is one
        raise Misconfigured(f"{ca_file.name}: no certificates (PEM) can be read from it. See {setting}.") from error


async def send_whole(
    client: httpx.AsyncClient, request: httpx.Request, *, most: int = LARGEST_ANSWER
) -> httpx.Response:
    """Send `request` and read the whole answer, at most `most` bytes after decompression.

    Raises the errors of httpx; an answer that is too large is its ReadError.
    """
    response = await client.send(request, stream=True)
    try:
        body = bytearray()
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > most:
                raise httpx.ReadError("the answer is larger than any expected one", request=request)
    finally:
        await response.aclose()
    plain = [(key, value) for key, value in response.headers.multi_items() if key.lower() not in _ENCODED]
    return httpx.Response(response.status_code, headers=plain, content=bytes(body), request=request)


_ENCODED = frozenset({"content-encoding", "content-length", "transfer-encoding"})


async def send_patiently(
    send: Callable[[], Awaitable[httpx.Response]], *, peer: Peer, patience: Patience, timing: Timing
) -> httpx.Response:
    """Call `send` until it answers with a status not in `patience.statuses`, and return that answer.

    When attempts or deadline run out the last answer is returned as it is, for the caller to translate; raises
    `peer.unavailable` when there was none, `peer.unknown` when a call that is not repeatable lost its answer.
    """
    ends = timing.clock() + patience.deadline_s
    attempt = 0
    while True:
        attempt += 1
        answer, cause = await _try(send, max(0.0, ends - timing.clock()))
        if answer is not None and answer.status_code not in patience.statuses:
            return answer
        if cause is not None and not patience.repeatable and not isinstance(cause, NOT_SENT):
            raise peer.unknown(
                f"{peer.name} gave no answer to a request that may have taken effect. Nothing is lost."
            ) from cause
        pause = _pause(answer, attempt, patience=patience, timing=timing)
        if attempt >= patience.attempts or timing.clock() + pause >= ends:
            if answer is not None:
                return answer
            raise _unreachable(peer, cause) from cause
        await timing.sleep(pause)


async def _try(
    send: Callable[[], Awaitable[httpx.Response]], seconds: float
) -> tuple[httpx.Response | None, Exception | None]:
    """Send once within `seconds`; return the answer, or what came instead of one."""
    try:
        async with asyncio.timeout(seconds):
            return await send(), None
    except (httpx.HTTPError, httpx.StreamError, TimeoutError) as error:
        return None, error


def _unreachable(peer: Peer, cause: Exception | None) -> ConnectorError:
    """Return the error for a call that got no answer: says whether the peer was slow or away, nothing of the call."""
    if isinstance(cause, httpx.TimeoutException | TimeoutError):
        return peer.unavailable(f"{peer.name} did not answer in time. Nothing is lost; it can be tried again.")
    return peer.unavailable(f"{peer.name} could not be reached. Nothing is lost; it can be tried again.")


def retry_after(response: httpx.Response, now: datetime) -> float | None:
    """Return the seconds a Retry-After header asks to wait (RFC 9110 section 10.2.3: seconds or a date), else None."""
    value = response.headers.get("retry-after", "").strip()
    if not value:
        return None
    if value.isascii() and value.replace(".", "", 1).isdigit():
        return min(float(value[:12]), 1e9)
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())


def read_json(response: httpx.Response) -> Any:
    """Return the JSON of an answer; NaN and infinities read as null. Raises ValueError for anything else."""
    try:
        return json.loads(response.content, parse_constant=lambda _: None)
    except (RecursionError, UnicodeDecodeError) as error:
        raise ValueError("not readable as JSON") from error


def _pause(answer: httpx.Response | None, attempt: int, *, patience: Patience, timing: Timing) -> float:
    """Return the seconds to wait before the next attempt: what the peer asked for, else a jittered doubling pause."""
    backoff: float = min(patience.most_s, patience.first_s * 2.0 ** (attempt - 1))
    jittered = backoff * (0.5 + 0.5 * timing.chance())
    asked = retry_after(answer, timing.wall()) if answer is not None else None
    if asked is None:
        return jittered
    return min(asked, patience.retry_after_most_s) + 0.1 * jittered
