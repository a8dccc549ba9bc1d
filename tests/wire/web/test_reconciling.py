"""A recording's way through the vendor, step by step under a clock the test holds: outages, lost answers, lost jobs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from connector_sandbox.recordings import load_recording

from connector.records import Recording, Transcript
from connector.store.jobs import VendorJob
from connector.store.reach import Reach, narrowed
from connector.visit.parts import PREPARE, Work
from connector.visit.reconciling import Reconciler, plan_transcription, reconcile
from connector.visit.retrying import try_again
from connector.visit.sweeping import sweep_vendor
from tests.wire.web.conftest import SOUND, Seat, Site
from tests.wire.web.test_taking_transcripts import finished, visit_of
from tests.wire.web.vendor_world import World, captured, open_world

HEARD = visit_of(load_recording("billie"))
LASTS_MS = round(HEARD["audio_duration"] * 1000)
UPLOAD, SUBMIT, LOOK = "POST /v2/upload", "POST /v2/transcript", "GET /v2/transcript/"


@pytest.fixture
async def world(site: Site) -> AsyncIterator[World]:
    async with open_world(site, transcription_deadline=3600.0, transcription_poll_interval=3.0) as one:
        yield one


async def planned(world: World, site: Site) -> Seat:
    """A recorded visit whose transcription is planned."""
    seat = await captured(world, site, lasts_ms=LASTS_MS)
    world.seats.append(seat)
    with narrowed(Reach(visit_id=seat.visit_id)):
        await plan_transcription(world.parts, seat.visit_id)
    return seat


async def step(world: World, *, seconds: float = 0.0) -> int:
    """Time passes, and what is due by then is taken a step further."""
    world.now += timedelta(seconds=seconds)
    return await reconcile(world.parts, world.now)


async def pass_time(world: World, *, hours: float, every: float = 0.25) -> None:
    for _ in range(round(hours / every)):
        await step(world, seconds=every * 3600)


async def job_of(world: World, seat: Seat) -> VendorJob:
    return (await world.parts.jobs.of_visit(seat.visit_id))[0]


async def flag(world: World, seat: Seat) -> tuple[str, str | None, str | None]:
    row = await world.parts.visits.row(seat.visit_id)
    return row.state, row.attention, row.attention_action


def work_of(world: World, seat: Seat) -> list[str]:
    return [work.workflow for work in world.started if work.visit_id == seat.visit_id]


async def test_a_recording_is_uploaded_submitted_looked_at_and_taken(world: World, site: Site) -> None:
    seat = await planned(world, site)
    assert await step(world) == 1
    assert (await job_of(world, seat)).state == "submitted" and len(world.vendor.jobs) == 1
    assert await step(world) == 0, "nothing is due"
    assert await step(world, seconds=3) == 1
    assert (await flag(world, seat))[0] == "CAPTURED"
    world.vendor.finish(HEARD)
    await step(world, seconds=3)
    assert await flag(world, seat) == ("TRANSCRIBED", None, None)
    assert (await job_of(world, seat)).state == "done"
    assert work_of(world, seat) == ["draft_from_text"]
    assert await step(world, seconds=3600) == 0


async def test_planning_twice_is_planning_once(world: World, site: Site) -> None:
    seat = await planned(world, site)
    await plan_transcription(world.parts, seat.visit_id)
    assert len(await world.parts.jobs.of_visit(seat.visit_id)) == 1


async def test_a_recording_without_a_visit_goes_back_and_its_copies_are_deleted(world: World, site: Site) -> None:
    seat = await planned(world, site)
    await step(world)
    world.vendor.finish(finished([("A", "Mm the uh.")]))
    await step(world, seconds=3)
    assert (await flag(world, seat))[:2] == ("PRIMED", "nothing-said")
    assert (await job_of(world, seat)).state == "done" and work_of(world, seat) == ["clean_up"]


async def test_a_step_cut_off_before_its_question_was_raised_raises_it_in_the_next(world: World, site: Site) -> None:
    seat = await planned(world, site)
    await step(world)
    world.vendor.finish(visit_of(load_recording("chasidy")))
    await step(world, seconds=3)
    assert await flag(world, seat) == ("TRANSCRIBED", "doubtful", "answer")
    assert work_of(world, seat) == ["clean_up"]


async def test_g13_an_answer_lost_after_the_submit_leaves_one_job(world: World, site: Site) -> None:
    seat = await planned(world, site)
    world.vendor.strike(SUBMIT, lost=True)
    await step(world)
    assert (await job_of(world, seat)).job_id == "job-1" and len(world.vendor.jobs) == 1


async def test_g13_the_list_is_searched_before_a_second_try_and_extra_jobs_are_written_down(
    world: World, site: Site
) -> None:
    seat = await planned(world, site)
    world.vendor.strike(SUBMIT, lost=True)
    world.vendor.strike("GET /v2/transcript", 503)
    await step(world)
    assert await flag(world, seat) == ("CAPTURED", "vendor-unavailable", "wait")
    await step(world, seconds=1)
    assert len(world.vendor.list_calls(SUBMIT)) == 1, "the lost one is found"
    assert (await job_of(world, seat)).job_id == "job-1"
    assert (await world.states(seat))["job-1"] == "held"


async def test_g13_a_worker_that_died_is_followed_by_another_after_its_term(world: World, site: Site) -> None:
    seat = await planned(world, site)
    dead = await world.parts.jobs.claim("dead", at=world.now, until=world.now + timedelta(seconds=6), most=9)
    assert [job.visit_id for job in dead] == [seat.visit_id]
    assert await step(world, seconds=5) == 0
    assert await step(world, seconds=2) == 1
    assert len(world.vendor.jobs) == 1


async def test_g13_two_workers_never_take_the_same_row(world: World, site: Site) -> None:
    seats = [await planned(world, site) for _ in range(6)]
    workers = [Reconciler(world.parts, holder=name, term=60, at_once=4) for name in ("one", "two")]
    taken = [await worker.begin(world.now) for worker in workers]
    for worker in workers:
        await worker.settle()
    assert taken == [4, 2] and len(world.vendor.jobs) == len(seats)


async def test_g13_claims_at_the_same_moment_share_the_rows(world: World, site: Site) -> None:
    for _ in range(10):
        await planned(world, site)
    names = [f"worker-{number}" for number in range(6)]
    for round_ in range(5):
        at = world.now + timedelta(seconds=61 * round_)
        until = at + timedelta(seconds=60)
        claims = [world.parts.jobs.claim(name, at=at, until=until, most=10) for name in names]
        keys = [job.job_key for taken in await asyncio.gather(*claims) for job in taken]
        assert len(keys) == len(set(keys)) == 10


async def test_g14_after_four_days_without_the_vendor_the_recording_is_sent_and_taken(world: World, site: Site) -> None:
    seat = await planned(world, site)
    away = world.vendor.strike("", 503, times=None)
    await pass_time(world, hours=2)
    assert len(world.vendor.asked) >= 8, "at least every quarter of an hour"
    world.vendor.asked.clear()
    await pass_time(world, hours=4 * 24, every=2.0)
    assert await flag(world, seat) == ("CAPTURED", "vendor-unavailable", "wait")
    assert await world.parts.visits.latest(seat.visit_id, Recording) is not None
    assert len(world.vendor.asked) == 48, "whenever it was due"
    away.times = 0
    await step(world, seconds=900)
    world.vendor.finish(HEARD)
    await step(world, seconds=3)
    assert await flag(world, seat) == ("TRANSCRIBED", None, None)


async def test_g14_an_outage_of_ten_days_ends_nothing(world: World, site: Site) -> None:
    seat = await planned(world, site)
    away = world.vendor.strike("", times=None)
    await pass_time(world, hours=10 * 24, every=6.0)
    assert (await job_of(world, seat)).state == "planned"
    away.times = 0
    await step(world, seconds=900)
    assert (await job_of(world, seat)).state == "submitted"


async def test_g14_an_upload_the_vendor_may_have_expired_meanwhile_is_not_transcribed_from(
    world: World, site: Site
) -> None:
    seat = await planned(world, site)
    away = world.vendor.strike(SUBMIT, 503, times=None)
    await step(world)
    assert len(world.vendor.uploads) == 1
    await pass_time(world, hours=19, every=1.0)
    assert len(world.vendor.uploads) == 1
    await pass_time(world, hours=2, every=1.0)
    assert len(world.vendor.uploads) == 2
    away.times = 0
    await step(world, seconds=900)
    assert world.vendor.jobs["job-1"].body["audio_url"] == world.vendor.uploads[-1]
    assert (await job_of(world, seat)).state == "submitted"


async def test_g14_a_job_that_finds_its_upload_gone_is_sent_anew(world: World, site: Site) -> None:
    seat = await planned(world, site)
    world.vendor.gone_uploads.add("https://cdn.vendor.test/upload/1")
    await step(world)
    await step(world, seconds=3)
    assert await flag(world, seat) == ("CAPTURED", "transcript-gone", "wait")
    assert work_of(world, seat) == ["clean_up"]
    await step(world, seconds=1)
    assert world.vendor.jobs["job-2"].body["audio_url"] == "https://cdn.vendor.test/upload/2"
    world.vendor.finish(HEARD)
    await step(world, seconds=3)
    assert await flag(world, seat) == ("TRANSCRIBED", None, None)


async def test_g14_a_transcript_deleted_under_us_is_made_anew(world: World, site: Site) -> None:
    seat = await planned(world, site)
    await step(world)
    world.vendor.jobs["job-1"].deleted = True
    await step(world, seconds=3)
    await step(world)
    assert (await job_of(world, seat)).job_id == "job-2"
    del world.vendor.jobs["job-2"]
    await step(world, seconds=3)
    await step(world)
    world.vendor.finish(HEARD)
    await step(world, seconds=3)
    assert await flag(world, seat) == ("TRANSCRIBED", None, None)


async def test_g14_a_stuck_job_is_replaced_after_its_deadline_and_deleted(world: World, site: Site) -> None:
    seat = await planned(world, site)
    await step(world)
    await pass_time(world, hours=0.9, every=0.1)
    assert len(world.vendor.jobs) == 1
    await pass_time(world, hours=0.2, every=0.1)
    assert await flag(world, seat) == ("CAPTURED", "transcription-stuck", "wait")
    await step(world)
    assert list(world.vendor.jobs) == ["job-1", "job-2"]
    assert (await world.states(seat))["job-1"] == "asked"
    await world.delete(seat)
    assert world.vendor.jobs["job-1"].deleted and not world.vendor.jobs["job-2"].deleted
    world.vendor.finish(HEARD)
    await step(world, seconds=3)
    assert await flag(world, seat) == ("TRANSCRIBED", None, None)


async def test_g14_what_gets_stuck_again_and_again_goes_back_to_the_clinician(world: World, site: Site) -> None:
    seat = await planned(world, site)
    await pass_time(world, hours=5)
    assert await flag(world, seat) == ("PRIMED", "vendor-rejected", "capture-again")
    assert len(world.vendor.jobs) == 3 and (await job_of(world, seat)).state == "failed"
    assert await world.parts.visits.latest(seat.visit_id, Recording) is not None


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "job-77"},
        {"audio_url": "https://cdn.vendor.test/upload/of-another"},
        {"id": None, "audio_url": None},
    ],
    ids=["another job", "another upload", "nobody's"],
)
async def test_g14_another_jobs_answer_is_never_taken(world: World, site: Site, wrong: dict[str, Any]) -> None:
    seat = await planned(world, site)
    await step(world)
    other = {**visit_of(load_recording("chasidy")), "status": "completed", "id": "job-1"}
    lying = world.vendor.strike(LOOK, 200, {**other, **wrong}, times=None)
    await pass_time(world, hours=0.5)
    assert await flag(world, seat) == ("CAPTURED", "vendor-unavailable", "wait")
    assert await world.parts.visits.latest(seat.visit_id, Transcript) is None
    lying.times = 0
    world.vendor.finish(HEARD)
    await step(world, seconds=900)
    assert await flag(world, seat) == ("TRANSCRIBED", None, None)


async def test_g14_a_job_error_goes_back_in_words_of_ours_with_the_sound_kept(world: World, site: Site) -> None:
    seat = await planned(world, site)
    await step(world)
    job = world.vendor.jobs["job-1"]
    job.status, job.error = "error", "Audio duration is too short."
    await step(world, seconds=3)
    assert (await flag(world, seat))[:2] == ("PRIMED", "vendor-rejected")
    assert (await job_of(world, seat)).state == "failed" and work_of(world, seat) == ["clean_up"]
    kept = await world.parts.chunks.find((await job_of(world, seat)).recording_id)
    assert b"".join([part async for part in world.parts.chunks.stream(kept)]) == SOUND
    assert await world.parts.visits.latest(seat.visit_id, Recording) is not None


async def test_g14_a_revoked_key_lets_one_row_in_a_minute_try_and_all_go_on_once_mended(
    world: World, site: Site
) -> None:
    seats = [await planned(world, site) for _ in range(5)]
    refusing = world.vendor.strike(UPLOAD, 401, {"error": "invalid"}, times=None)
    await step(world)
    for _ in range(10):
        await step(world, seconds=60)
    assert len(world.vendor.list_calls(UPLOAD)) <= 12
    assert {(await flag(world, seat))[1:] for seat in seats} == {("vendor-account", "wait-for-operator")}
    refusing.times = 0
    for _ in range(20):
        await step(world, seconds=61)
    assert {(await job_of(world, seat)).state for seat in seats} == {"submitted"}


async def test_retry_after_is_kept_up_to_a_quarter_of_an_hour(world: World, site: Site) -> None:
    await planned(world, site)
    world.vendor.strike(UPLOAD, 429, {"error": "Too Many Requests"}, headers={"retry-after": "120"})
    await step(world)
    assert await step(world, seconds=119) == 0
    assert await step(world, seconds=2) == 1


async def test_try_again_now_makes_a_row_due_at_once(world: World, site: Site) -> None:
    seat = await planned(world, site)
    woken: list[str] = []

    async def wake(visit_id: str) -> None:
        woken.append(visit_id)

    world.parts = replace(world.parts, wake=wake)
    world.vendor.strike(UPLOAD, 503, headers={"retry-after": "800"})
    await step(world)
    assert await step(world, seconds=10) == 0
    with narrowed(Reach(visit_id=seat.visit_id)):
        await try_again(world.parts, seat.visit_id)
    assert await step(world) == 1 and woken == [seat.visit_id]


@pytest.mark.timeout(400)
async def test_two_hundred_jobs_at_once_are_all_taken(world: World, site: Site) -> None:
    seats = [seat for _ in range(20) for seat in await asyncio.gather(*(planned(world, site) for _ in range(10)))]
    await step(world)
    assert len(world.vendor.jobs) == 200
    world.vendor.finish(HEARD)
    await step(world, seconds=3)
    assert {(await flag(world, seat))[0] for seat in seats} == {"TRANSCRIBED"}


async def test_a_transcription_nobody_works_on_any_more_is_begun_anew_by_the_sweep(world: World, site: Site) -> None:
    seat = await captured(world, site)
    at = world.now
    await world.parts.visits.call_attention(seat.visit_id, slug="vendor-unavailable", text="x", action="wait", at=at)
    world.pass_hours(24 * 8)
    await sweep_vendor(world.parts)
    assert work_of(world, seat) == []
    world.pass_hours(24 * 2)
    await sweep_vendor(world.parts)
    assert Work(PREPARE, seat.visit_id, world.now.isoformat()) in world.started
