"""The LLM Gateway's chat completions: strict answers, both generations of shapes, and every way an answer can fail."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from connector_sandbox.assemblyai.app import create_app
from connector_sandbox.assemblyai.settings import SandboxSettings

from tests.fixtures.assemblyai import KEY, ask_for_soap, run_thread

SCHEMA = {
    "type": "object",
    "properties": {"said": {"type": "array", "items": {"type": "string"}}, "count": {"type": "integer"}},
    "required": ["said", "count"],
    "additionalProperties": False,
}
MODEL = "claude-sonnet-4-6"


def draft(messages: list[dict[str, str]], schema: dict[str, object]) -> dict[str, object]:
    """A drafter that can only count: it stands in the place of the product's own."""
    if messages[-1]["content"] == "nothing to work from":
        raise ValueError("no transcript")
    if messages[-1]["content"] == "off the schema":
        return {"said": "one"}
    return {"said": [message["content"] for message in messages], "count": len(messages)}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    settings = SandboxSettings(state=tmp_path_factory.mktemp("gateway"), keys=(KEY, "other-key"))
    with (
        run_thread(create_app(settings, draft=draft)) as base,
        httpx.Client(base_url=base, headers={"authorization": KEY}, trust_env=False, timeout=20) as client,
    ):
        yield client


@pytest.fixture(autouse=True)
def untouched(gateway: httpx.Client) -> None:
    gateway.delete("/sandbox/faults")
    gateway.patch("/sandbox/controls", json={"llm_delete_status": 200})


def body(*contents: Any, **changes: Any) -> dict[str, Any]:
    asked = {
        "model": MODEL,
        "messages": [{"role": "user", "content": content} for content in contents or ("Hello",)],
        "response_format": {"type": "json_schema", "json_schema": {"name": "note", "schema": SCHEMA, "strict": True}},
    }
    return {name: value for name, value in {**asked, **changes}.items() if value is not None}


def complete(gateway: httpx.Client, *contents: Any, **changes: Any) -> dict[str, Any]:
    answer = gateway.post("/v1/chat/completions", json=body(*contents, **changes))
    assert answer.status_code == 200, answer.text
    completion: dict[str, Any] = answer.json()
    return completion


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/chat/completions"])
@pytest.mark.parametrize("header", [KEY, f"Bearer {KEY}"])
def test_a_completion(gateway, path, header) -> None:
    answer = gateway.post(path, json=body("one", "two", temperature=0.2), headers={"authorization": header})
    assert answer.status_code == 200
    assert answer.headers["x-sandbox"] == "offline-drafter"
    completion = answer.json()
    assert uuid.UUID(completion["request_id"])
    assert completion["model"] == "sandbox-offline-drafter"
    (choice,) = completion["choices"]
    assert choice["index"] == 0
    assert choice["finish_reason"] == "stop"
    assert choice["message"]["role"] == "assistant"
    assert json.loads(choice["message"]["content"]) == {"said": ["one", "two"], "count": 2}
    usage = completion["usage"]
    assert usage["input_tokens"] == usage["prompt_tokens"] == 2
    assert usage["output_tokens"] == usage["completion_tokens"] > 0
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert completion["request"]["temperature"] == 0.2
    assert "messages" not in completion["request"]
    assert completion["llm_status_code"] == 200
    assert completion["response_time"] > 0


def test_prompt_and_text_parts_are_taken(gateway) -> None:
    from_prompt = complete(gateway, prompt="Hi", messages=None)
    assert json.loads(from_prompt["choices"][0]["message"]["content"])["said"] == ["Hi"]
    from_parts = complete(gateway, [{"type": "text", "text": "Good "}, {"type": "text", "text": "day"}])
    assert json.loads(from_parts["choices"][0]["message"]["content"])["said"] == ["Good day"]


