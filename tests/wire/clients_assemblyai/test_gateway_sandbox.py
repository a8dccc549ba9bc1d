"""Our gateway client against the sandbox as a process of its own: fallbacks, repair, catalogue, deletion, envelopes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from datetime import date
from typing import Any

import httpx
import pytest

from connector.clients.gateway import AnswerSchema, Completion, Gateway, ModelChain
from connector.clients.http import Patience
from connector.clients.model_catalogue import ModelNeeds, check_speech_key, judge_models, list_models
from connector.errors import DraftUnusable, VendorAccount, VendorRejected, VendorUnavailable
from tests.fixtures.assemblyai import ask_for_soap, run_process

KEY = "gateway-key"
FIRST, SECOND, THIRD = "claude-sonnet-4-6", "gemini-2.5-pro", "gpt-5.1"
HURRIED = Patience(attempts=2, deadline_s=60.0, first_s=0.01, most_s=0.02)
CALM = {
    "completions_per_minute": 10_000,
    "gateway_envelope": "current",
    "failing_models": [],
    "llm_delete_status": 200,
}
SAID = [("A", "Any chest pain?"), ("B", "No chest pain, but I cough at night.")]
DRAFTS = "/chat/completions$"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with run_process(tmp_path_factory.mktemp("gateway")) as running:
        yield running


@pytest.fixture
async def sandbox(base: str) -> AsyncIterator[httpx.AsyncClient]:
    """The sandbox's switches, all as they were before and after."""
    async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=30) as client:
        await _calm(client)
        yield client
        await _calm(client)


async def _calm(client: httpx.AsyncClient) -> None:
    await client.delete("/sandbox/faults")
    await client.delete("/sandbox/requests")
    await set_controls(client, **CALM)


async def set_controls(client: httpx.AsyncClient, **changes: Any) -> None:
    answer = await client.patch("/sandbox/controls", json=changes)
    assert answer.status_code == 200, answer.text


async def strike(client: httpx.AsyncClient, kind: str, *, path: str = DRAFTS, **how: Any) -> None:
    answer = await client.post("/sandbox/faults", json=[{"path": path, "kind": kind, **how}])
    assert answer.status_code == 200, answer.text


