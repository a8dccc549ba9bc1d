"""What else the LLM Gateway offers: fallbacks, repair, transcripts by their id, rate headers, roles afterwards."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from connector_sandbox.assemblyai.app import create_app
from connector_sandbox.assemblyai.mending import mend_json
from connector_sandbox.assemblyai.settings import Controls, SandboxSettings

from tests.fixtures.assemblyai import run_thread
from tests.wire.sandbox_assemblyai.conftest import Vendor

SCHEMA = {
    "type": "object",
    "properties": {"said": {"type": "array", "items": {"type": "string"}}},
    "required": ["said"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "note", "schema": SCHEMA, "strict": True}}
ASKED = {"model": "claude-sonnet-4-6", "messages": [{"role": "user", "content": "Hello"}], "response_format": FORMAT}
CALM = {"completions_per_minute": 10_000, "gateway_envelope": "current", "failing_models": []}


def repeat(messages: list[dict[str, str]], _schema: dict[str, object]) -> dict[str, object]:
    """A drafter that repeats what it is sent."""
    return {"said": [message["content"] for message in messages]}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    settings = SandboxSettings(state=tmp_path_factory.mktemp("options"))
    controls = Controls(queue_seconds=0.05, process_seconds=0.05)
    with (
        run_thread(create_app(settings, controls=controls, draft=repeat)) as base,
        httpx.Client(base_url=base, headers={"authorization": "a-key"}, trust_env=False, timeout=30) as client,
    ):
        yield client


@pytest.fixture
def gateway(served: httpx.Client) -> Iterator[httpx.Client]:
    served.delete("/sandbox/faults")
    set_controls(served, **CALM)
    yield served
    set_controls(served, **CALM)


def set_controls(gateway: httpx.Client, **changes: Any) -> None:
    assert gateway.patch("/sandbox/controls", json=changes).status_code == 200


def set_fault(gateway: httpx.Client, kind: str, **how: Any) -> None:
    rule = {"path": "/chat/completions$", "kind": kind, **how}
    assert gateway.post("/sandbox/faults", json=[rule]).status_code == 200


def ask(gateway: httpx.Client, **changes: Any) -> httpx.Response:
    return gateway.post("/v1/chat/completions", json={**ASKED, **changes})


def said(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    words: list[str] = json.loads(answer.json()["choices"][0]["message"]["content"])["said"]
    return words


FALLBACKS = [{"model": "gemini-2.5-pro"}, {"model": "gpt-5.1"}]


def test_a_fallback_answers_under_its_own_name(gateway) -> None:
    set_controls(gateway, failing_models=["claude-sonnet-4-6"])
    config = {"retry": False}
    answer = ask(gateway, fallbacks=FALLBACKS, fallback_config=config)
    assert answer.json()["model"] == "sandbox-offline-drafter (gemini-2.5-pro)"
    set_controls(gateway, failing_models=["claude-sonnet-4-6", "gemini-2.5-pro"])
    answer = ask(gateway, fallbacks=FALLBACKS, fallback_config=config)
    assert answer.json()["model"] == "sandbox-offline-drafter (gpt-5.1)"
    shallow = ask(gateway, fallbacks=FALLBACKS, fallback_config={**config, "depth": 1})
    assert (shallow.status_code, shallow.json()["code"]) == (503, 503)
    assert ask(gateway, fallback_config=config).status_code == 503


def test_one_retry_after_half_a_second_comes_before_the_fallbacks(gateway) -> None:
    set_fault(gateway, "provider_error", times=2)
    began = time.monotonic()
    answer = ask(gateway, fallbacks=FALLBACKS)
    assert answer.json()["model"] == "sandbox-offline-drafter"
    assert time.monotonic() - began >= 0.5
    answer = ask(gateway, fallbacks=FALLBACKS, fallback_config={"retry": False})
    assert answer.json()["model"] == "sandbox-offline-drafter (gemini-2.5-pro)"


def test_a_fallback_is_asked_with_its_overrides(gateway) -> None:
    set_controls(gateway, failing_models=["claude-sonnet-4-6"])
    other = {"messages": [{"role": "user", "content": "Shorter, please"}]}
    answer = ask(gateway, fallbacks=[{"model": "gemini-2.5-pro", "overrides": other}], fallback_config={"retry": False})
    assert said(answer) == ["Shorter, please"]


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "gpt-9", "fallbacks": FALLBACKS},
        {"max_tokens": 0, "fallbacks": FALLBACKS},
        {"fallbacks": [{"model": "gpt-9"}]},
        {"fallbacks": [{"model": "gpt-oss-120b"}]},
        {"fallbacks": ["gemini-2.5-pro"]},
        {"fallbacks": [{"model": "gemini-2.5-pro", "overrides": "less"}]},
        {"fallbacks": FALLBACKS, "fallback_config": {"depth": 3}},
        {"fallbacks": FALLBACKS, "fallback_config": {"retry": "twice"}},
        {"model": "claude-3-5-haiku-20241022", "fallbacks": FALLBACKS},
        {"post_processing_steps": [{"type": "polish"}]},
    ],
)
def test_no_fallback_rescues_a_request_that_is_wrong(gateway, changes) -> None:
    assert ask(gateway, **changes).status_code == 400


def test_json_is_repaired_where_that_was_asked_for(gateway) -> None:
    steps = [{"type": "json-repair"}]
    set_fault(gateway, "invalid_json")
    assert said(ask(gateway, post_processing_steps=steps)) == ["Hello"]
    set_fault(gateway, "broken_json")
    beyond = ask(gateway, post_processing_steps=steps)
    assert (beyond.status_code, beyond.json()["code"]) == (500, 500)
    set_fault(gateway, "truncate")
    cut = ask(gateway, post_processing_steps=steps).json()["choices"][0]
    assert cut["finish_reason"] == "length"
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut["message"]["content"])


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ('Here you are: {"a": 1} Bye', {"a": 1}),
        ('{"a": ["b", "c', {"a": ["b", "c"]}),
        ('{"a": "b\\', {"a": "b"}),
        ('{"a": [{"b": "}"},', {"a": [{"b": "}"}]}),
        ("no object", None),
        ('{"a": tru', None),
    ],
)
def test_repair_closes_what_is_open_and_invents_nothing(text, mended) -> None:
    repaired = mend_json(text)
    assert (None if repaired is None else json.loads(repaired)) == mended


def test_rate_headers_come_always_and_with_the_refusal(gateway) -> None:
    told = ask(gateway, model="gemini-2.5-pro").headers
    assert told["x-ratelimit-limit"] == "10000"
    assert (told["x-ratelimit-model"], told["x-ratelimit-service"]) == ("gemini-2.5-pro", "llm-gateway")
    assert 1 <= int(told["x-ratelimit-reset"]) <= 60
    assert "retry-after" not in told
    set_controls(gateway, completions_per_minute=2)
    left = [ask(gateway, model="gemini-3-pro-preview").headers["x-ratelimit-remaining"] for _ in range(2)]
    assert left == ["1", "0"]
    refused = ask(gateway, model="gemini-3-pro-preview")
    assert (refused.status_code, refused.json()["code"]) == (429, 429)
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    another = {"authorization": "another-key"}
    room = gateway.post("/v1/chat/completions", json={**ASKED, "model": "gemini-3-pro-preview"}, headers=another)
    assert room.status_code == 200


def test_the_older_envelope_can_be_switched_on(gateway) -> None:
    set_controls(gateway, gateway_envelope="nested")
    refused = ask(gateway, model="gpt-9").json()
    assert refused == {
        "error": {
            "code": 400,
            "message": "invalid request body",
            "metadata": {"errors": ["model is not available"]},
        }
    }
    assert gateway.get("/v2/transcript/none").json() == {"error": "Not found"}


def test_a_transcript_is_put_where_the_exact_tag_stands(gateway, visit) -> None:
    vendor = Vendor(gateway)
    job = vendor.transcribe(visit)
    parts = [{"type": "text", "text": "{{ transcript }}"}]
    messages = [
        {"role": "system", "content": "{{transcript}}"},
        {"role": "user", "content": "It says: {{ transcript }}"},
        {"role": "user", "content": parts},
    ]
    asked = {"messages": messages, "transcript_id": job["id"], "max_tokens": 6000}
    assert said(ask(gateway, **asked)) == ["{{transcript}}", f"It says: {job['text']}", job["text"]]
    stranger = gateway.post("/v1/chat/completions", json={**ASKED, **asked}, headers={"authorization": "another-key"})
    assert stranger.status_code == 404
    gateway.delete(f"/v2/transcript/{job['id']}")
    gone = ask(gateway, **asked)
    assert (gone.status_code, gone.json()["message"]) == (404, "transcript not found")


def test_roles_are_found_afterwards_and_not_kept(gateway, visit) -> None:
    job = Vendor(gateway).transcribe(visit, speaker_labels=True)
    roles = {"speaker_type": "role", "known_values": ["Clinician", "Patient"]}
    asked = {"transcript_id": job["id"], "speech_understanding": {"request": {"speaker_identification": roles}}}
    answer = gateway.post("/v1/understanding", json=asked)
    assert answer.status_code == 200, answer.text
    understood = answer.json()
    assert set(understood) == {"speech_understanding", "utterances", "request_id"}
    mapping = understood["speech_understanding"]["response"]["speaker_identification"]["mapping"]
    assert mapping == {"A": "Clinician", "B": "Patient"}
    assert {one["speaker"] for one in understood["utterances"]} == {"Clinician", "Patient"}
    kept = gateway.get(f"/v2/transcript/{job['id']}").json()
    assert kept == job


def test_an_understanding_that_cannot_be_is_refused(gateway, visit) -> None:
    job = Vendor(gateway).transcribe(visit)
    roles = {"speaker_identification": {"speaker_type": "role", "known_values": ["Clinician"]}}
    asked = {"transcript_id": job["id"], "speech_understanding": {"request": roles}}
    undiarized = gateway.post("/v1/understanding", json=asked)
    assert undiarized.status_code == 400
    assert "requires" in undiarized.json()["metadata"]["errors"][0]
    assert gateway.post("/v1/understanding", json={**asked, "transcript_id": "none"}).status_code == 404
    check = "/v1/understanding/validate"
    assert gateway.post(check, json={"speech_understanding": {"request": roles}}).status_code == 200
    assert gateway.post(check, json={"speech_understanding": {"request": {}}}).status_code == 400
    assert gateway.post(check, json={}, headers={"authorization": ""}).status_code == 401


def test_the_catalogue_names_prices_regions_and_the_end_of_a_model(gateway) -> None:
    by_id = {model["id"]: model for model in gateway.get("/v1/models").json()["data"]}
    retired = by_id["claude-3-5-haiku-20241022"]
    assert 0 < retired["retirement_date"] < datetime.now(UTC).timestamp()
    assert "model is retired" in ask(gateway, model=retired["id"]).text
    assert by_id["gpt-5.1"]["available_regions"] == ["us"]
    assert by_id["claude-sonnet-4-6"]["available_regions"] == ["us", "eu"]
    price = by_id["claude-sonnet-4-6"]["pricing"]
    assert price["global"]["completions"] > price["global"]["prompt"] > 0
    assert price["eu"]["prompt"] > price["global"]["prompt"]
