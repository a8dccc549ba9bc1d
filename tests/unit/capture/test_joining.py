"""Joining recordings: what is copied and what is encoded, lengths and order, damage, and the process that does it."""

from __future__ import annotations

import array
import asyncio
import hashlib
import io
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import av
import pytest

from connector.capture.joining import Joined, join_sounds
from connector.capture.process import Source
from connector.errors import AudioUnusable, Misconfigured

Join = Callable[..., Awaitable[tuple[Joined, bytes]]]


def source(data: bytes, container: str) -> Source:
    async def read(offset: int, length: int) -> bytes:
        return data[offset : offset + length]

    return Source(read, len(data), container)


@pytest.fixture
def join(children) -> Join:
    """Joins files given as (bytes, container); checks size, hash, pieces and that no process is left."""

    async def ask(*files: tuple[bytes, str], timeout_s: float = 60.0) -> tuple[Joined, bytes]:
        pieces: list[bytes] = []

        async def write(piece: bytes) -> None:
            pieces.append(piece)

        before = children()
        joined = await join_sounds([source(*one) for one in files], write=write, timeout_s=timeout_s)
        assert children() <= before
        data = b"".join(pieces)
        assert all(0 < len(piece) <= 1024 * 1024 for piece in pieces)
        assert (joined.container, joined.size) == ("ogg", len(data))
        assert joined.sha256 == hashlib.sha256(data).hexdigest()
        return joined, data

    return ask


def packets(data: bytes) -> list[bytes]:
    with av.open(io.BytesIO(data)) as opened:
        return [bytes(packet) for packet in opened.demux(opened.streams.audio[0]) if packet.size]


def samples(data: bytes) -> tuple[list[array.array[int]], int]:
    """Every sample of a file that decodes without an error: a list for each channel, and the rate."""
    with av.open(io.BytesIO(data)) as opened:
        stream = opened.streams.audio[0]
        to_plain: Any = av.AudioResampler(format="s16p", layout=stream.layout, rate=stream.rate)
        channels = [array.array("h") for _ in range(stream.layout.nb_channels)]
        for frame in opened.decode(stream):
            for plain in to_plain.resample(frame):
                for number, channel in enumerate(channels):
                    channel.frombytes(bytes(plain.planes[number])[: plain.samples * 2])
        return channels, stream.rate


def pitch(channel: array.array[int], rate: int, *, start_s: float, seconds: float = 1.0) -> float:
    """Hertz of the tone at a place, by counting how often it changes its sign."""
    piece = channel[round(start_s * rate) : round((start_s + seconds) * rate)]
    return sum((a < 0) != (b < 0) for a, b in itertools.pairwise(piece)) / 2 / seconds


async def test_one_browser_recording_is_copied_packet_for_packet(join, sounds):
    joined, data = await join((sounds["webm-recorder"], "webm"))
    assert joined.copied
    assert packets(data) == packets(sounds["webm-recorder"])
    (channel,), rate = samples(data)
    assert joined.duration_ms == pytest.approx(len(channel) * 1000 / rate, abs=1)
    assert (joined.sample_rate, joined.channels, joined.offsets_ms) == (48000, 1, (0,))
    with av.open(io.BytesIO(data)) as opened:
        assert opened.duration / 1000 == pytest.approx(joined.duration_ms, abs=20)


async def test_opus_segments_of_any_container_are_copied_in_order(join, write):
    tones = [440, 880, 220]
    kinds = [("webm", False), ("ogg", True), ("matroska", True)]
    files = [
        (write(kind, "libopus", 48000, seekable, seconds=3, hertz=hertz), {"matroska": "mkv"}.get(kind, kind))
        for (kind, seekable), hertz in zip(kinds, tones, strict=True)
    ]
    joined, data = await join(*files)
    assert joined.copied
    assert packets(data) == [packet for file, _ in files for packet in packets(file)]
    (channel,), rate = samples(data)
    assert joined.offsets_ms == pytest.approx((0, 3000, 6000), abs=50)
    assert joined.duration_ms == pytest.approx(9000, abs=80)
    for offset, hertz in zip(joined.offsets_ms, tones, strict=True):
        assert pitch(channel, rate, start_s=offset / 1000 + 0.1, seconds=2.8) == pytest.approx(hertz, rel=0.02)


async def test_timestamps_of_the_joined_file_run_on_without_a_step(join, sounds):
    _, data = await join(*[(sounds["webm-recorder"], "webm")] * 3)
    with av.open(io.BytesIO(data)) as opened:
        stamped = [(packet.pts, packet.duration) for packet in opened.demux(audio=0) if packet.size]
    assert all(after[0] == pts + lasts for (pts, lasts), after in itertools.pairwise(stamped))


async def test_a_second_channel_from_a_later_segment_on_is_kept_without_encoding(join, write, sounds):
    both = write("webm", "libopus", 48000, False, layout="stereo", hertz=880)
    joined, data = await join((sounds["webm-recorder"], "webm"), (both, "webm"))
    assert (joined.copied, joined.channels) == (True, 2)
    for channel in samples(data)[0]:
        assert pitch(channel, 48000, start_s=1, seconds=3) == pytest.approx(440, rel=0.02)
        assert pitch(channel, 48000, start_s=6, seconds=3) == pytest.approx(880, rel=0.02)