def test_a_long_answer_is_cut_at_a_thousand_tokens_unless_told(gateway) -> None:
    long = "word " * 2000
    cut = complete(gateway, long)
    assert cut["choices"][0]["finish_reason"] == "length"
    assert cut["usage"]["output_tokens"] == 1000
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut["choices"][0]["message"]["content"])
    whole = complete(gateway, long, max_tokens=6000)
    assert whole["choices"][0]["finish_reason"] == "stop"
    assert json.loads(whole["choices"][0]["message"]["content"])["said"] == [long]


@pytest.mark.parametrize(
    ("kind", "finish", "content"),
    [("truncate", "length", '{"said"'), ("invalid_json", "stop", "Here is the note"), ("refusal", "refusal", None)],
)
def test_answers_that_are_no_draft(gateway, kind, finish, content) -> None:
    gateway.post("/sandbox/faults", json=[{"path": "/chat/completions$", "kind": kind}])
    choice = complete(gateway)["choices"][0]
    assert choice["finish_reason"] == finish
    if content is None:
        assert choice["message"]["content"] is None
        assert choice["message"]["refusal"]
    else:
        assert choice["message"]["content"].startswith(content)
        with pytest.raises(json.JSONDecodeError):
            json.loads(choice["message"]["content"])
    assert complete(gateway)["choices"][0]["finish_reason"] == "stop"


def test_a_providers_failure_inside_a_success(gateway) -> None:
    gateway.post("/sandbox/faults", json=[{"path": "/chat/completions$", "kind": "error_in_200"}])
    failed = complete(gateway)
    assert (failed["choices"], failed["llm_status_code"], failed["error"]["code"]) == ([], 503, 503)
    assert delete(gateway, failed["request_id"]).status_code == 404
    assert complete(gateway)["choices"]


def test_an_answer_that_is_no_json_at_all(gateway) -> None:
    gateway.post("/sandbox/faults", json=[{"path": "/chat/completions$", "kind": "broken_json"}])
    choice = complete(gateway)["choices"][0]
    assert (choice["finish_reason"], "{" in choice["message"]["content"]) == ("stop", False)


def test_a_deaf_deletion_of_a_completion_can_be_asked_for_again(gateway) -> None:
    gateway.post("/sandbox/faults", json=[{"method": "DELETE", "kind": "deaf_deletion"}])
    request_id = complete(gateway)["request_id"]
    assert [delete(gateway, request_id).status_code for _ in range(3)] == [200, 200, 404]


