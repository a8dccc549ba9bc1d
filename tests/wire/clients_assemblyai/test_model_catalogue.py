"""Models and key are looked up before they are needed: what is missing is told in plain words, an absence is noted."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import SecretStr

from connector.app import find_model_faults
from connector.clients.http import make_client
from connector.clients.model_catalogue import ListedModel, ModelNeeds, check_speech_key, judge_models, list_models
from connector.errors import ConnectorError, Misconfigured, VendorAccount, VendorUnavailable
from connector.examining import Finding, examine_vendors
from connector.serving import log_model_faults
from connector.settings import Settings
from tests.wire.clients_assemblyai.test_gateway import CANARY

TODAY = date(2026, 11, 27)
NEEDS = ModelNeeds(53_000, "eu", TODAY)
GOOD = {
    "id": "good",
    "context_length": 200_000,
    "supported_parameters": ["max_tokens", "response_format"],
    "available_regions": ["us", "eu"],
    "retirement_date": 0,
}


async def _judge(http: Any, peer: Any, *models: dict[str, Any], wanted: tuple[str, ...] = ("good",)) -> list[str]:
    peer.plays(peer.answer(200, {"data": list(models)}))
    return judge_models(await list_models(http, base_url=f"{peer.url}/v1", api_key="k-1"), wanted, NEEDS)


async def test_a_model_that_will_do_is_not_spoken_against(http, peer):
    assert await _judge(http, peer, GOOD) == []
    (request,) = peer.requests
    assert (request.method, request.target, request.headers["authorization"]) == ("GET", "/v1/models", "Bearer k-1")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"id": "other"}, "good is not among the models"),
        ({"retirement_date": 1_771_459_200}, "was retired on 2026-02-19"),
        ({"retirement_date": "2026-11-27"}, "was retired on 2026-11-27"),
        ({"supported_parameters": ["max_tokens"]}, "cannot keep to the note's schema"),
        ({"available_regions": ["us"]}, "not offered in the region eu"),
        ({"context_length": 16_000}, "takes 16000 tokens, and a draft may need 53000"),
    ],
)
async def test_what_speaks_against_a_model_is_said(http, peer, changes, told):
    (fault,) = await _judge(http, peer, GOOD | changes)
    assert told in fault


async def test_each_model_of_the_chain_is_judged_by_itself(http, peer):
    faults = await _judge(http, peer, GOOD, GOOD | {"id": "old", "retirement_date": 1}, wanted=("good", "old", "none"))
    assert [fault.split()[0] for fault in faults] == ["old", "none"]


@pytest.mark.parametrize(
    "bare",
    [
        {"id": "good", "object": "model", "created": 1, "owned_by": "x"},
        {"id": "good", "context_length": "much", "supported_parameters": None, "available_regions": 7},
        {"id": "good", "retirement_date": "soon"},
        {"id": "good", "retirement_date": 4_102_444_800},
        {"id": "good", "retirement_date": True, "context_length": True},
    ],
)
async def test_what_a_service_does_not_say_is_no_fault(http, peer, bare):
    assert await _judge(http, peer, bare) == []


async def test_what_is_no_model_is_passed_over(http, peer):
    peer.plays(peer.answer(200, {"data": [None, {"id": 5}, {}, GOOD]}))
    listed = await list_models(http, base_url=peer.url, api_key="")
    assert list(listed) == ["good"]
    assert listed["good"] == ListedModel("good", 200_000, ("max_tokens", "response_format"), ("us", "eu"))
    assert "authorization" not in peer.requests[0].headers


@pytest.mark.parametrize("body", [{"data": {}}, {}, [], "x"])
async def test_a_list_that_is_none_is_an_absence(http, peer, body):
    peer.plays(peer.answer(200, body))
    with pytest.raises(VendorUnavailable):
        await list_models(http, base_url=peer.url, api_key="k")


@pytest.mark.parametrize(("status", "error"), [(401, (Misconfigured, VendorAccount)), (503, VendorUnavailable)])
async def test_the_speech_key_is_tried_on_one_row_of_the_list(http, peer, status, error):
    peer.plays(peer.answer(status, {"error": CANARY}))
    with pytest.raises(error) as caught:
        await check_speech_key(http, base_url=peer.url, api_key="raw")
    assert CANARY not in str(caught.value)
    assert (peer.requests[0].target, peer.requests[0].headers["authorization"]) == ("/v2/transcript?limit=1", "raw")


def _settings(url: str, **changes: Any) -> Settings:
    given = {"assemblyai_base_url": url, "gateway_base_url": url, "assemblyai_api_key": SecretStr("k")}
    return Settings(**{**given, "gateway_model": "good", **changes})


async def test_the_doctor_says_that_key_and_models_will_do(peer):
    peer.plays(peer.answer(200, {"transcripts": []}), peer.answer(200, {"data": [GOOD]}))
    assert await examine_vendors(_settings(peer.url)) == [
        Finding(True, f"Transcription service: 127.0.0.1:{peer.port} accepts the key"),
        Finding(True, f"Language models: good: listed at 127.0.0.1:{peer.port}, and fit to draft"),
    ]


async def test_the_doctor_names_a_refused_key_and_each_model_that_will_not_do(peer):
    peer.plays(peer.answer(401, {"error": "no"}), peer.answer(200, {"data": [GOOD | {"context_length": 9}]}))
    found = await examine_vendors(_settings(peer.url, gateway_fallbacks=("gone",)))
    assert [one.good for one in found] == [False, False, False]
    assert "key" in found[0].text and "takes 9 tokens" in found[1].text and "gone is not among" in found[2].text


async def test_without_a_network_the_doctor_notes_it_and_finds_nothing_wrong(free_port):
    found = await examine_vendors(_settings(f"http://127.0.0.1:{free_port}"))
    assert [(one.good, one.noted) for one in found] == [(True, True), (True, True)]
    assert all("not looked at" in one.text for one in found)


async def test_another_service_is_asked_with_its_own_key_alone(peer):
    peer.plays(peer.answer(200, {"transcripts": []}), peer.answer(200, {"data": [GOOD]}))
    await examine_vendors(_settings(peer.url, gateway_kind="openai"))
    assert peer.requests[0].headers["authorization"] == "k"
    assert "authorization" not in peer.requests[1].headers


@pytest.mark.parametrize("status", [200, 401, 500])
async def test_a_start_goes_on_whatever_the_list_says(peer, status):
    peer.plays(peer.answer(status, {"data": []}))
    await log_model_faults(_settings(peer.url))
    assert peer.requests


async def test_a_start_goes_on_without_a_network(free_port):
    await log_model_faults(_settings(f"http://127.0.0.1:{free_port}"))
    async with make_client(timeout=1.0) as client:
        with pytest.raises(ConnectorError):
            await find_model_faults(client, _settings(f"http://127.0.0.1:{free_port}"))