async def test_each_kind_of_file_joins_with_a_browser_recording(join, sounds):
    for name, data in sounds.items():
        joined, whole = await join((data, name.removesuffix("-recorder")), (sounds["webm-recorder"], "webm"))
        channels, rate = samples(whole)
        assert joined.copied is (name.removesuffix("-recorder") in ("ogg", "webm", "mkv"))
        assert (joined.sample_rate, len(channels)) == (48000 if joined.copied else 24000, 1)
        assert joined.duration_ms == pytest.approx(len(channels[0]) * 1000 / rate, abs=1)
        assert joined.duration_ms == pytest.approx(10_000, abs=100), name
        assert joined.offsets_ms == pytest.approx((0, 5000), abs=60), name
        assert pitch(channels[0], rate, start_s=4, seconds=2) == pytest.approx(440, rel=0.06), name


async def test_what_is_encoded_keeps_every_sample_where_the_rate_allows_it(join, sounds):
    joined, data = await join((sounds["wav"], "wav"))
    assert (joined.copied, joined.sample_rate, joined.duration_ms) == (False, 16000, 5000)
    assert samples(data)[0][0].tobytes() == sounds["wav"][-SAMPLES_BYTES:]


SAMPLES_BYTES = 5 * 16000 * 2


@pytest.mark.parametrize(("rates", "chosen"), [((8000,), 8000), ((8000, 16000), 16000), ((22050, 8000), 22050)])
async def test_no_rate_is_above_the_highest_of_the_inputs(join, write, rates, chosen):
    files = [(write("wav", "pcm_s16le", rate, seconds=1), "wav") for rate in rates]
    joined, data = await join(*files)
    assert joined.sample_rate == samples(data)[1] == chosen
    assert joined.duration_ms == pytest.approx(1000 * len(rates), abs=10)


async def test_channels_stay_apart(join, write, stereo):
    joined, data = await join((stereo, "flac"), (write("wav", "pcm_s16le", 16000), "wav"))
    assert (joined.channels, joined.sample_rate) == (2, 24000)
    assert [len(channel) for channel in samples(data)[0]] == [240_000] * 2


@pytest.mark.parametrize("layout", ["5.1", "7.1", "quad", "3.0"])
async def test_more_than_two_channels_are_mixed_down_to_one(join, write, layout):
    joined, data = await join((write("wav", "pcm_s16le", 16000, seconds=2, layout=layout), "wav"))
    (channel,), rate = samples(data)
    assert (joined.channels, joined.duration_ms) == (1, 2000)
    assert pitch(channel, rate, start_s=0.2, seconds=1.6) == pytest.approx(440, rel=0.02)
    assert 7000 < max(channel) <= 8100


async def test_a_damaged_segment_gives_what_can_be_read_of_it(join, sounds):
    half, whole = sounds["webm-recorder"][: len(sounds["webm-recorder"]) // 2], sounds["webm-recorder"]
    joined, _ = await join((half, "webm"), (whole, "webm"))
    assert joined.copied
    assert 2000 <= joined.offsets_ms[1] <= 3000
    assert joined.duration_ms - joined.offsets_ms[1] == pytest.approx(5000, abs=60)


@pytest.mark.parametrize("copied", [True, False])
async def test_a_segment_that_gives_nothing_leaves_the_others_whole(join, sounds, hollow, copied):
    name, container = ("webm-recorder", "webm") if copied else ("wav", "wav")
    lost = [(b"\x1a\x45\xdf\xa3webm", "webm"), (sounds["m4a"][:900], "m4a")]
    joined, _ = await join(lost[0], (sounds[name], container), lost[1], (sounds[name], container))
    assert joined.copied is copied
    assert joined.offsets_ms == pytest.approx((0, 0, 5000, 5000), abs=60)
    assert joined.duration_ms == pytest.approx(10_000, abs=60)


async def test_packets_that_are_no_opus_are_left_out(join, hollow, sounds):
    joined, data = await join((hollow, "webm"), (sounds["webm-recorder"], "webm"))
    assert packets(data) == packets(sounds["webm-recorder"])
    assert joined.offsets_ms == (0, 0)


@pytest.mark.parametrize("files", [[], [(b"noise" * 500, "webm")], [(b"", "wav"), (b"fLaC", "flac")]])
async def test_nothing_readable_is_refused(join, files):
    with pytest.raises(AudioUnusable):
        await join(*files)


async def test_pictures_without_sound_are_refused(join, silent_film):
    with pytest.raises(AudioUnusable):
        await join((silent_film, "webm"))


@pytest.mark.parametrize("error", [Misconfigured("the key of this visit is gone"), ConnectionResetError("gone")])
@pytest.mark.parametrize("failing", ["read", "write"])
async def test_what_the_callers_functions_raise_is_passed_on_and_leaves_no_process(sounds, children, error, failing):
    before = children()

    async def read(offset: int, length: int) -> bytes:
        if failing == "read":
            raise error
        return sounds["wav"][offset : offset + length]

    async def write(piece: bytes) -> None:
        raise error

    with pytest.raises(type(error)):
        await join_sounds([Source(read, len(sounds["wav"]), "wav")], write=write, timeout_s=20)
    assert children() <= before


async def test_a_writer_that_hangs_ends_at_the_timeout_and_leaves_no_process(sounds, children):
    before, asked = children(), []

    async def write(piece: bytes) -> None:
        asked.append(len(piece))
        await asyncio.sleep(60)

    with pytest.raises(AudioUnusable, match="too long to put together"):
        await join_sounds([source(sounds["wav"], "wav")], write=write, timeout_s=2)
    assert asked
    assert children() <= before
