"""The outside of the confined process that reads untrusted sound. In: readers of sealed bytes. Out: its report.

Never parses sound itself, puts none on disk, and believes nothing the process says: it read what a stranger sent.
"""

from __future__ import annotations

import asyncio
import bisect
import itertools
import json
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from weakref import WeakKeyDictionary

from connector.capture import confinement
from connector.errors import AudioUnusable, ProbeBusy

Read = Callable[[int, int], Awaitable[bytes]]
Write = Callable[[bytes], Awaitable[None]]
Work = Literal["probe", "write"]
"""Looking a recording through, which somebody waits for, and writing one anew, which may take long."""

FORMATS_TO_SEND = "Upload MP3, M4A, WAV, FLAC, Ogg or WebM, or record again."
BUSY = "The recording could not be examined just now: nothing is lost, try again in a moment."
_LONGEST_REPORT = 64 * 1024
_ENDS_WITHIN_S = 2.0
_places: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Work, asyncio.Semaphore]] = WeakKeyDictionary()
# For want of memory, or by an operator. What a file does to its reader ends it by other signals.
_FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Source:
    """One recording to be read: `read(offset, length)` gives plain bytes, `size` is how many there are.

    `container` as `sniff` names it; `duration_ms` as the probe measured it, 0 where that is not known.
    """

    read: Read
    size: int
    container: str
    duration_ms: int = 0


def count_places() -> int:
    """How many readers of one server process do the same work together: each keeps a processor busy, and takes about
    46 MB."""
    return max(2, os.cpu_count() or 2)


def place(work: Work) -> asyncio.Semaphore:
    """What to hold while a reader runs; whoever comes when all places for this work are taken waits for one. No probe
    waits for what is being written."""
    kinds: tuple[Work, ...] = ("probe", "write")
    made = {kind: asyncio.Semaphore(count_places()) for kind in kinds}
    return _places.setdefault(asyncio.get_running_loop(), made)[work]


async def run_confined(
    script: str, arguments: Sequence[str], *, sources: Sequence[Source], write: Write | None = None, most: int = 0
) -> dict[str, Any]:
    """Run `script` confined, serve the bytes of `sources` to it, and return its report; it is dead when this returns.

    What it writes goes to `write` in order, in pieces of at most 1 MiB and `most` bytes in all. Raises AudioUnusable
    when it dies of what it read or says what it must not, ProbeBusy when it was killed from outside, and whatever
    `read` and `write` raise.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        script,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=confinement.BLOCK,
        env={},
        cwd="/",
    )
    asks, answers = child.stdout, child.stdin
    if asks is None or answers is None:
        raise RuntimeError("a process with pipes has none")
    try:
        return await _Service(sources, asks=asks, answers=answers, write=write, most=most).run()
    except _Died as died:
        if await _find_end(child) in _FROM_OUTSIDE:
            raise ProbeBusy(BUSY, retry_after=5.0) from died
        raise
    finally:
        answers.close()
        if child.returncode is None:
            child.kill()
        await child.wait()


def unreadable() -> AudioUnusable:
    """Return the refusal of a file that no reader gets through."""
    return AudioUnusable(f"The recording is damaged, or cut off so early that nothing can be read. {FORMATS_TO_SEND}")


class _Died(AudioUnusable):
    """The process ended without a report."""


async def _find_end(child: Process) -> int | None:
    """How a process that says nothing more ended; None where it has not."""
    try:
        async with asyncio.timeout(_ENDS_WITHIN_S):
            return await child.wait()
    except TimeoutError:
        return None


class _Service:
    """One process's wishes: reads answered, pieces passed on, until it reports."""

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        asks: asyncio.StreamReader,
        answers: asyncio.StreamWriter,
        write: Write | None,
        most: int,
    ) -> None:
        self._sources = sources
        self._ends = list(itertools.accumulate(source.size for source in sources))
        self._asks = asks
        self._answers = answers
        self._write = write
        self._most = most
        self._written = 0

    async def run(self) -> dict[str, Any]:
        """Serve until the report."""
        while True:
            kind, offset, length = confinement.REQUEST.unpack(await self._told(confinement.REQUEST.size))
            if kind == b"D" and length <= _LONGEST_REPORT:
                return _facts(await self._told(length))
            if kind == b"R" and length <= confinement.BLOCK and offset < self._ends[-1]:
                await self._answer(offset, length)
            elif kind == b"W" and self._write is not None and length <= confinement.BLOCK and offset == self._written:
                self._written += length
                if self._written > self._most:
                    raise unreadable()
                await self._write(await self._told(length))
            else:
                raise unreadable()

    async def _answer(self, offset: int, length: int) -> None:
        number = bisect.bisect_right(self._ends, offset)
        source = self._sources[number]
        data = await source.read(offset - (self._ends[number] - source.size), length)
        try:
            self._answers.write(confinement.ANSWER.pack(len(data)) + data)
            await self._answers.drain()
        except ConnectionError as error:
            raise _Died(unreadable().detail) from error

    async def _told(self, length: int) -> bytes:
        """Return what the process says next; one that died met an unreadable file."""
        try:
            return await self._asks.readexactly(length)
        except asyncio.IncompleteReadError as error:
            raise _Died(unreadable().detail) from error


def _facts(told: bytes) -> dict[str, Any]:
    """Read the process's JSON."""
    try:
        facts = json.loads(told)
    except ValueError as error:
        raise unreadable() from error
    if not isinstance(facts, dict):
        raise unreadable()
    return facts
