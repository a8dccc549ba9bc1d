"""The inside of a process that reads untrusted sound: its pipes, its limits, how it opens a file. In: bytes asked for.

Out: bytes and one JSON report. Imports nothing of the product and opens no file or socket: after `confine` it cannot.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import resource
import struct
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO

BLOCK = 1024 * 1024
KEPT_BLOCKS = 8
# Child to parent: kind (R: read, W: written, D: done), offset, length; bytes follow a W, JSON a D.
# Parent to child, after an R: length, then bytes. Several files stand end to end in one space of offsets.
REQUEST = struct.Struct(">cQI")
ANSWER = struct.Struct(">I")

# The only demuxers there are for a recording: that of its container, by FFmpeg's name for it.
_NAMED_OTHERWISE = {"m4a": "mp4", "mkv": "matroska", "mp2": "mp3", "ts": "mpegts", "webm": "matroska", "wma": "asf"}
DEMUXERS = {
    name: _NAMED_OTHERWISE.get(name, name)
    for name in (
        *("aac", "ac3", "aiff", "amr", "au", "caf", "eac3", "flac", "flv", "m4a", "mkv", "mov", "mp2", "mp3", "mp4"),
        *("mxf", "ogg", "ts", "tta", "voc", "w64", "wav", "webm", "wma", "wv"),
    )
}
_HEADROOM = 512 * 1024 * 1024


class PipedFile:
    """A file-like object over the parent's bytes: whole blocks are asked for, and the last few are kept."""

    def __init__(self, size: int, *, asks: BinaryIO, answers: BinaryIO, base: int = 0) -> None:
        self.size = size
        self._asks = asks
        self._answers = answers
        self._base = base
        self._position = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def read(self, length: int = -1) -> bytes:
        """Return the bytes at the position up to the end of their block; an empty result is the end of the file."""
        if length == 0 or self._position >= self.size:
            return b""
        number, within = divmod(self._position, BLOCK)
        block = self._block(number)
        piece = block[within:] if length < 0 else block[within : within + length]
        self._position += len(piece)
        return piece

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move the position as `io` files do."""
        start = (0, self._position, self.size)[whence]
        self._position = max(0, start + offset)
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def rewind(self) -> None:
        """Go back to the beginning and let go of what was kept."""
        self._position = 0
        self._blocks.clear()

    def _block(self, number: int) -> bytes:
        if number in self._blocks:
            self._blocks.move_to_end(number)
            return self._blocks[number]
        offset = number * BLOCK
        self._asks.write(REQUEST.pack(b"R", self._base + offset, min(BLOCK, self.size - offset)))
        self._asks.flush()
        (length,) = ANSWER.unpack(_exactly(self._answers, ANSWER.size))
        self._blocks[number] = _exactly(self._answers, length)
        if len(self._blocks) > KEPT_BLOCKS:
            self._blocks.popitem(last=False)
        return self._blocks[number]


class PipedOutput:
    """A file-like object that can only be written forward: pieces of up to one block go to the parent."""

    def __init__(self, asks: BinaryIO) -> None:
        self._asks = asks
        self._waiting = bytearray()
        self.written = 0

    def write(self, data: bytes) -> int:
        """Take bytes, and pass them on a block at a time."""
        self._waiting += data
        self.written += len(data)
        while len(self._waiting) >= BLOCK:
            self._pass_on(BLOCK)
        return len(data)

    def finish(self) -> None:
        """Pass on what is left."""
        if self._waiting:
            self._pass_on(len(self._waiting))

    def _pass_on(self, length: int) -> None:
        start = self.written - len(self._waiting)
        self._asks.write(REQUEST.pack(b"W", start, length) + self._waiting[:length])
        self._asks.flush()
        del self._waiting[:length]


def report(facts: dict[str, Any], asks: BinaryIO) -> None:
    """Tell the parent what came of it; nothing follows."""
    told = json.dumps(facts).encode()
    asks.write(REQUEST.pack(b"D", 0, len(told)) + told)
    asks.flush()


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


def open_sound(av: Any, file: PipedFile, *, container: str) -> Any | None:
    """Open one file with the demuxer its container names, never with one that a guess chose; None: unreadable."""
    file.rewind()
    if container not in DEMUXERS:
        return None
    # A WAV of more than 4 GiB has sizes in its header that went round.
    options = {"ignore_length": "1"} if container == "wav" and file.size > 2**32 else {}
    try:
        return av.open(
            file,
            mode="r",
            format=DEMUXERS[container],
            options=options,
            metadata_errors="replace",
            io_open=_refuse,
            buffer_size=65536,
        )
    except (av.error.FFmpegError, ValueError, OSError):
        return None


def _refuse(*_: object) -> None:
    """Stand in for every other file or address a container may ask to have opened."""
    raise PermissionError("a recording is one file")


def _has_proc() -> bool:
    return Path("/proc/self/statm").exists()


def _exactly(stream: BinaryIO, length: int) -> bytes:
    """Read `length` bytes; the parent going away ends this process."""
    data = stream.read(length)
    if len(data) != length:
        raise SystemExit(1)
    return data
