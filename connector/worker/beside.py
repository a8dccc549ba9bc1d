"""Work beside the beat: errands that may take long and must not hold a lease up. In: names and errands. Out: tasks.

Never two of a name at once; an errand that fails is logged without its text and starts anew with the next beat.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from connector.logs import name_failure

_log = structlog.get_logger("connector.worker")


class Beside:
    """The errands under way."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, name: str, errand: Callable[[], Awaitable[object]]) -> None:
        """Starts an errand, unless it is still under way."""
        under_way = self._tasks.get(name)
        if under_way is None or under_way.done():
            self._tasks[name] = asyncio.create_task(_run(name, errand))

    async def end(self) -> None:
        """Breaks off what is under way."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)


async def keep_stepping(
    begin: Callable[[datetime], Awaitable[object]],
    rest: Callable[[datetime], Awaitable[None]],
    *,
    clock: Callable[[], datetime],
) -> None:
    """Calls `begin` and `rest` with the time, one after the other, until it is broken off."""
    while True:
        await begin(clock())
        await rest(clock())


async def _run(name: str, errand: Callable[[], Awaitable[object]]) -> None:
    try:
        await errand()
    except Exception as error:
        _log.error("errand.failed", action=name, where=name_failure(error))
