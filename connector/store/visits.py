"""Visits and their records. In: a step (state expected, state reached, records, audit event). Out: the visit's row.

One step is one transaction: the state, its records, its audit link and the work it starts are all there, or none.
Whoever locks both locks the visit's row before the tenant's audit chain: so no two ever wait for each other.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import Row, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from connector import records as words
from connector.errors import Conflict, NotFound
from connector.store import audit, schema
from connector.store.audit import AuditEvent
from connector.store.belonging import Belonging
from connector.store.data_keys import DataKeys
from connector.store.database import for_reading
from connector.store.keyring import DataKind, MasterKey, seal, unseal

Record = TypeVar("Record")
Also = Callable[[AsyncConnection], Awaitable[None]]

KINDS: dict[type, tuple[str, DataKind]] = {
    words.Launch: ("launch", DataKind.CHART),
    words.PatientContext: ("context", DataKind.CHART),
    words.SpeechHints: ("hints", DataKind.CHART),
    words.Consent: ("consent", DataKind.CHART),
    words.Recording: ("recording", DataKind.AUDIO),
    words.SoundGone: ("sound-gone", DataKind.CHART),
    words.Refusal: ("refusal", DataKind.WORDS),
    words.Doubts: ("doubts", DataKind.WORDS),
    words.DoubtsAnswer: ("doubts-answer", DataKind.CHART),
    words.Transcript: ("transcript", DataKind.WORDS),
    words.RedactedTranscript: ("redacted", DataKind.REDACTED),
    words.DraftNote: ("draft", DataKind.WORDS),
    words.Findings: ("findings", DataKind.WORDS),
    words.SignedNote: ("signed", DataKind.WORDS),
    words.Filing: ("filing", DataKind.WORDS),
    words.Erasure: ("erasure", DataKind.WORDS),
}

_DATA_KINDS = dict(KINDS.values())


@cache
def _adapter_named(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(next(kind for kind, (kind_name, _) in KINDS.items() if kind_name == name))


def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return _adapter_named(KINDS[kind][0])


@dataclass(frozen=True, slots=True)
class VisitRow:
    """A visit without its sealed records; `attention` is a slug beside any state, with its age and what to do."""

    visit_id: str
    tenant: str
    state: str
    note_version: int
    step: str | None
    step_at: datetime | None
    attention: str | None
    attention_text: str | None
    attention_action: str | None
    attention_at: datetime | None
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest record of each kind a visit has, by the kind's name."""

    records: Mapping[str, object] = field(repr=False)

    def get(self, kind: type[Record]) -> Record | None:
        """The one of this kind, or None where there is none, or none that can still be read."""
        found = self.records.get(KINDS[kind][0])
        return found if isinstance(found, kind) else None


@dataclass(frozen=True, slots=True)
class Numbered:
    """A record with the number it must get; a number already taken is a Conflict."""

    record: object
    number: int


@dataclass(frozen=True, slots=True)
class Step:
    """One arrow of the state table. `expect` lists the states it may start from; `also` joins the transaction."""

    visit_id: str
    expect: Sequence[str]
    to: str
    event: str
    actor: str
    at: datetime
    records: Sequence[object] = ()
    detail: audit.Detail | None = None
    note_version: int | None = None
    also: Also | None = None


