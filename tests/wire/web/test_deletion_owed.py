"""What a vendor holds and nobody can ask for, or nobody knew of: never forgotten, never called gone too early."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from connector.errors import VendorUnavailable
from connector.visit.parts import Work
from connector.visit.phi import VendorTerms
from connector.visit.sweeping import TAKE_UP, sweep_vendor
from connector.visit.transcription import send_recording
from connector.visit.vendor_copies import begin_copy, erasure_of, forget_copy, name_copy, terms_of
from tests.wire.web.conftest import Seat, Site
from tests.wire.web.vendor_world import World, captured, hold, open_world, run_job


@pytest.fixture
async def world(site: Site) -> AsyncIterator[World]:
    async with open_world(site) as one:
        yield one


async def test_g17_an_upload_never_transcribed_waits_for_the_vendors_rule_and_is_not_called_deleted(
    world: World, site: Site
) -> None:
    seat = await captured(world, site, state="PRIMED")
    await hold(world, seat, "upload", "https://cdn.vendor.test/upload/9")
    assert await world.delete(seat), "there is nothing to do but to wait"
    (copy,) = await world.parts.ledger.copies(seat.visit_id)
    assert (copy.state, copy.expires_at) == ("held", world.now + timedelta(hours=48))
    assert not (await erasure_of(world.parts, seat.visit_id)).complete
    world.vendor.asked.clear()
    for hours in (10, 37):
        world.pass_hours(hours)
        assert await world.delete(seat)
        assert (await world.states(seat)) == {copy.vendor_id: "held"}
    assert world.vendor.asked == [], "nobody is asked about what cannot be asked for"
    world.pass_hours(2)
    await world.delete(seat)
    assert (await world.states(seat)) == {copy.vendor_id: "lapsed"}
    assert (await erasure_of(world.parts, seat.visit_id)).complete


async def test_g17_under_an_agreement_an_upload_is_waited_for_three_days(world: World, site: Site) -> None:
    agree(world, "speech")
    seat = await captured(world, site, state="PRIMED")
    await hold(world, seat, "upload", "https://cdn.vendor.test/upload/8")
    await world.delete(seat)
    world.pass_hours(71)
    await world.delete(seat)
    assert set((await world.states(seat)).values()) == {"held"}
    world.pass_hours(1)
    await world.delete(seat)
    assert set((await world.states(seat)).values()) == {"lapsed"}


async def test_g17_an_upload_cut_off_before_its_name_came_stands_in_the_ledger(world: World, site: Site) -> None:
    seat = await captured(world, site)
    world.vendor.strike("POST /v2/upload", lost=True)
    with pytest.raises(VendorUnavailable):
        await send_recording(world.parts, seat.visit_id)
    (copy,) = await world.parts.ledger.copies(seat.visit_id)
    assert (copy.kind, copy.state) == ("upload", "held") and copy.vendor_id.startswith("unknown:")
    assert await send_recording(world.parts, seat.visit_id) == world.vendor.uploads[1]
    assert set(await world.states(seat)) == {copy.vendor_id, world.vendor.uploads[1]}


async def test_g17_an_upload_the_vendor_refused_leaves_no_row(world: World, site: Site) -> None:
    seat = await captured(world, site)
    world.vendor.strike("POST /v2/upload", 503)
    with pytest.raises(VendorUnavailable):
        await send_recording(world.parts, seat.visit_id)
    assert await world.states(seat) == {}


async def test_g17_an_upload_without_a_job_is_not_proven_gone_by_another_uploads_job(world: World, site: Site) -> None:
    seat = await captured(world, site, state="PRIMED")
    await hold(world, seat, "upload", "idle")
    await hold(world, seat, "upload", "used")
    await hold(world, seat, "transcript", "job-a")
    run_job(world, "job-a", "used")
    assert await world.delete(seat)
    assert await world.states(seat) == {"idle": "held", "used": "verified", "job-a": "verified"}


async def test_g16_a_copy_whose_name_never_came_is_kept_as_one_row_however_often_it_was_tried(
    world: World, site: Site
) -> None:
    seat = await captured(world, site, state="TRANSCRIBED")
    for _ in range(3):
        begun = await begin_copy(world.parts, seat.visit_id, "completion")
        world.pass_hours(1)
    assert len(await world.states(seat)) == 1
    await forget_copy(world.parts, begun)
    assert len(await world.states(seat)) == 1, "an earlier try may have left one all the same"
    await name_copy(world.parts, begun, "request-7")
    assert "request-7" in await world.states(seat) and len(await world.states(seat)) == 2


async def test_g16_each_artefact_is_owed_until_its_own_proof(world: World, site: Site) -> None:
    seat = await captured(world, site, state="TRANSCRIBED")
    run_job(world, "job-a", "address")
    for kind, name in (("upload", "address"), ("transcript", "job-a"), ("redacted-audio", "job-a")):
        await hold(world, seat, kind, name)
    refusing = world.vendor.strike("DELETE", 500, times=None)
    assert not await world.delete(seat)
    assert "verified" not in set((await world.states(seat)).values())
    refusing.times = 0
    world.vendor.deaf = True
    assert not await world.delete(seat), "it says done and still has it"
    world.vendor.deaf = False
    assert await world.delete(seat)
    assert {copy.kind: copy.state for copy in await world.parts.ledger.copies(seat.visit_id)} == {
        "upload": "verified",
        "transcript": "verified",
        "redacted-audio": "verified",
    }


async def test_g16_a_job_the_vendor_no_longer_knows_is_done(world: World, site: Site) -> None:
    seat = await captured(world, site, state="TRANSCRIBED")
    await hold(world, seat, "transcript", "never-heard-of")
    assert await world.delete(seat)
    assert await world.states(seat) == {"never-heard-of": "verified"}


async def test_g16_the_daily_sweep_takes_up_whatever_is_owed_however_old(world: World, site: Site) -> None:
    seat = await captured(world, site, state="TRANSCRIBED")
    await hold(world, seat, "transcript", "job-old")
    world.pass_hours(24 * 40)
    assert await sweep_vendor(world.parts) is not None
    assert seat.visit_id in [work.visit_id for work in world.started if work.workflow == TAKE_UP]
    assert await sweep_vendor(world.parts) is None, "once a day"
    world.pass_hours(24)
    assert await sweep_vendor(world.parts) is not None


async def test_g16_a_sweep_that_could_not_read_the_list_comes_back_within_the_hour(world: World, site: Site) -> None:
    world.pass_hours(24 * 50)
    world.vendor.strike("GET /v2/transcript", 503)
    await sweep_vendor(world.parts)
    world.pass_hours(0.9)
    assert await sweep_vendor(world.parts) is None
    world.pass_hours(0.2)
    assert await sweep_vendor(world.parts) is not None


async def test_g16_an_orphan_of_our_own_upload_is_given_to_its_visit_and_deleted(world: World, site: Site) -> None:
    world.pass_hours(24 * 60)
    seat = await captured(world, site, state="TRANSCRIBED")
    await hold(world, seat, "upload", "ours-1")
    await hold(world, seat, "transcript", "job-known")
    run_job(world, "job-known", "ours-1", hours_ago=30)
    run_job(world, "job-orphan", "ours-1", hours_ago=29)
    run_job(world, "job-young", "ours-1", hours_ago=23)
    run_job(world, "job-foreign", "theirs", hours_ago=40)
    swept = await sweep_vendor(world.parts)
    assert swept is not None and (swept.deleted, swept.left_over) == (1, 1)
    assert (await world.states(seat))["job-orphan"] == "asked"
    assert Work(TAKE_UP, seat.visit_id, world.now.isoformat()) in world.started
    await world.delete(seat)
    gone = {name for name, job in world.vendor.jobs.items() if job.deleted}
    assert gone == {"job-known", "job-orphan"}


async def test_g16_jobs_nobody_knows_are_deleted_only_where_the_account_is_ours_alone(world: World, site: Site) -> None:
    world.pass_hours(24 * 70)
    run_job(world, "job-x", "theirs", hours_ago=40)
    run_job(world, "job-y", "theirs", hours_ago=2)
    await sweep_vendor(world.parts)
    assert not any(job.deleted for job in world.vendor.jobs.values())
    world.pass_hours(24 - 10)
    world.pass_hours(10)
    world.vendor.jobs["job-y"].created = world.now - timedelta(hours=2)
    own = replace(world.parts, policy=replace(world.parts.policy, vendor_project_is_ours=True))
    swept = await sweep_vendor(own)
    assert swept is not None and swept.deleted == 1
    assert {name for name, job in world.vendor.jobs.items() if job.deleted} == {"job-x"}


async def test_g16_a_draft_never_answered_ends_the_work_and_is_never_called_deleted(world: World, site: Site) -> None:
    """Without an agreement nobody says how long drafts are kept: there is no day on which it could be called lapsed."""
    seat = await captured(world, site, state="TRANSCRIBED")
    lost = await begin_copy(world.parts, seat.visit_id, "completion")
    await hold(world, seat, "transcript", "job-b")
    run_job(world, "job-b", "address")
    assert await told(site, seat) == (False, "owed")
    assert await world.delete(seat), "nothing is left to do"
    assert await world.states(seat) == {lost.copy.vendor_id: "held", "job-b": "verified"}
    assert await told(site, seat) == (False, "untold")
    world.pass_hours(24 * 365)
    assert await world.delete(seat)
    assert await told(site, seat) == (False, "untold")
    agree(world, "speech")
    await world.delete(seat)
    assert await told(site, seat) == (False, "untold"), "an agreement about transcription says nothing of drafts"
    agree(world, "gateway")
    await world.delete(seat)
    assert await told(site, seat) == (False, "lapsed"), "the agreement names a day, which has passed; nobody looked"


async def told(site: Site, seat: Seat) -> tuple[bool, str]:
    """What the visit says of its copies."""
    answer = (await site.client.get(f"{seat.path}/filing", headers=seat.cookie)).json()
    return answer["vendor_deleted"], answer["vendor_deletion"]


def agree(world: World, vendor: str, *, days: int = 0) -> None:
    """An agreement with `speech` or `gateway` is recorded, signed so many days from now."""
    signed = VendorTerms(agreement="BAA 12", signed_on=(world.now + timedelta(days=days)).date())
    policy = world.parts.policy
    world.parts = replace(world.parts, policy=replace(policy, phi=replace(policy.phi, **{vendor: signed})))


async def test_g17_an_agreement_counts_from_its_day_on_without_a_new_start(world: World) -> None:
    for vendor in ("speech", "gateway"):
        agree(world, vendor, days=1)
    before = terms_of(world.parts)
    world.pass_hours(24)
    after = terms_of(world.parts)
    assert (before.contract, before.upload_hours, before.completion_hours) == ("standard", 48, None)
    assert (after.contract, after.upload_hours) == ("baa", 72) and after.completion_hours is not None
