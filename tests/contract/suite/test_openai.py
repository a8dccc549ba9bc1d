"""The openai library, unchanged, against the sandbox's gateway: sync and async, fallbacks, retries, errors."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai
import pytest
import pytest_asyncio
from conftest import BASE  # type: ignore[import-not-found]

MODEL = "claude-sonnet-4-6"
GATEWAY_ONLY = {
    "fallbacks": [{"model": "gemini-2.5-pro"}],
    "fallback_config": {"retry": False, "depth": 1},
    "post_processing_steps": [{"type": "json-repair"}],
}


@pytest.fixture
def sync(key: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=key, base_url=f"{BASE}/v1", timeout=120) as one:
        yield one


@pytest_asyncio.fixture
async def asynchronous(key: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(api_key=key, base_url=f"{BASE}/v1", timeout=120) as one:
        yield one


def check_note(completion: Any) -> None:
    note = json.loads(completion.choices[0].message.content)
    assert "50 mg twice a day" in " ".join(sentence["text"] for sentence in note["plan"])
    assert completion.choices[0].finish_reason == "stop"
    assert completion.model_extra["request_id"]
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens


def test_a_note_is_completed(sync, note_request) -> None:
    completion = sync.chat.completions.create(model=MODEL, **note_request)
    check_note(completion)
    assert completion.model == "sandbox-offline-drafter"


async def test_a_note_is_completed_async(asynchronous, note_request) -> None:
    check_note(await asynchronous.chat.completions.create(model=MODEL, **note_request))


def test_what_only_the_gateway_knows_goes_in_the_extra_body(sync, note_request, controls) -> None:
    controls.patch("/sandbox/controls", json={"failing_models": [MODEL]})
    controls.post("/sandbox/faults", json=[{"path": "/chat/completions$", "kind": "invalid_json"}])
    completion = sync.chat.completions.create(model=MODEL, **note_request, extra_body=GATEWAY_ONLY)
    check_note(completion)
    assert completion.model == "sandbox-offline-drafter (gemini-2.5-pro)"


async def test_what_only_the_gateway_knows_goes_in_the_extra_body_async(asynchronous, note_request, controls) -> None:
    controls.patch("/sandbox/controls", json={"failing_models": [MODEL]})
    completion = await asynchronous.chat.completions.create(model=MODEL, **note_request, extra_body=GATEWAY_ONLY)
    assert completion.model == "sandbox-offline-drafter (gemini-2.5-pro)"


@pytest.mark.parametrize("status", [429, 503])
def test_it_asks_again_by_itself(sync, note_request, controls, status) -> None:
    rule = {"path": "/chat/completions$", "kind": "status", "status": status, "headers": {"Retry-After": "0"}}
    controls.delete("/sandbox/requests")
    controls.post("/sandbox/faults", json=[rule])
    check_note(sync.chat.completions.create(model=MODEL, **note_request))
    tries = controls.get("/sandbox/requests").json()["requests"]
    assert [one["status"] for one in tries] == [status, 200]


def test_rate_headers_can_be_read(sync, note_request) -> None:
    raw = sync.chat.completions.with_raw_response.create(model=MODEL, **note_request)
    assert int(raw.headers["x-ratelimit-remaining"]) < int(raw.headers["x-ratelimit-limit"])
    assert raw.headers["x-ratelimit-model"] == MODEL
    check_note(raw.parse())


@pytest.mark.parametrize("envelope", ["current", "nested"])
def test_a_refusal_is_an_error_of_its_own_kind(sync, note_request, controls, envelope) -> None:
    controls.patch("/sandbox/controls", json={"gateway_envelope": envelope})
    with pytest.raises(openai.BadRequestError, match="invalid request body") as refused:
        sync.chat.completions.create(model="gpt-9", **note_request)
    assert refused.value.body["metadata"]["errors"] == ["model is not available"]
    controls.post("/sandbox/faults", json=[{"path": "/chat/completions$", "kind": "revoked_key"}])
    with pytest.raises(openai.AuthenticationError):
        sync.chat.completions.create(model=MODEL, **note_request)


async def test_the_catalogue_can_be_read(asynchronous) -> None:
    assert MODEL in [model.id async for model in asynchronous.models.list()]