async def sent(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """The bodies of the completions that were asked for."""
    found = (await client.get("/sandbox/requests")).json()["requests"]
    return [one["json"] for one in found if one["method"] == "POST" and one["path"].endswith("/chat/completions")]


@pytest.fixture
def gateway(http: httpx.AsyncClient, base: str, sandbox: httpx.AsyncClient) -> Gateway:
    del sandbox
    return Gateway(http, base_url=f"{base}/v1", api_key=KEY, patience=HURRIED)


async def ask(gateway: Gateway, *models: str, depth: int = 2) -> Completion:
    messages, schema = ask_for_soap(SAID)
    return await gateway.complete(
        chain=ModelChain(models[0], tuple(models[1:]), depth),
        messages=messages,
        schema=AnswerSchema("note", schema),
        max_tokens=3000,
        timeout=120.0,
    )


def note_of(completion: Completion) -> dict[str, Any]:
    note: dict[str, Any] = json.loads(completion.content)
    assert set(note) == {"subjective", "objective", "assessment", "plan"}
    return note


async def test_the_model_that_answered_is_named_whichever_of_the_chain_it_is(gateway, sandbox):
    asked = FIRST, SECOND, THIRD
    assert (await ask(gateway, *asked)).model == "sandbox-offline-drafter"
    await set_controls(sandbox, failing_models=[FIRST])
    assert (await ask(gateway, *asked)).model == f"sandbox-offline-drafter ({SECOND})"
    await set_controls(sandbox, failing_models=[FIRST, SECOND])
    last = await ask(gateway, *asked)
    assert last.model == f"sandbox-offline-drafter ({THIRD})" and note_of(last)["subjective"]
    bodies = await sent(sandbox)
    assert {one["model"] for one in bodies} == {FIRST}, "the gateway goes through the chain, not we"
    assert [one["fallbacks"] for one in bodies] == [[{"model": SECOND}, {"model": THIRD}]] * 3
    assert [one["fallback_config"] for one in bodies] == [{"retry": True, "depth": 2}] * 3


async def test_no_model_beyond_the_depth_is_asked_and_that_is_an_absence(gateway, sandbox):
    await set_controls(sandbox, failing_models=[FIRST, SECOND])
    with pytest.raises(VendorUnavailable):
        await ask(gateway, FIRST, SECOND, THIRD, depth=1)
    (body, *_) = await sent(sandbox)
    assert (body["fallbacks"], body["fallback_config"]) == ([{"model": SECOND}], {"retry": True, "depth": 1})
    await set_controls(sandbox, failing_models=[FIRST])
    assert (await ask(gateway, FIRST, SECOND, THIRD, depth=1)).model.endswith(f"({SECOND})")


async def test_a_provider_that_stumbles_once_is_tried_again_by_the_gateway_before_a_fallback(gateway, sandbox):
    await strike(sandbox, "provider_error")
    assert (await ask(gateway, FIRST, SECOND)).model == "sandbox-offline-drafter"
    assert len(await sent(sandbox)) == 1, "it was one call of ours"


async def test_a_chain_of_one_is_sent_without_fallbacks(gateway, sandbox):
    note_of(await ask(gateway, FIRST))
    (body,) = await sent(sandbox)
    assert not {"fallbacks", "fallback_config"} & body.keys()


@pytest.mark.parametrize("wrong", ["gpt-9", "gpt-oss-120b"])
async def test_no_fallback_hides_a_model_that_will_not_do(gateway, wrong):
    with pytest.raises(VendorRejected, match="set another model"):
        await ask(gateway, FIRST, wrong)


async def test_json_that_can_be_repaired_comes_repaired(gateway, sandbox):
    await strike(sandbox, "invalid_json")
    assert note_of(await ask(gateway, FIRST))["subjective"]
    assert (await sent(sandbox))[0]["post_processing_steps"] == [{"type": "json-repair"}]


@pytest.mark.parametrize("envelope", ["current", "nested"])
async def test_json_beyond_repair_is_an_answer_that_cannot_be_used(gateway, sandbox, envelope):
    await set_controls(sandbox, gateway_envelope=envelope)
    await strike(sandbox, "broken_json")
    with pytest.raises(DraftUnusable, match="could not be read"):
        await ask(gateway, FIRST)
    assert len(await sent(sandbox)) == 1, "the same is not asked again"


@pytest.mark.parametrize("kind", ["truncate", "refusal"])
async def test_what_is_cut_off_or_declined_is_never_repaired_and_can_be_deleted_by_its_name(gateway, sandbox, kind):
    await strike(sandbox, kind)
    with pytest.raises(DraftUnusable) as caught:
        await ask(gateway, FIRST)
    assert caught.value.request_id
    assert await gateway.delete(caught.value.request_id) == "answered"
    assert await gateway.delete(caught.value.request_id) == "gone"


@pytest.mark.parametrize("envelope", ["current", "nested"])
@pytest.mark.parametrize(
    ("model", "said"),
    [("gpt-9", "not available to this account"), ("gpt-oss-120b", "cannot keep to the note's schema")],
)
async def test_a_refusal_says_the_same_in_either_envelope(gateway, sandbox, envelope, model, said):
    await set_controls(sandbox, gateway_envelope=envelope)
    with pytest.raises(VendorRejected, match=said):
        await ask(gateway, model)


@pytest.mark.parametrize("envelope", ["current", "nested"])
async def test_a_refused_key_is_the_operators_in_its_own_envelope_and_the_older_one(gateway, sandbox, envelope):
    await set_controls(sandbox, gateway_envelope=envelope)
    await strike(sandbox, "revoked_key")
    with pytest.raises(VendorAccount) as caught:
        await ask(gateway, FIRST)
    assert caught.value.kind == "key"


@pytest.mark.parametrize("envelope", ["current", "nested"])
async def test_a_full_minute_is_an_absence_with_a_time_in_either_envelope(http, base, sandbox, envelope):
    await set_controls(sandbox, gateway_envelope=envelope, completions_per_minute=1)
    impatient = Patience(attempts=1, deadline_s=60.0)
    key = f"pace-{envelope}"
    note_of(await ask(Gateway(http, base_url=base, api_key=key, patience=impatient), FIRST))
    # Another process has heard of no pace yet: it asks, and is turned away.
    with pytest.raises(VendorUnavailable) as caught:
        await ask(Gateway(http, base_url=base, api_key=key, patience=impatient), FIRST)
    assert caught.value.retry_after and 0 < caught.value.retry_after <= 60


@pytest.mark.parametrize(("status", "first", "then"), [(200, "answered", "gone"), (202, "answered", "gone"),
                                                       (204, "answered", "gone"), (404, "gone", "gone")])  # fmt: skip
async def test_a_completion_is_deleted_by_the_id_it_came_with(gateway, sandbox, status, first, then):
    made = await ask(gateway, FIRST)
    await set_controls(sandbox, llm_delete_status=status)
    assert [await gateway.delete(made.request_id or ""), await gateway.delete(made.request_id or "")] == [first, then]


@pytest.mark.parametrize("envelope", ["current", "nested"])
async def test_a_deletion_that_fails_is_owed_until_it_is_taken(gateway, sandbox, envelope):
    made = await ask(gateway, FIRST)
    await set_controls(sandbox, llm_delete_status=500, gateway_envelope=envelope)
    with pytest.raises(VendorUnavailable):
        await gateway.delete(made.request_id or "")
    await set_controls(sandbox, llm_delete_status=200)
    assert await gateway.delete(made.request_id or "") == "answered"


async def test_another_projects_completion_is_not_ours_to_delete(gateway, http, base):
    made = await ask(gateway, FIRST)
    other = Gateway(http, base_url=base, api_key="another-key", patience=HURRIED)
    assert await other.delete(made.request_id or "") == "gone"
    assert await gateway.delete(made.request_id or "") == "answered", "it was still there"


def needs(*, tokens: int = 50_000, region: str = "us") -> ModelNeeds:
    return ModelNeeds(tokens, region, date(2026, 11, 27))


async def test_the_catalogue_says_of_each_model_whether_it_will_do(http, base):
    listed = await list_models(http, base_url=f"{base}/v1", api_key=KEY)
    assert judge_models(listed, (FIRST, SECOND, THIRD), needs()) == []
    (fault,) = judge_models(listed, ("claude-nine",), needs())
    assert fault.startswith("claude-nine is not among the models of the service")
    (fault,) = judge_models(listed, ("claude-3-5-haiku-20241022",), needs())
    assert "was retired on 2026-02-19" in fault
    (fault,) = judge_models(listed, ("gpt-oss-120b",), needs())
    assert "cannot keep to the note's schema" in fault
    (fault,) = judge_models(listed, (FIRST, THIRD), needs(region="eu"))
    assert fault.startswith(f"{THIRD} is not offered in the region eu")
    (fault,) = judge_models(listed, (FIRST,), needs(tokens=200_001))
    assert "takes 200000 tokens" in fault


async def test_what_the_catalogue_calls_unfit_the_gateway_refuses_and_what_it_calls_fit_it_answers(gateway, http, base):
    for model in await list_models(http, base_url=base, api_key=KEY):
        listed = await list_models(http, base_url=base, api_key=KEY)
        if judge_models(listed, (model,), needs()):
            with pytest.raises(VendorRejected):
                await ask(gateway, model)
        else:
            note_of(await ask(gateway, model))


async def test_the_speech_key_is_tried_on_the_list_of_jobs(http, base, sandbox):
    await check_speech_key(http, base_url=base, api_key=KEY)
    for kind, name in (("revoked_key", "key"), ("quota", "quota"), ("balance", "balance")):
        await strike(sandbox, kind, path="^/v2/transcript$", method="GET")
        with pytest.raises(VendorAccount) as caught:
            await check_speech_key(http, base_url=base, api_key=KEY)
        assert caught.value.kind == name
        await sandbox.delete("/sandbox/faults")
