"""Answers kept for a while. In: a way to fetch, a key. Out: an answer that is young enough, mostly without asking.

Never asks twice at once for one key, never more often than its pause allows, and never serves what has grown too old.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from connector.clients.http import Timing
from connector.errors import ConnectorError

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long answers are kept, in seconds, and how many.

    Younger than `fresh` they are served as they are; up to `most` they are served while a new one is fetched behind;
    `pause` lies between two tries to renew, `failing` between two tries for an answer nobody ever gave.
    """

    fresh: float = 3600.0
    most: float = 86400.0
    pause: float = 60.0
    failing: float = 5.0
    size: int = 256


@dataclass(slots=True)
class _Shelf(Generic[Answer]):
    answer: Answer | None = None
    fetched: float = 0.0
    tried: float = float("-inf")
    failure: ConnectorError | None = None


class Kept(Generic[Answer]):
    """Answers by key, over one way to fetch them. `fatal` is the kind of error after which a kept answer is dropped.

    Every other ConnectorError counts as an outage: what is kept stays good until it is too old.
    """

    def __init__(
        self,
        fetch: Callable[[str], Awaitable[Answer]],
        *,
        fatal: type[ConnectorError] | None = None,
        keeping: Keeping | None = None,
        timing: Timing | None = None,
    ) -> None:
        self._fetch = fetch
        self._fatal = fatal
        self._keeping = keeping or Keeping()
        self._clock = (timing or Timing()).clock
        self._shelves: OrderedDict[str, _Shelf[Answer]] = OrderedDict()
        self._flights: dict[str, asyncio.Task[None]] = {}

    async def obtain(self, key: str) -> Answer:
        """The kept answer, or a new one where there is none that is young enough. Raises what the fetch raises."""
        shelf = self._shelf(key)
        if shelf.answer is None or self._age(shelf) >= self._keeping.most:
            shelf.answer = None
            await self._fly(key, pause=self._keeping.failing)
        elif self._age(shelf) >= self._keeping.fresh and self._may_try(shelf, self._keeping.pause):
            self._start(key)
        return self._take(key)

    async def renew(self, key: str) -> Answer:
        """A newer answer, fetched at most once a `pause`; the kept one where that is too soon or the fetch fails."""
        if self._shelf(key).answer is None:
            return await self.obtain(key)
        await self._fly(key, pause=self._keeping.pause)
        return self._take(key)

    async def aclose(self) -> None:
        """Ends what is being fetched behind."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    def _shelf(self, key: str) -> _Shelf[Answer]:
        shelf = self._shelves.setdefault(key, _Shelf())
        self._shelves.move_to_end(key)
        while len(self._shelves) > self._keeping.size:
            self._shelves.popitem(last=False)
        return shelf

    def _age(self, shelf: _Shelf[Answer]) -> float:
        return self._clock() - shelf.fetched

    def _may_try(self, shelf: _Shelf[Answer], pause: float) -> bool:
        return self._clock() - shelf.tried >= pause

    async def _fly(self, key: str, *, pause: float) -> None:
        """Wait for the fetch under way, or for a new one where the pause is over."""
        if key in self._flights or self._may_try(self._shelf(key), pause):
            await asyncio.shield(self._flights.get(key) or self._start(key))

    def _start(self, key: str) -> asyncio.Task[None]:
        if key not in self._flights:
            self._shelf(key).tried = self._clock()
            self._flights[key] = asyncio.create_task(self._refill(key))
            self._flights[key].add_done_callback(lambda _: self._flights.pop(key, None))
        return self._flights[key]

    async def _refill(self, key: str) -> None:
        try:
            answer = await self._fetch(key)
        except ConnectorError as error:
            shelf = self._shelf(key)
            shelf.failure = error
            if self._fatal is not None and isinstance(error, self._fatal):
                shelf.answer = None
        else:
            shelf = self._shelf(key)
            shelf.answer, shelf.fetched, shelf.failure = answer, self._clock(), None

    def _take(self, key: str) -> Answer:
        shelf = self._shelf(key)
        if shelf.answer is not None:
            return shelf.answer
        failure = shelf.failure
        if failure is None:
            raise RuntimeError("a fetch ended without an answer and without an error")
        raise type(failure)(failure.detail, retry_after=failure.retry_after)
