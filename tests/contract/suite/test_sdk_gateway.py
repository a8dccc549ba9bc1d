"""The SDK's own clients of the LLM Gateway, sync and async: models, completions, errors, understanding."""

from __future__ import annotations

import json
from typing import Any

import assemblyai as aai
import pytest
from assemblyai.llm_gateway.v1 import AsyncLLMGateway, LLMGateway

MODEL = "claude-sonnet-4-6"
FALLBACKS = {"fallbacks": [{"model": "gemini-2.5-pro"}], "fallback_config": {"retry": False, "depth": 1}}
ROLES = {"speaker_identification": {"speaker_type": "role", "known_values": ["Doctor", "Patient"]}}


def check_note(completion: Any) -> None:
    assert completion.request_id
    assert completion.choices[0].finish_reason == "stop"
    note = json.loads(completion.choices[0].message.content)
    plan = " ".join(sentence["text"] for sentence in note["plan"])
    assert "50 mg twice a day" in plan
    assert "25" not in plan
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens


def test_the_catalogue_can_be_read(client) -> None:
    models = {model.id: model for model in LLMGateway(client=client).models.list().data}
    assert models[MODEL].pricing.global_.completions > 0
    assert models[MODEL].available_regions == ["us", "eu"]
    assert models["claude-3-5-haiku-20241022"].retirement_date > 0


async def test_the_catalogue_can_be_read_async(async_client) -> None:
    models = await AsyncLLMGateway(client=async_client).models.list()
    assert MODEL in [model.id for model in models.data]


def test_a_note_is_completed(client, note_request) -> None:
    check_note(LLMGateway(client=client).chat.completions.create(model=MODEL, **note_request))


async def test_a_note_is_completed_async(async_client, note_request) -> None:
    check_note(await AsyncLLMGateway(client=async_client).chat.completions.create(model=MODEL, **note_request))


def test_a_fallback_answers(client, note_request, controls) -> None:
    controls.patch("/sandbox/controls", json={"failing_models": [MODEL]})
    completion = LLMGateway(client=client).chat.completions.create(model=MODEL, **note_request, **FALLBACKS)
    check_note(completion)
    assert completion.model == "sandbox-offline-drafter (gemini-2.5-pro)"


def test_a_refusal_is_read_with_its_reasons(client, note_request) -> None:
    with pytest.raises(aai.LLMGatewayError) as refused:
        LLMGateway(client=client).chat.completions.create(model="gpt-9", **note_request)
    assert refused.value.status_code == 400
    assert refused.value.request_id
    assert refused.value.errors == ["model is not available"]


def test_a_refused_key_is_read_too(client, note_request, controls) -> None:
    controls.post("/sandbox/faults", json=[{"path": "/chat/completions$", "kind": "revoked_key"}])
    with pytest.raises(aai.LLMGatewayError) as refused:
        LLMGateway(client=client).chat.completions.create(model=MODEL, **note_request)
    assert refused.value.status_code == 401
    assert refused.value.request_id


def test_roles_are_understood_afterwards(client, recording) -> None:
    config = aai.TranscriptionConfig(speaker_labels=True)
    transcript = aai.Transcriber(client=client).transcribe(str(recording.audio), config=config)
    gateway = LLMGateway(client=client)
    gateway.understanding.validate(request=ROLES)
    answer = gateway.understanding.create(transcript_id=transcript.id, request=ROLES)
    mapping = answer.speech_understanding["response"]["speaker_identification"]["mapping"]
    assert mapping == {"A": "Doctor", "B": "Patient"}
    assert answer.utterances[0]["speaker"] == "Doctor"


async def test_roles_are_understood_afterwards_async(async_client, recording) -> None:
    config = aai.TranscriptionConfig(speaker_labels=True)
    transcript = await aai.AsyncTranscriber(client=async_client).transcribe(str(recording.audio), config=config)
    gateway = AsyncLLMGateway(client=async_client)
    await gateway.understanding.validate(request=ROLES)
    answer = await gateway.understanding.create(transcript_id=transcript.id, request=ROLES)
    assert answer.request_id
    with pytest.raises(aai.LLMGatewayError) as unknown:
        await gateway.understanding.create(transcript_id="none", request=ROLES)
    assert unknown.value.status_code == 404
