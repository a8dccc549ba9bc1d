"""The audit chain: gapless however many write at once, and any tampering with what lies in the database shows."""

from __future__ import annotations

import asyncio
import itertools
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from connector.store import schema
from connector.store.audit import GENESIS, AuditEvent, ChainReport, append, link_hash, verify, verify_all
from connector.store.keyring import MasterKey

MASTER = MasterKey(bytes(range(32)))
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
EVENTS, HEADS = schema.audit_events, schema.audit_heads
_numbers = itertools.count(1)
SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

details = st.dictionaries(
    st.sampled_from(["version", "reason", "answer"]),
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.text(st.characters(exclude_characters="\0"), max_size=9),
    max_size=3,
)


def event(tenant: str, number: int, detail: dict[str, object] | None = None) -> AuditEvent:
    return AuditEvent(
        tenant,
        "visit.edited",
        f"v{number % 3}",
        f"Practitioner/{number}",
        NOON + timedelta(seconds=number),
        detail or {},
    )


async def chain(engine: AsyncEngine, length: int) -> str:
    tenant = f"clinic-{next(_numbers)}"
    async with engine.begin() as connection:
        for number in range(length):
            assert await append(connection, MASTER, event(tenant, number)) == number + 1
    return tenant


async def report(engine: AsyncEngine, tenant: str) -> ChainReport:
    async with engine.connect() as connection:
        return await verify(connection, tenant)


@SLOW
@given(given_details=st.lists(details, min_size=1, max_size=6))
async def test_an_untouched_chain_is_whole_whatever_it_tells(
    engine: AsyncEngine, given_details: list[dict[str, object]]
) -> None:
    tenant = f"clinic-{next(_numbers)}"
    async with engine.begin() as connection:
        for number, detail in enumerate(given_details):
            await append(connection, MASTER, event(tenant, number, detail))
    assert await report(engine, tenant) == ChainReport(tenant, len(given_details), None, None)


async def test_appends_at_once_leave_no_gap_and_no_fork(engine: AsyncEngine) -> None:
    tenant = f"clinic-{next(_numbers)}"

    async def one(number: int) -> int:
        async with engine.begin() as connection:
            return await append(connection, MASTER, event(tenant, number))

    numbers = await asyncio.gather(*(one(number) for number in range(40)))
    assert sorted(numbers) == list(range(1, 41))
    assert (await report(engine, tenant)).broken_at is None


async def test_an_append_that_was_rolled_back_leaves_no_gap(engine: AsyncEngine) -> None:
    tenant = await chain(engine, 2)
    with pytest.raises(RuntimeError, match="the step failed"):
        async with engine.begin() as connection:
            await append(connection, MASTER, event(tenant, 2))
            raise RuntimeError("the step failed")
    async with engine.begin() as connection:
        assert await append(connection, MASTER, event(tenant, 3)) == 3
    assert (await report(engine, tenant)).broken_at is None


async def test_each_tenant_has_a_chain_of_its_own(engine: AsyncEngine) -> None:
    first, second = await chain(engine, 3), await chain(engine, 2)
    async with engine.begin() as connection:
        await connection.execute(update(EVENTS).where(EVENTS.c.tenant == first, EVENTS.c.seq == 2).values(event="x"))
    assert (await report(engine, first)).broken_at == 2
    assert (await report(engine, second)).broken_at is None
    reports = {one.tenant: one for one in await verify_all(engine)}
    assert reports[first].broken_at == 2 and reports[second].broken_at is None


# Tampering


@SLOW
@given(
    at=st.integers(1, 6),
    column=st.sampled_from(["at", "event", "visit_id", "actor", "detail", "previous_hash", "hash"]),
)
async def test_an_edited_entry_shows(engine: AsyncEngine, at: int, column: str) -> None:
    tenant = await chain(engine, 6)
    value: object = {"reason": "another"} if column == "detail" else "f" * 20
    async with engine.begin() as connection:
        await connection.execute(
            update(EVENTS).where(EVENTS.c.tenant == tenant, EVENTS.c.seq == at).values({column: value})
        )
    assert (await report(engine, tenant)).broken_at == at


