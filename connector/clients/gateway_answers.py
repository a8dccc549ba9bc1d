"""What a chat-completions service answered. In: its response. Out: a Completion, or the error it stands for.

Reads both generations of AssemblyAI's shapes, and OpenAI's. Never passes on a word of an error, nor a cut-off answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from connector.clients.http import Peer
from connector.clients.vendor_answers import read_name, read_object
from connector.errors import DraftUnusable, VendorOutcomeUnknown, VendorRejected, VendorUnavailable

PEER = Peer(name="The language model service", unavailable=VendorUnavailable, unknown=VendorOutcomeUnknown)

_CUT_OFF = frozenset({"length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded"})
_REFUSED = frozenset({"refusal", "content_filter", "safety", "prohibited_content", "blocklist", "spii", "recitation"})
_MOST_TOKENS = 100_000_000
"""More than any model takes: a count beyond it is a slip, and would not fit where costs are kept."""
OWN_LIMIT = "max_completion_tokens"
"""What newer models of OpenAI call `max_tokens`."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens read and written, 0 where the vendor does not say."""

    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Completion:
    """One whole answer: `content` as text, `model` the one that answered, `request_id` the name to delete it by."""

    content: str
    model: str
    request_id: str | None
    finish_reason: str | None
    usage: Usage


def read_completion(response: httpx.Response, *, asked: str) -> Completion:
    """The answer under status 200; DraftUnusable when it is no whole one, with the name of the copy to delete.

    VendorOutcomeUnknown where the provider behind failed or nothing can be read: there may be a copy all the same.
    """
    answer = read_object(response, peer=PEER, error=VendorOutcomeUnknown)
    request_id = read_name(answer.get("request_id")) or read_name(answer.get("id"))
    usage = _usage(answer.get("usage"))
    model = read_name(answer.get("model")) or asked

    def unusable(words: str) -> DraftUnusable:
        tokens = (usage.input_tokens, usage.output_tokens)
        return DraftUnusable(words, request_id=request_id, model=model, tokens=tokens)

    choice = _first_choice(answer)
    if choice is None:
        if _failed_within(answer):
            raise VendorOutcomeUnknown(
                "The language model behind the service is failing. Nothing is lost; try again.", request_id=request_id
            )
        raise unusable("The language model's answer could not be read: draft again.")
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    finish = read_name(choice.get("finish_reason"))
    ended = (finish or "").lower()
    if ended in _CUT_OFF:
        raise unusable(
            "The draft was cut off at the length limit: raise the token limit in the settings, or draft again."
        )
    if message.get("refusal") or ended in _REFUSED:
        raise unusable("The language model declined to write this note: draft again, or type the note.")
    content = _content(message.get("content"))
    if not content.strip():
        raise unusable("The language model's answer was empty: draft again.")
    return Completion(content=content, model=model, request_id=request_id, finish_reason=finish, usage=usage)


def read_refusal(response: httpx.Response) -> VendorRejected | DraftUnusable:
    """Our own sentence for a refused request, chosen by the vendor's words, none of which is passed on."""
    said = _said(response)
    if "content_filter" in said or "content policy" in said:
        return DraftUnusable("The language model declined to write this note: draft again, or type the note.")
    if "response_format" in said or "json_schema" in said or "structured output" in said:
        return VendorRejected("The configured language model cannot keep to the note's schema: set another model.")
    if "context" in said or "too long" in said or "too many tokens" in said:
        return VendorRejected("The visit is too long for the configured language model: set one with a larger context.")
    if "model" in said or "access" in said:
        return VendorRejected("The configured language model is not available to this account: set another model.")
    return VendorRejected(
        f"The language model service refused the request (HTTP {response.status_code}): check model and token limit."
    )


def read_failure(response: httpx.Response) -> VendorOutcomeUnknown | DraftUnusable:
    """A failure under way (500, 502, 504): an answer may have been made all the same, and may have to be deleted.

    One that came of mending the answer's JSON is an answer that cannot be used: asking the same again mends nothing.
    """
    request_id = _find_request_id(response)
    if any(word in _said(response) for word in ("repair", "post-processing", "post_processing")):
        return DraftUnusable("The language model's answer could not be read: draft again.", request_id=request_id)
    return VendorOutcomeUnknown(
        f"{PEER.name} is failing (HTTP {response.status_code}). Nothing is lost; it can be tried again.",
        request_id=request_id,
    )


def wants_own_field(response: httpx.Response) -> bool:
    """Whether a refusal says that this model takes `max_completion_tokens` in place of `max_tokens`."""
    return response.status_code == 400 and OWN_LIMIT in _said(response)


def _first_choice(answer: dict[str, Any]) -> dict[str, Any] | None:
    """Return the first choice, or None when there is none that can be read."""
    choices = answer.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return choices[0]
    return None


def _content(value: Any) -> str:
    """Return the text of a message: a string, or the text parts of a list."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        parts = [part.get("text") for part in value if isinstance(part, dict)]
        return "".join(part for part in parts if isinstance(part, str))
    return ""


def _usage(value: Any) -> Usage:
    """Read token counts under their newer names (input, output) or older ones (prompt, completion)."""
    counts = value if isinstance(value, dict) else {}

    def count(*names: str) -> int:
        found = next((counts[name] for name in names if isinstance(counts.get(name), int)), 0)
        return min(max(0, int(found)), _MOST_TOKENS)

    return Usage(count("input_tokens", "prompt_tokens"), count("output_tokens", "completion_tokens"))


def _failed_within(answer: dict[str, Any]) -> bool:
    """Say whether an answer under status 200 reports that the provider behind the gateway failed."""
    nested = answer.get("error")
    codes = [
        answer.get("llm_status_code"),
        answer.get("code"),
        nested.get("code") if isinstance(nested, dict) else None,
    ]
    return any(isinstance(code, int) and (code == 429 or code >= 500) for code in codes)


def _said(response: httpx.Response) -> str:
    """Code and words of an error in any of its three envelopes, in lower case; empty where it has none.

    `{code, message, metadata: {errors}}`, `{error: text}`, and `{error: {code, message, metadata}}`.
    """
    answer = _envelope(response)
    nested = answer.get("error")
    if isinstance(nested, str):
        return nested.lower()
    envelope = nested if isinstance(nested, dict) else answer
    metadata = envelope.get("metadata")
    errors = metadata.get("errors") if isinstance(metadata, dict) else None
    words = (envelope.get("code"), envelope.get("message"), envelope.get("param"), errors)
    return " ".join(str(part) for part in words if part).lower()


def _find_request_id(response: httpx.Response) -> str | None:
    return read_name(_envelope(response).get("request_id"))


def _envelope(response: httpx.Response) -> dict[str, Any]:
    try:
        return read_object(response, peer=PEER)
    except VendorUnavailable:
        return {}
