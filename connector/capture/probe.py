"""What kind of sound a recording holds and how long it is. In: a reader of sealed bytes and a size. Out: a Sound.

Never parses untrusted bytes in this process and never puts one on disk: a confined process asks for them in pieces.
"""

from __future__ import annotations

import asyncio
import json
import math
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from connector.capture import demuxer
from connector.capture.containers import HEAD, breaks_off, lacks_end, sniff
from connector.errors import AudioUnusable

Read = Callable[[int, int], Awaitable[bytes]]

SHORTEST_MS = 160
LONGEST_MS = 10 * 3600 * 1000
_FORMATS = "Upload MP3, M4A, WAV, FLAC, Ogg or WebM, or record again."
_LONGEST_REPORT = 4096


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording as demuxed: `duration_ms`, `sample_rate` in Hz and `channels` are 0 where no reader is installed.

    `streams` counts its sound tracks, of which the first is used; `truncated` says that the end of it is missing.
    """

    container: str
    duration_ms: int
    sample_rate: int
    channels: int
    streams: int = 1
    truncated: bool = False


async def probe_sound(read: Read, size: int, *, timeout_s: float = 60.0) -> Sound:
    """Return what the recording of `size` bytes holds, measured by demuxing and never taken from its header.

    `read(offset, length)` gives plain bytes, fewer only at the end; it is asked for blocks of at most 1 MiB, mostly
    in order. Raises AudioUnusable, with what to do instead, for anything that is no readable sound of 160 ms to 10
    hours (the vendor's limits), and whatever `read` raises. Without PyAV the container alone is known.
    """
    if size <= 0:
        raise AudioUnusable("The recording is empty: nothing was sent. Record again or choose another file.")
    try:
        async with asyncio.timeout(timeout_s):
            return await _probe(read, size, seconds=math.ceil(timeout_s))
    except TimeoutError as error:
        raise AudioUnusable(f"The recording took too long to examine. {_FORMATS}") from error


async def _probe(read: Read, size: int, *, seconds: int) -> Sound:
    """Recognise the container, have it demuxed, and judge the report."""
    head = await read(0, min(size, HEAD))
    container = sniff(head)
    if container is None:
        raise AudioUnusable(f"The file is not a sound recording, whatever its name says. {_FORMATS}")
    facts = await _ask_demuxer(read, size, container=container, seconds=seconds)
    why = facts.get("unusable")
    if why == "no-reader":
        return Sound(container, 0, 0, 0)
    if why == "no-sound":
        raise AudioUnusable(f"The file holds no sound track. {_FORMATS}")
    if why is not None:
        raise _unreadable()
    sound = _checked(_sound(container, facts))
    start = max(0, size - HEAD)
    cut = lacks_end(container, head=head, size=size) or breaks_off(container, tail=await read(start, size - start))
    return replace(sound, truncated=True) if cut else sound


def _sound(container: str, facts: dict[str, Any]) -> Sound:
    """Make a Sound of the demuxer's report, which is no more trusted than the file it read."""
    numbers = [facts.get(name) for name in ("duration_ms", "sample_rate", "channels", "streams")]
    if not all(isinstance(number, int) and number >= 0 for number in numbers):
        raise _unreadable()
    duration_ms, sample_rate, channels, streams = (int(number or 0) for number in numbers)
    return Sound(container, duration_ms, sample_rate, channels, streams, facts.get("truncated") is True)


def _checked(sound: Sound) -> Sound:
    """Pass a sound whose length the recogniser takes."""
    if sound.duration_ms < SHORTEST_MS:
        raise AudioUnusable("The recording is shorter than a word: record again or choose another file.")
    if sound.duration_ms > LONGEST_MS:
        raise AudioUnusable("The recording is longer than ten hours: cut it to the visit and upload that.")
    return sound


async def _ask_demuxer(read: Read, size: int, *, container: str, seconds: int) -> dict[str, Any]:
    """Run the demuxer, serve the bytes it asks for, and return its report; it is dead when this returns."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        demuxer.__file__,
        container,
        str(size),
        str(seconds),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
        cwd="/",
    )
    asks, answers = child.stdout, child.stdin
    if asks is None or answers is None:
        raise RuntimeError("a process with pipes has none")
    try:
        return await _serve(read, size, asks=asks, answers=answers)
    finally:
        answers.close()
        if child.returncode is None:
            child.kill()
        await child.wait()


async def _serve(read: Read, size: int, *, asks: asyncio.StreamReader, answers: asyncio.StreamWriter) -> dict[str, Any]:
    """Answer the demuxer's reads until it reports; a demuxer that dies or asks for nonsense met an unreadable file."""
    while True:
        try:
            kind, offset, length = demuxer.REQUEST.unpack(await asks.readexactly(demuxer.REQUEST.size))
        except asyncio.IncompleteReadError as error:
            raise _unreadable() from error
        if kind == b"D" and length <= _LONGEST_REPORT:
            return _report(await asks.readexactly(length))
        if kind != b"R" or length > demuxer.BLOCK or offset >= size:
            raise _unreadable()
        data = await read(offset, length)
        try:
            answers.write(demuxer.ANSWER.pack(len(data)) + data)
            await answers.drain()
        except ConnectionError as error:
            raise _unreadable() from error


def _report(told: bytes) -> dict[str, Any]:
    """Read the demuxer's JSON."""
    try:
        facts = json.loads(told)
    except ValueError as error:
        raise _unreadable() from error
    if not isinstance(facts, dict):
        raise _unreadable()
    return facts


def _unreadable() -> AudioUnusable:
    return AudioUnusable(f"The recording is damaged, or cut off so early that nothing can be read. {_FORMATS}")
