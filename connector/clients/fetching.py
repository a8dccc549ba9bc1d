"""A recording fetched from where a clinician says it lies. In: a checked address. Out: its bytes as they come.

Resolved once, every number checked, connected to one of those and to nothing else; the TLS name stays the host's. It
sends no credentials, cookies or referrer, follows nothing, unpacks nothing, and tells nobody the address.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpcore
import httpx

from connector.clients.http import Timing, retry_after, trust_file
from connector.clients.web_address import WebAddress, is_public
from connector.errors import AddressRefused, SourceRefused, SourceUnavailable

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""A host and a port to every IP address the name stands for, as texts. Raises OSError where there is none."""

_SETTING = "CONNECTOR_SANDBOX_AUDIO_CA_FILE"
_MOST_NUMBERS = 4
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_HEADERS_S = 60.0
_HEADERS = ((b"User-Agent", b"smart-scribe"), (b"Accept", b"*/*"), (b"Accept-Encoding", b"identity"))
_BROKEN = (httpcore.NetworkError, httpcore.ProtocolError)


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How large, how long and how slow: bytes, seconds, bytes a second.

    `silence_s` is the longest wait for a single byte; over each `window_s` seconds of waiting at least `slowest` bytes
    a second have to come.
    """

    largest: int = 5 * 1000**3
    total_s: float = 2 * 3600.0
    connect_s: float = 10.0
    silence_s: float = 20.0
    window_s: float = 30.0
    slowest: float = 16 * 1024.0


@dataclass(frozen=True, slots=True)
class Ways:
    """How the network is met: names to numbers, which numbers may be met, whom TLS trusts."""

    resolve: Resolve
    trust: ssl.SSLContext = field(repr=False)
    allowed: Callable[[str], bool] = is_public


@dataclass(frozen=True)
class Source:
    """An answer that has begun: `size` in bytes where it was told, and the bytes, to be read once."""

    size: int | None
    pieces: AsyncIterator[bytes]


async def resolve_by_system(host: str, port: int) -> Sequence[str]:
    """Asks the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


def trust_authorities(ca_file: Path | None = None) -> ssl.SSLContext:
    """The public certificate authorities, or those of a file (PEM); no variable of the environment adds to them.

    Raises Misconfigured where the file cannot be read.
    """
    return httpx.create_ssl_context(trust_env=False) if ca_file is None else trust_file(ca_file, setting=_SETTING)


class Fetcher:
    """Fetches one recording at a time from public hosts, each over a connection of its own."""

    def __init__(self, ways: Ways, *, limits: FetchLimits | None = None, timing: Timing | None = None) -> None:
        self._ways = ways
        self._limits = limits or FetchLimits()
        self._timing = timing or Timing()

    @asynccontextmanager
    async def open(self, address: WebAddress) -> AsyncIterator[Source]:
        """Asks for the recording; the body is read through `pieces` while the block lasts.

        Raises AddressRefused where the host leads anywhere but to the public network, SourceRefused where it gives no
        recording, SourceUnavailable where it does not answer, breaks off or is too slow.
        """
        limits, ends = self._limits, self._timing.clock() + self._limits.total_s
        numbers = await self._resolve(address)
        pool = httpcore.AsyncConnectionPool(
            ssl_context=self._ways.trust, http2=False, max_connections=1, network_backend=_Pinned(numbers)
        )
        timeout = {"connect": limits.connect_s, "read": limits.silence_s, "write": limits.silence_s, "pool": 1.0}
        url = httpcore.URL(scheme="https", host=address.host, port=address.port, target=address.target)
        headers = [(b"Host", address.authority.encode("ascii")), *_HEADERS]
        async with pool:
            request = pool.stream("GET", url, headers=headers, extensions={"timeout": timeout})
            try:
                async with asyncio.timeout(min(_HEADERS_S, limits.total_s)):
                    response = await request.__aenter__()
            except (httpcore.TimeoutException, *_BROKEN, TimeoutError) as error:
                raise _explain(error) from None
            try:
                size = _read_size(response, largest=limits.largest, timing=self._timing)
                yield Source(size, self._read(response, ends))
            finally:
                await request.__aexit__(None, None, None)

    async def _resolve(self, address: WebAddress) -> Sequence[str]:
        try:
            async with asyncio.timeout(self._limits.connect_s):
                numbers = list(dict.fromkeys(await self._ways.resolve(address.host, address.port)))
        except socket.gaierror as error:
            if error.errno == socket.EAI_AGAIN:
                raise SourceUnavailable("The name of the host could not be looked up just now.") from None
            raise SourceRefused("No host of this name is known: copy the address again.") from None
        except (OSError, TimeoutError):
            raise SourceUnavailable("The name of the host could not be looked up just now.") from None
        if not numbers:
            raise SourceRefused("No host of this name is known: copy the address again.")
        if not all(self._ways.allowed(one) for one in numbers):
            raise AddressRefused(
                "This host leads into a private or special network, where nothing is fetched from: choose the file "
                "instead."
            )
        return numbers[:_MOST_NUMBERS]

    async def _read(self, response: httpcore.Response, ends: float) -> AsyncIterator[bytes]:
        """The body as it comes; only the time spent waiting for it counts against the slowest rate."""
        limits, clock = self._limits, self._timing.clock
        taken, waited, came = 0, 0.0, 0
        body = response.aiter_stream()
        while True:
            begun = clock()
            try:
                async with asyncio.timeout(max(0.0, ends - begun)):
                    piece = await anext(body, None)
            except (httpcore.TimeoutException, *_BROKEN, TimeoutError) as error:
                raise _explain(error) from None
            if piece is None:
                return
            taken += len(piece)
            if taken > limits.largest:
                raise _too_large(limits.largest)
            waited, came = waited + clock() - begun, came + len(piece)
            if waited >= limits.window_s:
                if came < limits.slowest * waited:
                    raise SourceUnavailable("The recording came too slowly to be taken: choose the file instead.")
                waited, came = 0.0, 0
            yield piece


