"""Answers no vendor should give: names nobody can keep, refusals in the middle of a deletion, another job's words."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from connector.errors import VendorRejected
from connector.visit.vendor_account import wake_waiting
from tests.wire.web.conftest import Seat, Site
from tests.wire.web.test_reconciling import HEARD, LOOK, SUBMIT, flag, job_of, pass_time, planned, step
from tests.wire.web.vendor_world import World, captured, hold, open_world, run_job

UNKEEPABLE = ["job\u0000b", "\ud800", "a\nb", "", "x" * 5000, 7, None]


@pytest.fixture
async def world(site: Site) -> AsyncIterator[World]:
    async with open_world(site, transcription_deadline=3600.0, transcription_poll_interval=3.0) as one:
        yield one


@pytest.mark.parametrize("name", ["uni\u0000versal", "\ud800", "a\nb"])
async def test_g14_a_model_named_in_characters_nobody_can_keep_costs_no_transcript(
    world: World, site: Site, name: str
) -> None:
    seat = await planned(world, site)
    await step(world)
    heard = {**HEARD, "status": "completed", "id": "job-1", "audio_url": world.vendor.uploads[-1]}
    world.vendor.strike(LOOK + "job", 200, {**heard, "speech_model_used": name})
    await step(world, seconds=3)
    assert await flag(world, seat) == ("TRANSCRIBED", None, None)


@pytest.mark.parametrize("name", UNKEEPABLE)
async def test_g13_a_job_without_a_name_that_can_be_kept_is_looked_for_in_the_list(
    world: World, site: Site, name: object
) -> None:
    seat = await planned(world, site)
    run_job(world, "job-5", "https://cdn.vendor.test/upload/1")
    world.vendor.strike(SUBMIT, 200, {"id": name, "status": "queued"})
    await step(world)
    assert (await job_of(world, seat)).job_id == "job-5"
    assert (await world.states(seat))["job-5"] == "held"


@pytest.mark.parametrize("answer", [{}, {"upload_url": "a\u0000b"}, {"upload_url": "\ud800"}, {"upload_url": 5}, []])
async def test_g17_an_upload_whose_address_cannot_be_read_stays_written_down(
    world: World, site: Site, answer: object
) -> None:
    seat = await planned(world, site)
    world.vendor.strike("POST /v2/upload", 200, answer)
    await step(world)
    assert await flag(world, seat) == ("CAPTURED", "vendor-unavailable", "wait")
    (lost,) = await world.states(seat)
    assert lost.startswith("unknown:")


async def two_jobs(world: World, site: Site) -> Seat:
    seat = await captured(world, site, state="TRANSCRIBED")
    for name in ("a", "b"):
        run_job(world, f"job-{name}", f"address-{name}")
        await hold(world, seat, "upload", f"address-{name}")
        await hold(world, seat, "transcript", f"job-{name}")
    return seat


async def test_g16_a_refusal_of_one_deletion_leaves_no_other_copy_behind(world: World, site: Site) -> None:
    seat = await two_jobs(world, site)
    world.vendor.strike("DELETE /v2/transcript/job-a", 403, {"error": "no"}, times=None)
    with pytest.raises(VendorRejected):
        await world.delete(seat)
    assert world.vendor.jobs["job-b"].deleted
    states = await world.states(seat)
    assert (states["job-a"], states["job-b"]) == ("asked", "verified"), "what was refused stays owed"


async def test_g16_a_list_that_is_refused_keeps_no_known_copy_alive(world: World, site: Site) -> None:
    seat = await two_jobs(world, site)
    refused = world.vendor.strike(r"GET /v2/transcript\?", 403, {"error": "no"}, times=None)
    assert not await world.delete(seat)
    assert all(job.deleted for job in world.vendor.jobs.values())
    states = await world.states(seat)
    assert states["address-a"] == states["address-b"] == "held", "of a third job nobody could say that there was none"
    refused.times = 0
    assert await world.delete(seat)
    assert "held" not in {copy.state for copy in await world.parts.ledger.copies(seat.visit_id) if not copy.expires_at}


@pytest.mark.parametrize("status", [404, 410])
async def test_g16_gone_is_gone_however_the_vendor_says_it(world: World, site: Site, status: int) -> None:
    seat = await two_jobs(world, site)
    for call in ("DELETE", "GET"):
        world.vendor.strike(f"{call} /v2/transcript/job-a", status, {"error": "Gone"}, times=None)
    await world.delete(seat)
    assert (await world.states(seat))["job-a"] == "verified"


async def test_g14_jobs_under_way_are_taken_without_balance_and_answer_no_question_about_it(
    world: World, site: Site
) -> None:
    under_way = [await planned(world, site) for _ in range(2)]
    await step(world)
    waiting = [await planned(world, site) for _ in range(5)]
    broke = world.vendor.strike(SUBMIT, 400, {"error": "Your current account balance is negative."}, times=None)
    await step(world, seconds=60)
    world.vendor.finish(HEARD)
    with capture_logs() as lines:
        for _ in range(8):
            await wake_waiting(world.parts)
            await step(world, seconds=30)
    assert [line["event"] for line in lines if line["event"].startswith("operator")] == [], "asked once, answered never"
    assert {(await flag(world, seat))[0] for seat in under_way} == {"TRANSCRIBED"}
    assert {(await flag(world, seat))[1] for seat in waiting} == {"vendor-account"}
    broke.times = 0
    for _ in range(4):
        await step(world, seconds=61)
        await wake_waiting(world.parts)
    assert {(await job_of(world, seat)).state for seat in waiting} <= {"submitted", "done"}
    assert await world.parts.notices.open("speech") == []


async def test_g14_an_upload_that_was_asked_away_is_never_transcribed_from_again(world: World, site: Site) -> None:
    """A stuck job was replaced, and its copies deleted while the new one ran."""
    seat = await planned(world, site)
    await step(world)
    await pass_time(world, hours=1.2, every=0.1)
    await step(world)
    first, second = world.vendor.uploads
    assert not await world.delete(seat)
    states = await world.states(seat)
    assert (states[first], states["job-1"]) == ("verified", "verified")
    assert (states[second], states["job-2"]) == ("held", "held")
    world.vendor.finish(HEARD)
    await step(world, seconds=3)
    assert await world.delete(seat)
    assert set((await world.states(seat)).values()) == {"verified"}
