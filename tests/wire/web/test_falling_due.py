"""When a worker looks at its rows: as they fall due, at once where this process made one due, and never in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from connector_sandbox.recordings import load_recording

from connector.store.reach import Reach, narrowed
from connector.visit.reconciling import Reconciler, plan_transcription
from connector.worker.beside import keep_stepping
from tests.wire.web.conftest import Seat, Site
from tests.wire.web.test_taking_transcripts import visit_of
from tests.wire.web.vendor_world import World, captured, open_world

HEARD = visit_of(load_recording("billie"))
LASTS_MS = round(HEARD["audio_duration"] * 1000)
LONG, IN_TIME = 3600.0, 60.0


@pytest.fixture
async def world(site: Site) -> AsyncIterator[World]:
    async with open_world(site, transcription_deadline=3600.0, transcription_poll_interval=30.0) as one:
        yield one


async def recorded(world: World, site: Site) -> Seat:
    seat = await captured(world, site, lasts_ms=LASTS_MS)
    world.seats.append(seat)
    return seat


async def plan(world: World, seat: Seat) -> None:
    with narrowed(Reach(visit_id=seat.visit_id)):
        await plan_transcription(world.parts, seat.visit_id)


async def submitted(world: World, site: Site) -> tuple[Seat, Reconciler]:
    """A visit whose job is looked at in half a minute, and a worker that has nothing else to do."""
    seat = await recorded(world, site)
    await plan(world, seat)
    worker = Reconciler(world.parts, holder="one", term=60)
    await worker.begin(world.now)
    await worker.settle()
    world.parts.jobs.told.clear()
    return seat, worker


async def test_a_worker_rests_until_the_next_row_falls_due(world: World, site: Site) -> None:
    _, worker = await submitted(world, site)
    assert await world.parts.jobs.next_due(at=world.now) == world.now + timedelta(seconds=30)
    world.now += timedelta(seconds=29.8)
    async with asyncio.timeout(IN_TIME):
        await worker.rest(world.now, longest=LONG)
    assert await worker.begin(world.now) == 0
    assert await worker.begin(world.now + timedelta(seconds=0.2)) == 1
    await worker.settle()


async def test_a_worker_rests_no_longer_than_it_may(world: World, site: Site) -> None:
    _, worker = await submitted(world, site)
    async with asyncio.timeout(IN_TIME):
        await worker.rest(world.now, longest=0.01)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await worker.rest(world.now, longest=LONG)


async def test_what_another_worker_holds_is_not_waited_for(world: World, site: Site) -> None:
    seat = await recorded(world, site)
    await plan(world, seat)
    assert await world.parts.jobs.next_due(at=world.now) == world.now
    await world.parts.jobs.claim("another", at=world.now, until=world.now + timedelta(seconds=60), most=9)
    assert await world.parts.jobs.next_due(at=world.now) is None
    assert await world.parts.jobs.next_due(at=world.now + timedelta(seconds=61)) == world.now


async def test_what_this_process_plans_or_hurries_ends_the_rest(world: World, site: Site) -> None:
    seat, worker = await submitted(world, site)
    resting = asyncio.create_task(worker.rest(world.now, longest=LONG))
    await asyncio.sleep(0.2)
    assert not resting.done()
    await plan(world, await recorded(world, site))
    async with asyncio.timeout(IN_TIME):
        await resting
    assert await worker.begin(world.now) == 1
    await worker.settle()
    world.parts.jobs.told.clear()
    resting = asyncio.create_task(worker.rest(world.now, longest=LONG))
    await asyncio.sleep(0.2)
    assert not resting.done()
    await world.parts.jobs.hurry(seat.visit_id, at=world.now)
    async with asyncio.timeout(IN_TIME):
        await resting
    assert await worker.begin(world.now) == 1
    await worker.settle()


async def test_the_vendors_list_is_searched_before_a_second_try_and_not_before_the_first(
    world: World, site: Site
) -> None:
    _, worker = await submitted(world, site)
    assert world.vendor.list_calls(r"GET /v2/transcript($|\?)") == []
    await plan(world, await recorded(world, site))
    world.vendor.strike("POST /v2/transcript", 503, times=None)
    await worker.begin(world.now)
    await worker.settle()
    assert world.vendor.list_calls(r"GET /v2/transcript($|\?)") == []
    world.now += timedelta(seconds=5)
    await worker.begin(world.now)
    await worker.settle()
    assert world.vendor.list_calls(r"GET /v2/transcript($|\?)")


async def test_what_waits_for_room_is_begun_when_there_is_some(world: World, site: Site) -> None:
    for _ in range(5):
        await plan(world, await recorded(world, site))
    worker = Reconciler(world.parts, holder="one", term=60, at_once=2)
    stepping = asyncio.create_task(
        keep_stepping(worker.begin, lambda at: worker.rest(at, longest=LONG), clock=lambda: world.now)
    )
    async with asyncio.timeout(IN_TIME):
        while len(world.vendor.jobs) < 5:
            await asyncio.sleep(0.05)
    stepping.cancel()
    await asyncio.gather(stepping, return_exceptions=True)
    await worker.settle()
