"""Two windows at one visit: what one of them still captures is not thrown away by the other's end."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from connector.errors import Conflict, ProbeBusy
from connector.store import schema
from connector.store.recordings import Opening
from connector.visit.finishing import Closing, close_recording, finish_recording
from connector.visit.parts import Parts
from connector.visit.recording import leave_out, open_recording
from tests.builders import recording_bytes
from tests.unit.web import samples
from tests.wire.web.conftest import Site


async def begin(parts: Parts, visit_id: str, source: str) -> str:
    """One more piece, with one acknowledged chunk."""
    opened = await open_recording(parts, visit_id, Opening(source))
    row = await parts.chunks.find(opened.recording_id)
    await parts.chunks.put(row, 0, recording_bytes("billie"), at=parts.clock())
    return opened.recording_id


async def test_a_piece_begun_while_another_window_finishes_is_a_part_of_the_visit(site: Site) -> None:
    parts, table = site.parts, schema.recordings
    seat = await site.seat(samples.consent())
    first = await begin(parts, seat.visit_id, "file")
    async with parts.visits.engine.connect() as holding:
        # The first piece cannot become whole before this is let go.
        await holding.execute(table.select().where(table.c.recording_id == first).with_for_update())
        finishing = asyncio.create_task(finish_recording(parts, seat.visit_id))
        await asyncio.sleep(1.0)
        second = await begin(parts, seat.visit_id, "microphone")
    with pytest.raises(Conflict):
        await finishing
    assert (await parts.chunks.find(second)).state == "open"
    assert (await finish_recording(parts, seat.visit_id)).state == "CAPTURED"
    assert (await parts.chunks.find(second)).state == "closed"


@pytest.mark.parametrize("way", ["leave out", "finish"])
async def test_a_piece_begun_while_the_only_other_one_ends_stays(site: Site, way: str) -> None:
    """What another window begins waits for the visit's row, then comes first: the visit is not given back over it."""
    parts, table = site.parts, schema.visits
    seat = await site.seat(samples.consent())
    empty = (await open_recording(parts, seat.visit_id, Opening("file"))).recording_id
    end = leave_out(parts, seat.visit_id, empty) if way == "leave out" else finish_recording(parts, seat.visit_id)
    async with parts.visits.engine.connect() as holding:
        await holding.execute(table.select().where(table.c.visit_id == seat.visit_id).with_for_update())
        beginning = asyncio.create_task(begin(parts, seat.visit_id, "microphone"))
        await asyncio.sleep(0.5)
        ending = asyncio.create_task(end)
        await asyncio.sleep(1.0)
    (ended,) = await asyncio.gather(ending, return_exceptions=True)
    assert isinstance(ended, Conflict if way == "finish" else type(None))
    second = await beginning
    assert (await parts.chunks.find(second)).state == "open"
    assert (await parts.chunks.find(empty)).state == "dropped"
    assert (await finish_recording(parts, seat.visit_id)).state == "CAPTURED"


async def test_the_only_piece_left_out_gives_the_visit_back(site: Site) -> None:
    seat = await site.seat(samples.consent())
    only = await begin(site.parts, seat.visit_id, "file")
    await leave_out(site.parts, seat.visit_id, only)
    assert (await site.parts.visits.row(seat.visit_id)).state == "PRIMED"


async def test_a_piece_is_dropped_only_with_the_chunks_that_were_judged(site: Site) -> None:
    seat = await site.seat(samples.consent())
    only = await begin(site.parts, seat.visit_id, "file")
    with pytest.raises(Conflict):
        await site.parts.chunks.drop(only, chunks=0)
    assert (await site.parts.chunks.find(only)).state == "open"
    await site.parts.chunks.drop(only, chunks=1)
    assert (await site.parts.chunks.find(only)).state == "dropped"


@pytest.mark.parametrize("way", ["close", "finish"])
async def test_a_piece_that_could_not_be_examined_just_now_stays_open(site: Site, way: str) -> None:
    seat = await site.seat(samples.consent())
    only = await begin(site.parts, seat.visit_id, "file")
    hurried = replace(site.parts, policy=replace(site.parts.policy, probe_timeout=0.001))
    row = await site.parts.chunks.find(only)
    with pytest.raises(ProbeBusy):
        if way == "close":
            await close_recording(hurried, row, Closing(1))
        else:
            await finish_recording(hurried, seat.visit_id)
    assert (await site.parts.chunks.find(only)).state == "open"
    assert (await close_recording(site.parts, row, Closing(1))).state == "CAPTURED"
