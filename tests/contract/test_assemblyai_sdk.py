"""The vendor's own SDK, unchanged, against the sandbox: upload, submit, poll, read, list, delete; both its clients."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Iterator
from importlib.metadata import version
from typing import Any

import assemblyai as aai
import pytest
import pytest_asyncio
from assemblyai.llm_gateway.v1 import LLMGateway
from connector_sandbox.recordings import BundledRecording, load_recording

from tests.fixtures.assemblyai import ask_for_soap, assemblyai_base, run_process

__all__ = ["assemblyai_base"]

# The SDK still speaks pydantic's first dialect; that is its maker's to mend.
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20")

ROLES = {"speaker_type": "role", "known_values": ["Doctor", "Patient"]}
PLAYBACK = "Sandbox playback of a bundled script: not speech recognition"


@pytest.fixture
def recording() -> BundledRecording:
    return load_recording("edmundo")


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
def settings(assemblyai_base: str, monkeypatch: pytest.MonkeyPatch) -> aai.Settings:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    return aai.Settings(
        api_key=f"key-{uuid.uuid4()}",
        base_url=assemblyai_base,
        llm_gateway_base_url=assemblyai_base,
        polling_interval=0.1,
    )


@pytest.fixture
def client(settings: aai.Settings) -> Iterator[aai.Client]:
    one = aai.Client(settings=settings)
    with one.http_client:
        yield one


@pytest.fixture
def transcriber(client: aai.Client) -> aai.Transcriber:
    return aai.Transcriber(client=client)


@pytest.fixture
def global_client(settings: aai.Settings) -> Iterator[aai.Client]:
    """The SDK's global client, set up as its documentation says: some of its calls know no other."""
    before = aai.settings.model_dump()
    for name in ("api_key", "base_url", "polling_interval"):
        setattr(aai.settings, name, getattr(settings, name))
    one = aai.Client.get_default()
    with one.http_client:
        yield one
    for name in ("api_key", "base_url", "polling_interval"):
        setattr(aai.settings, name, before[name])


@pytest_asyncio.fixture
async def async_transcriber(settings: aai.Settings) -> AsyncIterator[aai.AsyncTranscriber]:
    async with aai.AsyncClient(settings=settings) as one:
        yield aai.AsyncTranscriber(client=one)


def check(transcript: Any, recording: BundledRecording) -> None:
    assert transcript.status == aai.TranscriptStatus.completed, transcript.error
    assert [utterance.text for utterance in transcript.utterances] == [turn.text for turn in recording.turns]
    assert [utterance.speaker for utterance in transcript.utterances[:2]] == ["Doctor", "Patient"]
    assert [utterance.start for utterance in transcript.utterances] == [turn.start for turn in recording.turns]
    assert transcript.text == " ".join(turn.text for turn in recording.turns)
    assert transcript.audio_duration == 94
    assert 0.8 < transcript.confidence < 1


def test_this_is_the_release_the_digest_was_made_from() -> None:
    assert version("assemblyai") == "1.8.2"


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
    assert [paragraph.text for paragraph in paragraphs] == [turn.text for turn in recording.turns]
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


def test_a_failed_job_is_returned_with_its_error(transcriber) -> None:
    transcript = transcriber.transcribe(b"This is a text.")
    assert transcript.status == aai.TranscriptStatus.error
    assert "does not appear to contain audio" in transcript.error


def test_a_refused_submission_says_why(transcriber, recording) -> None:
    config = aai.TranscriptionConfig(speech_models=["universal-2"], keyterms_prompt=[f"term {n}" for n in range(201)])
    with pytest.raises(aai.TranscriptError, match="at most 200"):
        transcriber.transcribe(str(recording.audio), config=config)


def test_a_refused_key_is_told_apart(tmp_path, recording) -> None:
    with run_process(tmp_path, "--key", "the-right-key") as base:
        client = aai.Client(settings=aai.Settings(api_key="a-wrong-key", base_url=base))
        with client.http_client, pytest.raises(aai.TranscriptError) as refused:
            aai.Transcriber(client=client).upload_file(str(recording.audio))
    assert refused.value.status_code == 401


def test_the_gateways_catalogue_can_be_read(client) -> None:
    models = LLMGateway(client=client).models.list()
    assert "claude-sonnet-4-6" in [model.id for model in models.data]


def test_the_gateway_completes_for_the_sdk(client, recording) -> None:
    messages, schema = ask_for_soap([(turn.role, turn.text) for turn in recording.turns])
    completion = LLMGateway(client=client).chat.completions.create(
        model="claude-sonnet-4-6",
        messages=messages,
        max_tokens=6000,
        response_format={"type": "json_schema", "json_schema": {"name": "soap", "schema": schema, "strict": True}},
    )
    assert completion.request_id
    assert completion.choices[0].finish_reason == "stop"
    note = json.loads(completion.choices[0].message.content)
    plan = " ".join(sentence["text"] for sentence in note["plan"])
    assert "50 mg twice a day" in plan
    assert "25" not in plan
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens
