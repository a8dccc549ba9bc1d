"""A vendor on a socket, and parts that speak to it at a time the test holds. In: a site. Out: a World, and visits."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.clients.assemblyai import AssemblyAI
from connector.records import Recording, VendorCopy
from connector.store.reach import Reach, narrowed
from connector.visit.parts import Parts, Work
from connector.visit.vendor_copies import delete_copies
from tests.fixtures.job_vendor import JobVendor, VendorJob, job_vendor
from tests.unit.web import samples
from tests.wire.web.conftest import SOUND, Seat, Site


@dataclass
class World:
    """A vendor, parts that speak to it at a time the test holds, and the work that was started."""

    vendor: JobVendor
    parts: Parts
    now: datetime
    started: list[Work]
    woken: list[str] = field(default_factory=list)
    seats: list[Seat] = field(default_factory=list)

    def pass_hours(self, hours: float) -> None:
        self.now += timedelta(hours=hours)

    async def delete(self, seat: Seat) -> bool:
        with narrowed(Reach(visit_id=seat.visit_id)):
            return await delete_copies(self.parts, seat.visit_id)

    async def states(self, seat: Seat) -> dict[str, str]:
        return {copy.vendor_id: copy.state for copy in await self.parts.ledger.copies(seat.visit_id)}


def make_world(site: Site, vendor: JobVendor, speech: AssemblyAI) -> World:
    started: list[Work] = []

    async def enqueue(connection: object, work: Work) -> None:
        del connection
        started.append(work)

    # Later than every other test's world: each sweep is the first of its day.
    world = World(vendor, site.parts, datetime.now(UTC), started)
    world.parts = replace(site.parts, speech=speech, clock=lambda: world.now, enqueue=enqueue)
    vendor.clock = lambda: world.now
    return world


async def captured(world: World, site: Site, *, state: str = "CAPTURED", lasts_ms: int = 90_000) -> Seat:
    parts = world.parts
    made = Recording(parts.new_id(), "ogg", len(SOUND), hashlib.sha256(SOUND).hexdigest(), 1, lasts_ms, samples.stamp())
    seat = await site.seat(samples.consent(), made, state=state)
    await parts.chunks.open_recording(made.recording_id, seat.visit_id, token="t", at=parts.clock())
    await parts.chunks.put(await parts.chunks.find(made.recording_id), 0, SOUND, at=parts.clock())
    return seat


async def hold(world: World, seat: Seat, kind: str, vendor_id: str) -> None:
    copy = VendorCopy(world.parts.new_id(), kind, vendor_id, "held", world.parts.clock())
    await world.parts.ledger.add_copy(seat.visit_id, copy)


def run_job(world: World, job_id: str, audio_url: str, *, hours_ago: float = 0) -> VendorJob:
    job = VendorJob(job_id, {"audio_url": audio_url}, world.now - timedelta(hours=hours_ago), "completed")
    world.vendor.jobs[job_id] = job
    return job


@asynccontextmanager
async def open_world(site: Site, **policy: Any) -> AsyncIterator[World]:
    """The world under this policy, until the test is over; nobody works on its recordings afterwards."""
    async with job_vendor() as (vendor, speech):
        world = make_world(site, vendor, speech)
        world.parts = replace(world.parts, policy=replace(world.parts.policy, **policy))
        yield world
        for job in [job for seat in world.seats for job in await world.parts.jobs.of_visit(seat.visit_id)]:
            async with world.parts.visits.engine.begin() as connection:
                await world.parts.jobs.end(connection, job.job_key, "given-up")
