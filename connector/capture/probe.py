"""What kind of sound a recording holds and how long it is. In: a reader of sealed bytes and a size. Out: a Sound.

Never parses untrusted bytes in this process and never puts one on disk: a confined process asks for them in pieces.
"""

from __future__ import annotations

import asyncio
import math
import re
from dataclasses import dataclass, replace
from typing import Any

from connector.capture import demuxer
from connector.capture.containers import HEAD, breaks_off, is_playlist, lacks_end, sniff
from connector.capture.joining import LARGEST_SENT
from connector.capture.process import BUSY, FORMATS_TO_SEND, Read, Source, place, run_confined, unreadable
from connector.errors import AudioUnusable, ProbeBusy

SHORTEST_MS = 160
LONGEST_MS = 10 * 3600 * 1000
# More than the widest layout FLAC and films know (7.1) is no recording of a conversation, and work for every reader.
MOST_CHANNELS = 8
LOWEST_RATE, HIGHEST_RATE = 4000, 192_000
_UNSEEKABLE = frozenset({"mkv", "webm"})
_CLEAR_RATE = 16000
_CLEAR_MP3 = 64_000
_CODEC = re.compile(r"[a-z0-9_]{1,32}")


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording as demuxed: `duration_ms`, `sample_rate` in Hz and `channels` are 0 where no reader is installed.

    `streams` counts its sound tracks, of which the first is used; `truncated` says that the end of it is missing.
    `codec` is FFmpeg's name for what the track is coded in, `bit_rate` its bits a second, measured.
    """

    container: str
    duration_ms: int
    sample_rate: int
    channels: int
    streams: int = 1
    truncated: bool = False
    codec: str = ""
    bit_rate: int = 0


async def probe_sound(read: Read, size: int, *, timeout_s: float = 60.0) -> Sound:
    """Return what the recording of `size` bytes holds, measured by demuxing and never taken from its header.

    `read(offset, length)` gives plain bytes, fewer only at the end; it is asked for blocks of at most 1 MiB, mostly
    in order. Raises AudioUnusable, with what to do instead, for anything that is no readable sound of 160 ms to 10
    hours (the vendor's limits), ProbeBusy for what may pass (the timeout, a process that was killed), and whatever
    `read` raises. Without PyAV the container alone is known.
    """
    if size <= 0:
        raise AudioUnusable("The recording is empty: nothing was sent. Record again or choose another file.")
    try:
        async with asyncio.timeout(timeout_s), place("probe"):
            # A file that uses up half the time on the processor is judged by it; what is slower waits for something.
            return await _probe(read, size, seconds=math.ceil(timeout_s / 2))
    except TimeoutError as error:
        raise ProbeBusy(BUSY, retry_after=5.0) from error


async def _probe(read: Read, size: int, *, seconds: int) -> Sound:
    """Recognise the container, have it demuxed, and judge the report."""
    head = await read(0, min(size, HEAD))
    container = sniff(head)
    if container is None and is_playlist(head):
        raise AudioUnusable(f"The file is a playlist: it only says where a recording is. {FORMATS_TO_SEND}")
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


def warn_of(sound: Sound) -> tuple[str, ...]:
    """Return what the clinician should know of a sound that is taken, as sentences; empty when nothing."""
    found = []
    if 0 < sound.sample_rate < _CLEAR_RATE:
        found.append(f"The sound has {sound.sample_rate / 1000:g} kHz: words are understood better from 16 kHz on.")
    if sound.codec == "mp3" and 0 < sound.bit_rate < _CLEAR_MP3:
        rate = sound.bit_rate // 1000
        found.append(f"This MP3 has {rate} kbit/s: words are understood better from 64 kbit/s on.")
    if sound.channels > 2:
        found.append(
            f"The recording has {sound.channels} channels: they are mixed into one, and do not tell who speaks."
        )
    if sound.streams > 1:
        found.append(f"The file has {sound.streams} sound tracks: only the first is used.")
    if sound.truncated:
        found.append("The recording breaks off: its end is missing.")
    return tuple(found)


def needs_rewriting(sound: Sound, size: int) -> bool:
    """Say whether a recording has to go through `join_sounds` before it can be sent and played.

    That is: larger than the vendor takes, what browsers record (it cannot be sought in), and wherever the vendor could
    choose another track or another mix than what is told here.
    """
    return size > LARGEST_SENT or sound.container in _UNSEEKABLE or sound.streams > 1 or sound.channels > 2


def _sound(container: str, facts: dict[str, Any]) -> Sound:
    """Make a Sound of the demuxer's report, which is no more trusted than the file it read."""
    names = ("duration_ms", "sample_rate", "channels", "streams", "bit_rate")
    numbers = {name: facts.get(name) for name in names}
    codec = facts.get("codec")
    if not isinstance(codec, str) or not all(isinstance(number, int) and number >= 0 for number in numbers.values()):
        raise unreadable()
    known = {name: int(number or 0) for name, number in numbers.items()}
    named = codec if _CODEC.fullmatch(codec) else ""
    return Sound(container, **known, truncated=facts.get("truncated") is True, codec=named)


def _checked(sound: Sound) -> Sound:
    """Pass a sound whose length, channels and rate can be worked with."""
    if sound.duration_ms < SHORTEST_MS:
        raise AudioUnusable("The recording is shorter than a word: record again or choose another file.")
    if sound.duration_ms > LONGEST_MS:
        raise AudioUnusable("The recording is longer than ten hours: cut it to the visit and upload that.")
    if sound.channels > MOST_CHANNELS:
        told = f"The recording has {sound.channels} channels and at most {MOST_CHANNELS} can be read"
        raise AudioUnusable(f"{told}: save it with one or two and upload that.")
    if not LOWEST_RATE <= sound.sample_rate <= HIGHEST_RATE:
        told = f"The recording has a sample rate of {sound.sample_rate} Hz, which is none for speech"
        raise AudioUnusable(f"{told}: save it at 16 to 48 kHz and upload that.")
    return sound
