"""The clinician's "try again". In: a visit that needs attention. Out: the stalled work woken, or started anew."""

from __future__ import annotations

from connector.errors import Conflict
from connector.visit.note import ask_for_draft
from connector.visit.parts import Parts, Work
from connector.visit.states import State


async def try_again(parts: Parts, visit_id: str) -> None:
    """Wakes what waits for its next try; starts anew what had given up. Raises Conflict when nothing is stalled."""
    row = await parts.visits.row(visit_id)
    if row.attention is None:
        raise Conflict("Nothing is stalled here: reload to see where the visit stands.")
    if row.attention_action == "redraft":
        await ask_for_draft(parts, visit_id)
    elif row.state == State.SIGNED and row.attention_action != "wait":
        await parts.visits.clear_attention(visit_id)
        async with parts.visits.engine.begin() as connection:
            work = Work("write_back", visit_id, parts.new_id(), str(row.note_version))
            await parts.enqueue(connection, work)
    elif row.state == State.CAPTURED and row.attention_action != "wait":
        await parts.visits.clear_attention(visit_id)
        async with parts.visits.engine.begin() as connection:
            await parts.enqueue(connection, Work("transcribe_and_draft", visit_id, parts.new_id()))
    else:
        await parts.wake(visit_id)