class VisitStore:
    """Visits, their sealed records and their audit links."""

    def __init__(self, engine: AsyncEngine, master: MasterKey) -> None:
        self.engine = engine
        self._looking = for_reading(engine)
        self.master = master
        self.keys = DataKeys(master)

    async def create(self, visit_id: str, belonging: Belonging, *, at: datetime, also: Also | None = None) -> None:
        """A new visit in state LAUNCHED."""
        tenant = belonging.tenant
        async with self.engine.begin() as connection:
            await connection.execute(
                schema.visits.insert().values(
                    visit_id=visit_id,
                    tenant=tenant,
                    state="LAUNCHED",
                    created_at=at,
                    changed_at=at,
                    **belonging.keys(self.master),
                )
            )
            await audit.append(
                connection, self.master, AuditEvent(tenant, "visit.launched", visit_id, belonging.actor, at)
            )
            if also is not None:
                await also(connection)

    async def row(self, visit_id: str, *, within: AsyncConnection | None = None) -> VisitRow:
        """The visit's row, in the caller's transaction if it has one; raises NotFound."""
        query = select(schema.visits).where(schema.visits.c.visit_id == visit_id)
        async with self._look(within) as connection:
            return read_visit_row((await connection.execute(query)).first())

    @asynccontextmanager
    async def _look(self, within: AsyncConnection | None) -> AsyncIterator[AsyncConnection]:
        """The caller's connection: whoever holds one must never wait for a second."""
        if within is not None:
            yield within
            return
        async with self._looking.connect() as own:
            yield own

    async def commit(self, step: Step) -> VisitRow:
        """Takes one arrow: compare-and-set on the state, records, audit link and started work in one transaction."""
        visits = schema.visits
        values: dict[str, object] = {"state": step.to, "changed_at": step.at}
        if step.note_version is not None:
            values["note_version"] = step.note_version
        if step.to not in step.expect:
            values |= {"step": None, "step_at": None} | _CALM
        async with self.engine.begin() as connection:
            row = (
                await connection.execute(
                    visits.update()
                    .where(visits.c.visit_id == step.visit_id, visits.c.state.in_(list(step.expect)))
                    .values(**values)
                    .returning(*visits.c)
                )
            ).first()
            if row is None:
                raise Conflict("The visit has moved on since this page was loaded: reload to see where it stands.")
            keys: dict[DataKind, bytes] = {}
            for record in step.records:
                await self.append_record(connection, step.visit_id, record, at=step.at, keys=keys)
            event = AuditEvent(row.tenant, step.event, step.visit_id, step.actor, step.at, step.detail or {})
            await audit.append(connection, self.master, event)
            if step.also is not None:
                await step.also(connection)
            return read_visit_row(row)

    async def append_record(
        self,
        connection: AsyncConnection,
        visit_id: str,
        given: object,
        *,
        at: datetime,
        keys: dict[DataKind, bytes] | None = None,
    ) -> None:
        """Seals one record into the caller's transaction under the next number, or the one it asks for.

        `keys` holds what was looked up earlier in the same transaction, and takes what is looked up here.
        """
        number = given.number if isinstance(given, Numbered) else None
        record: Any = given.record if isinstance(given, Numbered) else given
        kind, data_kind = KINDS[type(record)]
        table = schema.visit_records
        if number is None:
            query = select(func.coalesce(func.max(table.c.number), 0)).where(
                table.c.visit_id == visit_id, table.c.kind == kind
            )
            number = int((await connection.execute(query)).scalar_one()) + 1
        held = {} if keys is None else keys
        if data_kind not in held:
            held[data_kind] = await self.keys.obtain(connection, visit_id, data_kind, at=at)
        key = held[data_kind]
        plain = _adapter(type(record)).dump_json(record)
        sealed = seal(key, plain, aad=f"visit_records|{visit_id}|{kind}|{number}")
        try:
            await connection.execute(
                table.insert().values(
                    visit_id=visit_id,
                    kind=kind,
                    number=number,
                    maker=record.stamp.maker,
                    made_at=at,
                    sealed=sealed,
                )
            )
        except IntegrityError as error:
            raise Conflict("Somebody else saved a newer version: reload and look at both before saving.") from error

    async def newest_number(self, connection: AsyncConnection, visit_id: str, kind: type[Any]) -> int:
        """The highest number of one kind of record, read inside the caller's transaction; 0 where there is none."""
        table = schema.visit_records
        query = select(func.coalesce(func.max(table.c.number), 0)).where(
            table.c.visit_id == visit_id, table.c.kind == KINDS[kind][0]
        )
        return int((await connection.execute(query)).scalar_one())

    async def latest(
        self, visit_id: str, kind: type[Record], *, within: AsyncConnection | None = None
    ) -> Record | None:
        """The newest record of one kind, or None where there is none."""
        found = await self.history(visit_id, kind, newest_only=True, within=within)
        return found[0] if found else None

    async def need(self, visit_id: str, kind: type[Record], *, within: AsyncConnection | None = None) -> Record:
        """The newest record of one kind; raises NotFound where the visit has not come that far."""
        found = await self.latest(visit_id, kind, within=within)
        if found is None:
            raise NotFound("The visit has not come that far yet.")
        return found

    async def history(
        self,
        visit_id: str,
        kind: type[Record],
        *,
        newest_only: bool = False,
        number: int | None = None,
        within: AsyncConnection | None = None,
    ) -> list[Record]:
        """All records of one kind, newest first; with a `number` the one of that number."""
        name, data_kind = KINDS[kind]
        table = schema.visit_records
        query = select(table).where(table.c.visit_id == visit_id, table.c.kind == name).order_by(table.c.number.desc())
        if number is not None:
            query = query.where(table.c.number == number)
        async with self._look(within) as connection:
            rows = (await connection.execute(query.limit(1) if newest_only else query)).all()
            key = await self.keys.find(connection, visit_id, data_kind) if rows else None
        if key is None:
            return []
        return [
            _adapter(kind).validate_json(
                unseal(key, bytes(row.sealed), aad=f"visit_records|{visit_id}|{name}|{row.number}")
            )
            for row in rows
        ]

    async def numbered(self, visit_id: str, kind: type[Record], number: int) -> Record:
        """The record of one kind under a number; raises NotFound where there is none, or none that can be read."""
        for found in await self.history(visit_id, kind, number=number):
            return found
        raise NotFound("An earlier version of this is not kept any more.")

    async def newest(self, visit_id: str) -> Newest:
        """The newest record of every kind, in one look."""
        return (await self.newest_of_each([visit_id]))[visit_id]

    async def newest_of_each(self, visit_ids: Sequence[str], *kinds: type[Any]) -> dict[str, Newest]:
        """The newest record of these kinds, or of every kind, by visit: two queries, however many visits."""
        table = schema.visit_records
        query = (
            select(table)
            .where(table.c.visit_id.in_(visit_ids))
            .ext(distinct_on(table.c.visit_id, table.c.kind))
            .order_by(table.c.visit_id, table.c.kind, table.c.number.desc())
        )
        if kinds:
            query = query.where(table.c.kind.in_([KINDS[kind][0] for kind in kinds]))
        found: dict[str, dict[str, object]] = {visit_id: {} for visit_id in visit_ids}
        async with self._looking.connect() as connection:
            rows = (await connection.execute(query)).all()
            keys = await self.keys.find_of_each(connection, visit_ids) if rows else {}
        for row in rows:
            key = keys.get((row.visit_id, _DATA_KINDS[row.kind]))
            if key is not None:
                plain = unseal(key, bytes(row.sealed), aad=f"visit_records|{row.visit_id}|{row.kind}|{row.number}")
                found[row.visit_id][row.kind] = _adapter_named(row.kind).validate_json(plain)
        return {visit_id: Newest(records) for visit_id, records in found.items()}

    async def show_step(
        self, visit_id: str, step: str | None, *, at: datetime, within: AsyncConnection | None = None
    ) -> None:
        """Says what is being tried now, for the page; not a state and not audited."""
        visits = schema.visits
        shown = visits.update().where(visits.c.visit_id == visit_id).values(step=step, step_at=at if step else None)
        async with nullcontext(within) if within is not None else self.engine.begin() as connection:
            await connection.execute(shown)

    async def call_attention(self, visit_id: str, *, slug: str, text: str, action: str, at: datetime) -> None:
        """Raises the flag beside the state; the reason's age counts from its first call. Audited once per reason."""
        visits = schema.visits
        async with self.engine.begin() as connection:
            row = (
                await connection.execute(
                    select(visits.c.attention, visits.c.tenant)
                    .where(visits.c.visit_id == visit_id)
                    .with_for_update(key_share=True)
                )
            ).one()
            values: dict[str, object] = {"attention": slug, "attention_text": text, "attention_action": action}
            if row.attention != slug:
                values["attention_at"] = at
                event = AuditEvent(row.tenant, "visit.needs-attention", visit_id, "system", at, {"reason": slug})
                await audit.append(connection, self.master, event)
            await connection.execute(visits.update().where(visits.c.visit_id == visit_id).values(**values))

    async def clear_attention(self, visit_id: str) -> None:
        """Takes the flag down."""
        async with self.engine.begin() as connection:
            await connection.execute(schema.visits.update().where(schema.visits.c.visit_id == visit_id).values(**_CALM))

    async def take_attention(self, connection: AsyncConnection, visit_id: str, slug: str) -> bool:
        """Takes one flag down inside the caller's transaction; False when somebody else has done so already."""
        visits = schema.visits
        statement = visits.update().where(visits.c.visit_id == visit_id, visits.c.attention == slug).values(**_CALM)
        return (await connection.execute(statement)).rowcount == 1

    async def clear_waiting(self, visit_id: str) -> None:
        """Takes a flag down that only said "being tried again", once it went through."""
        visits = schema.visits
        async with self.engine.begin() as connection:
            await connection.execute(
                visits.update()
                .where(visits.c.visit_id == visit_id, visits.c.attention_action.in_(["wait", "wait-for-operator"]))
                .values(**_CALM)
            )

    async def reopen(self, visit_id: str, event: AuditEvent, *, expect: Sequence[str], also: Also) -> None:
        """Lets another launch of the same clinician, patient and encounter join a visit under way.

        Raises Conflict where the visit is in none of the states expected any more.
        """
        async with self.engine.begin() as connection:
            if await self.hold_state(connection, visit_id) not in expect:
                raise Conflict("The visit has ended meanwhile. Open the scribe from the chart again.")
            await audit.append(connection, self.master, event)
            await also(connection)

    async def note_event(self, event: AuditEvent, connection: AsyncConnection | None = None) -> None:
        """Appends an audit link that moves no state, such as a copy; in the caller's transaction if it has one."""
        if connection is not None:
            await audit.append(connection, self.master, event)
            return
        async with self.engine.begin() as own:
            await audit.append(own, self.master, event)

    async def hold_state(self, connection: AsyncConnection, visit_id: str) -> str:
        """The visit's state, which stays what it is until the caller's transaction ends."""
        query = select(schema.visits.c.state).where(schema.visits.c.visit_id == visit_id)
        return str((await connection.execute(query.with_for_update(key_share=True))).scalar_one())


_CALM: dict[str, object] = {
    "attention": None,
    "attention_text": None,
    "attention_action": None,
    "attention_at": None,
}


def read_visit_row(row: Row[Any] | None) -> VisitRow:
    """A visit from its row of the table; raises NotFound where there is none."""
    if row is None:
        raise NotFound("There is no such visit.")
    return VisitRow(**{name: getattr(row, name) for name in VisitRow.__dataclass_fields__})
