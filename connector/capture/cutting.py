"""A stretch of one recording as a sound of its own. In: a reader of bytes, times. Out: the bytes of an Ogg file.

Never parses untrusted bytes in this process and never puts one on disk: a confined process reads and writes pipes.
Nothing comes along but the sound, and of that nothing that is to be silent.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass

from connector.capture import cutter
from connector.capture.joiner import LARGEST_OUTPUT
from connector.capture.process import Source, Write, place, run_confined, unreadable
from connector.errors import AudioUnusable, Misconfigured

Span = tuple[int, int]
"""From and to, in ms from the beginning of the recording."""


@dataclass(frozen=True, slots=True)
class CutSound:
    """What was written: FLAC in Ogg, `duration_ms` as played."""

    duration_ms: int
    sample_rate: int
    channels: int


async def cut_sound(
    source: Source, stretch: Span, *, silences: Sequence[Span], write: Write, timeout_s: float
) -> CutSound:
    """Write the sound of `stretch` to `write`, in pieces of at most 1 MiB, with nothing in the times of `silences`.

    Times are those of the source, not of the stretch. Raises AudioUnusable where there is no readable sound in the
    stretch or at the timeout, Misconfigured without PyAV, and whatever `read` and `write` raise.
    """
    times = [stretch, *_merge(silences)]
    arguments = [str(math.ceil(timeout_s)), f"{source.container}:{source.size}:{source.duration_ms}"]
    arguments += [f"{begin}:{end}" for begin, end in times]
    most = LARGEST_OUTPUT + 1024 * 1024
    try:
        async with place("write"), asyncio.timeout(timeout_s):
            facts = await run_confined(cutter.__file__, arguments, sources=[source], write=write, most=most)
    except TimeoutError as error:
        raise AudioUnusable("The recording took too long to cut: cut a shorter part of it.") from error
    if facts.get("unusable") == "no-reader":
        raise Misconfigured("Recordings cannot be cut here: install the connector with its audio extra.")
    if facts.get("unusable") == "too-long":
        raise AudioUnusable("The recording is too long to be written: cut a shorter part of it.")
    numbers = [facts.get(name) for name in ("duration_ms", "sample_rate", "channels")]
    told = [number for number in numbers if isinstance(number, int) and not isinstance(number, bool) and number > 0]
    if len(told) != len(numbers) or "unusable" in facts:
        raise unreadable()
    return CutSound(*told)


def _merge(silences: Sequence[Span]) -> list[Span]:
    """The same times in order, each moment once."""
    merged: list[Span] = []
    for begin, end in sorted((max(0, begin), max(0, end)) for begin, end in silences):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged
