"""The second guard: whoever forgets to say whose rows are wanted gets none of another's.

Each mutant below is a statement of the store without its filter. Without the guard it meets the other clinic's rows.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Delete, Executable, Select, Table, Update, event, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

import connector
from connector.errors import NotFound
from connector.records import Launch, Mark, Stamp, VendorCopy
from connector.store import schema
from connector.store.belonging import Belonging
from connector.store.chunks import ChunkStore
from connector.store.database import DatabaseAddress
from connector.store.fetches import Fetch, FetchStore
from connector.store.keyring import MasterKey
from connector.store.ledger import Ledger, WriteIntent
from connector.store.reach import GUARDED, NOTHING, OutOfReach, Reach, guard, lifted, narrowed
from connector.store.returns import ReturnStore
from connector.store.sessions import LaunchRow, SessionStore, digest
from connector.store.visits import VisitStore

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Owned:
    """One visit with a row in every guarded table."""

    tenant: str
    clinician: str
    visit_id: str
    launch_id: str
    recording_id: str

    @property
    def reach(self) -> Reach:
        return Reach(tenant=self.tenant, visit_id=self.visit_id)


class Stores:
    """Every store on one engine."""

    def __init__(self, engine: AsyncEngine, folder: Path) -> None:
        self.engine, self.master = engine, MasterKey(bytes(32))
        self.visits, self.sessions = VisitStore(engine, self.master), SessionStore(engine, self.master)
        self.chunks, self.ledger = ChunkStore(engine, self.master, folder), Ledger(engine)
        self.returns = ReturnStore(engine, self.master)
        self.fetches = FetchStore(engine, self.master)

    async def own(self, tenant: str, clinician: str) -> Owned:
        """A visit that leaves a row in every guarded table."""
        one = Owned(tenant, clinician, *(secrets.token_hex(8) for _ in range(3)))
        stamp = Stamp(maker="test@1", at=NOW)
        launch = Launch(
            one.launch_id, one.visit_id, tenant, "http://ehr", "Patient/1", None, clinician, None, False, "", stamp
        )
        row = LaunchRow(
            one.launch_id, one.visit_id, tenant, digest("s"), "csrf", NOW, NOW + timedelta(hours=1), ended=False
        )

        async def join(connection: AsyncConnection) -> None:
            await self.visits.append_record(connection, one.visit_id, launch, at=NOW)
            await self.sessions.open_launch(connection, row, tokens={"granted": tenant}, expires=None)

        await self.visits.create(one.visit_id, Belonging(tenant, clinician, "Patient/1"), at=NOW, also=join)
        await self.chunks.open_recording(one.recording_id, one.visit_id, token="t", at=NOW)
        await self.chunks.put(await self.chunks.find(one.recording_id), 0, b"sound", at=NOW)
        async with self.engine.begin() as connection:
            await self.fetches.keep(
                connection, Fetch(one.recording_id, one.visit_id, NOW, "https://files.example.org/")
            )
        await self.chunks.put_mark(one.recording_id, 0, Mark("paused", 0))
        await self.ledger.add_copy(one.visit_id, VendorCopy(secrets.token_hex(8), "upload", "v", "held", NOW))
        await self.ledger.plan_write(WriteIntent(one.visit_id, 1, "id", "00", "planned", 0), at=NOW)
        await self._owe(one)
        tickets = [secrets.token_hex(8) for _ in range(2)]
        for ticket in tickets:
            await self.returns.keep_ticket(ticket, one.launch_id, expires=NOW + timedelta(hours=1))
        await self.returns.take_ticket(tickets[0], session=secrets.token_hex(8), at=NOW)
        return one

    async def _owe(self, one: Owned) -> None:
        """A job at the vendor, a webhook about it, and what it cost."""
        job = secrets.token_hex(8)
        rows: tuple[tuple[Table, dict[str, object]], ...] = (
            (
                schema.vendor_jobs,
                {
                    "job_key": job,
                    "visit_id": one.visit_id,
                    "recording_id": one.recording_id,
                    "state": "planned",
                    "planned_at": NOW,
                    "look_at": NOW,
                },
            ),
            (
                schema.webhook_inbox,
                {
                    "inbox_id": secrets.token_hex(8),
                    "job_key": job,
                    "body_sha256": "00",
                    "status": "completed",
                    "received_at": NOW,
                },
            ),
            (
                schema.costs,
                {
                    "cost_id": secrets.token_hex(8),
                    "visit_id": one.visit_id,
                    "tenant": one.tenant,
                    "kind": "speech",
                    "units": 60,
                    "at": NOW,
                },
            ),
        )
        async with self.engine.begin() as connection:
            for table, row in rows:
                await connection.execute(table.insert().values(**row))


@pytest.fixture
async def stores(engine: AsyncEngine, tmp_path: Path) -> Stores:
    return Stores(engine, tmp_path)


@pytest.fixture
async def pair(stores: Stores) -> tuple[Owned, Owned]:
    """Ours, and another clinic's."""
    return await stores.own("north", "Practitioner/a"), await stores.own("south", "Practitioner/b")


async def count(engine: AsyncEngine, table: Table) -> int:
    async with engine.connect() as connection:
        return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


@pytest.mark.parametrize("table", sorted(GUARDED, key=lambda one: one.name), ids=lambda one: one.name)
async def test_d02_a_query_without_a_filter_meets_no_row_of_another_tenant(
    stores: Stores, pair: tuple[Owned, Owned], table: Table
) -> None:
    ours, theirs = pair
    everything = await count(stores.engine, table)
    seen = {}
    for name, reach in {"ours": ours.reach, "theirs": theirs.reach, "tenant": Reach(tenant="north")}.items():
        with narrowed(reach):
            seen[name] = await count(stores.engine, table)
    assert 0 < seen["ours"] <= seen["tenant"] < everything
    assert seen["theirs"] > 0 and seen["theirs"] + seen["tenant"] <= everything


@pytest.mark.parametrize("table", sorted(GUARDED, key=lambda one: one.name), ids=lambda one: one.name)
async def test_d02_a_change_or_deletion_without_a_filter_spares_another_tenants_rows(
    stores: Stores, pair: tuple[Owned, Owned], table: Table
) -> None:
    ours, theirs = pair
    column = next(one for one in table.columns if not one.primary_key and not one.foreign_keys)
    async with stores.engine.connect() as connection:
        with narrowed(ours.reach):
            mine = int((await connection.execute(select(func.count()).select_from(table))).scalar_one())
            changed = await connection.execute(table.update().values({column.name: column}))
            assert changed.rowcount == mine
            if table is not schema.visits and table not in (schema.launches, schema.recordings, schema.vendor_jobs):
                assert (await connection.execute(table.delete())).rowcount == mine
        with narrowed(theirs.reach):
            assert (await connection.execute(select(func.count()).select_from(table))).scalar_one() > 0
        await connection.rollback()


def test_d02_every_table_that_holds_a_visit_or_a_launch_is_guarded() -> None:
    """Those not guarded: the audit chain, whose rows no request reads, and launches under way, found by a secret."""
    hanging = {
        table
        for table in schema.metadata.tables.values()
        if {"tenant", "visit_id", "launch_id", "recording_id"} & set(table.columns.keys())
    }
    assert hanging - GUARDED == {schema.audit_heads, schema.audit_events, schema.pending_launches}


# The store's own methods, with every filter taken out of what they send


def forget_filters(statement: Executable) -> Executable:
    if isinstance(statement, Select | Update | Delete):
        statement = statement.where()
        statement._where_criteria = ()
    return statement


@pytest.fixture
async def forgetful(database: DatabaseAddress, tmp_path: Path) -> AsyncIterator[Stores]:
    """The store with no filter of its own left in any statement; the guard comes after, as in every engine."""
    engine = create_async_engine(database.url)

    def strip(connection: Any, statement: Any, many: Any, one: Any, options: Mapping[str, Any]) -> Any:
        del connection, options
        return forget_filters(statement), many, one

    event.listen(engine.sync_engine, "before_execute", strip, retval=True)
    guard(engine)
    yield Stores(engine, tmp_path)
    await engine.dispose()


async def everything_met(stores: Stores, ours: Owned) -> set[str]:
    """The ids that come out of the store's readers, asked for ours."""
    met = {(await stores.visits.row(ours.visit_id)).visit_id, (await stores.chunks.find(ours.recording_id)).visit_id}
    met |= {one.visit_id for one in await stores.chunks.open_recordings(ours.visit_id)}
    met |= set(await stores.ledger.visits_with_copies(before=NOW + timedelta(days=1)))
    listed = await stores.returns.list_visits(Belonging(ours.tenant, ours.clinician), states=("LAUNCHED",), limit=50)
    met |= {one.visit_id for one in listed}
    return met


