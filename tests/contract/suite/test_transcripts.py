"""The vendor's own SDK, unchanged, against the sandbox: upload, submit, poll, read, list, delete; both its clients."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import assemblyai as aai
import pytest
from assemblyai.types import pydantic_v2

ROLES = {"speaker_type": "role", "known_values": ["Doctor", "Patient"]}
PLAYBACK = "Sandbox playback of a bundled script: not speech recognition"


@pytest.fixture
def config() -> aai.TranscriptionConfig:
    return aai.TranscriptionConfig(
        speech_models=["universal-3-5-pro", "universal-2"],
        domain="medical-v1",
        speaker_labels=True,
        speech_understanding={"request": {"speaker_identification": ROLES}},
        keyterms_prompt=["metoprolol tartrate", "clopidogrel"],
    )


@pytest.fixture
def transcriber(client: aai.Client) -> aai.Transcriber:
    return aai.Transcriber(client=client)


@pytest.fixture
def async_transcriber(async_client: aai.AsyncClient) -> aai.AsyncTranscriber:
    return aai.AsyncTranscriber(client=async_client)


@pytest.fixture
def global_client(settings: aai.Settings) -> Iterator[aai.Client]:
    """The SDK's global client, set up as its documentation says: some of its calls know no other."""
    names = ("api_key", "base_url", "polling_interval")
    before = {name: getattr(aai.settings, name) for name in names}
    for name in names:
        setattr(aai.settings, name, getattr(settings, name))
    one = aai.Client.get_default()
    with one.http_client:
        yield one
    for name in names:
        setattr(aai.settings, name, before[name])


def check(transcript: Any, recording: Any) -> None:
    assert transcript.status == aai.TranscriptStatus.completed, transcript.error
    assert [utterance.text for utterance in transcript.utterances] == recording.texts
    assert [utterance.speaker for utterance in transcript.utterances[:2]] == ["Doctor", "Patient"]
    assert [utterance.start for utterance in transcript.utterances] == recording.starts
    assert transcript.text == " ".join(recording.texts)
    assert transcript.audio_duration == 94
    assert 0.8 < transcript.confidence < 1


def test_these_are_the_releases_the_digest_was_made_from() -> None:
    assert version("assemblyai") == "1.8.2"
    assert version("openai").startswith("3.")


def test_the_sdk_speaks_the_dialect_this_run_is_about() -> None:
    without = bool(os.environ.get("CONTRACT_WITHOUT_SETTINGS"))
    assert pydantic_v2 is not without
    assert (sys.modules.get("pydantic_settings") is None) is without


def test_sync_upload_submit_poll_list_delete(transcriber, settings, config, recording) -> None:
    upload_url = transcriber.upload_file(str(recording.audio))
    assert upload_url.startswith(f"{settings.base_url}/upload/")
    transcript = transcriber.transcribe(upload_url, config=config)
    check(transcript, recording)
    response = transcript.json_response
    assert response["keyterms_prompt"] == ["metoprolol tartrate", "clopidogrel"]
    assert response["metadata"]["domain_used"] == "medical-v1"
    assert response["metadata"]["warnings"] == [{"message": PLAYBACK}]
    mapping = response["speech_understanding"]["response"]["speaker_identification"]["mapping"]
    assert mapping == {"A": "Doctor", "B": "Patient"}
    sentences, paragraphs = transcript.get_sentences(), transcript.get_paragraphs()
    assert sentences[0].text == "Good afternoon, Mr. Cummerata."
    assert [paragraph.text for paragraph in paragraphs] == recording.texts
    listed = transcriber.list_transcripts()
    assert [row.id for row in listed.transcripts] == [transcript.id]
    assert listed.transcripts[0].audio_url == upload_url
    assert listed.page_details.before_id_of_prev_url is None


