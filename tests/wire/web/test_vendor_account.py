"""A vendor that refuses our account: the operator is asked once, visits wait with nothing to press, and all go on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from connector.errors import Conflict
from connector.examining import tell_notice
from connector.store.reach import Reach, narrowed
from connector.visit.retrying import try_again
from connector.visit.vendor_account import wake_waiting
from connector.web.progress_view import build_attention
from connector.worker.workflows import _attempt
from tests.unit.web import samples
from tests.wire.web.conftest import Seat, Site
from tests.wire.web.test_reconciling import LOOK, SUBMIT, UPLOAD, job_of, planned, step
from tests.wire.web.vendor_world import World, captured, open_world

REFUSALS = {
    "key": (401, {"error": "Authentication error, API token missing/invalid"}),
    "quota": (403, {"error": "Forbidden: the limit of 20,000 requests has been exceeded"}),
    "balance": (400, {"error": "Your current account balance is negative."}),
    "unexplained": (403, {}),
}


@pytest.fixture
async def world(site: Site) -> AsyncIterator[World]:
    async with open_world(site) as one:
        woken: list[str] = []

        async def wake(visit_id: str) -> None:
            woken.append(visit_id)

        one.woken = woken
        one.parts = replace(one.parts, wake=wake)
        yield one
        await one.parts.notices.close("speech", at=one.now)
        await wake_waiting(one.parts)
        for seat in one.seats:
            async with one.parts.visits.engine.begin() as connection:
                await one.parts.jobs.end(connection, (await job_of(one, seat)).job_key, "given-up")


async def send(world: World, seat: Seat) -> dict[str, Any]:
    """The step as the worker takes it."""
    with narrowed(Reach(visit_id=seat.visit_id)):
        return await _attempt(world.parts, "send", seat.visit_id, "")


@pytest.mark.parametrize("kind", REFUSALS)
async def test_g14_the_operator_is_asked_once_and_every_visit_waits_with_nothing_to_press(
    world: World, site: Site, kind: str
) -> None:
    seats = [await captured(world, site) for _ in range(4)]
    world.vendor.strike("POST /v2/upload", *REFUSALS[kind], times=None)
    with capture_logs() as lines:
        results = [await send(world, seat) for seat in seats]
    assert all(result["retryable"] for result in results)
    assert [line["kind"] for line in lines if line["event"] == "operator.asked"] == [kind]
    assert len(world.vendor.list_calls("POST /v2/upload")) == 1, "the others wait without a call"
    (notice,) = await world.parts.notices.open("speech")
    assert (notice.kind, notice.opened_at) == (kind, world.now)
    assert "go on by themselves" in tell_notice(notice).text
    for seat in seats:
        row = await world.parts.visits.row(seat.visit_id)
        assert (row.state, row.attention, row.attention_action) == ("CAPTURED", "vendor-account", "wait-for-operator")
        flag = {"attention": "vendor-account", "attention_action": row.attention_action}
        shown = build_attention(samples.facts("CAPTURED", **flag))
        assert shown is not None and shown.button is None and not shown.urgent
        assert await world.states(seat) == {}, "what was turned away left nothing"


async def test_g14_one_visit_in_a_minute_tries_and_the_first_that_goes_through_wakes_all(
    world: World, site: Site
) -> None:
    seats = [await captured(world, site) for _ in range(3)]
    refusing = world.vendor.strike("POST /v2/upload", *REFUSALS["key"], times=None)
    for _ in range(3):
        for seat in seats:
            await send(world, seat)
        world.pass_hours(61 / 3600)
    assert len(world.vendor.list_calls("POST /v2/upload")) == 3
    assert await wake_waiting(world.parts) == 0
    refusing.times = 0
    result = await send(world, seats[0])
    assert result["value"] == world.vendor.uploads[0]
    assert (await world.parts.visits.row(seats[0].visit_id)).attention is None
    assert await world.parts.notices.open("speech") == []
    await wake_waiting(world.parts)
    assert set(world.woken) >= {seats[1].visit_id, seats[2].visit_id}
    assert await wake_waiting(world.parts) == 0, "once"
    for seat in seats[1:]:
        assert (await send(world, seat))["value"]


async def test_g14_a_visit_that_waits_for_the_operator_is_woken_and_never_started_twice(
    world: World, site: Site
) -> None:
    seat = await captured(world, site)
    world.vendor.strike("POST /v2/upload", *REFUSALS["key"], times=None)
    await send(world, seat)
    await try_again(world.parts, seat.visit_id)
    assert world.woken == [seat.visit_id] and world.started == []
    other = await captured(world, site)
    with pytest.raises(Conflict):
        await try_again(world.parts, other.visit_id)


async def test_g14_a_question_that_was_answered_is_asked_anew(world: World, site: Site) -> None:
    seat = await captured(world, site)
    for _ in range(2):
        struck = world.vendor.strike("POST /v2/upload", *REFUSALS["quota"], times=None)
        with capture_logs() as lines:
            await send(world, seat)
        assert [line["event"] for line in lines].count("operator.asked") == 1
        struck.times = 0
        world.pass_hours(1)
        await send(world, seat)
        await wake_waiting(world.parts)
        with narrowed(Reach(visit_id=seat.visit_id)):
            async with world.parts.visits.engine.begin() as connection:
                await world.parts.ledger.ask_all(connection, seat.visit_id, at=world.now)


async def kinds(world: World) -> list[str]:
    return [one.kind for one in await world.parts.notices.open("speech")]


@pytest.mark.parametrize("kind", ["quota", "balance", "unexplained"])
async def test_g14_a_look_at_a_job_neither_waits_for_nor_answers_what_a_submit_asked(
    world: World, site: Site, kind: str
) -> None:
    under_way = [await planned(world, site) for _ in range(3)]
    await step(world)
    refusing = world.vendor.strike(f"{UPLOAD}|{SUBMIT}$", *REFUSALS[kind], times=None)
    await planned(world, site)
    await step(world)
    world.vendor.asked.clear()
    with capture_logs() as lines:
        await step(world, seconds=59)
        assert len(world.vendor.list_calls(LOOK)) == len(under_way), "each at once, within the minute"
        await step(world, seconds=61)
    assert [line["event"] for line in lines if line["event"].startswith("operator")] == []
    assert await kinds(world) == [kind]
    refusing.times = 0
    for _ in range(3):
        await step(world, seconds=901)
    assert await kinds(world) == [], "a submit answers it"


@pytest.mark.parametrize("kind", ["quota", "unexplained"])
async def test_g14_what_a_look_asked_is_waited_for_and_answered_by_looks_and_submits(
    world: World, site: Site, kind: str
) -> None:
    for _ in range(4):
        await planned(world, site)
    await step(world)
    world.vendor.asked.clear()
    refusing = world.vendor.strike(LOOK, *REFUSALS[kind], times=None)
    with capture_logs() as lines:
        await step(world, seconds=10)
        first = len(world.vendor.list_calls(LOOK))
        for _ in range(4):
            await step(world, seconds=10)
    assert [line["kind"] for line in lines if line["event"] == "operator.asked"] == [kind]
    assert len(world.vendor.list_calls(LOOK)) == first, "within the minute nobody tries again"
    (notice,) = await world.parts.notices.open("speech")
    assert "go on by themselves" in tell_notice(notice).text
    refusing.times = 0
    await step(world, seconds=901)
    assert await kinds(world) == []


async def test_g14_a_key_that_works_again_is_told_by_a_look_as_well(world: World, site: Site) -> None:
    await planned(world, site)
    await step(world)
    world.vendor.strike(SUBMIT + "$", *REFUSALS["key"], times=None)
    waiting = await planned(world, site)
    await step(world)
    assert await kinds(world) == ["key"]
    async with world.parts.visits.engine.begin() as connection:
        await world.parts.jobs.end(connection, (await job_of(world, waiting)).job_key, "given-up")
    world.vendor.asked.clear()
    await step(world, seconds=30)
    assert world.vendor.list_calls(LOOK) == [], "it waits"
    await step(world, seconds=61)
    assert world.vendor.list_calls(LOOK) != [] and await kinds(world) == []
