"""Recordings of a visit that a later one took the place of: kept until the clinician discards them.

In: a visit, the id of such a recording. Out: Recordings, or the visit's row. Never destroys one by itself.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from connector.errors import Conflict, InputRefused, NotFound
from connector.records import Launch, Recording
from connector.store.visits import VisitRow
from connector.visit import steps
from connector.visit.parts import Parts, Work
from connector.visit.states import UNSIGNED


async def list_earlier(parts: Parts, visit_id: str) -> tuple[Recording, ...]:
    """Recordings before the visit's own that share no piece with it and were not destroyed, newest first."""
    known = await parts.visits.history(visit_id, Recording)
    if len(known) < 2:
        return ()
    held = {piece.recording_id for piece in await parts.chunks.of_visit(visit_id, states=("closed",))}
    met, found = _pieces(known[0]), []
    for record in known[1:]:
        pieces = _pieces(record)
        if pieces <= held and not pieces & met:
            met |= pieces
            found.append(record)
    return tuple(found)


async def find_earlier(parts: Parts, visit_id: str, recording_id: str) -> Recording:
    """One of them; NotFound, in the same words, for any other recording."""
    for record in await list_earlier(parts, visit_id):
        if record.recording_id == recording_id:
            return record
    raise NotFound("This visit keeps no such earlier recording.")


async def discard_earlier(parts: Parts, launch: Launch, recording_id: str, *, decision: str) -> VisitRow:
    """Destroys one of them and leaves the others; the visit stays where it is.

    Its chunks are forgotten in the transaction, its files removed by durable work. The key is the visit's, and stays
    as long as another recording needs it.
    """
    if decision != "discard":
        raise InputRefused("An earlier recording can be played and discarded: reload the page.")
    visit_id = launch.visit_id
    row = await parts.visits.row(visit_id)
    record = await find_earlier(parts, visit_id, recording_id)
    if row.state not in UNSIGNED:
        raise Conflict("The note is signed: this recording is destroyed when it is filed.")

    async def destroy(connection: AsyncConnection) -> None:
        await parts.shredder.destroy_some(connection, sorted({recording_id, *_pieces(record)}))
        await parts.enqueue(connection, Work("remove_sound", visit_id, parts.new_id()))

    actor = launch.practitioner or "unidentified"
    told = {"which": "earlier"}
    return await steps.change(parts, row, steps.Change("visit.recording-discarded", (), actor, told, destroy))


def _pieces(record: Recording) -> set[str]:
    return {one.recording_id for one in record.segments} or {record.recording_id}
