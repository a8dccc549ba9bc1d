"""A chat-completions gateway (AssemblyAI's LLM Gateway or one like it). In: messages and a schema. Out: one completion.

Never logs or quotes what was sent or answered, and never passes a cut-off or refused answer on as a draft.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import quote

import httpx

from connector.clients.gate import Gate, send_gated
from connector.clients.http import Patience, Peer, Timing, send_patiently
from connector.clients.vendor_answers import is_missing, read_object, require_success
from connector.errors import DraftUnusable, VendorRejected, VendorUnavailable

PEER = Peer(name="The language model service", unavailable=VendorUnavailable, unknown=VendorUnavailable)

_CUT_OFF = frozenset({"length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded"})
_REFUSED = frozenset({"refusal", "content_filter", "safety", "prohibited_content", "blocklist", "spii", "recitation"})


@dataclass(frozen=True, slots=True)
class AnswerSchema:
    """The JSON schema an answer must keep, and the name it is sent under (letters, digits, `_` and `-`)."""

    name: str
    body: Mapping[str, Any]


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


class Gateway:
    """Chat completions under `base_url` (with or without its /v1) over one HTTP client, which stays the caller's.

    The key travels as a bearer token, which AssemblyAI and compatible servers both take.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        base_url: str,
        api_key: str,
        patience: Patience | None = None,
        timing: Timing | None = None,
    ) -> None:
        self._client = client
        self._address = base_url.rstrip("/").removesuffix("/v1") + "/v1/chat/completions"
        self._headers = {"authorization": f"Bearer {api_key}"}
        self._patience = patience or Patience()
        self._timing = timing or Timing()
        self._gate: Gate | None = None

    def through(self, gate: Gate) -> Gateway:
        """The same gateway, of which each try of a completion passes `gate`, right before it leaves."""
        gated = copy(self)
        gated._gate = gate
        return gated

    async def complete(
        self,
        *,
        model: str,
        messages: Sequence[Mapping[str, str]],
        schema: AnswerSchema,
        max_tokens: int,
        timeout: float,
    ) -> Completion:
        """Ask `model` for one answer of at most `max_tokens` tokens under a strict JSON schema, within `timeout` s.

        429 and 5xx are tried again until then; a lost answer is not, since each one leaves a copy with the vendor.
        Raises DraftUnusable when the answer was cut off, refused, empty or unreadable (its `request_id` names the
        copy to delete), VendorRejected when settings have to change, VendorUnavailable when trying later may help.
        """
        body = {
            "model": model,
            "messages": [dict(message) for message in messages],
            "max_tokens": max_tokens,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": schema.name, "schema": dict(schema.body), "strict": True},
            },
        }
        request = self._client.build_request(
            "POST", self._address, json=body, headers=self._headers, timeout=httpx.Timeout(timeout, connect=10.0)
        )
        within = replace(self._patience, deadline_s=timeout, repeatable=False)
        response = await self._exchange(request, within, self._gate)
        if response.status_code in (400, 404, 422):
            raise _refusal(response)
        require_success(response, peer=PEER)
        return _completion(read_object(response, peer=PEER), asked=model)

    async def delete(self, request_id: str) -> Literal["answered", "gone"]:
        """Ask the vendor to delete one completion: `answered` when it says so, `gone` when it knows no such thing.

        Neither is proof: a completion cannot be read back. Raises VendorUnavailable for every answer that leaves the
        deletion owed, Misconfigured for a refused key.
        """
        request = self._client.build_request(
            "DELETE", f"{self._address}/{quote(request_id, safe='')}", headers=self._headers
        )
        response = await self._exchange(request, self._patience)
        if response.status_code in (200, 202, 204):
            return "answered"
        if is_missing(response):
            return "gone"
        try:
            require_success(response, peer=PEER)
        except VendorRejected as error:
            raise VendorUnavailable(
                "The language model service did not take the deletion: it is still owed."
            ) from error
        raise VendorUnavailable("The language model service did not confirm the deletion: it is still owed.")

    async def _exchange(self, request: httpx.Request, patience: Patience, gate: Gate | None = None) -> httpx.Response:
        return await send_patiently(
            lambda: send_gated(self._client, request, gate), peer=PEER, patience=patience, timing=self._timing
        )


def _completion(answer: dict[str, Any], *, asked: str) -> Completion:
    """Read a completion of either generation of the vendor's shapes; raise DraftUnusable when it is no whole answer."""
    request_id = _text(answer.get("request_id")) or _text(answer.get("id"))
    choice = _first_choice(answer)
    if choice is None:
        if _failed_within(answer):
            raise VendorUnavailable("The language model behind the service is failing. Nothing is lost; try again.")
        raise DraftUnusable("The language model's answer could not be read: draft again.", request_id=request_id)
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    finish = _text(choice.get("finish_reason"))
    ended = (finish or "").lower()
    if ended in _CUT_OFF:
        raise DraftUnusable(
            "The draft was cut off at the length limit: raise the token limit in the settings, or draft again.",
            request_id=request_id,
        )
    if message.get("refusal") or ended in _REFUSED:
        raise DraftUnusable(
            "The language model declined to write this note: draft again, or type the note.", request_id=request_id
        )
    content = _content(message.get("content"))
    if not content.strip():
        raise DraftUnusable("The language model's answer was empty: draft again.", request_id=request_id)
    return Completion(
        content=content,
        model=_text(answer.get("model")) or asked,
        request_id=request_id,
        finish_reason=finish,
        usage=_usage(answer.get("usage")),
    )


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
        return max(0, int(found))

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


def _refusal(response: httpx.Response) -> VendorRejected | DraftUnusable:
    """Return our own sentence for a refused request, chosen by the vendor's words, none of which is passed on."""
    said = _envelope_text(response).lower()
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


def _envelope_text(response: httpx.Response) -> str:
    """Return code and words of an error in any of its three envelopes.

    `{code, message, metadata: {errors}}`, `{error: text}`, and `{error: {code, message, metadata}}`.
    """
    try:
        answer = read_object(response, peer=PEER)
    except VendorUnavailable:
        return ""
    nested = answer.get("error")
    if isinstance(nested, str):
        return nested
    envelope = nested if isinstance(nested, dict) else answer
    metadata = envelope.get("metadata")
    errors = metadata.get("errors") if isinstance(metadata, dict) else None
    return " ".join(str(part) for part in (envelope.get("code"), envelope.get("message"), errors) if part)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
