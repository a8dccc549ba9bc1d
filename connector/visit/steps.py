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


@dataclass(frozen=True, slots=True)
class Change:
    """Records of a visit that stays in its state, with the slug of their audit event, who it was, and codes."""

    event: str
    records: Sequence[object]
    actor: str | None = None
    detail: Detail | None = None
    also: Also | None = None


async def change(parts: Parts, row: VisitRow, one: Change) -> VisitRow:
    """Keeps records beside the state the visit was seen in; Conflict when it has moved on, or a number is taken."""
    return await parts.visits.commit(
        Step(
            visit_id=row.visit_id,
            expect=(row.state,),
            to=row.state,
            event=one.event,
            actor=one.actor or "unidentified",
            at=parts.clock(),
            records=one.records,
            detail=one.detail,
            also=one.also,
        )
    )


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
