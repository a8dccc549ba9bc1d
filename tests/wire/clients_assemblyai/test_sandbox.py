"""Our clients against the sandbox AssemblyAI, run as its own process: a visit from upload to proven deletion."""

from __future__ import annotations

import asyncio
import math
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from connector_sandbox.recordings import load_recordings

from connector.capture.probe import probe_sound
from connector.clients.assemblyai import AssemblyAI, SpeechOptions, build_transcript_request
from connector.clients.gateway import Gateway
from connector.clients.http import Patience, make_client
from connector.errors import NothingSaid, VendorAccount, VendorOutcomeUnknown, VendorRejected
from connector.records import Stamp, Transcript
from connector.transcript.reading import read_transcript
from connector.transcript.speech import judge_speech

KEY = "wire-test-key"
STAMP = Stamp(maker="test", at=datetime(2026, 3, 2, 12, 0, tzinfo=UTC))
OPTIONS = SpeechOptions(speech_models=("universal-3-5-pro", "universal-2"))
HURRIED = Patience(attempts=4, deadline_s=20.0, first_s=0.05, most_s=0.2)


@pytest.fixture(scope="module")
async def sandbox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The address of a sandbox that works without delays."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    state = tmp_path_factory.mktemp("sandbox")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "connector_sandbox.assemblyai", "--port", str(port), "--state", str(state)),
        *("--key", KEY, "--queue-seconds", "0.05", "--process-seconds", "0.05"),
    )
    url = f"http://127.0.0.1:{port}"
    try:
        await _healthy(url)
        yield url
    finally:
        process.terminate()
        await process.wait()


async def _healthy(url: str) -> None:
    async with make_client(timeout=2.0) as client, asyncio.timeout(30):
        while True:
            try:
                if (await client.get(f"{url}/health")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.1)


@pytest.fixture
def speech(http: httpx.AsyncClient, sandbox: str) -> AssemblyAI:
    return AssemblyAI(http, base_url=sandbox, api_key=KEY, patience=HURRIED)


@pytest.fixture
async def fault(http: httpx.AsyncClient, sandbox: str) -> AsyncIterator[Any]:
    """Set a fault; all are taken away afterwards."""

    async def put(**rule: object) -> None:
        (await http.post(f"{sandbox}/sandbox/faults", json=[rule])).raise_for_status()

    yield put
    await http.delete(f"{sandbox}/sandbox/faults")


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 65536):
        yield data[start : start + 65536]


async def _transcribe(speech: AssemblyAI, data: bytes) -> tuple[str, Transcript]:
    address = await speech.upload(_pieces(data), len(data))
    job = await speech.submit(build_transcript_request(address, ["lisinopril"], options=OPTIONS))
    assert await speech.find_jobs(address) == [job.job_id]
    answer = await speech.wait(job.job_id, deadline_s=60, interval=0.1)
    return job.job_id, read_transcript(answer, transcript_id="x1", stamp=STAMP)


async def test_each_bundled_visit_comes_back_with_roles_and_passes(speech):
    recordings = load_recordings()
    assert len(recordings) >= 4
    for recording in recordings:
        data = recording.audio.read_bytes()
        _, transcript = await _transcribe(speech, data)
        judge_speech(transcript, recording_ms=recording.duration_ms)
        assert transcript.origin == "playback"
        assert [turn.text for turn in transcript.turns] == [turn.text for turn in recording.turns]
        roles = {(turn.role, turn.role_from) for turn in transcript.turns}
        third = {("Speaker C", "guess")} if any(turn.role == "partner" for turn in recording.turns) else set()
        assert roles == {("Doctor", "vendor"), ("Patient", "vendor")} | third
        assert transcript.duration_ms == math.ceil(recording.duration_ms / 1000) * 1000


async def test_a_visits_recording_is_probed_as_long_as_it_is():
    for recording in load_recordings():
        data = recording.audio.read_bytes()

        async def read(offset: int, length: int, data: bytes = data) -> bytes:
            return data[offset : offset + length]

        sound = await probe_sound(read, len(data), timeout_s=20)
        assert abs(sound.duration_ms - recording.duration_ms) < 100
        assert (sound.container, sound.truncated) == ("ogg", False)


