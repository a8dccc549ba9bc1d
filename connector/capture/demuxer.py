"""The process that reads untrusted sound files. In: a container name, a size, and bytes asked for over stdin/stdout.

Out: one JSON object. Run as a script in its own interpreter; imports nothing of the product but its own confinement, so
that neither keys nor settings are near the parser. Never opens a file or a socket: it has no descriptor left for one.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    # Isolated, an interpreter finds nothing beside its script.
    sys.path.append(str(Path(__file__).parents[2]))

from connector.capture.confinement import PipedFile, confine, load_all, open_sound, report
from connector.capture.frames import opus_samples

# These state a duration that can be trusted to be that of the whole file; the others guess it from what is there.
STATES_DURATION = frozenset({"aiff", "caf", "flac", "m4a", "mkv", "mov", "mp4", "tta", "wav", "webm", "wv"})
# Every packet of these lasts as long as any other, whatever the container says of it.
_EVEN = frozenset({"aac", "ac3", "amr_nb", "amr_wb", "eac3", "mp2", "mp3"})
_DECODE_ATTEMPTS = 200
_DECODED_AT_LEAST = 20


def measure(av: Any, file: PipedFile, *, container: str) -> dict[str, Any]:
    """Return the facts of one file, or `unusable` and why.

    duration_ms by its packets, sample_rate in Hz, channels, streams, codec, bit_rate in bit/s over the packets of the
    first sound track, truncated.
    """
    opened = open_sound(av, file, container=container)
    if opened is None:
        return {"unusable": "unreadable"}
    with opened:
        streams = opened.streams.audio
        if not streams:
            return {"unusable": "no-sound"}
        stream = streams[0]
        walk = Walk(stream, broken=av.error.FFmpegError)
        cut = walk.run(opened)
        lasts = walk.seconds
        if not walk.heard or lasts <= 0:
            return {"unusable": "unreadable"}
        stated = _stated(opened, stream) if container in STATES_DURATION else Fraction(0)
        return {
            "duration_ms": round(lasts * 1000),
            "sample_rate": int(stream.codec_context.sample_rate or 0),
            "channels": int(stream.codec_context.channels or 0),
            "streams": len(streams),
            "codec": walk.codec,
            "bit_rate": round(walk.size * 8 / lasts),
            "truncated": cut or stated - max(lasts, walk.span) > max(Fraction(1, 2), stated / 50),
        }


class Walk:
    """Every packet of a sound track, read once: how long they last together, how many bytes, whether any is sound.

    What lasts is the sound itself. Times in a container only say where it lies, and may say anything.
    """

    def __init__(self, stream: Any, *, broken: type[Exception]) -> None:
        self._stream = stream
        self._broken = broken
        self._base = stream.time_base or Fraction(0)
        self._attempts, self._enough = 0, _DECODE_ATTEMPTS
        self._longest = Fraction(0)
        self._ticks = self._samples = self._unknown = 0
        self._first: int | None = None
        self._last = 0
        self.codec = str(stream.codec_context.codec.canonical_name)
        self._is_opus, self._even = self.codec == "opus", self.codec in _EVEN
        self.size = 0

    @property
    def heard(self) -> bool:
        """Whether at least one packet gave sound."""
        return self._longest > 0

    @property
    def seconds(self) -> Fraction:
        """How long the packets last, one after the other."""
        return self._ticks * self._base + Fraction(self._samples, 48000) + self._unknown * self._longest

    @property
    def span(self) -> Fraction:
        """Seconds from the first packet's time to the last one's end, as the container has it."""
        return (self._last - (self._first or 0)) * self._base

    def run(self, opened: Any) -> bool:
        """Read all there is; say whether reading broke off."""
        try:
            for packet in opened.demux(self._stream):
                if packet.size:
                    self._take(packet)
        except (self._broken, OSError):
            return True
        return False

    def _take(self, packet: Any) -> None:
        # An hour of speech has 180,000 packets: what is not needed of each is not asked of each.
        self.size += packet.size
        if self._attempts < self._enough:
            self._attempts += 1
            self._longest = max(self._longest, _decoded_seconds(packet, self._broken))
            self._enough = _DECODED_AT_LEAST if self.heard else _DECODE_ATTEMPTS
        ticks = max(0, packet.duration or 0)
        if self._is_opus:
            self._samples += opus_samples(memoryview(packet))
        elif not ticks or (self._even and self.heard and ticks * self._base > self._longest):
            self._unknown += 1
        else:
            self._ticks += ticks
        at = packet.pts
        if at is None:
            at = packet.dts
        if at is None:
            return
        if self._first is None or at < self._first:
            self._first = at
        if at + ticks > self._last:
            self._last = at + ticks


def _decoded_seconds(packet: Any, broken: type[Exception]) -> Fraction:
    """Return how long the sound in a packet lasts; the first ones often give none or fail."""
    try:
        return sum((Fraction(frame.samples, frame.sample_rate or 1) for frame in packet.decode()), Fraction(0))
    except (broken, ValueError, OSError):
        return Fraction(0)


def _stated(opened: Any, stream: Any) -> Fraction:
    """Return the duration in seconds that the header states, 0 when it states none."""
    if stream.duration and stream.time_base:
        return Fraction(stream.duration * stream.time_base)
    return Fraction(opened.duration or 0, 1_000_000)


def main(arguments: list[str]) -> None:
    """Measure one file: arguments are container, size in bytes and seconds of processor time."""
    container, size, seconds = arguments[0], int(arguments[1]), int(arguments[2])
    asks, answers = sys.stdout.buffer, sys.stdin.buffer
    facts: dict[str, Any]
    try:
        import av
    except ImportError:
        facts = {"unusable": "no-reader"}
    else:
        load_all(av)
        confine(seconds)
        facts = measure(av, PipedFile(size, asks=asks, answers=answers), container=container)
    report(facts, asks)


if __name__ == "__main__":
    main(sys.argv[1:])