class _Pinned(httpcore.AsyncNetworkBackend):
    """Connects to the numbers that were checked, whatever host it is asked for."""

    def __init__(self, numbers: Sequence[str]) -> None:
        self._numbers = numbers
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(self, host: str, port: int, *rest: Any, **more: Any) -> httpcore.AsyncNetworkStream:
        """As the parent; each number is tried in turn."""
        failure: Exception = httpcore.ConnectError()
        for number in self._numbers:
            try:
                return await self._inner.connect_tcp(number, port, *rest, **more)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def sleep(self, seconds: float) -> None:
        """As the parent."""
        await self._inner.sleep(seconds)


def _read_size(response: httpcore.Response, *, largest: int, timing: Timing) -> int | None:
    """The length told, None for a body in chunks; raises for an answer that is no recording of bounded length."""
    told = httpx.Response(response.status, headers=response.headers)
    if told.status_code != 200:
        raise _refusal(told, timing)
    if told.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise SourceRefused("The host packs the recording on its way (Content-Encoding): choose the file instead.")
    if told.headers.get("content-type", "").partition(";")[0].strip().lower() in ("text/html", "application/xhtml+xml"):
        raise SourceRefused(
            "The address leads to a page and not to a recording, perhaps because one has to sign in there: copy the "
            "address of the recording itself, or choose the file."
        )
    length = told.headers.get("content-length")
    if length is None:
        if "transfer-encoding" in told.headers:
            return None
        raise SourceRefused("The host does not say how long the recording is: choose the file instead.")
    if not (length.isascii() and length.isdecimal()):
        raise SourceRefused("The host does not say how long the recording is: choose the file instead.")
    size = int(length[:20])
    if size > largest:
        raise _too_large(largest)
    return size


def _refusal(told: httpx.Response, timing: Timing) -> SourceRefused:
    status = told.status_code
    if status in _PASSING:
        return SourceUnavailable(
            "The host of the recording is failing or busy.", retry_after=retry_after(told, timing.wall())
        )
    if 300 <= status < 400:
        return SourceRefused(
            "The address leads on to another one, which is not followed: open it in the browser and copy the address "
            "of the recording itself."
        )
    if status in (401, 403, 407):
        return SourceRefused(
            "The host does not give the recording to the scribe: the link may have expired or ask for a sign-in. Copy "
            "a fresh one."
        )
    if status in (404, 410):
        return SourceRefused("There is no recording at this address, or not any more: copy a fresh one.")
    return SourceRefused("The host does not give the recording: copy the address again, or choose the file.")


def _too_large(largest: int) -> SourceRefused:
    return SourceRefused(f"The recording is larger than {largest / 1000**3:.3g} GB: bring it in as smaller files.")


def _explain(error: Exception) -> SourceRefused:
    """What came instead of an answer, in our own words."""
    if isinstance(error.__cause__ or error.__context__, ssl.SSLCertVerificationError):
        return SourceRefused("The host could not prove that it is the one the address names: nothing was fetched.")
    if isinstance(error, httpcore.TimeoutException | TimeoutError):
        return SourceUnavailable("The host of the recording did not answer in time.")
    if isinstance(error, httpcore.ConnectError):
        return SourceUnavailable("The host of the recording could not be reached.")
    return SourceUnavailable("The recording broke off on its way.")
