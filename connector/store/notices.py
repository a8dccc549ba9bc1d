"""What only the operator can mend, asked once for each vendor and kind. In: what was refused. Out: open questions.

Holds no visit and nothing of one: how many were turned away, and since when.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from connector.store import schema


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing asked of the operator: `kind` is one that visit.vendor_account tells; `times` counts the calls turned
    away."""

    vendor: str
    kind: str
    opened_at: datetime
    last_at: datetime
    times: int


_SHOWN = tuple(schema.operator_notices.c[name] for name in Notice.__dataclass_fields__)


class NoticeStore:
    """Open and closed questions to the operator."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def ask(self, vendor: str, kind: str, *, at: datetime) -> bool:
        """Opens a question or counts one more call turned away; True where it was not open before."""
        table = schema.operator_notices
        this = table.c.vendor == vendor, table.c.kind == kind
        async with self._engine.begin() as connection:
            made = insert(table).values(vendor=vendor, kind=kind, opened_at=at, last_at=at)
            opened = made.on_conflict_do_nothing().returning(table.c.kind)
            if (await connection.execute(opened)).first() is not None:
                return True
            anew = table.update().where(*this, table.c.closed_at.is_not(None))
            anew = anew.values(opened_at=at, last_at=at, times=1, closed_at=None)
            if (await connection.execute(anew)).rowcount:
                return True
            await connection.execute(table.update().where(*this).values(last_at=at, times=table.c.times + 1))
            return False

    async def open(self, vendor: str | None = None) -> list[Notice]:
        """Questions nobody has answered yet, the oldest first."""
        table = schema.operator_notices
        query = select(*_SHOWN).where(table.c.closed_at.is_(None)).order_by(table.c.opened_at)
        if vendor is not None:
            query = query.where(table.c.vendor == vendor)
        async with self._engine.connect() as connection:
            return [Notice(*row) for row in await connection.execute(query)]

    async def take_probe(self, vendor: str, *, at: datetime, every: timedelta, kinds: Collection[str]) -> bool:
        """Whether the caller is the one to try now, while a question of `kinds` is open: one in so much time."""
        table = schema.operator_notices
        still_open = table.c.vendor == vendor, table.c.closed_at.is_(None)
        taken = table.update().where(*still_open, table.c.kind.in_(list(kinds)), table.c.last_at <= at - every)
        async with self._engine.begin() as connection:
            return bool((await connection.execute(taken.values(last_at=at))).rowcount)

    async def close(self, vendor: str, *, at: datetime, kinds: Collection[str] | None = None) -> bool:
        """The vendor takes our calls again, which answers every question, or those of `kinds`; True where one was
        open."""
        table = schema.operator_notices
        still_open = table.c.vendor == vendor, table.c.closed_at.is_(None)
        meant = () if kinds is None else (table.c.kind.in_(list(kinds)),)
        closed = table.update().where(*still_open, *meant).values(closed_at=at)
        async with self._engine.begin() as connection:
            return bool((await connection.execute(closed)).rowcount)

    async def closed(self) -> Sequence[tuple[str, str]]:
        """Vendor and kind of what was closed, and nobody who waits was told of it yet."""
        table = schema.operator_notices
        query = select(table.c.vendor, table.c.kind).where(table.c.closed_at.is_not(None), table.c.times > 0)
        async with self._engine.connect() as connection:
            return [(row.vendor, row.kind) for row in await connection.execute(query)]

    async def told(self, vendor: str, kind: str) -> None:
        """Whoever waited was told."""
        table = schema.operator_notices
        told = table.update().where(table.c.vendor == vendor, table.c.kind == kind, table.c.closed_at.is_not(None))
        async with self._engine.begin() as connection:
            await connection.execute(told.values(times=0))

    async def waiting(self, flag: str) -> list[str]:
        """Visits that carry this flag."""
        query = select(schema.visits.c.visit_id).where(schema.visits.c.attention == flag)
        async with self._engine.connect() as connection:
            return [row.visit_id for row in await connection.execute(query)]
