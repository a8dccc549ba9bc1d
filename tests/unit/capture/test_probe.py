"""Probing sound in a confined process: every container, every kind of damage, and the confinement itself."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import struct
import subprocess
import sys
import tracemalloc
import venv
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from connector.capture.confinement import BLOCK
from connector.capture.joining import join_sounds
from connector.capture.probe import Sound, probe_sound
from connector.capture.process import Source, count_places, place
from connector.errors import AudioUnusable, Misconfigured, ProbeBusy
from tests.unit.capture.conftest import KINDS

ROOT = Path(__file__).parents[3]


async def test_each_container_is_measured_by_its_packets(probe, sounds):
    for name, data in sounds.items():
        sound = await probe(data)
        assert sound.container == name.removesuffix("-recorder")
        assert 4960 <= sound.duration_ms <= 5090, name
        assert (sound.channels, sound.streams, sound.truncated) == (1, 1, False), name
        assert sound.sample_rate == KINDS[name][2], name
        assert sound.codec in KINDS[name][1].replace("libopencore_amrnb", "amr_nb").replace("libmp3lame", "mp3"), name
        assert 0.3 < sound.bit_rate * 5 / (len(data) * 8) < 1.02, name


async def test_channels_and_rate_are_those_of_the_file(probe, stereo):
    sound = await probe(stereo)
    assert (sound.container, sound.sample_rate, sound.channels) == ("flac", 48000, 2)


@pytest.mark.parametrize("name", ["wav", "flac", "mp3", "webm", "mkv", "aiff", "mp4-recorder"])
async def test_a_cut_off_file_is_used_and_said_to_be_cut(probe, sounds, name):
    data = sounds[name]
    sound = await probe(data[: len(data) // 2])
    assert sound.truncated is True
    assert 1500 <= sound.duration_ms <= 3000


@pytest.mark.parametrize("name", ["ogg", "aac", "au", "caf", "webm-recorder", "wav-recorder"])
async def test_a_cut_off_file_that_does_not_show_it_is_used(probe, sounds, name):
    data = sounds[name]
    assert 1500 <= (await probe(data[: len(data) // 2])).duration_ms <= 3000


@pytest.mark.parametrize("name", ["m4a", "mp4", "mov"])
async def test_a_file_cut_off_before_its_index_is_refused(probe, sounds, name):
    data = sounds[name]
    with pytest.raises(AudioUnusable, match="damaged, or cut off"):
        await probe(data[: len(data) // 2])


async def test_an_empty_file_is_refused(probe):
    with pytest.raises(AudioUnusable, match="empty"):
        await probe(b"")


async def test_text_is_refused_whatever_its_name(probe):
    with pytest.raises(AudioUnusable, match="whatever its name says"):
        await probe(b"This is the visit, typed.\n" * 1000)


async def test_a_header_with_nothing_behind_it_is_refused(probe, sounds):
    for name in ("wav", "flac", "ogg", "webm", "mp3"):
        with pytest.raises(AudioUnusable):
            await probe(sounds[name][:60])


async def test_noise_behind_a_true_beginning_is_refused(probe, sounds):
    noise = random.Random(1).randbytes(50_000)
    for name in ("flac", "ogg", "webm", "m4a"):
        with pytest.raises(AudioUnusable):
            await probe(sounds[name][:100] + noise)


async def test_frames_that_hold_no_sound_are_refused(probe, hollow):
    with pytest.raises(AudioUnusable, match="damaged"):
        await probe(hollow)


async def test_a_title_in_another_alphabet_does_not_spoil_a_recording(probe, sounds):
    data = sounds["wav"]
    info = b"INFOIART" + struct.pack("<I", 8) + "Müller".encode("latin-1") + b"\0\0"
    chunk = b"LIST" + struct.pack("<I", len(info)) + info
    tagged = b"RIFF" + struct.pack("<I", len(data) - 8 + len(chunk)) + data[8:36] + chunk + data[36:]
    assert (await probe(tagged)).truncated is False


async def test_pictures_without_sound_are_refused(probe, silent_film):
    with pytest.raises(AudioUnusable, match="no sound track"):
        await probe(silent_film)


async def test_a_recording_shorter_than_a_word_is_refused(probe, write):
    with pytest.raises(AudioUnusable, match="shorter"):
        await probe(write("wav", "pcm_s16le", 16000, seconds=0.1))


async def test_damaged_files_end_in_a_sound_or_a_refusal(probe, sounds):
    chance = random.Random(20260302)
    for name, data in sounds.items():
        for _ in range(3):
            hurt = bytearray(data[: chance.randrange(len(data) // 4, len(data))])
            for _ in range(chance.randrange(1, 60)):
                hurt[chance.randrange(12, len(hurt))] = chance.randrange(256)
            try:
                sound = await probe(bytes(hurt))
            except AudioUnusable:
                continue
            assert 160 <= sound.duration_ms <= 36_000_000, name


def _wav(samples: int, rate: int = 16000) -> bytes:
    size = samples * 2
    layout = struct.pack("<IHHIIHH", 16, 1, 1, rate, rate * 2, 2, 16)
    return b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt " + layout + b"data" + struct.pack("<I", size)


async def _zeros(hours: float) -> tuple[Sound, int]:
    """Probe a WAV of silence at 8 kHz that exists nowhere; return the sound and the most memory it took here."""
    samples = round(hours * 3600 * 8000)
    head = _wav(samples, rate=8000)
    size = len(head) + samples * 2

    async def read(offset: int, length: int) -> bytes:
        start = head[offset : offset + length]
        return start + bytes(min(length, size - offset) - len(start))

    tracemalloc.start()
    try:
        return await probe_sound(read, size, timeout_s=60), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


async def test_hours_are_measured_in_constant_memory():
    """570 MB: more than the demuxer may ever hold, which is half a GiB."""
    sound, most = await _zeros(9.9)
    assert sound.duration_ms == 9.9 * 3600_000
    assert most < 12 * BLOCK


async def test_more_than_ten_hours_are_refused():
    with pytest.raises(AudioUnusable, match="ten hours"):
        await _zeros(10.001)


@pytest.mark.parametrize("patient", [True, False], ids=["hangs-later", "hangs-at-once"])
async def test_a_reader_that_hangs_ends_at_the_timeout_and_leaves_no_process(sounds, children, patient):
    data, before = sounds["wav"], children()

    async def read(offset: int, length: int) -> bytes:
        if children() - before or not patient:
            await asyncio.sleep(60)
        return data[offset : offset + length]

    with pytest.raises(ProbeBusy, match="nothing is lost"):
        await probe_sound(read, len(data), timeout_s=1.0)
    assert children() <= before


@pytest.mark.parametrize(
    ("end", "told"),
    [(signal.SIGKILL, ProbeBusy), (signal.SIGTERM, ProbeBusy), (signal.SIGXCPU, AudioUnusable)],
)
async def test_a_killed_reader_judges_nothing_and_one_that_a_file_ended_does(sounds, children, end, told):
    data, before = sounds["wav"], children()

    async def read(offset: int, length: int) -> bytes:
        for child in children() - before:
            os.kill(child, end)
        return data[offset : offset + length]

    with pytest.raises(told):
        await probe_sound(read, len(data), timeout_s=30.0)


async def test_what_the_reader_raises_is_passed_on_and_leaves_no_process(sounds, children):
    data, before, calls = sounds["wav"], children(), []

    async def read(offset: int, length: int) -> bytes:
        calls.append(offset)
        if len(calls) > 1:
            raise Misconfigured("the key of this visit is gone")
        return data[offset : offset + length]

    with pytest.raises(Misconfigured):
        await probe_sound(read, len(data), timeout_s=10)
    assert children() <= before


async def test_the_demuxer_is_told_nothing_of_our_environment(sounds, children):
    data, before, seen = sounds["wav"], children(), []

    async def read(offset: int, length: int) -> bytes:
        seen.extend(Path(f"/proc/{child}/environ").read_bytes() for child in children() - before)
        return data[offset : offset + length]

    await probe_sound(read, len(data), timeout_s=20)
    assert seen
    assert not any(seen)
    assert os.environ


async def test_a_cancelled_probe_leaves_no_process(sounds, children):
    data, before = sounds["wav"], children()
    asked = asyncio.Event()

    async def read(offset: int, length: int) -> bytes:
        if children() - before:
            asked.set()
            await asyncio.sleep(60)
        return data[offset : offset + length]

    probing = asyncio.create_task(probe_sound(read, len(data), timeout_s=30))
    await asyncio.wait_for(asked.wait(), 20)
    probing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probing
    assert children() <= before


CONFINED = """
import os, socket, sys
sys.path.append(sys.argv[1])
import av
from connector.capture.confinement import confine, load_all
load_all(av)
confine(5)
def refused(attempt):
    try:
        attempt()
    except (OSError, MemoryError) as error:
        return type(error).__name__
    return "allowed"