async def test_d02_a_store_that_forgot_every_filter_hands_out_nothing_of_others(
    forgetful: Stores, pair: tuple[Owned, Owned]
) -> None:
    ours, theirs = pair
    for one in pair:
        with narrowed(one.reach):
            assert await everything_met(forgetful, one) == {one.visit_id}
    with narrowed(Reach(tenant=ours.tenant)):
        assert theirs.visit_id not in await everything_met(forgetful, ours)
    with lifted():
        assert {ours.visit_id, theirs.visit_id} <= await everything_met(forgetful, ours), "the mutants do meet others"


async def test_d02_a_right_query_for_anothers_visit_finds_nothing(stores: Stores, pair: tuple[Owned, Owned]) -> None:
    ours, theirs = pair
    with narrowed(ours.reach):
        with pytest.raises(NotFound):
            await stores.visits.row(theirs.visit_id)
        with pytest.raises(NotFound):
            await stores.chunks.find(theirs.recording_id)
        assert await stores.visits.latest(theirs.visit_id, Launch) is None
        assert await stores.chunks.acknowledged(theirs.recording_id) == []
        assert await stores.ledger.copies(theirs.visit_id) == []
        await stores.sessions.forget_tokens(theirs.launch_id)
    assert await stores.visits.latest(theirs.visit_id, Launch) is not None
    row = await stores.sessions.find_launch(theirs.launch_id)
    assert row is not None and await stores.sessions.read_tokens(row) is not None


async def test_another_clinician_of_the_same_clinic_is_out_of_reach(stores: Stores) -> None:
    mine, colleague = await stores.own("east", "Practitioner/a"), await stores.own("east", "Practitioner/b")
    key = Belonging("east", "Practitioner/a").keys(stores.master)["clinician_key"]
    query = select(schema.recordings.c.visit_id)
    async with stores.engine.connect() as connection:
        with narrowed(Reach(tenant="east", clinician_key=key)):
            assert set((await connection.execute(query)).scalars()) == {mine.visit_id}
        with narrowed(Reach(tenant="east")):
            assert {mine.visit_id, colleague.visit_id} <= set((await connection.execute(query)).scalars())
        with narrowed(Reach(tenant="west", visit_id=mine.visit_id)):
            assert (await connection.execute(select(schema.visits))).first() is None, "all that is given must fit"


visits = schema.visits
_UNKNOWN = {
    "a text inside a query": select(text("visit_id FROM visits")),
    "a text with columns": text("SELECT visit_id FROM visits").columns(schema.visits.c.visit_id),
    "union": select(visits.c.visit_id).union(select(visits.c.visit_id)),
    "join": select(visits.c.visit_id).join(schema.launches, schema.launches.c.visit_id == visits.c.visit_id),
    "alias": select(visits.alias("v").c.visit_id),
    "subquery": select(func.count()).select_from(select(visits.c.visit_id).subquery()),
    "inner query": select(schema.executors).where(schema.executors.c.executor_id.in_(select(visits.c.visit_id))),
    "expression": select(select(visits.c.visit_id).limit(1).scalar_subquery()),
    "plain SQL": text("SELECT visit_id FROM Visits"),
}


@pytest.mark.parametrize("shape", _UNKNOWN)
async def test_d02_a_statement_the_guard_cannot_narrow_is_not_sent(stores: Stores, shape: str) -> None:
    async with stores.engine.connect() as connection:
        await connection.execute(_UNKNOWN[shape])
        with narrowed(Reach(tenant="north")), pytest.raises(OutOfReach):
            await connection.execute(_UNKNOWN[shape])


@pytest.mark.parametrize("table", sorted(GUARDED, key=lambda one: one.name), ids=lambda one: one.name)
async def test_d02_where_nobody_is_at_work_no_table_is_read_at_all(stores: Stores, table: Table) -> None:
    with narrowed(NOTHING), pytest.raises(OutOfReach):
        await count(stores.engine, table)


def test_d02_no_module_goes_round_the_guard() -> None:
    """What is given to the driver as it is does not come by the guard."""
    product = Path(connector.__file__).parent
    assert [path.name for path in product.rglob("*.py") if "exec_driver_sql" in path.read_text(encoding="utf-8")] == []


async def test_what_holds_nobodys_rows_passes(stores: Stores) -> None:
    async with stores.engine.connect() as connection:
        with narrowed(NOTHING):
            await connection.execute(text("SELECT 1"))
            await connection.execute(select(schema.executors))
