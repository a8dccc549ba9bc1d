"""The upload benchmark: its sound is a readable WAV that is the same each time; its report says what was seen."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import wave

import pytest

from bench.memory import Memory, resident_mb
from bench.upload import CHUNK, Sound, _Killed, summarise


def test_the_sound_is_a_wav_of_its_size_and_the_same_each_time() -> None:
    sound = Sound(44 + CHUNK + 1000)
    whole = b"".join(sound.chunk(seq) for seq in range(sound.count))
    assert len(whole) == sound.size
    assert [len(sound.chunk(seq)) for seq in range(sound.count)] == [CHUNK, 1044]
    with wave.open(io.BytesIO(whole)) as read:
        assert (read.getframerate(), read.getnchannels(), read.getnframes()) == (16_000, 1, (CHUNK + 1000) // 2)
    assert sound.sha256() == hashlib.sha256(whole).hexdigest()


def test_four_hours_are_460_mb() -> None:
    assert Sound().size == 460_800_044


@pytest.mark.parametrize(("resent", "equal", "short"), [(6, True, []), (7, True, ["chunks_resent"])])
def test_the_report_names_what_misses(resent: int, equal: bool, short: list[str]) -> None:
    killed = _Killed(None, "patient", Sound(), kills=6, resent=resent, equal=equal)  # type: ignore[arg-type]
    report = summarise([50.0, 60.0, 70.0], [100.0, 90.0, 110.0], growth_mb=12.0, killed=killed)
    assert report.figures["throughput_ratio"] == 0.6
    assert report.short == short


def test_memory_of_children_counts_and_growth_is_over_what_was_there() -> None:
    held = "import sys; data = bytearray(b'x') * 60_000_000; print('there', flush=True); sys.stdin.read()"
    before = resident_mb(os.getpid())
    memory = Memory(os.getpid())
    with subprocess.Popen([sys.executable, "-c", held], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None and child.stdin is not None
        child.stdout.readline()
        assert resident_mb(os.getpid()) - before > 50
        with memory.watched():
            child.stdin.close()
            child.wait()
    assert memory.growth_mb >= 0
    assert resident_mb(2**22 + 1) == 0
