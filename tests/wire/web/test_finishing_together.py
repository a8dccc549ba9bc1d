"""Two windows at one visit: what one of them still captures is not thrown away by the other's end."""

from __future__ import annotations

import asyncio

import pytest

from connector.errors import Conflict
from connector.store import schema
from connector.store.recordings import Opening
from connector.visit.finishing import finish_recording
from connector.visit.parts import Parts
from connector.visit.recording import open_recording
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
