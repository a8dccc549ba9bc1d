"""B9: headers that claim more than there is, and small files that hold more than anybody can use."""

from __future__ import annotations

import io
import struct
import time
from fractions import Fraction
from typing import Any

import av
import pytest

from connector.capture.joiner import LARGEST_OUTPUT, LONGEST_SECONDS, Track, output_channels, output_rate
from connector.capture.joining import join_sounds
from connector.capture.process import Source
from connector.errors import AudioUnusable

MILLION_HOURS = 1_000_000 * 3600


def wav(data: bytes, *, channels: int = 1, rate: int = 16000, stated: int | None = None) -> bytes:
    """A 16-bit WAV; `stated` is what its header says of the size of its samples."""
    layout = struct.pack("<IHHIIHH", 16, 1, channels, rate, rate * 2 * channels & 0xFFFFFFFF, 2 * channels, 16)
    size = len(data) if stated is None else stated
    whole = min(36 + size, 0xFFFFFFFF)
    return b"RIFF" + struct.pack("<I", whole) + b"WAVEfmt " + layout + b"data" + struct.pack("<I", size) + data


def rf64(data: bytes, *, channels: int, hours: int) -> bytes:
    """A WAV with sizes of 64 bits, which can state a million hours."""
    stated = hours * 3600 * 16000 * 2 * channels
    sizes = b"ds64" + struct.pack("<IQQQI", 28, stated + 72, stated, stated // (2 * channels), 0)
    return b"RF64\xff\xff\xff\xffWAVE" + sizes + wav(data, channels=channels, stated=0xFFFFFFFF)[12:]


def opus_webm(packet: bytes, count: int, *, lasts_ms: int, apart_ms: int) -> bytes:
    """A WebM of the same Opus packet over and over, with times that may have nothing to do with its length."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="webm") as container:
        stream: Any = container.add_stream("libopus", rate=48000, layout="mono")
        stream.codec_context.open()
        for number in range(count):
            one = av.Packet(packet)
            one.stream, one.time_base = stream, Fraction(1, 1000)
            one.pts = one.dts = number * apart_ms
            one.duration = lasts_ms
            container.mux(one)
    return buffer.getvalue()


# SILK of 60 ms, two frames of no bytes: 120 ms of silence in one byte.
HOLLOW = bytes([3 << 3 | 1])


def source(data: bytes, container: str) -> Source:
    async def read(offset: int, length: int) -> bytes:
        return data[offset : offset + length]

    return Source(read, len(data), container)


@pytest.mark.parametrize("channels", [1, 64])
@pytest.mark.parametrize("held", [0, 10, 1000])
async def test_b09_a_header_of_a_million_hours_with_nothing_behind_it_is_refused(probe, channels, held):
    for data in (rf64(bytes(held), channels=channels, hours=MILLION_HOURS // 3600), wav(bytes(held), stated=2**32 - 2)):
        for cut in (10, 44, len(data)):
            with pytest.raises(AudioUnusable):
                await probe(data[:cut])


async def test_b09_what_is_there_is_measured_and_what_is_claimed_is_not(probe):
    data = rf64(bytes(2 * 16000 * 3), channels=1, hours=1_000_000)
    sound = await probe(data)
    assert (sound.duration_ms, sound.truncated) == (3000, True)


@pytest.mark.parametrize(("channels", "taken"), [(8, True), (9, False), (64, False), (255, False)])
async def test_b09_more_channels_than_a_film_has_are_refused(probe, channels, taken):
    data = wav(bytes(2 * channels * 16000), channels=channels)
    if taken:
        assert (await probe(data)).channels == channels
        return
    with pytest.raises(AudioUnusable, match=f"{channels} channels|damaged"):
        await probe(data)


@pytest.mark.parametrize("rate", [0, 1, 3999, 192_001, 2**31 - 1, 2**32 - 1])
async def test_b09_absurd_sample_rates_are_refused(probe, rate):
    with pytest.raises(AudioUnusable):
        await probe(wav(bytes(100_000), rate=rate))


async def test_b09_forged_times_do_not_lengthen_a_recording(probe, sounds):
    """Ten seconds of packets, each told to come nine minutes after the one before."""
    with av.open(io.BytesIO(sounds["webm"])) as opened:
        packet = next(bytes(one) for one in opened.demux(audio=0) if one.size)
    sound = await probe(opus_webm(packet, 500, lasts_ms=20, apart_ms=540_000))
    assert sound.duration_ms == 10_000


@pytest.mark.parametrize("name", ["m4a", "mp4", "mov"])
async def test_b09_forged_lengths_of_frames_do_not_lengthen_a_recording(probe, sounds, name):
    """The table of times says that a frame of AAC lasts 400 times as long as it does."""
    data = sounds[name]
    assert data.count(b"stts") == 1
    forged = data.replace(b"edts", b"free").replace((1024).to_bytes(4, "big"), (1024 * 400).to_bytes(4, "big"))
    assert forged.count((1024 * 400).to_bytes(4, "big")) >= 1
    assert 4900 <= (await probe(forged)).duration_ms <= 5100


async def test_b09_ten_hours_of_silence_in_a_few_bytes_are_still_ten_hours(probe):
    data = opus_webm(HOLLOW, 10 * 3600 * 1000 // 120 + 20, lasts_ms=120, apart_ms=120)
    assert len(data) < 4_000_000
    with pytest.raises(AudioUnusable, match="ten hours"):
        await probe(data, timeout_s=60)


async def test_b09_together_recordings_may_last_ten_hours(children):
    half = opus_webm(HOLLOW, 5 * 3600 * 1000 // 120 + 20, lasts_ms=120, apart_ms=120)
    before = children()

    async def write(piece: bytes) -> None:
        pass

    with pytest.raises(AudioUnusable, match="ten hours"):
        await join_sounds([source(half, "webm")] * 2, write=write, timeout_s=60)
    assert children() <= before


async def test_b09_a_small_file_that_decodes_into_much_takes_no_memory_and_bounded_time():
    """Half an hour of silence in FLAC: 29 MB of samples from some 50 KB."""
    data = _silent_flac(hours=0.5)
    assert len(data) < 75_000
    pieces: list[int] = []

    async def write(piece: bytes) -> None:
        pieces.append(len(piece))

    joined = await join_sounds([source(data, "flac")], write=write, timeout_s=120)
    assert joined.duration_ms == 1800_000
    assert sum(pieces) < 750_000


def _silent_flac(hours: float) -> bytes:
    buffer, rate = io.BytesIO(), 8000
    with av.open(buffer, "w", format="flac") as container:
        stream: Any = container.add_stream("flac", rate=rate, layout="mono", options={"frame_size": "4608"})
        stream.codec_context.open()
        size = stream.codec_context.frame_size
        frame = av.AudioFrame(format="s16", layout="mono", samples=size)
        frame.planes[0].update(bytes(frame.planes[0].buffer_size))
        frame.rate = rate
        for number in range(round(hours * 3600 * rate / size)):
            frame.pts, frame.time_base = number * size, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


async def test_b09_a_chain_of_thousands_of_streams_is_one_recording_or_none(probe, write):
    link = write("ogg", "libopus", 48000, seconds=0.1)
    start = time.monotonic()
    assert (await probe(link * 2000)).duration_ms == 2000 * 120
    with pytest.raises(AudioUnusable):
        await probe(link[:60] * 20_000)
    assert time.monotonic() - start < 40


async def test_b09_a_file_that_would_take_for_ever_ends_with_its_time(children):
    """5 GB of samples that exist nowhere, and one second for them."""
    head, size, before = wav(b"", stated=2**32 - 1), 5_000_000_000, children()

    async def read(offset: int, length: int) -> bytes:
        return head[offset : offset + length].ljust(min(length, size - offset), b"\0")

    async def write(piece: bytes) -> None:
        pass

    start = time.monotonic()
    with pytest.raises(AudioUnusable):
        await join_sounds([Source(read, size, "wav")], write=write, timeout_s=1)
    assert time.monotonic() - start < 10
    assert children() <= before


@pytest.mark.parametrize("hours", [0.01, 1, 4, 6, 9, 10])
@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (16000, 1), (16000, 2), (44100, 2), (96000, 2)])
def test_b09_what_is_encoded_fits_the_vendors_limit_and_is_never_above_its_own_rate(hours, rate, channels):
    tracks = [Track(rate, channels, plain=False), Track(8000, 1, plain=False)]
    chosen = output_rate(tracks, seconds=hours * 3600, channels=output_channels(tracks))
    assert 8000 <= chosen <= min(rate, 24000)
    assert hours * 3600 * chosen * channels * 2 < LARGEST_OUTPUT
    assert chosen == min(rate, 24000) or hours * 3600 * min(rate, 24000) * channels * 2 > LARGEST_OUTPUT * 0.95
    assert hours * 3600 <= LONGEST_SECONDS
