"""Speech nobody has a script of: recognised where PocketSphinx is installed, badly, and labelled; else an error."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from connector_sandbox.assemblyai.hearing import NOT_RECOGNISED, OTHER_SPEECH, Listener, NotTranscribed
from connector_sandbox.assemblyai.recognising import Limits, NotRecognised, find_recogniser, recognise
from connector_sandbox.recordings import load_recording

from connector.records import Stamp
from connector.transcript.reading import read_transcript
from tests.fixtures.assemblyai import run_process
from tests.wire.sandbox_assemblyai.conftest import open_vendor
from tests.wire.sandbox_assemblyai.mixing import RATE, write
from tests.wire.sandbox_assemblyai.test_hearing import samples_of

LABEL = "Sandbox recogniser (PocketSphinx), low accuracy"


@pytest.fixture
def other_speech(reencode: Callable[..., Path]) -> Path:
    """A minute's third of clear speech at another pace: the sandbox no longer knows whose script it is."""
    filters = (("atrim", "start=2.6:end=23"), ("atempo", "1.12"))
    visit = load_recording("chasidy").audio
    return reencode(visit, "other.wav", codec="pcm_s16le", rate=RATE, filters=filters)


def test_other_speech_is_recognised_and_says_that_it_is_done_badly(vendor, other_speech) -> None:
    printed = vendor.transcribe(other_speech.read_bytes(), speaker_labels=True, entity_detection=True)
    assert printed["status"] == "completed"
    assert "blood pressure" in printed["text"]
    assert printed["text"] == printed["text"].lower()
    words = printed["words"]
    assert 40 <= len(words) <= 90
    assert all(0 <= word["start"] < word["end"] <= printed["audio_duration"] * 1000 for word in words)
    assert [word["start"] for word in words] == sorted(word["start"] for word in words)
    assert len({word["confidence"] for word in words}) > len(words) / 2
    assert {utterance["speaker"] for utterance in printed["utterances"]} == {"A"}
    (first, *_) = [warning["message"] for warning in printed["metadata"]["warnings"]]
    assert first.startswith(LABEL)
    assert "playback" not in str(printed["metadata"]).lower()
    answer = vendor.client.get(f"/v2/transcript/{printed['id']}")
    assert answer.headers["x-sandbox"] == "recogniser"
    stub = vendor.client.delete(f"/v2/transcript/{printed['id']}").json()
    assert stub["metadata"]["warnings"][0]["message"].startswith(LABEL)
    assert "blood" not in str(stub)


def test_the_connector_tells_it_from_playback_and_from_the_vendor(vendor, other_speech) -> None:
    stamp = Stamp(maker="test", at=datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
    heard = vendor.transcribe(other_speech.read_bytes())
    played = vendor.transcribe(load_recording("billie").audio.read_bytes())
    origins = [read_transcript(one, transcript_id="t", stamp=stamp).origin for one in (heard, played)]
    assert origins == ["sandbox-recogniser", "playback"]


def test_two_channels_are_two_voices(other_speech: Path, reencode: Callable[..., Path], tmp_path: Path) -> None:
    samples = [int(sample) for sample in samples_of(other_speech, reencode)]
    half, between = len(samples) // 2, [0] * (2 * RATE)
    left = samples[:half] + between + [0] * half
    through = [sample // 8 for sample in samples[:half]]  # how the left one is heard on the right
    right = through + between + samples[half : 2 * half]
    apart = write(tmp_path / "apart.wav", _array(left), _array(right), codec="pcm_s16le", rate=RATE)
    heard = recognise(apart)
    assert {(turn.role, turn.channel) for turn in heard} == {("voice 1", 1), ("voice 2", 2)}
    edge = half * 1000 // RATE + 1000
    assert all((turn.words[0].start < edge) == (turn.channel == 1) for turn in heard)
    one = write(tmp_path / "one.wav", _array(left), _array(left), codec="pcm_s16le", rate=RATE)
    assert {(turn.role, turn.channel) for turn in recognise(one)} == {(None, 1)}


def test_it_listens_no_longer_than_it_may(other_speech: Path) -> None:
    heard = recognise(other_speech, limits=Limits(sound_s=5))
    assert 0 < max(turn.words[-1].end for turn in heard) <= 5_000


@pytest.mark.parametrize("limits", [Limits(cpu_s=1), Limits(wall_s=1)])
def test_a_recognition_that_takes_too_long_is_stopped(other_speech: Path, limits: Limits) -> None:
    with pytest.raises(NotRecognised):
        recognise(other_speech, limits=limits)


def test_a_recogniser_that_gives_up_is_an_error_of_the_job(other_speech: Path) -> None:
    def fail(_path: Path) -> Any:
        raise NotRecognised

    with pytest.raises(NotTranscribed) as refused:
        Listener(recognise=fail).hear(other_speech)
    assert str(refused.value) == NOT_RECOGNISED


def test_without_a_recogniser_other_speech_is_the_honest_error(tmp_path: Path, other_speech: Path) -> None:
    assert find_recogniser() is recognise
    with run_process(tmp_path, "--queue-seconds", "0", "--process-seconds", "0", "--no-recogniser") as base:
        deaf = open_vendor(base)
        with deaf.client:
            printed = deaf.transcribe(other_speech.read_bytes())
    assert (printed["status"], printed["error"], printed["text"]) == ("error", OTHER_SPEECH, None)


def _array(samples: list[int]) -> Any:
    return array("h", samples)
