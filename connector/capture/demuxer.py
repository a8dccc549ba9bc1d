"""The process that reads untrusted sound files. In: a container name, a size, and bytes asked for over stdin/stdout.

Out: one JSON object. Run as a script in its own interpreter; imports nothing of the product, so that neither keys nor
settings are near the parser. Never opens a file or a socket: after start it has no descriptor left to do so with.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import resource
import struct
import sys
from collections import OrderedDict
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

BLOCK = 1024 * 1024
KEPT_BLOCKS = 8
# Child to parent: kind (R: read, D: done), offset, length; the JSON follows a D. Parent to child: length, then bytes.
REQUEST = struct.Struct(">cQI")
ANSWER = struct.Struct(">I")

FORMATS = {"m4a": "mp4", "mkv": "matroska", "webm": "matroska", "wma": "asf"}
# These state a duration that can be trusted to be that of the whole file; the others guess it from what is there.
STATES_DURATION = frozenset({"aiff", "caf", "flac", "m4a", "mkv", "mov", "mp4", "wav", "webm"})
_HEADROOM = 512 * 1024 * 1024
_DECODE_ATTEMPTS = 200


class PipedFile:
    """A file-like object over the parent's bytes: whole blocks are asked for, and the last few are kept."""

    def __init__(self, size: int, *, asks: BinaryIO, answers: BinaryIO) -> None:
        self._size = size
        self._asks = asks
        self._answers = answers
        self._position = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def read(self, length: int = -1) -> bytes:
        """Return the bytes at the position up to the end of their block; an empty result is the end of the file."""
        if length == 0 or self._position >= self._size:
            return b""
        number, within = divmod(self._position, BLOCK)
        block = self._block(number)
        piece = block[within:] if length < 0 else block[within : within + length]
        self._position += len(piece)
        return piece

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move the position as `io` files do."""
        start = (0, self._position, self._size)[whence]
        self._position = max(0, start + offset)
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def _block(self, number: int) -> bytes:
        if number in self._blocks:
            self._blocks.move_to_end(number)
            return self._blocks[number]
        offset = number * BLOCK
        self._asks.write(REQUEST.pack(b"R", offset, min(BLOCK, self._size - offset)))
        self._asks.flush()
        (length,) = ANSWER.unpack(_exactly(self._answers, ANSWER.size))
        self._blocks[number] = _exactly(self._answers, length)
        if len(self._blocks) > KEPT_BLOCKS:
            self._blocks.popitem(last=False)
        return self._blocks[number]


def _exactly(stream: BinaryIO, length: int) -> bytes:
    """Read `length` bytes; the parent going away ends this process."""
    data = stream.read(length)
    if len(data) != length:
        raise SystemExit(1)
    return data


def load_all(av: Any) -> None:
    """Load every part of PyAV, which loads its stream classes on first use, while files can still be opened."""
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if not module.name.endswith(("__main__", ".datasets")):
            importlib.import_module(module.name)


def confine(seconds: int) -> None:
    """Take away files, sockets, core dumps, endless time and memory; stdin, stdout and stderr stay open."""
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() if _has_proc() else 2**30
    resource.setrlimit(resource.RLIMIT_AS, (in_use + _HEADROOM, in_use + _HEADROOM))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


def _has_proc() -> bool:
    return Path("/proc/self/statm").exists()


def measure(av: Any, file: PipedFile, *, container: str) -> dict[str, Any]:
    """Return the facts of one file: duration_ms, sample_rate, channels, streams, truncated; or `unusable` and why."""
    try:
        opened = av.open(
            file,
            mode="r",
            format=FORMATS.get(container, container),
            metadata_errors="replace",
            io_open=_refuse,
            buffer_size=65536,
        )
    except (av.error.FFmpegError, ValueError, OSError):
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


def _refuse(*_: object) -> None:
    """Stand in for every other file or address a container may ask to have opened."""
    raise PermissionError("a recording is one file")


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
    told = json.dumps(facts).encode()
    asks.write(REQUEST.pack(b"D", 0, len(told)) + told)
    asks.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