def test_sync_delete_leaves_the_stub(global_client, config, recording) -> None:
    transcript = aai.Transcriber().transcribe(str(recording.audio), config=config)
    assert transcript.status == aai.TranscriptStatus.completed
    aai.Transcript.delete_by_id(transcript.id)
    stub = aai.Transcript.get_by_id(transcript.id)
    assert stub.status == aai.TranscriptStatus.completed
    assert stub.text == "Deleted by user."
    assert stub.audio_url == "http://deleted_by_user"
    assert not stub.words
    assert not stub.utterances


async def test_async_upload_submit_poll_list_delete(async_transcriber, config, recording) -> None:
    transcript = await async_transcriber.transcribe(str(recording.audio), config=config)
    check(transcript, recording)
    sentences, paragraphs = await transcript.get_sentences(), await transcript.get_paragraphs()
    assert sentences[0].text == "Good afternoon, Mr. Cummerata."
    assert [paragraph.text for paragraph in paragraphs] == recording.texts
    listed = await async_transcriber.list_transcripts()
    assert [row.id for row in listed.transcripts] == [transcript.id]
    stub = await async_transcriber.delete_by_id(transcript.id)
    assert stub.text == "Deleted by user."
    again = await async_transcriber.get_by_id(transcript.id)
    assert (again.status, again.text) == (aai.TranscriptStatus.completed, "Deleted by user.")
    assert not again.utterances


async def test_async_bytes_are_uploaded(async_transcriber, recording) -> None:
    transcript = await async_transcriber.transcribe(recording.audio.read_bytes())
    assert transcript.text.startswith("Good afternoon, Mr. Cummerata.")
    assert transcript.utterances is None


def test_every_further_option_is_taken_and_echoed(transcriber, recording) -> None:
    config = aai.TranscriptionConfig(
        speaker_labels=True,
        speaker_options=aai.SpeakerOptions(min_speakers_expected=2, max_speakers_expected=3),
        language_detection=True,
        language_confidence_threshold=0.4,
        webhook_url="http://127.0.0.1:9/hook",
        webhook_auth_header_name="X-Secret",
        webhook_auth_header_value="a-secret",
    )
    transcript = transcriber.transcribe(str(recording.audio), config=config)
    assert transcript.status == aai.TranscriptStatus.completed, transcript.error
    response = transcript.json_response
    assert response["speaker_options"]["max_speakers_expected"] == 3
    assert response["language_code"].startswith("en")
    assert response["language_confidence"] > 0.4
    assert response["webhook_auth"] is True
    assert "a-secret" not in str(response)


def test_a_failed_job_is_returned_with_its_error(transcriber) -> None:
    transcript = transcriber.transcribe(b"This is a text.")
    assert transcript.status == aai.TranscriptStatus.error
    assert "does not appear to contain audio" in transcript.error


def test_a_refused_submission_says_why(transcriber, recording) -> None:
    config = aai.TranscriptionConfig(speech_models=["universal-2"], keyterms_prompt=[f"term {n}" for n in range(201)])
    with pytest.raises(aai.TranscriptError, match="at most 200"):
        transcriber.transcribe(str(recording.audio), config=config)


def test_a_refused_key_is_told_apart(transcriber, controls) -> None:
    controls.post("/sandbox/faults", json=[{"path": "^/v2/upload$", "kind": "revoked_key"}])
    for _ in range(2):
        with pytest.raises(aai.TranscriptError) as refused:
            transcriber.upload_file(b"x")
        assert refused.value.status_code == 401


async def test_one_server_error_ends_the_sdks_wait_although_the_job_goes_on(
    async_transcriber, recording, controls
) -> None:
    """Why the product polls by itself (assemblyai.md 1.3)."""
    controls.post("/sandbox/faults", json=[{"method": "GET", "path": "^/v2/transcript/", "kind": "status"}])
    submitted = await async_transcriber.submit(str(recording.audio))
    with pytest.raises(aai.TranscriptError):
        await submitted.wait_for_completion()
    assert (await submitted.wait_for_completion()).status == aai.TranscriptStatus.completed
