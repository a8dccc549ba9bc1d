"""The figures of `make bench NAME=transcription`, and the bare script it is measured against."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import httpx
import pytest
from connector_sandbox.recordings import BundledRecording, load_recording

from bench.bare_transcription import BareScript
from bench.crowd import Crowd, Outcome, Ready, find_most_at_once, shows_script
from bench.long_sound import make_long_sound
from bench.report import NotMeasured
from bench.transcription import Ours, find_looks, summarise
from tests.fixtures.assemblyai import run_process

SECONDS = 200
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def at(seconds: float) -> str:
    return (NOON + timedelta(seconds=seconds)).isoformat()


def entry(method: str, path: str, seconds: float) -> dict[str, Any]:
    return {"method": method, "path": path, "at": at(seconds)}


def test_a_job_counts_once_it_ran_beside_the_others_and_its_visit_is_right() -> None:
    ours = [Ours(22.0, 1.0, 0.3, [21.0]), Ours(24.0, 2.0, 0.5, [21.0]), Ours(23.0, 3.0, 0.4, [21.0])]
    report = summarise(ours, [20.0, 21.0, 22.0], outcome=Outcome(199, 200, 9.0, 30.0), growth_mb=12.34, threads=33)
    figures = report.figures
    assert figures["overhead_ratio"] == round(23.0 / 21.0, 3)
    assert figures["overhead_seconds"] == 2.0
    assert (figures["before_vendor_seconds"], figures["after_vendor_seconds"]) == (2.0, 0.4)
    assert figures["jobs_at_once"] == 199
    assert set(report.short) == {"jobs_at_once", "threads"}


def test_only_looks_at_the_one_new_job_are_looks() -> None:
    entries = [
        entry("POST", "/v2/upload", 0),
        entry("POST", "/v2/transcript", 1),
        entry("GET", "/v2/transcript/old", 2),
        entry("GET", "/v2/transcript", 2),
        entry("GET", "/v2/transcript/new", 4),
        entry("GET", "/v2/transcript/new", 7),
    ]
    looks, since = find_looks(entries, known={"/v2/transcript/old"})
    assert [round(one, 1) for one in looks] == [3.0, 6.0]
    assert since == NOON + timedelta(seconds=1)
    with pytest.raises(NotMeasured):
        find_looks([*entries, entry("POST", "/v2/transcript", 9)], known=set())


def test_the_most_at_one_time_are_counted_of_those_that_were_completed() -> None:
    spans = [(0, 10), (5, 15), (9, 20), (10, 30), (40, 50)]
    jobs = [{"status": "completed", "created": at(begun), "completed": at(ended)} for begun, ended in spans]
    jobs.append({"status": "error", "created": at(9), "completed": at(12)})
    assert find_most_at_once(jobs) == 3
    assert find_most_at_once([]) == 0


def test_a_page_is_right_when_it_shows_the_whole_script_in_order() -> None:
    recording = load_recording("edmundo")
    turns = [
        f'<li data-turn="t{number}">{turn.text}<span class="unseen"> (unsure)</span></li>'
        for number, turn in enumerate(recording.turns)
    ]
    assert shows_script("".join(turns), recording)
    assert not shows_script("".join(turns[:-1]), recording)
    assert not shows_script("".join(reversed(turns)), recording)
    assert not shows_script("".join(turns), load_recording("billie"))


def test_the_bare_script_looks_at_the_given_moments_and_deletes_what_it_made(tmp_path: Path) -> None:
    sound = load_recording("edmundo").audio
    with run_process(tmp_path, "--process-seconds", "0.2") as base:
        script = BareScript(base, "a-key", tmp_path)
        looks = [0.2 * number for number in range(600)]
        assert 0.2 < script.transcribe(sound, looks) < 130
        assert b"Cummerata" in (tmp_path / "transcript.json").read_bytes()
        with pytest.raises(NotMeasured, match="not completed"):
            script.transcribe(sound, [0.0])
        (tmp_path / "no-sound.ogg").write_bytes(b"This is a text.")
        with pytest.raises(NotMeasured, match="failed"):
            script.transcribe(tmp_path / "no-sound.ogg", looks)


class HandMade:
    """A visit that is transcribed by hand: what finishing its recording sets off, and what its page shows then."""

    def __init__(self, vendor: httpx.Client, recording: BundledRecording) -> None:
        self.vendor, self.recording, self.base = vendor, recording, ""
        self.client = self

    def post(self, _path: str, *, json: dict[str, Any]) -> httpx.Response:
        url = self.vendor.post("/v2/upload", content=self.recording.audio.read_bytes()).json()["upload_url"]
        self.job = self.vendor.post("/v2/transcript", json={"audio_url": url, **json}).json()["id"]
        return httpx.Response(200)

    def read(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.vendor.get(f"/v2/transcript/{self.job}").json()
        return answer

    def status(self) -> dict[str, Any]:
        return {"state": "TRANSCRIBED" if self.read()["status"] == "completed" else "CAPTURED"}

    def get(self, _address: str) -> httpx.Response:
        turns = [f"<li data-turn>{one['text']}</li>" for one in self.read()["utterances"]]
        return httpx.Response(200, text="".join(turns))


def test_a_crowd_is_held_until_every_job_is_there_and_then_looked_over(tmp_path: Path) -> None:
    recordings = [load_recording(name) for name in ("edmundo", "billie", "chasidy")]
    with (
        run_process(tmp_path, "--queue-seconds", "0", "--process-seconds", "0", "--places", "8") as base,
        httpx.Client(base_url=base, headers={"authorization": "a-key"}, trust_env=False, timeout=60) as vendor,
    ):
        stack: Any = SimpleNamespace(addresses=SimpleNamespace(speech=base), key="a-key")
        ready = [Ready(HandMade(vendor, one), one, "", {"speaker_labels": True}) for one in recordings]
        mixed_up = Ready(HandMade(vendor, recordings[0]), recordings[1], "", {"speaker_labels": True})
        outcome = Crowd(stack).finish([*ready, mixed_up])
        assert vendor.get("/sandbox/controls").json()["jobs_held"] is False
    assert (outcome.right, outcome.at_once) == (3, 4)


def test_a_long_sound_is_the_same_visit_again_and_again(tmp_path: Path) -> None:
    recording = load_recording("edmundo")
    target = tmp_path / "long.ogg"
    make_long_sound(recording.audio, target, seconds=SECONDS)
    with av.open(str(target)) as read:
        samples = sum(frame.samples / frame.sample_rate for frame in read.decode(audio=0))
    assert SECONDS <= samples < SECONDS + recording.duration_ms / 1000
