"""Data keys: one per visit and kind, wrapped by the master key. In: visit and kind. Out: the plain key, in memory.

What a destroyed key sealed can no longer be read here; a backup of the database still holds the key, wrapped.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from connector.store import schema
from connector.store.keyring import DataKind, MasterKey


class DataKeys:
    """Finds, makes and destroys data keys inside the caller's transaction."""

    def __init__(self, master: MasterKey) -> None:
        self._master = master

    async def find(self, connection: AsyncConnection, visit_id: str, kind: DataKind) -> bytes | None:
        """The key, or None where none was made or it was destroyed."""
        table = schema.data_keys
        query = select(table.c.wrapped).where(table.c.visit_id == visit_id, table.c.kind == kind.value)
        row = (await connection.execute(query)).first()
        return None if row is None else self._master.unwrap(bytes(row.wrapped), visit_id, kind)

    async def find_all(self, connection: AsyncConnection, visit_id: str) -> dict[DataKind, bytes]:
        """Every key of a visit that was made and not destroyed."""
        return {kind: key for (_, kind), key in (await self.find_of_each(connection, [visit_id])).items()}

    async def find_of_each(
        self, connection: AsyncConnection, visit_ids: Sequence[str]
    ) -> dict[tuple[str, DataKind], bytes]:
        """Every key of these visits that was made and not destroyed."""
        table = schema.data_keys
        query = select(table.c.visit_id, table.c.kind, table.c.wrapped).where(table.c.visit_id.in_(visit_ids))
        found = {}
        for row in (await connection.execute(query)).all():
            kind = DataKind(row.kind)
            found[row.visit_id, kind] = self._master.unwrap(bytes(row.wrapped), row.visit_id, kind)
        return found

    async def obtain(self, connection: AsyncConnection, visit_id: str, kind: DataKind, *, at: datetime) -> bytes:
        """The key, made on first use."""
        found = await self.find(connection, visit_id, kind)
        if found is not None:
            return found
        made, wrapped = self._master.new_data_key(visit_id, kind)
        kept = await connection.execute(
            insert(schema.data_keys)
            .values(visit_id=visit_id, kind=kind.value, key_id=self._master.key_id, wrapped=wrapped, created_at=at)
            .on_conflict_do_nothing(index_elements=["visit_id", "kind"])
            .returning(schema.data_keys.c.kind)
        )
        if kept.first() is not None:
            return made
        key = await self.find(connection, visit_id, kind)
        if key is None:
            raise LookupError("a data key vanished inside its own transaction")
        return key

    async def make(
        self, connection: AsyncConnection, visit_id: str, kinds: Sequence[DataKind], *, at: datetime
    ) -> dict[DataKind, bytes]:
        """The keys of a visit that is being made in this transaction and has none yet."""
        made = {kind: self._master.new_data_key(visit_id, kind) for kind in kinds}
        rows = [
            {"visit_id": visit_id, "kind": kind.value, "key_id": self._master.key_id, "wrapped": wrapped}
            for kind, (_, wrapped) in made.items()
        ]
        await connection.execute(insert(schema.data_keys).values([{**row, "created_at": at} for row in rows]))
        return {kind: key for kind, (key, _) in made.items()}

    async def destroy(self, connection: AsyncConnection, visit_id: str, kind: DataKind) -> None:
        """Destroys one key: crypto-shredding of that kind of that visit."""
        table = schema.data_keys
        await connection.execute(table.delete().where(table.c.visit_id == visit_id, table.c.kind == kind.value))
