"""Several recordings of a visit into one, or one into a form that can be sought in. In: readers of bytes. Out: bytes.

Never parses untrusted bytes in this process and never puts one on disk: a confined process reads and writes pipes.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from connector.capture import joiner
from connector.capture.process import Source, Write, place, run_confined, unreadable
from connector.errors import AudioUnusable, Misconfigured

MOST_SOURCES = 1000
LARGEST_SENT = joiner.LARGEST_OUTPUT


@dataclass(frozen=True, slots=True)
class Joined:
    """What was written: an Ogg file of `size` bytes with `sha256` in hex, `duration_ms` as played.

    `offsets_ms` says where each source begins, in order; one that gave nothing begins where the next does. `copied`
    says that no sound was encoded anew.
    """

    container: str
    size: int
    sha256: str
    duration_ms: int
    sample_rate: int
    channels: int
    offsets_ms: tuple[int, ...]
    copied: bool


async def join_sounds(sources: Sequence[Source], *, write: Write, timeout_s: float) -> Joined:
    """Lay `sources` end to end in one Ogg file, whose bytes go to `write` in order, in pieces of at most 1 MiB.

    Opus is copied as it is; anything else, and Opus among it, becomes 16-bit FLAC: stereo where any source is stereo,
    more channels than two mixed down to one, never at a higher rate than the sources', at most 24 kHz, and less where
    the vendor's 2.2 GB demand it, which needs `duration_ms` in the sources. A damaged source gives what can be read
    of it. Each source is read twice at its beginning and once through, in blocks of at most 1 MiB, mostly in order.

    Raises AudioUnusable when no source gives sound, for more than ten hours, or at the timeout; Misconfigured without
    PyAV; and whatever `read` and `write` raise. What `write` was given before that is worth nothing.
    """
    if not sources:
        raise AudioUnusable("The recording is empty: nothing was sent. Record again or choose another file.")
    if len(sources) > MOST_SOURCES:
        raise AudioUnusable(f"The visit is in more than {MOST_SOURCES} pieces, which cannot be put together.")
    digest, size = hashlib.sha256(), 0

    async def pass_on(piece: bytes) -> None:
        nonlocal size
        digest.update(piece)
        size += len(piece)
        await write(piece)

    arguments = [str(math.ceil(timeout_s))]
    arguments += [f"{source.container}:{source.size}:{source.duration_ms}" for source in sources]
    most = LARGEST_SENT + 1024 * 1024
    try:
        async with place("write"), asyncio.timeout(timeout_s):
            facts = await run_confined(joiner.__file__, arguments, sources=sources, write=pass_on, most=most)
    except TimeoutError as error:
        raise AudioUnusable(
            "The recording took too long to put together: cut it to the visit and upload that."
        ) from error
    why = facts.get("unusable")
    if why == "no-reader":
        raise Misconfigured("Recordings cannot be put together here: install the connector with its audio extra.")
    if why == "too-long":
        raise AudioUnusable("The recording is longer than ten hours: cut it to the visit and upload that.")
    if why is not None:
        raise unreadable()
    return _joined(facts, size=size, sha256=digest.hexdigest(), count=len(sources))


def _joined(facts: dict[str, Any], *, size: int, sha256: str, count: int) -> Joined:
    """Make a Joined of the process's report, which is no more trusted than the files it read."""
    duration_ms, sample_rate, channels, offsets = (
        facts.get(name) for name in ("duration_ms", "sample_rate", "channels", "offsets_ms")
    )
    if (
        not _is_number(duration_ms)
        or not _is_number(sample_rate)
        or channels not in (1, 2)
        or not isinstance(offsets, list)
        or len(offsets) != count
        or not all(_is_number(offset) for offset in offsets)
        or sorted(offsets) != offsets
        or offsets[-1] > duration_ms
        or not size
    ):
        raise unreadable()
    return Joined("ogg", size, sha256, duration_ms, sample_rate, channels, tuple(offsets), facts.get("copied") is True)


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