@SLOW
@given(at=st.integers(1, 6))
async def test_a_deleted_entry_shows(engine: AsyncEngine, at: int) -> None:
    tenant = await chain(engine, 6)
    async with engine.begin() as connection:
        await connection.execute(delete(EVENTS).where(EVENTS.c.tenant == tenant, EVENTS.c.seq == at))
    assert (await report(engine, tenant)).broken_at is not None


@SLOW
@given(pair=st.lists(st.integers(1, 6), min_size=2, max_size=2, unique=True))
async def test_swapped_entries_show(engine: AsyncEngine, pair: list[int]) -> None:
    tenant = await chain(engine, 6)
    first, second = pair
    async with engine.begin() as connection:
        for old, new in ((first, 99), (second, first), (99, second)):
            await connection.execute(
                update(EVENTS).where(EVENTS.c.tenant == tenant, EVENTS.c.seq == old).values(seq=new)
            )
    assert (await report(engine, tenant)).broken_at == min(pair)


@SLOW
@given(left=st.integers(0, 5))
async def test_a_cut_end_shows(engine: AsyncEngine, left: int) -> None:
    tenant = await chain(engine, 6)
    async with engine.begin() as connection:
        await connection.execute(delete(EVENTS).where(EVENTS.c.tenant == tenant, EVENTS.c.seq > left))
    found = await report(engine, tenant)
    assert (found.entries, found.broken_at, found.reason) == (left, left + 1, "the end of the chain is missing")


async def test_an_inserted_entry_shows_even_with_a_fitting_hash(engine: AsyncEngine) -> None:
    tenant = await chain(engine, 3)
    async with engine.begin() as connection:
        await forge(connection, tenant, seq=4)
    assert (await report(engine, tenant)).broken_at == 5


async def forge(connection: AsyncConnection, tenant: str, *, seq: int) -> None:
    query = select(EVENTS).where(EVENTS.c.tenant == tenant, EVENTS.c.seq == seq - 1)
    before = (await connection.execute(query)).one()
    names = ("tenant", "at", "event", "visit_id", "actor", "detail")
    body = {name: getattr(before, name) for name in names} | {"event": "forged"}
    digest = link_hash(before.hash, seq, body)
    await connection.execute(insert(EVENTS).values(**body, seq=seq, previous_hash=before.hash, hash=digest))


async def test_a_chain_without_its_head_shows_and_is_not_passed_over(engine: AsyncEngine) -> None:
    tenant = await chain(engine, 3)
    async with engine.begin() as connection:
        await connection.execute(delete(HEADS).where(HEADS.c.tenant == tenant))
    assert {one.tenant: one.broken_at for one in await verify_all(engine)}[tenant] == 4


async def test_a_verification_is_not_misled_by_entries_added_while_it_reads(engine: AsyncEngine) -> None:
    tenant = await chain(engine, 30)
    stop = asyncio.Event()

    async def write() -> None:
        number = 30
        while not stop.is_set():
            async with engine.begin() as connection:
                await append(connection, MASTER, event(tenant, number := number + 1))

    writer = asyncio.create_task(write())
    try:
        for _ in range(15):
            found = {one.tenant: one for one in await verify_all(engine)}[tenant]
            assert found.broken_at is None, found
    finally:
        stop.set()
        await writer


async def test_an_entry_names_nobody(engine: AsyncEngine) -> None:
    tenant = await chain(engine, 1)
    async with engine.connect() as connection:
        row = (await connection.execute(select(EVENTS).where(EVENTS.c.tenant == tenant))).mappings().one()
    assert "Practitioner" not in json.dumps(dict(row))
    assert row["actor"] == MASTER.pseudonym("Practitioner/0")
    assert row["previous_hash"] == GENESIS


async def test_entries_are_ordered_by_number_not_by_clock(engine: AsyncEngine) -> None:
    tenant = f"clinic-{next(_numbers)}"
    async with engine.begin() as connection:
        for number in (5, 1, 3):
            await append(connection, MASTER, event(tenant, number))
        found = await connection.execute(
            text("SELECT seq FROM audit_events WHERE tenant = :t ORDER BY seq"), {"t": tenant}
        )
        assert [row.seq for row in found] == [1, 2, 3]
    assert (await report(engine, tenant)).broken_at is None
