"""A worker that was stopped for longer than its term, and goes on with a row that another has taken further."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from connector.visit.reconciling import Reconciler
from tests.fixtures.job_vendor import Strike
from tests.wire.web.conftest import Seat, Site
from tests.wire.web.test_reconciling import HEARD, LOOK, SUBMIT, UPLOAD, flag, job_of, pass_time, planned, step, work_of
from tests.wire.web.vendor_world import World, open_world


@pytest.fixture
async def world(site: Site) -> AsyncIterator[World]:
    async with open_world(site, transcription_deadline=3600.0, transcription_poll_interval=3.0) as one:
        yield one


async def stop_in(world: World, call: str) -> tuple[Reconciler, Strike]:
    """A worker whose call is on its way until the strike's event is set; its term is over a second later."""
    held = world.vendor.strike(call, until=asyncio.Event())
    late = Reconciler(world.parts, holder="late", term=1)
    await late.begin(world.now)
    async with asyncio.timeout(60):
        while not held.waiting:
            await asyncio.sleep(0.02)
    return late, held


async def go_on(late: Reconciler, held: Strike) -> None:
    assert held.until is not None
    held.until.set()
    await late.settle()


async def started_over(world: World, site: Site) -> tuple[Seat, Reconciler, Strike]:
    """A look at the first job is still on its way while a second one is running."""
    seat = await planned(world, site)
    await step(world)
    world.now += timedelta(seconds=3)
    late, held = await stop_in(world, LOOK + "job-1")
    await pass_time(world, hours=1.2, every=0.1)
    await step(world)
    assert (await job_of(world, seat)).job_id == "job-2"
    return seat, late, held


async def ends_well(world: World, seat: Seat) -> None:
    world.vendor.jobs["job-2"].status, world.vendor.jobs["job-2"].result = "completed", HEARD
    await step(world, seconds=60)
    assert await flag(world, seat) == ("TRANSCRIBED", None, None)
    assert await world.delete(seat)
    states = await world.states(seat)
    assert states["job-1"] == states["job-2"] == "verified"


@pytest.mark.parametrize("answer", ["error", "gone", "running"])
async def test_h05_a_late_look_at_an_old_job_ends_nothing_of_the_new_one(world: World, site: Site, answer: str) -> None:
    seat, late, held = await started_over(world, site)
    job = world.vendor.jobs["job-1"]
    if answer == "error":
        job.status, job.error = "error", "Audio duration is too short."
    job.deleted = answer == "gone"
    await go_on(late, held)
    assert (await flag(world, seat))[0] == "CAPTURED"
    row = await job_of(world, seat)
    assert (row.state, row.job_id, row.uploads) == ("submitted", "job-2", 1)
    assert (await world.states(seat))["job-2"] == "held"
    await ends_well(world, seat)


async def test_h05_a_late_submit_leaves_the_row_with_its_job_and_its_own_to_be_deleted(
    world: World, site: Site
) -> None:
    seat = await planned(world, site)
    late, held = await stop_in(world, SUBMIT + "$")
    world.now += timedelta(seconds=2)
    await step(world)
    assert (await job_of(world, seat)).job_id == "job-1"
    await go_on(late, held)
    assert (await job_of(world, seat)).job_id == "job-1"
    assert await world.states(seat) == {world.vendor.uploads[0]: "held", "job-1": "held", "job-2": "held"}
    world.vendor.finish(HEARD)
    await step(world, seconds=3)
    assert work_of(world, seat) == ["draft_from_text"]
    assert await world.delete(seat)
    assert all(job.deleted for job in world.vendor.jobs.values())


@pytest.mark.parametrize("other", ["submits", "fails"])
async def test_h05_a_worker_late_with_its_upload_sends_no_second_job(world: World, site: Site, other: str) -> None:
    seat = await planned(world, site)
    late, held = await stop_in(world, UPLOAD)
    held.times = 0
    world.now += timedelta(seconds=2)
    if other == "fails":
        world.vendor.strike(SUBMIT, 503)
    await step(world)
    await go_on(late, held)
    assert len(world.vendor.list_calls(SUBMIT + "$")) == 1, "what the late one uploaded is not sent"
    await step(world, seconds=60)
    assert (await job_of(world, seat)).job_id == "job-1" and len(world.vendor.jobs) == 1
    assert set(await world.states(seat)) >= {*world.vendor.uploads, "job-1"}, "both uploads stand in the ledger"
    world.vendor.finish(HEARD)
    await step(world, seconds=60)
    assert await flag(world, seat) == ("TRANSCRIBED", None, None)


async def test_h05_a_worker_past_its_term_whose_row_nobody_took_goes_on(world: World, site: Site) -> None:
    seat = await planned(world, site)
    late, held = await stop_in(world, UPLOAD)
    world.now += timedelta(seconds=60)
    await go_on(late, held)
    assert (await job_of(world, seat)).job_id == "job-1"
