"""A stretch cut out of a recording: its length, its silences, and nothing else that stood in the file."""

from __future__ import annotations

import io
import math
import time
from array import array

import av
import pytest

from connector.capture.cutting import CutSound, Span, cut_sound
from connector.capture.process import Source
from connector.errors import AudioUnusable

RATE = 16_000
TITLE = "Quixotte Vane"


def make_tone(container: str, codec: str, *, seconds: float = 4.0, channels: int = 1) -> bytes:
    """A steady tone, with a name in the file's tags."""
    file, count = io.BytesIO(), int(seconds * RATE)
    layout = "stereo" if channels == 2 else "mono"
    with av.open(file, "w", format=container) as output:
        output.metadata["title"] = TITLE
        stream = output.add_stream(codec, rate=RATE, layout=layout)
        samples = array("h")
        for place in range(count):
            samples.extend([int(12000 * math.sin(place * 2 * math.pi * 440 / RATE))] * channels)
        frame = av.AudioFrame(format="s16", layout=layout, samples=count, align=1)
        frame.sample_rate = RATE
        frame.planes[0].update(samples.tobytes())
        fifo = av.AudioFifo()
        fifo.write(frame)
        for piece in fifo.read_many(1024, partial=True):
            output.mux(stream.encode(piece))
        output.mux(stream.encode(None))
    return file.getvalue()


async def cut(data: bytes, container: str, stretch: Span, silences: tuple[Span, ...] = ()) -> tuple[CutSound, bytes]:
    written = bytearray()

    async def read(offset: int, length: int) -> bytes:
        return data[offset : offset + length]

    async def write(piece: bytes) -> None:
        written.extend(piece)

    source = Source(read, len(data), container, 4000)
    made = await cut_sound(source, stretch, silences=silences, write=write, timeout_s=60.0)
    return made, bytes(written)


def loudness(data: bytes) -> list[int]:
    """The loudest sample of each tenth of a second, of the first channel."""
    heard = array("h")
    with av.open(io.BytesIO(data)) as file:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        for frame in file.decode(audio=0):
            for piece in resampler.resample(frame):
                heard.frombytes(bytes(piece.planes[0])[: piece.samples * 2])
    return [max(map(abs, heard[at : at + RATE // 10])) for at in range(0, len(heard), RATE // 10)]


@pytest.mark.parametrize(
    ("container", "codec", "channels"), [("wav", "pcm_s16le", 1), ("mp3", "libmp3lame", 1), ("wav", "pcm_s16le", 2)]
)
async def test_a_stretch_has_its_length_and_is_silent_where_it_is_to_be(
    container: str, codec: str, channels: int
) -> None:
    sound = make_tone(container, codec, channels=channels)
    made, written = await cut(sound, container, (1000, 3000), ((1500, 1800), (1700, 2000), (3500, 3600)))
    assert (made.sample_rate, made.channels) == (RATE, channels)
    assert abs(made.duration_ms - 2000) <= 1
    heard = loudness(written)
    assert len(heard) == 20
    assert max(heard[6:9]) == 0
    assert min(heard[:4]) > 5000 and min(heard[11:]) > 5000


async def test_what_was_written_beside_the_sound_does_not_come_along() -> None:
    sound = make_tone("mp3", "libmp3lame")
    assert TITLE.encode() in sound, "the control: it is in the file"
    _, written = await cut(sound, "mp3", (0, 10_000))
    assert written.startswith(b"OggS") and TITLE.encode() not in written
    with av.open(io.BytesIO(written)) as file:
        assert "title" not in {**file.metadata, **file.streams.audio[0].metadata}


async def test_a_stretch_beyond_the_end_and_a_file_that_is_no_sound_are_refused() -> None:
    with pytest.raises(AudioUnusable):
        await cut(make_tone("wav", "pcm_s16le"), "wav", (9000, 9500))
    with pytest.raises(AudioUnusable):
        await cut(b"RIFF" + bytes(4000), "wav", (0, 1000))


async def test_hundreds_of_silences_are_cut_as_fast_as_one() -> None:
    sound = make_tone("wav", "pcm_s16le", seconds=4.0)
    begun = time.monotonic()
    many = tuple((at, at + 3) for at in range(0, 4000, 6))
    made, _ = await cut(sound, "wav", (0, 4000), many)
    assert made.duration_ms == 4000 and time.monotonic() - begun < 30
