"""In: the body of POST /v1/chat/completions, and a draft. Out: the checked request, and the completion object.

Only strict or plain json_schema answers are offered; anything else is refused in the gateway's envelope.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NoReturn

from connector_sandbox.assemblyai.faults import FaultRule
from connector_sandbox.assemblyai.mending import mend_json
from connector_sandbox.assemblyai.models import is_known, is_openai, is_retired, takes_schema
from connector_sandbox.assemblyai.refusals import GatewayRefused
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

DEFAULT_MAX_TOKENS = 1000
CHARACTERS_PER_TOKEN = 4
REPAIR = "json-repair"
REFUSAL = "I'm not able to help with this request."
_ROLES = ("system", "developer", "user", "assistant", "tool")


DRAFTER = "sandbox-offline-drafter"
"""What answers, whichever model was asked for: an honest name, for it is stored with the draft. Where a fallback
answers, its name stands behind it in brackets."""


@dataclass(frozen=True)
class CompletionRequest:
    """A checked request; `echo` is it without the messages."""

    model: str
    messages: list[dict[str, str]]
    schema: dict[str, object]
    max_tokens: int
    repairs: bool
    echo: dict[str, Any]


def read_request(body: Any) -> CompletionRequest:
    """GatewayRefused (400) says what is wrong; temperature and other options are taken and ignored."""
    if not isinstance(body, dict):
        refuse_body("the body must be a JSON object")
    model = body.get("model")
    if not isinstance(model, str) or not is_known(model):
        refuse_body("model is not available")
    if is_retired(model):
        refuse_body("model is retired")
    if body.get("stream") or body.get("tools"):
        refuse_body("Sandbox: stream and tools are not offered")
    max_tokens = body.get("max_tokens", DEFAULT_MAX_TOKENS)
    if not isinstance(max_tokens, int) or isinstance(max_tokens, bool) or max_tokens < 1:
        refuse_body("max_tokens must be a positive integer")
    temperature = body.get("temperature", 1)
    if isinstance(temperature, bool) or not isinstance(temperature, int | float) or not 0 <= temperature <= 2:
        refuse_body("temperature must be between 0 and 2")
    echo = {name: value for name, value in body.items() if name not in ("messages", "prompt")}
    repairs, messages = _read_steps(body), _read_messages(body)
    return CompletionRequest(model, messages, _read_schema(body, model), max_tokens, repairs, echo)


def print_completion(
    asked: CompletionRequest, draft: dict[str, object], *, request_id: str, fault: FaultRule | None
) -> dict[str, Any]:
    """The completion object with both generations of token names.

    GatewayRefused (500) for a draft off the schema, and for an answer beyond the repair that was asked for.
    """
    if next(Draft202012Validator(asked.schema).iter_errors(draft), None) is not None:
        raise GatewayRefused(500, "Sandbox: the offline drafter's answer does not fit the schema")
    content = json.dumps(draft, ensure_ascii=False)
    message, finish = _finish(content, max_tokens=asked.max_tokens, kind=fault.kind if fault else None)
    if asked.repairs and finish == "stop":
        message = {**message, "content": _repair(message["content"])}
    prompt = sum(count_tokens(one["content"]) for one in asked.messages)
    written = count_tokens(message["content"] or "")
    return {
        "request_id": request_id,
        "model": DRAFTER,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {
            "input_tokens": prompt,
            "output_tokens": written,
            "prompt_tokens": prompt,
            "completion_tokens": written,
            "total_tokens": prompt + written,
        },
        "request": asked.echo,
        "http_status_code": 200,
        "llm_status_code": 200,
    }


def print_failure(asked: CompletionRequest, *, request_id: str) -> dict[str, Any]:
    """What some answers look like when the provider behind the gateway failed: HTTP 200, and nothing in it."""
    return {
        "request_id": request_id,
        "model": asked.model,
        "choices": [],
        "usage": dict.fromkeys(
            ("input_tokens", "output_tokens", "prompt_tokens", "completion_tokens", "total_tokens"), 0
        ),
        "request": asked.echo,
        "error": {"code": 503, "message": "the provider is overloaded", "metadata": {"errors": []}},
        "http_status_code": 200,
        "llm_status_code": 503,
    }


def count_tokens(text: str) -> int:
    """A rough count: one token for each four characters begun."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def _finish(content: str, *, max_tokens: int, kind: str | None) -> tuple[dict[str, Any], str]:
    if kind == "refusal":
        return {"role": "assistant", "content": None, "refusal": REFUSAL}, "refusal"
    if kind == "invalid_json":
        return {"role": "assistant", "content": f"Here is the note:\n{content[:-1]}"}, "stop"
    if kind == "broken_json":
        return {"role": "assistant", "content": "The note could not be put into that form."}, "stop"
    if kind == "truncate":
        return {"role": "assistant", "content": content[: len(content) // 2]}, "length"
    if count_tokens(content) > max_tokens:
        return {"role": "assistant", "content": content[: max_tokens * CHARACTERS_PER_TOKEN]}, "length"
    return {"role": "assistant", "content": content}, "stop"


def _repair(content: str) -> str:
    mended = mend_json(content)
    if mended is None:
        raise GatewayRefused(500, "post-processing failed: the answer could not be repaired to JSON")
    return mended


def _read_steps(body: dict[str, Any]) -> bool:
    """Whether the answer is to be repaired, the only step there is."""
    steps = body.get("post_processing_steps") or []
    if not isinstance(steps, list) or any(not isinstance(one, dict) or one.get("type") != REPAIR for one in steps):
        refuse_body(f'post_processing_steps can hold {{"type": "{REPAIR}"}} only')
    return bool(steps)


def _read_messages(body: dict[str, Any]) -> list[dict[str, str]]:
    if isinstance(body.get("prompt"), str) and "messages" not in body:
        return [{"role": "user", "content": body["prompt"]}]
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        refuse_body("messages must be a non-empty list")
    return [_read_message(message) for message in messages]


def _read_message(message: Any) -> dict[str, str]:
    if not isinstance(message, dict) or message.get("role") not in _ROLES:
        refuse_body(f"each message needs a role of {', '.join(_ROLES)}")
    content = message.get("content")
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, dict) else None for part in content]
        content = "".join(parts) if all(isinstance(part, str) for part in parts) else None
    if not isinstance(content, str):
        refuse_body("the content of a message must be text or text parts")
    return {"role": message["role"], "content": content}


