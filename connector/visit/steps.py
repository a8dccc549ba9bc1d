"""One arrow at a time: looks the audit event up in the state table and commits. In: parts and a move. Out: the row.

Never moves a visit along an arrow that the state table does not have.
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.store.audit import Detail
from connector.store.visits import Also, Step, VisitRow
from connector.visit.parts import Parts
from connector.visit.states import State, find_arrow


async def move(
    parts: Parts,
    visit_id: str,
    arrow: tuple[State, State],
    *,
    records: Sequence[object] = (),
    actor: str = "system",
    detail: Detail | None = None,
    note_version: int | None = None,
    also: Also | None = None,
) -> VisitRow:
    """Takes one arrow with its records, its audit link and the work it starts; Conflict when the visit moved on."""
    source, target = arrow
    return await parts.visits.commit(
        Step(
            visit_id=visit_id,
            expect=(source.value,),
            to=target.value,
            event=find_arrow(source, target).event,
            actor=actor,
            at=parts.clock(),
            records=records,
            detail=detail,
            note_version=note_version,
            also=also,
        )
    )
