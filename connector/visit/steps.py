"""One arrow at a time: looks the audit event up in the state table and commits. In: parts and a move. Out: the row.

Never moves a visit along an arrow that the state table does not have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connector.store.audit import Detail
from connector.store.visits import Also, Step, VisitRow
from connector.visit.parts import Parts
from connector.visit.states import State, find_arrow


@dataclass(frozen=True, slots=True)
class Move:
    """One arrow with what it leaves behind: records, who did it, codes for the audit link, the work it starts."""

    arrow: tuple[State, State]
    records: Sequence[object] = ()
    actor: str = "system"
    detail: Detail | None = None
    note_version: int | None = None
    also: Also | None = None


async def move(parts: Parts, visit_id: str, step: Move) -> VisitRow:
    """Takes one arrow in one transaction; Conflict when the visit is no longer where the arrow starts."""
    source, target = step.arrow
    return await parts.visits.commit(
        Step(
            visit_id=visit_id,
            expect=(source.value,),
            to=target.value,
            event=find_arrow(source, target).event,
            actor=step.actor,
            at=parts.clock(),
            records=step.records,
            detail=step.detail,
            note_version=step.note_version,
            also=step.also,
        )
    )
