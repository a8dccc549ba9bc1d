"""The ledger of vendor copies and of writes to the EHR. In: what was sent or asked. Out: rows that outlive a crash.

A row is written before the call it speaks of, so that a lost answer leaves a trace to search by.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, not_, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from connector.records import VendorCopy
from connector.store import schema
from connector.store.database import for_reading

_LOCK = text("SELECT pg_try_advisory_lock(hashtextextended(:visit, 8))")
_UNLOCK = text("SELECT pg_advisory_unlock(hashtextextended(:visit, 8))")
_KEPT, _UNNAMED = "kept-draft", "unknown:"  # nobody can ask for these, see erasure/ledger.py
_COPY = ("copy_id", "kind", "vendor_id", "state", "made_at", "asked_at", "answered_at", "verified_at", "expires_at")


@dataclass(frozen=True, slots=True)
class WriteIntent:
    """One version of one note on its way into the EHR: `planned`, `sent`, `unknown`, `filed` or `refused`."""

    visit_id: str
    note_version: int
    identifier: str
    body_sha256: str
    state: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Owed:
    """Copies vendors may still hold, of all visits: `copies` of `visits` that can be asked for, the `oldest` of them;
    `unaskable` ones, of which `dated` have a day on which the vendor's own rule ends them."""

    visits: int
    copies: int
    oldest: datetime | None
    unaskable: int
    dated: int
    oldest_unaskable: datetime | None