OPEN_SCHEMA = {"type": "object", "properties": {"said": {"type": "string"}}, "required": ["said"]}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no model": ({"model": None}, "model is not available"),
    "an unknown model": ({"model": "gpt-9"}, "model is not available"),
    "no messages": ({"messages": []}, "messages"),
    "a message without role": ({"messages": [{"content": "x"}]}, "role"),
    "a picture": ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "text"),
    "no room for an answer": ({"max_tokens": 0}, "max_tokens"),
    "too hot": ({"temperature": 3}, "temperature"),
    "no schema": ({"response_format": None}, "json_schema"),
    "any JSON": ({"response_format": {"type": "json_object"}}, "json_schema"),
    "a schema without name": ({"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}}, "name"),
    "a schema that is none": (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "mood"}}}},
        "not a JSON schema",
    ),
    "a model that keeps to no schema": ({"model": "gpt-oss-120b"}, "response_format is not supported"),
    "an open object with a strict model": (
        {
            "model": "gpt-5.1",
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "x", "schema": OPEN_SCHEMA, "strict": True},
            },
        },
        "additionalProperties",
    ),
    "streaming": ({"stream": True}, "not offered"),
    "tools": ({"tools": [{"type": "function"}]}, "not offered"),
    "messages the drafter cannot work from": (
        {"messages": [{"role": "user", "content": "nothing to work from"}]},
        "cannot work from these messages",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_in_the_gateways_envelope(gateway, case: str) -> None:
    changes, words = REFUSED[case]
    answer = gateway.post("/v1/chat/completions", json=body(**changes))
    assert answer.status_code == 400, answer.text
    assert set(answer.json()) == {"code", "message", "request_id", "metadata"}
    assert answer.json()["code"] == 400
    assert words in answer.text


def test_a_body_that_is_no_json_is_refused(gateway) -> None:
    answer = gateway.post("/v1/chat/completions", content=b"{")
    assert (answer.status_code, answer.json()["code"]) == (400, 400)


def test_a_draft_off_the_schema_is_never_passed_on(gateway) -> None:
    answer = gateway.post("/v1/chat/completions", json=body("off the schema"))
    assert answer.status_code == 500
    assert answer.json()["code"] == 500


@pytest.mark.parametrize("headers", [{"authorization": ""}, {"authorization": "Bearer wrong"}])
def test_a_wrong_key_gets_the_other_envelope(gateway, headers) -> None:
    answer = gateway.post("/v1/chat/completions", json=body(), headers=headers)
    assert answer.status_code == 401
    assert set(answer.json()) == {"error", "status", "request_id"}
    assert answer.json()["status"] == "error"


def test_the_catalogue_is_open(gateway) -> None:
    for path in ("/v1/models", "/models"):
        models = httpx.get(f"{gateway.base_url}{path}", trust_env=False).json()["data"]
        by_id = {model["id"]: model for model in models}
        assert {MODEL, "gemini-2.5-pro", "gpt-5.1", "gemini-3-pro-preview"} <= set(by_id)
        assert "response_format" in by_id[MODEL]["supported_parameters"]
        assert "response_format" not in by_id["gpt-oss-120b"]["supported_parameters"]
        assert by_id[MODEL]["retirement_date"] == 0


def delete(gateway: httpx.Client, request_id: str, **how: Any) -> httpx.Response:
    return gateway.delete(f"/v1/chat/completions/{request_id}", **how)


def test_a_completion_is_deleted_once(gateway) -> None:
    request_id = complete(gateway)["request_id"]
    assert delete(gateway, request_id, headers={"authorization": "other-key"}).status_code == 404
    done = delete(gateway, request_id)
    assert done.status_code == 200
    assert done.json()["request_id_to_purge"] == request_id
    assert done.json()["deleted"] is True
    gone = delete(gateway, request_id)
    assert (gone.status_code, gone.json()["code"]) == (404, 404)


@pytest.mark.parametrize(("status", "again"), [(204, 404), (404, 404), (500, 500)])
def test_the_answer_to_a_deletion_can_be_switched(gateway, status, again) -> None:
    gateway.patch("/sandbox/controls", json={"llm_delete_status": status})
    request_id = complete(gateway)["request_id"]
    assert delete(gateway, request_id).status_code == status
    assert delete(gateway, request_id).status_code == again


def test_the_products_own_drafter_answers_from_the_messages_alone(vendor, visit) -> None:
    played = vendor.transcribe(visit, speaker_labels=True)
    messages, schema = ask_for_soap([(one["speaker"], one["text"]) for one in played["utterances"]])
    answer = vendor.client.post(
        "/v1/chat/completions",
        json=body(
            messages=messages,
            max_tokens=6000,
            response_format={"type": "json_schema", "json_schema": {"name": "soap", "schema": schema, "strict": True}},
        ),
    )
    assert answer.status_code == 200, answer.text
    note = json.loads(answer.json()["choices"][0]["message"]["content"])
    assert set(note) == {"subjective", "objective", "assessment", "plan"}
    written = json.dumps(note)
    assert "lisinopril" in written
    assert "amlodipine 5 mg" in written
    said = {turn for section in note.values() for sentence in section for turn in sentence["turns"]}
    assert said
    assert said <= {f"t{number}" for number in range(1, len(played["utterances"]) + 1)}


def test_the_products_own_drafter_refuses_what_is_no_visit(vendor) -> None:
    answer = vendor.client.post("/v1/chat/completions", json=body("Write me a poem."))
    assert answer.status_code == 400
    assert answer.json()["message"] == "Sandbox: the offline drafter cannot work from these messages"
