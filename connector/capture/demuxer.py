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

# These state a duration that can be trusted to be that of the whole file; the others guess it from what is there.
STATES_DURATION = frozenset({"aiff", "caf", "flac", "m4a", "mkv", "mov", "mp4", "wav", "webm"})
_DECODE_ATTEMPTS = 200


def measure(av: Any, file: PipedFile, *, container: str) -> dict[str, Any]:
    """Return the facts of one file: duration_ms, sample_rate, channels, streams, truncated; or `unusable` and why."""
    opened = open_sound(av, file, container=container)
    if opened is None:
        return {"unusable": "unreadable"}
    with opened:
        streams = opened.streams.audio
        if not streams:
            return {"unusable": "no-sound"}
        stream = streams[0]
        span, heard, cut = _walk(opened, stream, broken=av.error.FFmpegError)
        if not heard or span <= 0:
            return {"unusable": "unreadable"}
        stated = _stated(opened, stream) if container in STATES_DURATION else Fraction(0)
        return {
            "duration_ms": round(span * 1000),
            "sample_rate": int(stream.codec_context.sample_rate or 0),
            "channels": int(stream.codec_context.channels or 0),
            "streams": len(streams),
            "truncated": cut or stated - span > max(Fraction(1, 2), stated / 50),
        }


def _walk(opened: Any, stream: Any, *, broken: type[Exception]) -> tuple[Fraction, bool, bool]:
    """Read every packet of a stream: seconds spanned, whether any decodes into sound, whether reading broke off."""
    first: int | None = None
    last = 0
    heard = False
    attempts = 0
    base = stream.time_base or Fraction(0)
    try:
        for packet in opened.demux(stream):
            if not heard and attempts < _DECODE_ATTEMPTS:
                attempts += 1
                heard = _decodes(packet, broken)
            at = packet.pts if packet.pts is not None else packet.dts
            if at is None:
                continue
            first = at if first is None else min(first, at)
            last = max(last, at + (packet.duration or 0))
    except (broken, OSError):
        return (last - (first or 0)) * base, heard, True
    return (last - (first or 0)) * base, heard, False


def _decodes(packet: Any, broken: type[Exception]) -> bool:
    """Say whether a packet gives at least one frame of sound; the first ones often give none or fail."""
    try:
        return any(frame.samples for frame in packet.decode())
    except (broken, ValueError, OSError):
        return False


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
