"""The audit chain: one gapless, hash-chained sequence per tenant. In: an event. Out: a row whose hash covers the one
before it. Holds keyed pseudonyms and codes only, never names or clinical words, so that erasure never breaks it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from connector.store import schema
from connector.store.keyring import MasterKey

GENESIS = "0" * 64
Detail = Mapping[str, str | int | bool | None]


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """What happened: `event` is a slug of `visit/states.py`, `actor` a reference or `system`, `detail` codes only."""

    tenant: str
    event: str
    visit_id: str | None
    actor: str
    at: datetime
    detail: Detail = field(default_factory=dict)


def link_hash(previous: str, seq: int, body: Mapping[str, object]) -> str:
    """SHA-256 over the previous hash, the sequence number and the canonical JSON of the entry."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{previous}\n{seq}\n{canonical}".encode()).hexdigest()


async def append(connection: AsyncConnection, key: MasterKey, event: AuditEvent) -> int:
    """Adds one link inside the caller's transaction and returns its sequence number."""
    heads = schema.audit_heads
    locked = select(heads.c.seq, heads.c.hash).where(heads.c.tenant == event.tenant).with_for_update()
    head = (await connection.execute(locked)).first()
    if head is None:
        first = insert(heads).values(tenant=event.tenant, seq=0, hash=GENESIS)
        await connection.execute(first.on_conflict_do_nothing(index_elements=["tenant"]))
        head = (await connection.execute(locked)).one()
    body = _body(event, actor="system" if event.actor == "system" else key.pseudonym(event.actor))
    seq = int(head.seq) + 1
    digest = link_hash(head.hash, seq, body)
    await connection.execute(schema.audit_events.insert().values(**body, seq=seq, previous_hash=head.hash, hash=digest))
    await connection.execute(heads.update().where(heads.c.tenant == event.tenant).values(seq=seq, hash=digest))
    return seq


def _body(event: AuditEvent, *, actor: str) -> dict[str, object]:
    return {
        "tenant": event.tenant,
        "at": event.at.astimezone(UTC).isoformat(),
        "event": event.event,
        "visit_id": event.visit_id,
        "actor": actor,
        "detail": dict(event.detail),
    }


@dataclass(frozen=True, slots=True)
class ChainReport:
    """The result of a verification: `broken_at` is the first sequence number that does not fit."""

    tenant: str
    entries: int
    broken_at: int | None
    reason: str | None


async def verify_all(engine: AsyncEngine) -> list[ChainReport]:
    """One report per tenant, all of them of one moment: entries added meanwhile do not count."""
    async with engine.execution_options(isolation_level="REPEATABLE READ").connect() as connection:
        heads = await connection.execute(select(schema.audit_heads.c.tenant))
        events = await connection.execute(select(schema.audit_events.c.tenant).distinct())
        tenants = sorted({row.tenant for row in (*heads, *events)})
        return [await verify(connection, tenant) for tenant in tenants]


async def verify(connection: AsyncConnection, tenant: str) -> ChainReport:
    """Recomputes the chain of one tenant: an edited, missing, swapped or cut entry shows.

    Without outside knowledge of an earlier head, a chain that was cut and given a fitting head does not show.
    """
    events, heads = schema.audit_events, schema.audit_heads
    query = select(events).where(events.c.tenant == tenant).order_by(events.c.seq)
    previous, expected = GENESIS, 0
    async with connection.stream(query) as rows:
        async for row in rows:
            expected += 1
            body = {name: getattr(row, name) for name in ("tenant", "at", "event", "visit_id", "actor", "detail")}
            if row.seq != expected:
                return ChainReport(tenant, expected - 1, expected, "an entry is missing")
            if row.previous_hash != previous or row.hash != link_hash(previous, expected, body):
                return ChainReport(tenant, expected - 1, expected, "an entry was altered")
            previous = row.hash
    head = (await connection.execute(select(heads).where(heads.c.tenant == tenant))).first()
    if (head.seq, head.hash) != (expected, previous) if head is not None else expected > 0:
        return ChainReport(tenant, expected, expected + 1, "the end of the chain is missing")
    return ChainReport(tenant, expected, None, None)
