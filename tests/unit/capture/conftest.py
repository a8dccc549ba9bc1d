"""Sound files made on the spot, one of each container: a tone of five seconds."""

from __future__ import annotations

import array
import io
import math
import os
from collections.abc import Awaitable, Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from connector.capture.confinement import BLOCK
from connector.capture.probe import Sound, probe_sound

SECONDS = 5
# Name: container as FFmpeg writes it, codec, rate, whether the writer may go back to the header.
KINDS = {
    "wav": ("wav", "pcm_s16le", 16000, True),
    "flac": ("flac", "flac", 16000, True),
    "mp3": ("mp3", "libmp3lame", 16000, True),
    "ogg": ("ogg", "libopus", 48000, True),
    "webm": ("webm", "libopus", 48000, True),
    "m4a": ("ipod", "aac", 44100, True),
    "mp4": ("mp4", "aac", 44100, True),
    "mov": ("mov", "aac", 44100, True),
    "mkv": ("matroska", "libopus", 48000, True),
    "aac": ("adts", "aac", 44100, True),
    "aiff": ("aiff", "pcm_s16be", 16000, True),
    "caf": ("caf", "pcm_s16le", 16000, True),
    "au": ("au", "pcm_s16be", 16000, True),
    "ac3": ("ac3", "ac3", 48000, True),
    "eac3": ("eac3", "eac3", 48000, True),
    "amr": ("amr", "libopencore_amrnb", 8000, True),
    "flv": ("flv", "aac", 44100, True),
    "mp2": ("mp2", "mp2", 16000, True),
    "mxf": ("mxf_opatom", "pcm_s16le", 48000, True),
    "ts": ("mpegts", "aac", 48000, True),
    "tta": ("tta", "tta", 16000, True),
    "voc": ("voc", "pcm_s16le", 16000, True),
    "w64": ("w64", "pcm_s16le", 16000, True),
    "wma": ("asf", "wmav2", 44100, True),
    "wv": ("wv", "wavpack", 16000, True),
    "webm-recorder": ("webm", "libopus", 48000, False),
    "wav-recorder": ("wav", "pcm_s16le", 16000, False),
    "mp4-recorder": ("mp4", "aac", 44100, False),
}


@pytest.fixture(scope="session")
def sounds() -> dict[str, bytes]:
    """Each kind of file; those of a recorder were written without going back, so their headers state no length."""
    return {name: write_sound(*kind) for name, kind in KINDS.items()}


@pytest.fixture(scope="session")
def stereo() -> bytes:
    return write_sound("flac", "flac", 48000, layout="stereo")


@pytest.fixture(scope="session")
def silent_film() -> bytes:
    """A WebM file with pictures and no sound."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="webm") as container:
        stream = container.add_stream("libvpx", rate=5)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for number in range(5):
            frame = av.VideoFrame(32, 32, "yuv420p")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


@pytest.fixture(scope="session")
def hollow() -> bytes:
    """A WebM file that is in order but for its frames, which no decoder takes."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="webm") as container:
        stream: Any = container.add_stream("libopus", rate=48000, layout="mono")
        stream.codec_context.open()
        for number in range(200):
            packet = av.Packet(b"\xff" * 50)
            packet.stream, packet.time_base = stream, Fraction(1, 48000)
            packet.pts = packet.dts = number * 960
            packet.duration = 960
            container.mux(packet)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def write() -> Callable[..., bytes]:
    return write_sound


@pytest.fixture
def probe(children: Callable[[], set[int]]) -> Callable[..., Awaitable[Sound]]:
    """Probes bytes; whatever comes of it, the confined process is dead afterwards."""

    async def ask(data: bytes, timeout_s: float = 30.0) -> Sound:
        async def read(offset: int, length: int) -> bytes:
            assert 0 < length <= BLOCK
            return data[offset : offset + length]

        before = children()
        try:
            return await probe_sound(read, len(data), timeout_s=timeout_s)
        finally:
            assert children() <= before

    return ask


@pytest.fixture(scope="session")
def children() -> Callable[[], set[int]]:
    """Lists the ids of the processes whose parent is this one."""
    return list_children


def list_children() -> set[int]:
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            found.add(int(stat.parent.name))
    return found


def write_sound(
    kind: str,
    codec: str,
    rate: int,
    seekable: bool = True,
    *,
    seconds: float = SECONDS,
    layout: str = "mono",
    hertz: int = 440,
    bit_rate: int = 0,
) -> bytes:
    """A tone in a file. FFmpeg's names for container, codec and layout."""
    buffer = io.BytesIO()
    target: Any = buffer if seekable else OneWay(buffer)
    options = {"movflags": "frag_keyframe+empty_moov"} if kind == "mp4" and not seekable else {}
    with av.open(target, "w", format=kind, options=options) as container:
        stream: Any = container.add_stream(codec, rate=rate, layout=layout)
        if bit_rate or codec == "wmav2":
            stream.bit_rate = bit_rate or 64000
        resampler = av.AudioResampler(
            format=stream.codec_context.format.name,
            layout=layout,
            rate=rate,
            frame_size=stream.codec_context.frame_size or 1024,
        )
        for frame in resampler.resample(tone(rate, round(rate * seconds), layout, hertz=hertz)) + resampler.resample(
            None
        ):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def tone(rate: int, samples: int, layout: str, *, hertz: int = 440) -> av.AudioFrame:
    channels = av.AudioLayout(layout).nb_channels
    wave = array.array(
        "h",
        (round(8000 * math.sin(2 * math.pi * hertz * n / rate)) for n in range(samples) for _ in range(channels)),
    )
    frame = av.AudioFrame(format="s16", layout=layout, samples=samples)
    frame.planes[0].update(wave.tobytes().ljust(frame.planes[0].buffer_size, b"\0"))
    frame.rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    return frame


class OneWay:
    """A file that can only be written forward, as a live recorder writes."""

    def __init__(self, buffer: io.BytesIO) -> None:
        self._buffer = buffer

    def write(self, data: bytes) -> int:
        return self._buffer.write(data)
