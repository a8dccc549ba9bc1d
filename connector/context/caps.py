"""Caps over one stage of the reading. In: a ChartReader. Out: the same within requests, seconds, bytes, and at once.

Never breaks off a request under way: a token may just be renewed in it. None is begun once a cap is reached.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from connector.context.answer import ChartReader, FhirAnswer
from connector.context.mapping import Caps

_Ask = Callable[[], Awaitable[FhirAnswer]]


def confine(chart: ChartReader, caps: Caps, *, at_once: int) -> ChartReader:
    """A reader with at most `at_once` requests under way and none begun beyond `caps`; those answer `not-asked`."""
    spent = _Spent(caps, at_once)
    batch = chart.batch

    async def read(path: str, parameters: Mapping[str, str]) -> FhirAnswer:
        return await spent.ask(lambda: chart.read(path, parameters))

    async def follow(link: str) -> FhirAnswer:
        return await spent.ask(lambda: chart.follow(link))

    if batch is None:
        return replace(chart, read=read, follow=follow)

    async def post(bundle: Mapping[str, Any]) -> FhirAnswer:
        return await spent.ask(lambda: batch(bundle))

    return replace(chart, read=read, follow=follow, batch=post)


class _Spent:
    """What a stage has used of its caps. Times are those of the running event loop."""

    def __init__(self, caps: Caps, at_once: int) -> None:
        self._caps = caps
        self._gate = asyncio.Semaphore(at_once)
        self._ends = asyncio.get_running_loop().time() + caps.seconds
        self._requests = 0
        self._bytes = 0

    async def ask(self, ask: _Ask) -> FhirAnswer:
        async with self._gate:
            late = asyncio.get_running_loop().time() >= self._ends
            if late or self._requests >= self._caps.requests or self._bytes >= self._caps.bytes:
                return FhirAnswer(0, None, "not-asked")
            self._requests += 1
            answer = await ask()
            self._bytes += answer.size
            return answer
