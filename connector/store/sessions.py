"""Pending launches, launches and their tokens. In: ids and secrets. Out: rows; secrets are kept as hashes or sealed.

A pending launch is consumed by the first who asks for it; a session belongs to one launch and to no other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from connector.store import schema
from connector.store.data_keys import DataKeys
from connector.store.database import for_reading
from connector.store.keyring import DataKind, MasterKey, seal, unseal
from connector.store.reach import lifted


def digest(secret: str) -> str:
    """SHA-256 in hex: what is stored of a session id, state or upload token."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class LaunchRow:
    """A launch without its tokens."""

    launch_id: str
    visit_id: str
    tenant: str
    session_hash: str
    csrf: str
    created_at: datetime
    expires_at: datetime
    ended: bool
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TokenRow:
    """The EHR's tokens of one launch; `generation` grows with every refresh."""

    launch_id: str
    generation: int
    expires_at: datetime | None
    secrets: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class PendingRow:
    """A launch on its way, in the clear and in memory only; `sealed` as it was read, to notice who was quicker."""

    state_hash: str
    browser_hash: str
    tenant: str
    created_at: datetime
    body: Mapping[str, Any] = field(repr=False)
    sealed: bytes = field(repr=False)


class SessionStore:
    """What binds a browser to a launch, and a launch to its tokens."""

    def __init__(self, engine: AsyncEngine, master: MasterKey) -> None:
        self.engine = engine
        self._looking = for_reading(engine)
        self._master = master
        self._keys = DataKeys(master)

    async def keep_pending(
        self, state: str, *, browser: str, tenant: str, body: Mapping[str, object], at: datetime
    ) -> None:
        """Remembers a launch that is on its way through the EHR's authorization server."""
        state_hash = digest(state)
        sealed = seal(self._master.derive("pending"), json.dumps(body).encode(), aad=f"pending_launches|{state_hash}")
        async with self.engine.begin() as connection:
            await connection.execute(
                schema.pending_launches.insert().values(
                    state_hash=state_hash, browser_hash=digest(browser), tenant=tenant, created_at=at, sealed=sealed
                )
            )

    async def consume_pending(self, state: str, *, browser: str | None) -> dict[str, object] | None:
        """Takes a pending launch away, once; None when unknown, used, or begun in another browser.

        A try from another browser leaves the row alone, so that a stranger cannot spoil a launch under way.
        """
        table = schema.pending_launches
        async with self.engine.begin() as connection:
            row = (
                await connection.execute(
                    table.delete()
                    .where(table.c.state_hash == digest(state), table.c.browser_hash == digest(browser or ""))
                    .returning(table.c.state_hash, table.c.sealed)
                )
            ).first()
        if row is None:
            return None
        plain = unseal(self._master.derive("pending"), bytes(row.sealed), aad=f"pending_launches|{row.state_hash}")
        body: dict[str, object] = json.loads(plain)
        return body

    async def find_pending(self, state_hash: str) -> PendingRow | None:
        """A pending launch by the hash of its state, left where it is; None for an unknown one."""
        if "\0" in state_hash:
            return None
        table = schema.pending_launches
        async with self._looking.connect() as connection:
            row = (await connection.execute(select(table).where(table.c.state_hash == state_hash))).first()
        if row is None:
            return None
        plain = unseal(self._master.derive("pending"), bytes(row.sealed), aad=f"pending_launches|{state_hash}")
        return PendingRow(
            state_hash, row.browser_hash, row.tenant, row.created_at, json.loads(plain), bytes(row.sealed)
        )

    async def rebind_pending(self, row: PendingRow, *, browser: str | None, body: Mapping[str, object]) -> bool:
        """Gives a pending launch another body and secret; None keeps the old secret.

        False when it was taken or changed since `row` was read.
        """
        table = schema.pending_launches
        aad = f"pending_launches|{row.state_hash}"
        sealed = seal(self._master.derive("pending"), json.dumps(dict(body)).encode(), aad=aad)
        bound = row.browser_hash if browser is None else digest(browser)
        same = (table.c.state_hash == row.state_hash) & (table.c.browser_hash == row.browser_hash)
        async with self.engine.begin() as connection:
            result = await connection.execute(
                table.update().where(same, table.c.sealed == row.sealed).values(browser_hash=bound, sealed=sealed)
            )
        return result.rowcount == 1

    async def sweep_pending(self, *, before: datetime) -> int:
        """Forgets pending launches older than `before`; returns how many."""
        table = schema.pending_launches
        async with self.engine.begin() as connection:
            return int((await connection.execute(table.delete().where(table.c.created_at < before))).rowcount)

    async def open_launch(
        self,
        connection: AsyncConnection,
        row: LaunchRow,
        *,
        tokens: Mapping[str, str | None],
        expires: datetime | None,
        keys: Mapping[DataKind, bytes] | None = None,
    ) -> None:
        """Stores a launch and its tokens inside the transaction that makes its visit, or that lets it join one.

        `keys` holds the visit's keys where they were made in this transaction.
        """
        await connection.execute(
            schema.launches.insert().values(**{name: getattr(row, name) for name in LaunchRow.__dataclass_fields__})
        )
        key = (keys or {}).get(DataKind.ACCESS)
        if key is None:
            key = await self._keys.obtain(connection, row.visit_id, DataKind.ACCESS, at=row.created_at)
        await connection.execute(
            schema.tokens.insert().values(
                launch_id=row.launch_id,
                generation=1,
                expires_at=expires,
                sealed=_seal_tokens(key, row.launch_id, 1, tokens),
            )
        )

    async def find_launch(self, launch_id: str) -> LaunchRow | None:
        """The launch, ended or not; an id PostgreSQL cannot even be asked for is unknown."""
        if "\0" in launch_id:
            return None
        query = select(schema.launches).where(schema.launches.c.launch_id == launch_id)
        with lifted():
            async with self._looking.connect() as connection:
                row = (await connection.execute(query)).first()
        return (
            None if row is None else LaunchRow(**{name: getattr(row, name) for name in LaunchRow.__dataclass_fields__})
        )

    async def newest_launch(self, visit_id: str) -> LaunchRow | None:
        """The launch whose tokens a workflow of this visit should use."""
        table = schema.launches
        query = select(table.c.launch_id).where(table.c.visit_id == visit_id, table.c.ended.is_(False))
        async with self._looking.connect() as connection:
            row = (await connection.execute(query.order_by(table.c.created_at.desc()).limit(1))).first()
        return None if row is None else await self.find_launch(row.launch_id)

    async def end_launch(self, launch_id: str) -> None:
        """Closes a session and forgets its tokens."""
        async with self.engine.begin() as connection:
            await connection.execute(schema.tokens.delete().where(schema.tokens.c.launch_id == launch_id))
            await connection.execute(
                schema.launches.update().where(schema.launches.c.launch_id == launch_id).values(ended=True)
            )

    async def close_session(self, connection: AsyncConnection, launch_id: str, *, at: datetime) -> None:
        """Ends a session in the caller's transaction; its tokens stay until they are taken."""
        table = schema.launches
        await connection.execute(table.update().where(table.c.launch_id == launch_id).values(expires_at=at))

    async def closed_launches(self, visit_id: str, *, at: datetime) -> list[LaunchRow]:
        """Launches of a visit whose session is over by time and whose tokens nobody has taken."""
        table = schema.launches
        query = select(table).where(table.c.visit_id == visit_id, table.c.ended.is_(False), table.c.expires_at <= at)
        async with self._looking.connect() as connection:
            rows = (await connection.execute(query)).all()
        return [LaunchRow(**{name: getattr(row, name) for name in LaunchRow.__dataclass_fields__}) for row in rows]

    async def take_tokens(self, connection: AsyncConnection, launch: LaunchRow) -> TokenRow | None:
        """Ends a launch and takes its tokens out of the store, once, in the caller's transaction."""
        launches, tokens = schema.launches, schema.tokens
        taken = tokens.delete().where(tokens.c.launch_id == launch.launch_id).returning(*tokens.c)
        row = (await connection.execute(taken)).first()
        await connection.execute(launches.update().where(launches.c.launch_id == launch.launch_id).values(ended=True))
        return await self._open_tokens(connection, launch, row)

    async def forget_tokens(self, launch_id: str) -> None:
        """Forgets tokens the EHR no longer renews; the session stays, so that edits are not lost."""
        async with self.engine.begin() as connection:
            await connection.execute(schema.tokens.delete().where(schema.tokens.c.launch_id == launch_id))

    async def read_tokens(self, launch: LaunchRow) -> TokenRow | None:
        """The tokens in the clear, in memory only; None once the launch has ended."""
        async with self._looking.connect() as connection:
            row = (
                await connection.execute(select(schema.tokens).where(schema.tokens.c.launch_id == launch.launch_id))
            ).first()
            return await self._open_tokens(connection, launch, row)

    async def _open_tokens(
        self, connection: AsyncConnection, launch: LaunchRow, row: Row[Any] | None
    ) -> TokenRow | None:
        key = await self._keys.find(connection, launch.visit_id, DataKind.ACCESS)
        if row is None or key is None:
            return None
        plain = unseal(key, bytes(row.sealed), aad=f"tokens|{launch.launch_id}|{row.generation}")
        return TokenRow(launch.launch_id, row.generation, row.expires_at, json.loads(plain))

    async def claim_refresh(self, launch_id: str, *, generation: int, by: str, at: datetime, lease: float) -> bool:
        """Takes the single flight for refreshing one generation of tokens, across processes."""
        table = schema.tokens
        async with self.engine.begin() as connection:
            result = await connection.execute(
                table.update()
                .where(
                    table.c.launch_id == launch_id,
                    table.c.generation == generation,
                    or_(table.c.refreshing_until.is_(None), table.c.refreshing_until < at),
                )
                .values(refreshing_by=by, refreshing_until=at + timedelta(seconds=lease))
            )
        return result.rowcount == 1

    async def keep_refreshed(
        self, launch: LaunchRow, *, generation: int, by: str, tokens: Mapping[str, str | None], expires: datetime | None
    ) -> bool:
        """Stores refreshed tokens as the next generation; False when somebody else's flight has landed first."""
        table = schema.tokens
        async with self.engine.begin() as connection:
            key = await self._keys.obtain(connection, launch.visit_id, DataKind.ACCESS, at=launch.created_at)
            result = await connection.execute(
                table.update()
                .where(
                    table.c.launch_id == launch.launch_id,
                    table.c.generation == generation,
                    table.c.refreshing_by == by,
                )
                .values(
                    generation=generation + 1,
                    expires_at=expires,
                    refreshing_by=None,
                    refreshing_until=None,
                    sealed=_seal_tokens(key, launch.launch_id, generation + 1, tokens),
                )
            )
        return result.rowcount == 1

    async def drop_refresh_claim(self, launch_id: str, *, by: str) -> None:
        """Gives the single flight back after a refresh that reached nobody."""
        table = schema.tokens
        async with self.engine.begin() as connection:
            await connection.execute(
                table.update()
                .where(table.c.launch_id == launch_id, table.c.refreshing_by == by)
                .values(refreshing_by=None, refreshing_until=None)
            )


def _seal_tokens(key: bytes, launch_id: str, generation: int, tokens: Mapping[str, str | None]) -> bytes:
    return seal(key, json.dumps(dict(tokens)).encode(), aad=f"tokens|{launch_id}|{generation}")
