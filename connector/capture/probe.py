"""What kind of sound a recording holds and how long it is. In: a reader of sealed bytes and a size. Out: a Sound.

Never parses untrusted bytes in this process and never puts one on disk: a confined process asks for them in pieces.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, replace
from typing import Any

from connector.capture import demuxer
from connector.capture.containers import HEAD, breaks_off, lacks_end, sniff
from connector.capture.process import FORMATS_TO_SEND, Read, Source, run_confined, unreadable
from connector.errors import AudioUnusable

SHORTEST_MS = 160
LONGEST_MS = 10 * 3600 * 1000


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
        raise AudioUnusable(f"The recording took too long to examine. {FORMATS_TO_SEND}") from error


async def _probe(read: Read, size: int, *, seconds: int) -> Sound:
    """Recognise the container, have it demuxed, and judge the report."""
    head = await read(0, min(size, HEAD))
    container = sniff(head)
    if container is None:
        raise AudioUnusable(f"The file is not a sound recording, whatever its name says. {FORMATS_TO_SEND}")
    arguments = (container, str(size), str(seconds))
    facts = await run_confined(demuxer.__file__, arguments, sources=[Source(read, size, container)])
    why = facts.get("unusable")
    if why == "no-reader":
        return Sound(container, 0, 0, 0)
    if why == "no-sound":
        raise AudioUnusable(f"The file holds no sound track. {FORMATS_TO_SEND}")
    if why is not None:
        raise unreadable()
    sound = _checked(_sound(container, facts))
    start = max(0, size - HEAD)
    cut = lacks_end(container, head=head, size=size) or breaks_off(container, tail=await read(start, size - start))
    return replace(sound, truncated=True) if cut else sound


def _sound(container: str, facts: dict[str, Any]) -> Sound:
    """Make a Sound of the demuxer's report, which is no more trusted than the file it read."""
    numbers = [facts.get(name) for name in ("duration_ms", "sample_rate", "channels", "streams")]
    if not all(isinstance(number, int) and number >= 0 for number in numbers):
        raise unreadable()
    duration_ms, sample_rate, channels, streams = (int(number or 0) for number in numbers)
    return Sound(container, duration_ms, sample_rate, channels, streams, facts.get("truncated") is True)


def _checked(sound: Sound) -> Sound:
    """Pass a sound whose length the recogniser takes."""
    if sound.duration_ms < SHORTEST_MS:
        raise AudioUnusable("The recording is shorter than a word: record again or choose another file.")
    if sound.duration_ms > LONGEST_MS:
        raise AudioUnusable("The recording is longer than ten hours: cut it to the visit and upload that.")
    return sound
