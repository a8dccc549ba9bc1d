"""Chat completions of AssemblyAI's LLM Gateway, OpenAI, Ollama or vLLM. In: messages, a schema. Out: one completion.

Never logs or quotes what was sent or answered, and never passes a cut-off or refused answer on as a draft.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import quote

import httpx

from connector.clients.gate import Gate, send_gated
from connector.clients.gateway_answers import (
    OWN_LIMIT,
    PEER,
    Completion,
    Usage,
    read_completion,
    read_failure,
    read_refusal,
    wants_own_field,
)
from connector.clients.http import Patience, Timing, send_patiently
from connector.clients.model_chain import ModelChain
from connector.clients.rate import RateBook, read_rate
from connector.clients.vendor_answers import is_missing, require_success
from connector.errors import VendorRejected, VendorUnavailable

__all__ = ["AnswerSchema", "Completion", "Gateway", "GatewayKind", "ModelChain", "Usage"]

GatewayKind = Literal["assemblyai", "openai"]

_NOT_MADE = frozenset({429, 503})
"""Statuses of a completion that was turned away before any work: asking again leaves no second copy."""
_FAILED = frozenset({408, 500, 502, 504})
"""Statuses under which an answer may have been made that nobody got."""
_REPAIR = "json-repair"
_MOST_PACING = 0.5
"""The share of a completion's time that is spent on waiting for room."""


@dataclass(frozen=True, slots=True)
class AnswerSchema:
    """The JSON schema an answer must keep, and the name it is sent under (letters, digits, `_` and `-`)."""

    name: str
    body: Mapping[str, Any]


@dataclass
class _Learned:
    """What the service said of its models, for as long as the process lives: their pace, and their name for a limit."""

    rates: RateBook = field(default_factory=RateBook)
    own_field: set[str] = field(default_factory=set)


class Gateway:
    """Chat completions under `base_url` (with or without its /v1) over one HTTP client, which stays the caller's.

    The key travels as a bearer token, which AssemblyAI and compatible servers both take; without one none is sent.
    `kind` says what the service understands: only `assemblyai` is sent `fallbacks` and `post_processing_steps`, which
    others refuse, and only there a completion can be deleted.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        base_url: str,
        api_key: str,
        kind: GatewayKind = "assemblyai",
        patience: Patience | None = None,
        timing: Timing | None = None,
    ) -> None:
        self._client = client
        self._address = base_url.rstrip("/").removesuffix("/v1") + "/v1/chat/completions"
        self._headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        self._kind = kind
        self._patience = patience or Patience()
        self._timing = timing or Timing()
        self._gate: Gate | None = None
        self._learned = _Learned()

    @property
    def deletes(self) -> bool:
        """Whether the service takes the deletion of a completion."""
        return self._kind == "assemblyai"

    def through(self, gate: Gate) -> Gateway:
        """The same gateway, of which each try of a completion passes `gate`, right before it leaves."""
        gated = copy(self)
        gated._gate = gate
        return gated

    def split(self, chain: ModelChain) -> tuple[ModelChain, ...]:
        """The calls a chain of models stands for: one where the service follows it, one for each model elsewhere."""
        if self._kind == "assemblyai":
            return (chain,)
        return tuple(ModelChain(model) for model in chain.models)

    async def complete(
        self,
        *,
        chain: ModelChain,
        messages: Sequence[Mapping[str, str]],
        schema: AnswerSchema,
        max_tokens: int,
        timeout: float,
    ) -> Completion:
        """Ask for one answer of at most `max_tokens` tokens under a strict JSON schema, within `timeout` s.

        429 and 503 are tried again until then, after the pause the service asks for; nothing else is, since each try
        may leave a copy with the vendor. Raises DraftUnusable when the answer was cut off, refused, empty or unreadable
        (its `request_id` names the copy to delete), VendorRejected when settings have to change, VendorOutcomeUnknown
        when an answer may have been made, VendorUnavailable when none was and trying later may help.
        """
        body = self._write_body(chain, messages, schema)
        ends = self._timing.clock() + timeout
        await self._keep_pace(chain.first, most=timeout * _MOST_PACING)
        response = await self._post(chain.first, body, max_tokens=max_tokens, ends=ends)
        if wants_own_field(response) and chain.first not in self._learned.own_field:
            self._learned.own_field.add(chain.first)
            response = await self._post(chain.first, body, max_tokens=max_tokens, ends=ends)
        if response.status_code in (400, 404, 422):
            raise read_refusal(response)
        if response.status_code in _FAILED:
            raise read_failure(response)
        require_success(response, peer=PEER)
        return read_completion(response, asked=chain.first)

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

    def _write_body(
        self, chain: ModelChain, messages: Sequence[Mapping[str, str]], schema: AnswerSchema
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": chain.first,
            "messages": [dict(message) for message in messages],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": schema.name, "schema": dict(schema.body), "strict": True},
            },
        }
        if self._kind == "assemblyai":
            body["post_processing_steps"] = [{"type": _REPAIR}]
            if chain.others:
                body["fallbacks"] = [{"model": model} for model in chain.others]
                body["fallback_config"] = {"retry": True, "depth": len(chain.others)}
        return body

    async def _post(self, model: str, body: Mapping[str, Any], *, max_tokens: int, ends: float) -> httpx.Response:
        named = OWN_LIMIT if model in self._learned.own_field else "max_tokens"
        left = max(0.0, ends - self._timing.clock())
        request = self._client.build_request(
            "POST",
            self._address,
            json={**body, named: max_tokens},
            headers=self._headers,
            timeout=httpx.Timeout(left, connect=10.0),
        )
        within = replace(self._patience, deadline_s=left, repeatable=False, statuses=_NOT_MADE)
        response = await self._exchange(request, within, self._gate)
        state = read_rate(response.headers, self._timing.wall())
        self._learned.rates.note(model, state, at=self._timing.clock())
        return response

    async def _keep_pace(self, model: str, *, most: float) -> None:
        """Waits until the service has room for this model, by its own word; VendorUnavailable where it is too long."""
        pause = self._learned.rates.wait_for(model, at=self._timing.clock())
        if pause > most:
            raise VendorUnavailable(
                f"{PEER.name} asks to wait. Nothing is lost; it can be tried again.", retry_after=pause
            )
        if pause:
            await self._timing.sleep(pause)

    async def _exchange(self, request: httpx.Request, patience: Patience, gate: Gate | None = None) -> httpx.Response:
        return await send_patiently(
            lambda: send_gated(self._client, request, gate), peer=PEER, patience=patience, timing=self._timing
        )
