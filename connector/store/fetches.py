"""Recordings that are being fetched from an address. In: the address. Out: the same, until it is not needed any more.

An address may hold a key of its own: it is sealed under the visit's key for sound, and its row goes with the need.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Delete, Update, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from connector.store import schema
from connector.store.data_keys import DataKeys
from connector.store.database import for_reading
from connector.store.keyring import DataKind, MasterKey, seal, unseal


@dataclass(frozen=True, slots=True)
class Fetch:
    """One recording to be fetched: where it lies, since when it is asked for, and its bytes where they are known."""

    recording_id: str
    visit_id: str
    asked_at: datetime
    address: str = field(repr=False)
    size: int | None = None


@dataclass(frozen=True, slots=True)
class FetchProgress:
    """How far a fetch has come: bytes that are safe, and the bytes there are, None where nobody has told."""

    recording_id: str
    held: int
    size: int | None


class FetchStore:
    """Keeps the addresses of recordings under way."""

    def __init__(self, engine: AsyncEngine, master: MasterKey) -> None:
        self._engine = engine
        self._looking = for_reading(engine)
        self._keys = DataKeys(master)

    async def keep(self, connection: AsyncConnection, fetch: Fetch) -> None:
        """Seals one address in the caller's transaction; its recording must be there."""
        key = await self._keys.obtain(connection, fetch.visit_id, DataKind.AUDIO, at=fetch.asked_at)
        sealed = seal(key, fetch.address.encode("utf-8"), aad=_aad(fetch.recording_id))
        values = {"recording_id": fetch.recording_id, "asked_at": fetch.asked_at, "sealed": sealed}
        await connection.execute(schema.fetches.insert().values(**values))

    async def find(self, recording_id: str) -> Fetch | None:
        """The fetch of this recording; None where it is over, or its key was destroyed."""
        table, recordings = schema.fetches, schema.recordings
        query = select(recordings.c.visit_id, table.c.asked_at, table.c.sealed, table.c.size).where(
            table.c.recording_id == recordings.c.recording_id, table.c.recording_id == recording_id
        )
        async with self._looking.connect() as connection:
            row = (await connection.execute(query)).first()
            key = None if row is None else await self._keys.find(connection, row.visit_id, DataKind.AUDIO)
        if row is None or key is None:
            return None
        address = unseal(key, bytes(row.sealed), aad=_aad(recording_id)).decode("utf-8")
        return Fetch(recording_id, row.visit_id, row.asked_at, address, row.size)

    async def under_way(self, visit_id: str, *, within: AsyncConnection | None = None) -> FetchProgress | None:
        """How far the visit's present fetch has come; None where there is none."""
        table, recordings = schema.fetches, schema.recordings
        query = (
            select(table.c.recording_id, recordings.c.held_bytes, table.c.size)
            .where(table.c.recording_id == recordings.c.recording_id)
            .where(recordings.c.visit_id == visit_id, recordings.c.state.in_(("open", "whole")))
            .order_by(table.c.asked_at.desc())
            .limit(1)
        )
        if within is not None:
            row = (await within.execute(query)).first()
        else:
            async with self._looking.connect() as connection:
                row = (await connection.execute(query)).first()
        return None if row is None else FetchProgress(*row)

    async def tell_size(self, recording_id: str, size: int) -> None:
        """Keeps how many bytes there will be."""
        await self._write(
            schema.fetches.update().where(schema.fetches.c.recording_id == recording_id).values(size=size)
        )

    async def forget(self, recording_id: str) -> None:
        """Removes the address."""
        await self._write(schema.fetches.delete().where(schema.fetches.c.recording_id == recording_id))

    async def _write(self, statement: Update | Delete) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(statement)


def _aad(recording_id: str) -> str:
    return f"fetches|{recording_id}"
