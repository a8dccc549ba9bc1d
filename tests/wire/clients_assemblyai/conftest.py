"""A hostile vendor on a real loopback socket, and clients whose time and chance the tests hold.

A peer plays one step per request: an answer, a reset, silence, a drip. It keeps what it was sent.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.clients.assemblyai import AssemblyAI
from connector.clients.http import Patience, Timing, make_client

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@dataclass
class Received:
    """One request as it came over the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


Step = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Peer:
    """A scripted server: the last step repeats for every further request."""

    steps: list[Step] = field(default_factory=list)
    requests: list[Received] = field(default_factory=list)
    sink: Callable[[bytes], object] | None = None
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def plays(self, *steps: Step) -> Peer:
        self.steps = list(steps)
        return self

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while received := await _read(reader, self.sink):
                self.requests.append(received)
                step = self.steps[min(len(self.requests), len(self.steps)) - 1]
                await step(received, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    @staticmethod
    def answer(status: int, value: Any = None, **headers: str) -> Step:
        """Answer with a status, JSON and headers (underscores become dashes)."""
        body = b"" if value is None else json.dumps(value).encode()
        return Peer.raw(status, body, **headers)

    @staticmethod
    def raw(status: int, body: bytes, **headers: str) -> Step:
        async def step(_: Received, writer: asyncio.StreamWriter) -> None:
            lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}"]
            lines += [f"{key.replace('_', '-')}: {value}" for key, value in headers.items()]
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            await writer.drain()

        return step

    @staticmethod
    def hang_up() -> Step:
        """Take the request, then reset the connection without a byte of answer."""

        async def step(_: Received, writer: asyncio.StreamWriter) -> None:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            raise ConnectionResetError

        return step

    @staticmethod
    def silence() -> Step:
        """Take the request and never answer."""

        async def step(_: Received, writer: asyncio.StreamWriter) -> None:
            while not writer.is_closing():
                await asyncio.sleep(0.05)

        return step

    @staticmethod
    def drip() -> Step:
        """Answer with a body that never ends, one byte at a time."""

        async def step(_: Received, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 1000000\r\n\r\n")
            while not writer.is_closing():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)

        return step

    @staticmethod
    def break_off() -> Step:
        """Announce a body and close in the middle of it."""

        async def step(_: Received, writer: asyncio.StreamWriter) -> None:
            writer.write(b'HTTP/1.1 200 X\r\ncontent-length: 100\r\n\r\n{"id": ')
            await writer.drain()
            raise ConnectionResetError

        return step


async def _read(reader: asyncio.StreamReader, sink: Callable[[bytes], object] | None) -> Received | None:
    """Read one request; its body goes to the sink piece by piece where there is one, else it is kept."""
    line = await reader.readline()
    if not line:
        return None
    method, target, _ = line.decode().split(" ", 2)
    headers: dict[str, str] = {}
    while (line := await reader.readline()).strip():
        key, _, value = line.decode().partition(":")
        headers[key.strip().lower()] = value.strip()
    left = int(headers.get("content-length", "0"))
    if sink is None:
        return Received(method, target, headers, await reader.readexactly(left))
    while left:
        piece = await reader.read(min(left, 65536))
        if not piece:
            return None
        sink(piece)
        left -= len(piece)
    return Received(method, target, headers, b"")


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    scripted = Peer()
    server = await asyncio.start_server(scripted.serve, "127.0.0.1", 0)
    scripted.port = server.sockets[0].getsockname()[1]
    try:
        yield scripted
    finally:
        server.close()


@dataclass
class Clock:
    """Time that passes only by sleeping; chance is always the largest."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def timing(self) -> Timing:
        return Timing(clock=lambda: self.now, wall=lambda: NOON, sleep=self.sleep, chance=lambda: 1.0)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


@pytest.fixture
def held_clock() -> Clock:
    return Clock()


@pytest.fixture
def patience() -> Patience:
    return Patience(attempts=4, deadline_s=60.0, first_s=0.5, most_s=8.0)


@pytest.fixture
async def http() -> AsyncIterator[Any]:
    async with make_client(timeout=2.0) as client:
        yield client


@pytest.fixture
def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def vendor(http: Any, peer: Peer, patience: Patience, held_clock: Clock) -> AssemblyAI:
    return AssemblyAI(http, base_url=peer.url, api_key="k-123", patience=patience, timing=held_clock.timing())


@pytest.fixture
def away(http: Any, free_port: int, patience: Patience, held_clock: Clock) -> AssemblyAI:
    """A client whose vendor refuses connections."""
    url = f"http://127.0.0.1:{free_port}"
    return AssemblyAI(http, base_url=url, api_key="k-123", patience=patience, timing=held_clock.timing())
