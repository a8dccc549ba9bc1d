"""The clinician's "try again". In: a visit that needs attention. Out: the stalled work woken, or started anew."""

from __future__ import annotations

from connector.errors import Conflict
from connector.store.visits import VisitRow
from connector.visit.note import ask_for_draft
from connector.visit.parts import PREPARE, Parts, Work
from connector.visit.states import State
from connector.visit.vendor_account import WAITING

_GOES_ON = ("wait", WAITING)
"""What goes on by itself: it can be woken, and is never started a second time."""


async def try_again(parts: Parts, visit_id: str) -> None:
    """Wakes what waits for its next try; starts anew what had given up. Raises Conflict when nothing is stalled."""
    row = await parts.visits.row(visit_id)
    if row.attention is None:
        raise Conflict("Nothing is stalled here: reload to see where the visit stands.")
    if row.attention_action == "redraft":
        await ask_for_draft(parts, visit_id)
    elif row.state == State.SIGNED and row.attention_action not in _GOES_ON:
        await _start_anew(parts, row, Work("write_back", visit_id, parts.new_id(), str(row.note_version)))
    elif row.state == State.CAPTURED and row.attention_action not in _GOES_ON:
        await _start_anew(parts, row, Work(PREPARE, visit_id, parts.new_id()))
    else:
        await parts.jobs.hurry(visit_id, at=parts.clock())
        await parts.wake(visit_id)


async def _start_anew(parts: Parts, row: VisitRow, work: Work) -> None:
    """Takes the flag down and starts the work in one transaction, so that two clicks start it once."""
    async with parts.visits.engine.begin() as connection:
        if not await parts.visits.take_attention(connection, row.visit_id, row.attention or ""):
            raise Conflict("This is being tried again already: reload to see where the visit stands.")
        await parts.enqueue(connection, work)
