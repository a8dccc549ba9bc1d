"""Scripted peers on loopback sockets: each says what it is told to say, byte for byte, and remembers what it heard."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import pytest

from connector.clients.http import Timing, make_client


@dataclass(frozen=True)
class Heard:
    """One request as it arrived; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Turn = Callable[[Heard, asyncio.StreamWriter], Awaitable[None]]


class Peer:
    """A server that plays its script, one turn per request, then closes each connection; beyond the script: 599."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.script: list[Turn] = []
        self.always: Turn | None = None
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.released = asyncio.Event()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        self.released.set()
        assert self._server is not None
        self._server.close()
        for writer in list(self._open):
            writer.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._server.wait_closed(), 2)

    @property
    def origin(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def says(
        self,
        status: int = 200,
        body: object = b"",
        *,
        kind: str = "application/fhir+json",
        headers: dict[str, str] | None = None,
    ) -> None:
        """Next, a whole answer; a body that is no bytes is sent as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = {"Content-Type": kind, "Content-Length": str(len(content)), "Connection": "close", **(headers or {})}
        self.sends(head(status, lines) + content)

    def sends(self, raw: bytes, *, then: str = "close") -> None:
        """Next, these bytes; `then` close the connection, `reset` it, or `hang`."""

        async def turn(_: Heard, writer: asyncio.StreamWriter) -> None:
            writer.write(raw)
            await writer.drain()
            if then == "hang":
                await self.released.wait()
            elif then == "reset":
                reset(writer)

        self.script.append(turn)

    def drips(self, raw: bytes, *, every: float) -> None:
        """Next, these bytes one at a time, `every` so many seconds."""

        async def turn(_: Heard, writer: asyncio.StreamWriter) -> None:
            for byte in raw:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(every)

        self.script.append(turn)

    def floods(self, first: bytes, piece: bytes, *, times: int) -> None:
        """Next, `first` and then `piece` over and over, until the other side hangs up."""

        async def turn(_: Heard, writer: asyncio.StreamWriter) -> None:
            writer.write(first)
            for _count in range(times):
                writer.write(piece)
                await writer.drain()
            self.released.set()

        self.script.append(turn)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            heard = await listen(reader)
            self.heard.append(heard)
            turn = self.always or (self.script.pop(0) if self.script else None)
            if turn is None:
                writer.write(head(599, {"Content-Length": "0", "Connection": "close"}))
            else:
                await turn(heard, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()


def head(status: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def reset(writer: asyncio.StreamWriter) -> None:
    """Ends the connection with a TCP reset, as a crashed proxy does."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def listen(reader: asyncio.StreamReader) -> Heard:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Heard(method, target, headers, body)


class Clock:
    """The wall clock stands still; sleeping is noted and takes no time; chance gives its highest."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def timing(self) -> Timing:
        return Timing(wall=lambda: datetime(2026, 3, 2, 9, 30, tzinfo=UTC), sleep=self.sleep, chance=lambda: 1.0)


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    one = Peer()
    await one.start()
    yield one
    await one.stop()


@pytest.fixture
async def stranger() -> AsyncIterator[Peer]:
    """A server nobody registered: whatever it hears is a leak."""
    one = Peer()
    await one.start()
    yield one
    await one.stop()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with make_client(timeout=5) as one:
        yield one


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def nowhere() -> str:
    """An address on which nothing listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{bound.getsockname()[1]}"