async def test_a_deleted_job_is_proven_gone_with_its_recording(speech, http, sandbox):
    data = load_recordings()[0].audio.read_bytes()
    job_id, _ = await _transcribe(speech, data)
    assert await speech.is_deleted(job_id) is False
    await speech.delete(job_id)
    assert await speech.is_deleted(job_id) is True
    await speech.delete(job_id)
    uploads = (await http.get(f"{sandbox}/sandbox/uploads")).json()["uploads"]
    assert uploads[-1]["present"] is False
    with pytest.raises(VendorRejected, match="deleted"):
        read_transcript(await speech.fetch(job_id), transcript_id="x1", stamp=STAMP)


async def test_a_job_whose_answer_was_lost_is_found_again(speech, fault):
    data = load_recordings()[0].audio.read_bytes()
    address = await speech.upload(_pieces(data), len(data))
    await fault(method="POST", path="/v2/transcript$", kind="commit_then_timeout", seconds=0.2)
    with pytest.raises(VendorOutcomeUnknown):
        await speech.submit(build_transcript_request(address, [], options=OPTIONS))
    (job_id,) = await speech.find_jobs(address)
    assert (await speech.wait(job_id, deadline_s=30, interval=0.1))["status"] == "completed"


async def test_a_sandbox_that_stumbles_is_survived(speech, fault):
    await fault(method="POST", path="/v2/transcript$", kind="status", status=503)
    await fault(method="GET", path="/v2/transcript/", kind="status", status=500, times=2)
    await fault(method="GET", path="/v2/transcript/", kind="reset", after=2)
    _, transcript = await _transcribe(speech, load_recordings()[1].audio.read_bytes())
    assert transcript.turns


async def test_sound_without_speech_is_no_visit(speech):
    _, transcript = await _transcribe(speech, _hum(seconds=8))
    with pytest.raises(NothingSaid):
        judge_speech(transcript)


async def test_what_is_no_sound_is_refused_in_our_words(speech):
    with pytest.raises(VendorRejected, match="no sound"):
        await _transcribe(speech, b"This is the visit, typed.\n" * 100)


async def test_another_key_is_the_operators_to_mend(http, sandbox):
    with pytest.raises(VendorAccount):
        await AssemblyAI(http, base_url=sandbox, api_key="wrong").find_jobs("u")


async def test_deleting_a_completion_nobody_made_is_no_failure(http, sandbox):
    gateway = Gateway(http, base_url=sandbox, api_key=KEY, patience=HURRIED)
    assert await gateway.delete("no-such-request") in ("answered", "gone")


def _hum(*, seconds: int) -> bytes:
    """A WAV of faint mains hum."""
    rate = 16000
    samples = b"".join(
        round(60 * math.sin(2 * math.pi * 50 * n / rate)).to_bytes(2, "little", signed=True)
        for n in range(rate * seconds)
    )
    header = b"RIFF" + (36 + len(samples)).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    header += b"\1\0\1\0" + rate.to_bytes(4, "little") + (rate * 2).to_bytes(4, "little") + b"\2\0\x10\0"
    return header + b"data" + len(samples).to_bytes(4, "little") + samples


async def _told(speech: AssemblyAI, options: SpeechOptions) -> dict[str, object]:
    """What the vendor holds of a job that was asked for with a keyterm."""
    data = load_recordings()[0].audio.read_bytes()
    address = await speech.upload(_pieces(data), len(data))
    job = await speech.submit(build_transcript_request(address, ["lisinopril"], options=options))
    answer = await speech.wait(job.job_id, deadline_s=60, interval=0.1)
    return {name: answer[name] for name in ("keyterms_prompt", "prompt") if answer[name]}


@pytest.mark.parametrize(
    ("prefers", "sent"), [("keyterms", {"keyterms_prompt": ["lisinopril"]}), ("prompt", {"prompt": "A clinic visit."})]
)
async def test_a_model_that_takes_a_prompt_or_keyterms_never_gets_both(speech, prefers, sent):
    one = SpeechOptions(("universal-3-pro",), prompt="A clinic visit.", exclusive=True, prefers=prefers)
    assert await _told(speech, one) == sent


async def test_both_are_refused_by_such_a_model_and_taken_by_one_that_combines_them(speech):
    both = SpeechOptions(("universal-3-5-pro",), prompt="A clinic visit.")
    assert await _told(speech, both) == {"keyterms_prompt": ["lisinopril"], "prompt": "A clinic visit."}
    with pytest.raises((VendorAccount, VendorRejected)):
        await _told(speech, replace(both, speech_models=("universal-3-pro",)))
