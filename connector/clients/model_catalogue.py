"""Is what is configured there? In: a service's GET /v1/models, and the models that are wanted. Out: what is missing.

Told in plain words for whoever runs the service. Judges only what the service says: what it leaves open is no fault.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import httpx

from connector.clients.gateway_answers import PEER
from connector.clients.http import Patience, Peer, Timing, send_patiently, send_whole
from connector.clients.vendor_answers import read_object, require_success
from connector.errors import VendorUnavailable

SPEECH = Peer(name="The transcription service", unavailable=VendorUnavailable, unknown=VendorUnavailable)
HURRIED = Patience(attempts=2, deadline_s=15.0, first_s=0.5, most_s=1.0, retry_after_most_s=5.0)
_SCHEMA = "response_format"


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One model as the service lists it; None and empty where it does not say."""

    name: str
    context_tokens: int | None = None
    parameters: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    retires_on: date | None = None


@dataclass(frozen=True, slots=True)
class ModelNeeds:
    """What a draft asks of a model: `tokens` of request and answer together, the region it is called in."""

    tokens: int
    region: str | None
    today: date


async def list_models(client: httpx.AsyncClient, *, base_url: str, api_key: str) -> dict[str, ListedModel]:
    """The service's models by name. Raises VendorUnavailable where it is away or lists none, Misconfigured and
    VendorRejected where it refuses."""
    address = base_url.rstrip("/").removesuffix("/v1") + "/v1/models"
    headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
    response = await _get(client, address, headers, peer=PEER)
    listed = read_object(response, peer=PEER).get("data")
    if not isinstance(listed, list):
        raise VendorUnavailable(f"{PEER.name} lists no models.")
    models = [_read_model(one) for one in listed if isinstance(one, dict) and isinstance(one.get("id"), str)]
    return {model.name: model for model in models}


async def check_speech_key(client: httpx.AsyncClient, *, base_url: str, api_key: str) -> None:
    """Asks for one row of the vendor's list. Raises what a refused key, a foreign region or an absence stands for."""
    address = f"{base_url.rstrip('/')}/v2/transcript?limit=1"
    read_object(await _get(client, address, {"authorization": api_key}, peer=SPEECH), peer=SPEECH)


def judge_models(listed: Mapping[str, ListedModel], wanted: Sequence[str], needs: ModelNeeds) -> list[str]:
    """One sentence for each thing that speaks against a model of the chain; none where all of them will do."""
    return [fault for name in wanted for fault in _judge(listed.get(name), name, needs)]


def _judge(model: ListedModel | None, name: str, needs: ModelNeeds) -> list[str]:
    if model is None:
        return [f"{name} is not among the models of the service: set another one, or look at the spelling."]
    faults = []
    if model.retires_on is not None and model.retires_on <= needs.today:
        faults.append(f"{name} was retired on {model.retires_on.isoformat()}: set another one.")
    if model.parameters and _SCHEMA not in model.parameters:
        faults.append(f"{name} cannot keep to the note's schema ({_SCHEMA}): set another one.")
    if needs.region and model.regions and needs.region not in model.regions:
        faults.append(f"{name} is not offered in the region {needs.region}: set another one, or another base URL.")
    if model.context_tokens is not None and model.context_tokens < needs.tokens:
        faults.append(
            f"{name} takes {model.context_tokens} tokens, and a draft may need {needs.tokens}: set one with a larger "
            "context, or lower CONNECTOR_GATEWAY_CHART_TOKENS."
        )
    return faults


async def _get(client: httpx.AsyncClient, address: str, headers: Mapping[str, str], *, peer: Peer) -> httpx.Response:
    request = client.build_request("GET", address, headers=dict(headers), timeout=10.0)
    response = await send_patiently(lambda: send_whole(client, request), peer=peer, patience=HURRIED, timing=Timing())
    require_success(response, peer=peer)
    return response


def _read_model(one: Mapping[str, Any]) -> ListedModel:
    context = one.get("context_length")
    return ListedModel(
        name=one["id"],
        context_tokens=context if isinstance(context, int) and not isinstance(context, bool) and context > 0 else None,
        parameters=_texts(one.get("supported_parameters")),
        regions=_texts(one.get("available_regions")),
        retires_on=_read_day(one.get("retirement_date")),
    )


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _read_day(value: Any) -> date | None:
    """Seconds since 1970 (0 is no day), or a date in text."""
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value).date()
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e11:
        return None
    return datetime.fromtimestamp(value, UTC).date()
