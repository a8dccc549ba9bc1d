"""Leases of worker processes. In: an executor id and a term. Out: who is alive. Never recovers work itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from connector.store import schema


class Executors:
    """Which workers are alive: a lease that is not renewed marks a dead one."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def beat(self, executor_id: str, *, at: datetime, term: float) -> None:
        """Takes or renews a lease of `term` seconds."""
        until = at + timedelta(seconds=term)
        statement = insert(schema.executors).values(executor_id=executor_id, lease_until=until)
        async with self._engine.begin() as connection:
            await connection.execute(
                statement.on_conflict_do_update(index_elements=["executor_id"], set_={"lease_until": until})
            )

    async def alive(self, *, at: datetime) -> set[str]:
        """Executors whose lease has not run out."""
        table = schema.executors
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(table.c.executor_id).where(table.c.lease_until > at))
            return {row.executor_id for row in rows}

    async def leave(self, executor_id: str) -> None:
        """Gives the lease up, at an orderly stop."""
        async with self._engine.begin() as connection:
            await connection.execute(schema.executors.delete().where(schema.executors.c.executor_id == executor_id))
