"""The gateway client against a scripted vendor: both generations of answers, three envelopes of errors."""

from __future__ import annotations

import pytest

from connector.clients.gateway import AnswerSchema, Gateway, ModelChain, Usage
from connector.errors import DraftUnusable, VendorAccount, VendorOutcomeUnknown, VendorRejected, VendorUnavailable

CANARY = "Zebulon Quixley takes warfarin"
SCHEMA = AnswerSchema(
    "soap_note", {"type": "object", "properties": {"s": {"type": "string"}}, "additionalProperties": False}
)
MESSAGES = [{"role": "system", "content": "Write."}, {"role": "user", "content": CANARY}]


def _answer(**changes) -> dict[str, object]:
    whole: dict[str, object] = {
        "request_id": "r1",
        "model": "claude-x",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": '{"s": 1}'}, "finish_reason": "stop"}],
        "usage": {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18},
        "llm_status_code": 200,
        "response_time": 123456,
    }
    return whole | changes


def _choice(content, finish="stop", **message) -> list[dict[str, object]]:
    return [{"message": {"content": content, **message}, "finish_reason": finish}]


@pytest.fixture
def gateway(http, peer, patience, held_clock):
    return Gateway(http, base_url=peer.url, api_key="k-123", patience=patience, timing=held_clock.timing())


@pytest.fixture
def ask(gateway):
    async def complete(timeout: float = 60.0):
        return await gateway.complete(
            chain=ModelChain("claude-x"), messages=MESSAGES, schema=SCHEMA, max_tokens=4000, timeout=timeout
        )

    return complete


async def test_the_request_asks_for_the_schema_strictly(ask, peer):
    peer.plays(peer.answer(200, _answer()))
    await ask()
    (request,) = peer.requests
    assert (request.method, request.target) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == "Bearer k-123"
    assert request.json() == {
        "model": "claude-x",
        "messages": MESSAGES,
        "max_tokens": 4000,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "soap_note", "schema": SCHEMA.body, "strict": True},
        },
        "post_processing_steps": [{"type": "json-repair"}],
    }


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
async def test_the_base_url_may_end_in_v1_or_not(http, peer, suffix):
    peer.plays(peer.answer(204))
    await Gateway(http, base_url=peer.url + suffix, api_key="k").delete("r1")
    assert peer.requests[0].target == "/v1/chat/completions/r1"


async def test_a_whole_answer_is_read(ask, peer):
    peer.plays(peer.answer(200, _answer(model="fallback-y")))
    completion = await ask()
    assert (completion.content, completion.model, completion.request_id) == ('{"s": 1}', "fallback-y", "r1")
    assert (completion.finish_reason, completion.usage) == ("stop", Usage(11, 7))


@pytest.mark.parametrize(
    ("changes", "content", "request_id", "usage"),
    [
        ({"usage": {"prompt_tokens": 3, "completion_tokens": 4}}, '{"s": 1}', "r1", Usage(3, 4)),
        ({"usage": None}, '{"s": 1}', "r1", Usage(0, 0)),
        ({"request_id": None, "id": "chatcmpl-1"}, '{"s": 1}', "chatcmpl-1", Usage(11, 7)),
        ({"request_id": 5}, '{"s": 1}', None, Usage(11, 7)),
        (
            {"choices": _choice([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])},
            "ab",
            "r1",
            Usage(11, 7),
        ),
        ({"choices": _choice("a", None)}, "a", "r1", Usage(11, 7)),
        ({"choices": _choice("a", "end_turn")}, "a", "r1", Usage(11, 7)),
        ({"choices": [{**_choice("a")[0], "tool_calls": None}]}, "a", "r1", Usage(11, 7)),
    ],
)
async def test_other_shapes_of_an_answer_are_read(ask, peer, changes, content, request_id, usage):
    peer.plays(peer.answer(200, _answer(**changes)))
    completion = await ask()
    assert (completion.content, completion.request_id, completion.usage) == (content, request_id, usage)


@pytest.mark.parametrize("finish", ["length", "max_tokens", "MAX_TOKENS", "model_context_window_exceeded"])
async def test_a_cut_off_answer_is_no_draft_and_names_its_copy(ask, peer, finish):
    peer.plays(peer.answer(200, _answer(choices=_choice('{"s": ', finish))))
    with pytest.raises(DraftUnusable, match="cut off") as caught:
        await ask()
    assert caught.value.request_id == "r1"
    assert (caught.value.model, caught.value.tokens) == ("claude-x", (11, 7)), "it was paid for all the same"


@pytest.mark.parametrize(
    "choices",
    [
        _choice(None, "refusal"),
        _choice("I cannot", "content_filter"),
        _choice(None, "SAFETY"),
        _choice(None, "stop", refusal=f"I will not write about {CANARY}"),
    ],
)
async def test_a_refusal_is_no_draft_and_is_not_quoted(ask, peer, choices):
    peer.plays(peer.answer(200, _answer(choices=choices)))
    with pytest.raises(DraftUnusable, match="declined") as caught:
        await ask()
    assert caught.value.request_id == "r1"
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "choices", [None, [], {}, [None], [{}], [{"message": None}], _choice(""), _choice("  \n"), _choice(7)]
)
async def test_an_answer_without_content_is_no_draft(ask, peer, choices):
    peer.plays(peer.answer(200, _answer(choices=choices)))
    with pytest.raises(DraftUnusable) as caught:
        await ask()
    assert caught.value.request_id == "r1"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"[" * 100_000])