print(refused(lambda: open("/etc/hostname")), refused(lambda: os.open("/tmp", os.O_RDONLY)),
      refused(socket.socket), refused(lambda: bytearray(2**31)))
"""


def test_the_demuxer_can_open_nothing_once_confined():
    """Run as the probe runs it: no file, no socket, no two gigabytes."""
    told = subprocess.run(
        [sys.executable, "-I", "-c", CONFINED, str(ROOT)],
        capture_output=True,
        text=True,
        env={},
        check=True,
    ).stdout.split()
    assert told == ["OSError", "OSError", "OSError", "MemoryError"]


WITHOUT_READER = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from connector.capture.probe import probe_sound
data = open(sys.argv[2], "rb").read()
async def read(offset, length):
    return data[offset : offset + length]
print(asyncio.run(probe_sound(read, len(data), timeout_s=20)))
"""


def test_without_a_reader_installed_the_container_alone_is_known(tmp_path, sounds):
    """In an interpreter of its own that has no PyAV."""
    venv.create(tmp_path / "bare", with_pip=False)
    (tmp_path / "tone").write_bytes(sounds["flac"])
    told = subprocess.run(
        [tmp_path / "bare/bin/python", "-c", WITHOUT_READER, str(ROOT), str(tmp_path / "tone")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert told == str(Sound("flac", 0, 0, 0))


async def test_only_so_many_readers_run_together_and_the_others_wait_for_a_place(sounds, children):
    data, before, most = sounds["wav"], children(), 0

    async def read(offset: int, length: int) -> bytes:
        nonlocal most
        most = max(most, len(children() - before))
        await asyncio.sleep(0.01)
        return data[offset : offset + length]

    probes = [probe_sound(read, len(data), timeout_s=300) for _ in range(count_places() * 2 + 1)]
    assert {sound.container for sound in await asyncio.gather(*probes)} == {"wav"}
    assert 1 < most <= count_places()


async def test_who_finds_no_place_in_time_is_told_to_come_again(sounds):
    data = sounds["wav"]

    async def read(offset: int, length: int) -> bytes:
        return data[offset : offset + length]

    async with AsyncExitStack() as held:
        for _ in range(count_places()):
            await held.enter_async_context(place("probe"))
        with pytest.raises(ProbeBusy):
            await probe_sound(read, len(data), timeout_s=0.2)
    assert (await probe_sound(read, len(data), timeout_s=300)).container == "wav"


async def test_no_probe_waits_for_what_is_being_written(sounds):
    """A burst of joins may take long."""
    data = sounds["wav"]

    async def read(offset: int, length: int) -> bytes:
        return data[offset : offset + length]

    async def discard(data: bytes) -> None:
        del data

    async with AsyncExitStack() as held:
        for _ in range(count_places()):
            await held.enter_async_context(place("write"))
        joining = asyncio.create_task(join_sounds([Source(read, len(data), "wav")], write=discard, timeout_s=300))
        assert (await probe_sound(read, len(data), timeout_s=300)).container == "wav"
        assert not joining.done(), "it waits for a place"
    assert (await joining).container == "ogg"