def _read_schema(body: dict[str, Any], model: str) -> dict[str, object]:
    wanted = body.get("response_format")
    if not isinstance(wanted, dict) or wanted.get("type") != "json_schema":
        refuse_body("Sandbox: only answers with response_format json_schema are offered")
    if not takes_schema(model):
        refuse_body("response_format is not supported by this model")
    described = wanted.get("json_schema")
    schema = described.get("schema") if isinstance(described, dict) else None
    if not isinstance(described, dict) or not isinstance(described.get("name"), str) or not isinstance(schema, dict):
        refuse_body("response_format.json_schema needs a name and a schema")
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError:
        refuse_body("response_format.json_schema.schema is not a JSON schema")
    if described.get("strict") and is_openai(model) and not _is_closed(schema):
        refuse_body("strict response_format needs additionalProperties false in every object of the schema")
    return schema


def _is_closed(schema: Any) -> bool:
    """Whether every object of the schema forbids properties it does not name."""
    if isinstance(schema, list):
        return all(_is_closed(one) for one in schema)
    if not isinstance(schema, dict):
        return True
    open_object = schema.get("type") == "object" and schema.get("additionalProperties") is not False
    return not open_object and all(_is_closed(one) for one in schema.values())


def refuse_body(text: str) -> NoReturn:
    """GatewayRefused (400), with the reason among the errors."""
    raise GatewayRefused(400, "invalid request body" if not text.startswith("Sandbox") else text, errors=(text,))
