"""What a joining that came to nothing wrote is removed, and what has become a visit's sound is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from connector.capture.marks import move_marks
from connector.errors import Conflict
from connector.records import Mark, Segment
from connector.settings import Settings
from connector.store import schema
from connector.store.recordings import JOINED, Opening
from connector.visit.finishing import finish_recording
from connector.visit.joining import join_pieces
from connector.visit.parts import Parts
from connector.visit.transcription import give_back
from tests.unit.web import samples
from tests.wire.web.conftest import Seat, Site
from tests.wire.web.test_finishing_together import begin


async def recorded(site: Site) -> Seat:
    """A CAPTURED visit of two pieces, which have to be joined."""
    seat = await site.seat(samples.consent())
    for _ in range(2):
        await begin(site.parts, seat.visit_id, "file")
    await finish_recording(site.parts, seat.visit_id)
    return seat


async def leave_behind(parts: Parts, seat: Seat, *, dropped: bool) -> str:
    """What a joining that was broken off left: one chunk."""
    recording_id = parts.new_id()
    opening = Opening(JOINED)
    await parts.chunks.open_recording(recording_id, seat.visit_id, token="t" * 40, at=parts.clock(), opening=opening)
    await parts.chunks.put(await parts.chunks.find(recording_id), 0, bytes(2**20), at=parts.clock())
    if dropped:
        await parts.chunks.drop(recording_id)
    return recording_id


async def count_chunks(parts: Parts, recording_id: str) -> int:
    table = schema.chunks
    async with parts.visits.engine.connect() as connection:
        query = select(func.count()).where(table.c.recording_id == recording_id)
        return int((await connection.execute(query)).scalar_one())


@pytest.fixture
def folder(product_settings: Settings) -> Path:
    return product_settings.audio_folder


@pytest.mark.parametrize("dropped", [False, True])
async def test_what_an_interrupted_joining_wrote_goes_before_the_next(site: Site, folder: Path, dropped: bool) -> None:
    parts = site.parts
    seat = await recorded(site)
    left = await leave_behind(parts, seat, dropped=dropped)
    assert (folder / left).is_dir()
    joined = await join_pieces(parts, seat.visit_id)
    assert joined.joined and not (folder / left).exists() and await count_chunks(parts, left) == 0
    assert (await parts.chunks.find(joined.recording_id)).state == "closed"
    await parts.shredder.remove_unused(joined.recording_id)
    await parts.shredder.sweep()
    sound = [data async for data in parts.chunks.stream(await parts.chunks.find(joined.recording_id))]
    assert sum(len(data) for data in sound) == joined.size


async def test_a_joining_that_fails_leaves_no_file(site: Site, folder: Path) -> None:
    parts = site.parts
    seat = await recorded(site)
    await give_back(parts, seat.visit_id, slug="audio-unusable", text="Given back meanwhile.")
    before = {one.name for one in folder.iterdir()}
    with pytest.raises(Conflict):
        await join_pieces(parts, seat.visit_id)
    assert {one.name for one in folder.iterdir()} == before
    assert await parts.chunks.joined_of(seat.visit_id) == []


async def test_the_sweep_takes_a_given_up_joining_and_leaves_a_dropped_piece(site: Site, folder: Path) -> None:
    parts = site.parts
    seat = await site.seat(samples.consent())
    piece = await begin(parts, seat.visit_id, "file")
    await parts.chunks.drop(piece)
    left = await leave_behind(parts, seat, dropped=True)
    await parts.shredder.sweep()
    assert not (folder / left).exists() and (folder / piece).is_dir()


def test_marks_move_with_their_segments() -> None:
    def lie(*offsets: int) -> list[Segment]:
        one = Segment("1", "file", "ogg", 1, "0", 1, 1000)
        return [replace(one, offset_ms=at) for at in offsets]

    marks = [Mark("paused", 100), Mark("paused", 990), Mark("gap", 1000, 60_000), Mark("off-record", 2500, 5)]
    moved = move_marks(marks, lie(0, 1000, 2000), lie(0, 950, 1975))
    assert [mark.at_ms for mark in moved] == [100, 950, 950, 2475]
    assert [mark.kind for mark in moved] == [mark.kind for mark in marks]
