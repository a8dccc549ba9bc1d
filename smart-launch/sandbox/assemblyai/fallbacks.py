"""In: the body of a completion. Out: the requests it stands for: the model's own, and one for each fallback, in order.

Never rescues a request that is wrong: each of them is checked before any is tried.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from connector_sandbox.assemblyai.completion import CompletionRequest, read_request, refuse_body
from connector_sandbox.assemblyai.refusals import GatewayRefused

DEEPEST = 2
RETRY_SECONDS = 0.5
PROVIDER_FAILED = "the model's provider failed, and so did every fallback"


@dataclass(frozen=True)
class Chain:
    """What is tried one after the other; with `retries` each once more after half a second."""

    requests: tuple[CompletionRequest, ...]
    retries: bool


def read_chain(body: Any) -> Chain:
    """GatewayRefused (400) for a request that is wrong, be it a fallback's; `overrides` replace fields of the body."""
    first = read_request(body)
    fallbacks, config = body.get("fallbacks") or [], body.get("fallback_config") or {}
    if not isinstance(fallbacks, list) or not all(isinstance(one, dict) for one in fallbacks):
        refuse_body("fallbacks must be a list of objects")
    if not isinstance(config, dict):
        refuse_body("fallback_config must be an object")
    depth, retries = config.get("depth", DEEPEST), config.get("retry", True)
    if isinstance(depth, bool) or not isinstance(depth, int) or not 0 <= depth <= DEEPEST:
        refuse_body(f"fallback_config.depth must be between 0 and {DEEPEST}")
    if not isinstance(retries, bool):
        refuse_body("fallback_config.retry must be true or false")
    others = [read_request(_override(body, one)) for one in fallbacks[:depth]]
    return Chain((first, *others), retries)


async def choose_answering(chain: Chain, *, fails: Callable[[str], bool]) -> CompletionRequest:
    """The first request whose model does not fail; GatewayRefused (503) where all do."""
    for asked in chain.requests:
        if not fails(asked.model):
            return asked
        if chain.retries:
            await asyncio.sleep(RETRY_SECONDS)
            if not fails(asked.model):
                return asked
    raise GatewayRefused(503, PROVIDER_FAILED)


def _override(body: dict[str, Any], fallback: dict[str, Any]) -> dict[str, Any]:
    overrides = fallback.get("overrides") or {}
    if not isinstance(overrides, dict):
        refuse_body("overrides of a fallback must be an object")
    return {**body, **overrides, "model": fallback.get("model")}
