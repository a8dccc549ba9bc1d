"""Models by preference: left to AssemblyAI's gateway, gone through by ourselves elsewhere; and a service's pace."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.clients.gateway import AnswerSchema, Gateway, ModelChain
from connector.clients.model_chain import ask_in_turn
from connector.clients.rate import RateState, read_rate
from connector.errors import DraftUnusable, Misconfigured, VendorAccount, VendorRejected, VendorUnavailable

SCHEMA = AnswerSchema("soap_note", {"type": "object", "properties": {}, "additionalProperties": False})
CHAIN = ModelChain("one", ("two", "one", "three", "four"), depth=2)


def _answer(model: str, finish: str = "stop", content: str = "{}") -> dict[str, object]:
    return {
        "id": f"chatcmpl-{model}",
        "object": "chat.completion",
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
    }


@pytest.fixture
def make(http, peer, patience, held_clock):
    def gateway(kind: str, key: str = "k-123") -> Gateway:
        return Gateway(http, base_url=peer.url, api_key=key, kind=kind, patience=patience, timing=held_clock.timing())

    return gateway


def _ask(gateway: Gateway, timeout: float = 60.0):
    async def attempt(link: ModelChain):
        return await gateway.complete(chain=link, messages=[], schema=SCHEMA, max_tokens=9, timeout=timeout)

    return ask_in_turn(gateway.split(CHAIN), attempt)


def _asked(peer) -> list[str]:
    return [request.json()["model"] for request in peer.requests]


def test_a_chain_holds_each_name_once_and_no_more_than_its_depth():
    assert CHAIN.models == ("one", "two", "three")
    assert ModelChain("one", ("two",), depth=0).models == ("one",)


async def test_assemblyais_gateway_is_told_the_chain_and_asked_once(make, peer):
    peer.plays(peer.answer(200, _answer("two")))
    completion = await _ask(make("assemblyai"))
    (request,) = peer.requests
    assert request.json()["fallbacks"] == [{"model": "two"}, {"model": "three"}]
    assert request.json()["fallback_config"] == {"retry": True, "depth": 2}
    assert completion.model == "two", "the one that answered, not the one that was asked"


async def test_another_service_gets_no_field_only_the_gateway_knows(make, peer):
    peer.plays(peer.answer(200, _answer("one")))
    assert (await _ask(make("openai"))).request_id == "chatcmpl-one"
    assert set(peer.requests[0].json()) == {"model", "messages", "response_format", "max_tokens"}


async def test_a_service_without_a_key_is_sent_none(make, peer):
    peer.plays(peer.answer(200, _answer("one")))
    await _ask(make("openai", key=""))
    assert "authorization" not in peer.requests[0].headers


@pytest.mark.parametrize(
    "failing",
    [
        lambda peer: peer.answer(500, {"error": {"message": "no"}}),
        lambda peer: peer.hang_up(),
        lambda peer: peer.answer(200, _answer("one", "length", '{"s": ')),
        lambda peer: peer.answer(200, _answer("one", "content_filter")),
        lambda peer: peer.answer(200, _answer("one", content="")),
    ],
    ids=["failing", "away", "cut off", "refused", "empty"],
)
async def test_the_next_model_is_asked_where_one_fails(make, peer, failing):
    peer.plays(failing(peer), peer.answer(200, _answer("two")))
    assert (await _ask(make("openai"))).model == "two"
    assert _asked(peer) == ["one", "two"]


async def test_no_more_models_are_asked_than_the_depth_says_and_being_away_is_what_is_told(make, peer):
    cut_off = peer.answer(200, _answer("two", "length"))
    peer.plays(peer.answer(500, {}), cut_off, cut_off, peer.answer(200, _answer("four")))
    with pytest.raises(VendorUnavailable):
        await _ask(make("openai"))
    assert _asked(peer) == ["one", "two", "three"]


async def test_the_last_answer_that_cannot_be_used_is_told_where_nobody_was_away(make, peer):
    peer.plays(peer.answer(200, _answer("one", "length")))
    with pytest.raises(DraftUnusable) as caught:
        await _ask(make("openai"))
    assert len(peer.requests) == 3
    assert caught.value.request_id == "chatcmpl-one"


@pytest.mark.parametrize(("status", "error"), [(400, VendorRejected), (404, VendorRejected), (422, VendorRejected)])
async def test_what_settings_must_mend_is_not_hidden_by_another_model(make, peer, status, error):
    peer.plays(peer.answer(status, {"error": {"message": "response_format is not supported"}}))
    with pytest.raises(error):
        await _ask(make("openai"))
    assert _asked(peer) == ["one"]


async def test_a_refused_key_ends_the_chain(make, peer):
    peer.plays(peer.answer(401, {"error": {"message": "no"}}))
    with pytest.raises((Misconfigured, VendorAccount)):
        await _ask(make("openai"))
    assert _asked(peer) == ["one"]


async def test_a_model_that_wants_its_own_name_for_the_limit_gets_it_and_is_remembered(make, peer):
    refusal = {
        "error": {
            "message": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
            "code": "unsupported_parameter",
            "param": "max_tokens",
        }
    }
    peer.plays(peer.answer(400, refusal), peer.answer(200, _answer("one")))
    gateway = make("openai")
    await _ask(gateway)
    await _ask(gateway)
    bodies = [request.json() for request in peer.requests]
    assert [("max_tokens" in body, body.get("max_completion_tokens")) for body in bodies] == [
        (True, None),
        (False, 9),
        (False, 9),
    ]


async def test_a_model_without_room_is_not_asked_before_its_window_begins_anew(make, peer, held_clock):
    full = {"x_ratelimit_limit": "30", "x_ratelimit_remaining": "0", "x_ratelimit_reset": "20"}
    peer.plays(peer.answer(200, _answer("one"), **full), peer.answer(200, _answer("one")))
    gateway = make("assemblyai")
    await _ask(gateway)
    began = held_clock.now
    await _ask(gateway)
    assert held_clock.now - began == pytest.approx(20.0)


async def test_a_window_that_is_too_far_away_is_told_instead_of_waited_for(make, peer, held_clock):
    full = {"x_ratelimit_remaining_requests": "0", "x_ratelimit_reset_requests": "6m0s"}
    peer.plays(peer.answer(200, _answer("one"), **full))
    gateway = make("openai")
    await _ask(gateway)
    began, asked = held_clock.now, len(peer.requests)
    with pytest.raises(VendorUnavailable) as caught:
        await gateway.complete(chain=ModelChain("one"), messages=[], schema=SCHEMA, max_tokens=9, timeout=60.0)
    assert (caught.value.retry_after, held_clock.now, len(peer.requests)) == (pytest.approx(360.0), began, asked)


NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "state"),
    [
        ({}, None),
        ({"x-ratelimit-remaining": "many"}, None),
        ({"x-ratelimit-remaining": "3", "x-ratelimit-limit": "30"}, RateState(30, 3, 0.0)),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "12.5"}, RateState(None, 0, 12.5)),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOON.timestamp() + 7)}, RateState(None, 0, 7.0)),
        (
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOON.timestamp() * 1000 + 7000))},
            RateState(None, 0, 7.0),
        ),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "20ms"}, RateState(None, 0, 0.02)),
        ({"x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "1m30s"}, RateState(None, 1, 90.0)),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "999999"}, RateState(None, 0, 3600.0)),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}, RateState(None, 0, 0.0)),
    ],
)
def test_rate_headers_are_read_in_each_of_their_forms(headers, state):
    assert read_rate(headers, NOON) == state
