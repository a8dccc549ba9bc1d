"""A gate right where a request leaves. In: a request, and who lets it pass. Out: the answer, or the gate's refusal.

Each try is let through on its own, once the connection stands and before the first byte; nothing leaves ungated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx

from connector.clients.http import send_whole

Gate = Callable[[], AbstractAsyncContextManager[None]]
"""Entered before a request leaves, left when it has: raises where it may not. Nobody takes leave back in between."""

_LONGEST_HOLD = 1.0
"""Seconds after which a gate is left, however slowly the other side reads: who waits for it waits no longer."""


async def send_gated(client: httpx.AsyncClient, request: httpx.Request, gate: Gate | None) -> httpx.Response:
    """`send_whole` through a gate; without one like `send_whole` itself. Raises what the gate raises.

    A body that is made piece by piece is the gate's only until its headers have left: its maker looks at each piece.
    """
    if gate is None:
        return await send_whole(client, request)
    async with gate():
        pass  # what may not leave need not even connect
    passage = _Passage(gate, whole=isinstance(request.stream, httpx.ByteStream))
    request.extensions = {**request.extensions, "trace": passage.watch}
    try:
        return await send_whole(client, request)
    finally:
        await passage.leave()


class _Passage:
    """Stands in the gate from just before the headers of one request until they, or the whole of it, have left.

    It is told by the transport (httpcore's `trace`); the gate is held by a task, which has its own end.
    """

    def __init__(self, gate: Gate, *, whole: bool) -> None:
        self._gate = gate
        self._ends = ".send_request_body.complete" if whole else ".send_request_headers.complete"
        self._left = asyncio.Event()
        self._held: asyncio.Task[None] | None = None

    async def watch(self, event: str, info: Mapping[str, Any]) -> None:
        """Follows one request on its way out."""
        del info
        if event.endswith(".send_request_headers.started"):
            await self._enter()
        elif event.endswith((self._ends, ".failed")):
            await self.leave()

    async def _enter(self) -> None:
        await self.leave()
        self._left = asyncio.Event()
        inside = asyncio.Event()
        self._held = asyncio.create_task(self._hold(inside))
        entering = asyncio.create_task(inside.wait())
        await asyncio.wait({self._held, entering}, return_when=asyncio.FIRST_COMPLETED)
        entering.cancel()
        if self._held.done():
            held, self._held = self._held, None
            await held

    async def _hold(self, inside: asyncio.Event) -> None:
        async with self._gate():
            inside.set()
            try:
                async with asyncio.timeout(_LONGEST_HOLD):
                    await self._left.wait()
            except TimeoutError:
                return

    async def leave(self) -> None:
        """Leaves the gate, if it is held."""
        held, self._held = self._held, None
        if held is not None:
            self._left.set()
            await held