class Ledger:
    """What others hold of a visit, and what was asked of them."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._looking = for_reading(engine)

    async def add_copy(self, visit_id: str, copy: VendorCopy) -> None:
        """Records a copy a vendor holds; the same copy again changes nothing."""
        async with self._engine.begin() as connection:
            await connection.execute(
                insert(schema.vendor_copies)
                .values(visit_id=visit_id, **{name: getattr(copy, name) for name in _COPY})
                .on_conflict_do_nothing(index_elements=["visit_id", "kind", "vendor_id"])
            )

    async def copies(self, visit_id: str) -> list[VendorCopy]:
        """All copies of a visit, oldest first."""
        table = schema.vendor_copies
        query = select(*[table.c[name] for name in _COPY]).where(table.c.visit_id == visit_id)
        async with self._looking.connect() as connection:
            return [VendorCopy(*row) for row in await connection.execute(query.order_by(table.c.made_at))]

    async def update_copy(self, copy: VendorCopy) -> None:
        """Stores a copy's new state."""
        table = schema.vendor_copies
        async with self._engine.begin() as connection:
            await connection.execute(
                table.update()
                .where(table.c.copy_id == copy.copy_id)
                .values(**{name: getattr(copy, name) for name in _COPY if name != "copy_id"})
            )

    async def name_copy(self, visit_id: str, copy: VendorCopy, vendor_id: str, *, at: datetime) -> None:
        """Gives a copy the id the vendor has for it, once its answer came: from then on it is there. The row of an id
        that is known stays one."""
        table = schema.vendor_copies
        async with self._engine.begin() as connection:
            known = select(table.c.copy_id).where(
                table.c.visit_id == visit_id, table.c.kind == copy.kind, table.c.vendor_id == vendor_id
            )
            mine = table.c.copy_id == copy.copy_id
            if (await connection.execute(known)).first() is not None:
                await connection.execute(table.delete().where(mine))
            else:
                await connection.execute(
                    table.update().where(mine).values(vendor_id=vendor_id, made_at=at, expires_at=None)
                )

    async def forget_copy(self, copy: VendorCopy) -> None:
        """Takes a copy off the list that the vendor never took."""
        async with self._engine.begin() as connection:
            await connection.execute(
                schema.vendor_copies.delete().where(schema.vendor_copies.c.copy_id == copy.copy_id)
            )

    async def ask_all(self, connection: AsyncConnection, visit_id: str, *, at: datetime) -> None:
        """Marks every copy still held as to be deleted, in the caller's transaction: no step goes on from it."""
        table = schema.vendor_copies
        held = table.c.visit_id == visit_id, table.c.state == "held"
        await connection.execute(table.update().where(*held).values(state="asked", asked_at=at))

    async def is_held(self, connection: AsyncConnection, visit_id: str, *, kind: str, vendor_id: str) -> bool:
        """Whether a copy is there for a step to go on from, seen in the caller's transaction."""
        table = schema.vendor_copies
        query = select(table.c.state).where(
            table.c.visit_id == visit_id, table.c.kind == kind, table.c.vendor_id == vendor_id
        )
        return (await connection.execute(query)).scalar_one_or_none() == "held"

    async def visits_with_copies(self, *, before: datetime, limit: int = 1000) -> list[str]:
        """Visits of which a vendor may still hold something that was made before then, the longest first."""
        table = schema.vendor_copies
        left = or_(
            table.c.state.in_(["held", "asked"]), and_(table.c.state == "answered", table.c.kind != "completion")
        )
        oldest = func.min(table.c.made_at)
        left = and_(left, table.c.kind != _KEPT)
        query = select(table.c.visit_id).where(left, table.c.made_at < before).group_by(table.c.visit_id)
        async with self._engine.connect() as connection:
            return [row.visit_id for row in await connection.execute(query.order_by(oldest).limit(limit))]

    async def owed(self) -> Owed:
        """What is left at vendors, counted. Of a copy without a name, or with a day that ends it, nobody can ask."""
        table = schema.vendor_copies
        unnamed, dated = table.c.vendor_id.startswith(_UNNAMED), table.c.expires_at.is_not(None)
        held = table.c.state.in_(["held", "asked"])
        unaskable = and_(held, or_(unnamed, dated))
        reported = and_(table.c.state == "answered", table.c.kind != "completion")
        askable = or_(and_(held, not_(or_(unnamed, dated))), reported)
        query = select(
            func.count(table.c.visit_id.distinct()).filter(askable),
            func.count().filter(askable),
            func.min(table.c.made_at).filter(askable),
            func.count().filter(unaskable),
            func.count().filter(and_(unaskable, dated)),
            func.min(table.c.made_at).filter(unaskable),
        ).where(table.c.kind != _KEPT)
        async with self._engine.connect() as connection:
            return Owed(*(await connection.execute(query)).one())

    async def known_ids(self, kind: str, among: Sequence[str]) -> dict[str, str]:
        """Which of a vendor's ids are written down here, with the visit each belongs to."""
        table = schema.vendor_copies
        query = select(table.c.vendor_id, table.c.visit_id).where(
            table.c.kind == kind, table.c.vendor_id.in_(list(among))
        )
        async with self._engine.connect() as connection:
            return {row.vendor_id: row.visit_id for row in await connection.execute(query)}

    async def plan_write(self, intent: WriteIntent, *, at: datetime) -> WriteIntent:
        """Records the intent to write before anything is sent; an existing one is returned as it stands."""
        table = schema.write_intents
        async with self._engine.begin() as connection:
            await connection.execute(
                insert(table)
                .values(
                    visit_id=intent.visit_id,
                    note_version=intent.note_version,
                    identifier=intent.identifier,
                    body_sha256=intent.body_sha256,
                    state=intent.state,
                    changed_at=at,
                )
                .on_conflict_do_nothing(index_elements=["visit_id", "note_version"])
            )
            query = select(*[table.c[name] for name in WriteIntent.__dataclass_fields__]).where(
                table.c.visit_id == intent.visit_id, table.c.note_version == intent.note_version
            )
            return WriteIntent(*(await connection.execute(query)).one())

    @asynccontextmanager
    async def hold_write(self, visit_id: str) -> AsyncIterator[bool]:
        """Whether this process alone may write this visit's note now, until the block is left or the process dies.

        A session-level advisory lock outside any transaction: PostgreSQL drops it with the connection.
        """
        async with self._engine.connect() as opened:
            connection = await opened.execution_options(isolation_level="AUTOCOMMIT")
            key = {"visit": visit_id}
            held = bool((await connection.execute(_LOCK, key)).scalar_one())
            try:
                yield held
            finally:
                if held:
                    await connection.execute(_UNLOCK, key)

    async def mark_write(self, intent: WriteIntent, state: str, *, at: datetime, sent: bool = False) -> None:
        """Moves an intent on; `sent` counts one more attempt on the wire."""
        table = schema.write_intents
        values: dict[str, object] = {"state": state, "changed_at": at}
        if sent:
            values |= {"attempts": table.c.attempts + 1, "sent_at": at}
        async with self._engine.begin() as connection:
            await connection.execute(
                table.update()
                .where(table.c.visit_id == intent.visit_id, table.c.note_version == intent.note_version)
                .values(**values)
            )
