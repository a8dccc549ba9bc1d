"""Many visits at once under one cap: they do not all find the same money."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from connector.assets.prices import MILLION, Prices
from connector.store.costs import ASIDE
from connector.store.reach import Reach, narrowed
from connector.visit.asking import recall_asking
from connector.visit.spending import month_of, set_budget_aside
from tests.wire.web.conftest import Seat, Site
from tests.wire.web.test_reconciling import HEARD, LASTS_MS, SUBMIT, UPLOAD, flag, job_of, planned, step
from tests.wire.web.vendor_world import World, open_world

DAY = {"as_of": "2026-10-07", "source": "a page"}
HOUR = 36.0
ONE_VISIT = HOUR * LASTS_MS / 3_600_000


@pytest.fixture
async def world(site: Site) -> AsyncIterator[World]:
    async with open_world(site) as one:
        models = {name: {"hour": HOUR, **DAY} for name in one.parts.policy.speech_models}
        prices = Prices.from_dict({"version": 1, "speech": models, "extras": {}, "models": {}})
        one.parts = replace(one.parts, rules=replace(one.parts.rules, prices=prices))
        yield one


async def cap(world: World, visits: float) -> None:
    """So many visits more than were paid for so far."""
    since, until = month_of(world.now)
    spent = await world.parts.costs.spent("clinic", since=since, until=until) / MILLION
    policy = replace(world.parts.policy, monthly_cap=spent + ONE_VISIT * visits)
    world.parts = replace(world.parts, policy=policy)


async def waiting(world: World, seats: list[Seat]) -> int:
    return [await flag(world, seat) for seat in seats].count(("CAPTURED", "cap-reached", "wait"))


async def test_many_visits_at_once_spend_no_more_than_one_after_the_other(world: World, site: Site) -> None:
    await cap(world, 2.5)
    seats = [await planned(world, site) for _ in range(10)]
    await step(world)
    assert (len(world.vendor.jobs), await waiting(world, seats)) == (3, 7), "the third begins within the cap"
    assert len(world.vendor.uploads) == 3, "what cannot be paid for now is not sent"
    world.vendor.finish({**HEARD, "speech_model_used": world.parts.policy.speech_models[0]})
    await step(world, seconds=901)
    await step(world, seconds=901)
    assert (len(world.vendor.jobs), await waiting(world, seats)) == (3, 7), "what was aside is spent by now"
    await cap(world, 100)
    await step(world, seconds=901)
    assert (len(world.vendor.jobs), await waiting(world, seats)) == (10, 0)
    assert len(world.vendor.list_calls(UPLOAD)) == 10, "each once"


async def test_what_a_job_that_failed_had_aside_is_free_again(world: World, site: Site) -> None:
    await cap(world, 0.5)
    seats = [await planned(world, site) for _ in range(2)]
    await step(world)
    assert (len(world.vendor.jobs), await waiting(world, seats)) == (1, 1)
    world.vendor.jobs["job-1"].status, world.vendor.jobs["job-1"].error = "error", "Audio duration is too short."
    await step(world, seconds=901)
    await step(world, seconds=901)
    assert (len(world.vendor.jobs), await waiting(world, seats)) == (2, 0)


async def test_what_is_set_aside_and_what_was_asked_wipe_nothing_of_each_other(world: World, site: Site) -> None:
    await cap(world, 1.5)
    world.parts = replace(world.parts, policy=replace(world.parts.policy, speech_language="pl"))
    seat = await planned(world, site)
    told = {"language": "es", "domain": None, "models": ["m"], "notes": ["One."], "between": ["es", "en"]}
    with narrowed(Reach(visit_id=seat.visit_id)):
        await set_budget_aside(world.parts, seat.visit_id, sound_ms=LASTS_MS)
        assert (await recall_asking(world.parts, seat.visit_id)).options.language == "pl", "nothing was asked yet"
        for _ in range(2):
            await world.parts.jobs.keep_asked(seat.visit_id, told)
            await set_budget_aside(world.parts, seat.visit_id, sound_ms=LASTS_MS)
            kept = dict(await world.parts.jobs.asked(seat.visit_id) or {})
            assert kept == {**told, ASIDE: kept[ASIDE]}
        await world.parts.jobs.keep_asked(seat.visit_id, {**told, "notes": []})
        assert await world.parts.jobs.asked(seat.visit_id) == {**kept, "notes": []}


async def test_the_flag_tells_money_that_is_spent_from_money_that_is_set_aside(world: World, site: Site) -> None:
    await cap(world, 0.5)
    await planned(world, site)
    await step(world)
    later = await planned(world, site)
    await step(world)
    assert "set aside for recordings under way" in await text_of(world, later)
    world.vendor.finish({**HEARD, "speech_model_used": world.parts.policy.speech_models[0]})
    await step(world, seconds=901)
    await step(world, seconds=901)
    told = await text_of(world, later)
    assert "is used up." in told and "set aside" not in told


async def test_an_upload_that_fails_gives_its_money_back_and_one_that_stands_keeps_it(world: World, site: Site) -> None:
    await cap(world, 0.5)
    first = await planned(world, site)
    world.vendor.strike(UPLOAD, 503, headers={"retry-after": "800"})
    await step(world)
    second = await planned(world, site)
    world.vendor.strike(SUBMIT, 503, times=3)
    await step(world)
    assert (await job_of(world, second)).tries == 1 and len(world.vendor.uploads) == 1
    await step(world, seconds=801)
    assert (await flag(world, first), len(world.vendor.uploads)) == (("CAPTURED", "cap-reached", "wait"), 1)
    for _ in range(2):
        await step(world, seconds=901)
    assert [(await job_of(world, seat)).state for seat in (first, second)] == ["planned", "submitted"]
    assert len(world.vendor.uploads) == 1, "the same upload, and the same money"


async def test_whoever_is_turned_away_after_the_upload_keeps_nothing_from_the_others(world: World, site: Site) -> None:
    await cap(world, 1.5)
    seats = [await planned(world, site) for _ in range(2)]
    away = world.vendor.strike(SUBMIT, 503, times=None)
    await step(world)
    assert len(world.vendor.uploads) == 2
    await cap(world, 0.5)
    away.times = 0
    for _ in range(3):
        await step(world, seconds=901)
    assert (len(world.vendor.jobs), await waiting(world, seats)) == (1, 1), "there is money for one"


async def text_of(world: World, seat: Seat) -> str:
    return (await world.parts.visits.row(seat.visit_id)).attention_text or ""