async def test_what_is_not_an_object_can_be_tried_again(ask, peer, body):
    peer.plays(peer.raw(200, body))
    with pytest.raises(VendorOutcomeUnknown):
        await ask()


@pytest.mark.parametrize("first", [429, 503])
async def test_a_busy_gateway_is_asked_again(ask, peer, first):
    peer.plays(peer.answer(first, {"code": first, "message": "later"}, retry_after="1"), peer.answer(200, _answer()))
    assert (await ask()).request_id == "r1"


@pytest.mark.parametrize("status", [408, 500, 502, 504])
async def test_a_failure_that_may_have_left_a_copy_is_not_asked_for_twice_and_names_it(ask, peer, status):
    failure = {"code": status, "message": CANARY, "request_id": "r9"}
    peer.plays(peer.answer(status, failure), peer.answer(200, _answer()))
    with pytest.raises(VendorOutcomeUnknown) as caught:
        await ask()
    assert (len(peer.requests), caught.value.request_id) == (1, "r9")
    assert CANARY not in str(caught.value)


async def test_an_answer_beyond_repair_is_no_draft_and_is_not_waited_for(ask, peer):
    peer.plays(peer.answer(500, {"code": 500, "message": "post-processing failed", "request_id": "r9"}))
    with pytest.raises(DraftUnusable) as caught:
        await ask()
    assert caught.value.request_id == "r9"


async def test_the_timeout_ends_the_retries(ask, peer, held_clock):
    peer.plays(peer.answer(429, {}, retry_after="20"))
    started = held_clock.now
    with pytest.raises(VendorUnavailable) as caught:
        await ask(timeout=45.0)
    assert held_clock.now - started <= 45.0
    assert caught.value.retry_after == 20.0


async def test_a_lost_answer_is_not_asked_for_twice(ask, peer):
    peer.plays(peer.hang_up(), peer.answer(200, _answer()))
    with pytest.raises(VendorOutcomeUnknown):
        await ask()
    assert len(peer.requests) == 1


async def test_a_silent_gateway_ends_at_the_timeout(ask, peer):
    peer.plays(peer.silence())
    with pytest.raises(VendorUnavailable):
        await ask(timeout=0.3)


async def test_a_provider_failing_behind_a_200_can_be_tried_again(ask, peer):
    peer.plays(peer.answer(200, {"error": {"code": 529, "message": CANARY}, "request_id": "r1"}))
    with pytest.raises(VendorOutcomeUnknown) as caught:
        await ask()
    assert caught.value.request_id == "r1"
    assert CANARY not in str(caught.value)


NO_SCHEMA = "response_format json_schema is not supported"


@pytest.mark.parametrize(
    ("envelope", "ours"),
    [
        ({"code": 400, "message": NO_SCHEMA, "request_id": "r", "metadata": {}}, "schema"),
        ({"error": NO_SCHEMA, "status": "error", "request_id": "r"}, "schema"),
        ({"error": {"code": "invalid", "message": NO_SCHEMA, "metadata": {}}}, "schema"),
        ({"code": 400, "message": "bad", "metadata": {"errors": [NO_SCHEMA]}}, "schema"),
        ({"error": "maximum context length exceeded"}, "too long"),
        ({"error": {"message": "no access to this model"}}, "not available"),
        ({"error": CANARY}, "refused the request"),
        ("nonsense", "refused the request"),
        (None, "refused the request"),
    ],
)
async def test_each_envelope_of_an_error_is_understood_and_none_quoted(ask, peer, envelope, ours):
    peer.plays(peer.answer(400, envelope))
    with pytest.raises(VendorRejected, match=ours) as caught:
        await ask()
    assert len(peer.requests) == 1
    assert CANARY not in str(caught.value)


async def test_a_content_policy_refusal_is_no_draft(ask, peer):
    peer.plays(peer.answer(400, {"error": {"code": "content_filter", "message": CANARY}}))
    with pytest.raises(DraftUnusable):
        await ask()


async def test_a_refused_key_is_the_operators_to_mend(ask, peer):
    peer.plays(peer.answer(401, {"error": "no", "status": "error"}))
    with pytest.raises(VendorAccount, match="key"):
        await ask()


@pytest.mark.parametrize(
    ("status", "outcome"), [(200, "answered"), (202, "answered"), (204, "answered"), (404, "gone")]
)
async def test_delete_tells_an_answer_from_nothing_there(gateway, peer, status, outcome):
    peer.plays(peer.answer(503), peer.answer(status, {}))
    assert await gateway.delete("r/1") == outcome
    assert (peer.requests[0].method, peer.requests[0].target) == ("DELETE", "/v1/chat/completions/r%2F1")


@pytest.mark.parametrize("status", [400, 403, 405, 409, 206, 500, 501])
async def test_a_deletion_that_was_not_confirmed_is_still_owed(gateway, peer, status):
    peer.plays(peer.answer(status, {}))
    with pytest.raises(VendorUnavailable):
        await gateway.delete("r1")
