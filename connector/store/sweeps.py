"""When a sweep ran last and what it found. In: its name and the time. Out: who may run it now. Never runs it itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from connector.store import schema


class SweepStore:
    """One row a sweep, whichever of the workers runs it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def claim(self, name: str, *, at: datetime, every: timedelta) -> bool:
        """Whether the caller is the one to run it now: nobody has begun it for so long."""
        table = schema.sweeps
        statement = (
            insert(table)
            .values(name=name, ran_at=at)
            .on_conflict_do_update(index_elements=["name"], set_={"ran_at": at}, where=table.c.ran_at <= at - every)
            .returning(table.c.name)
        )
        async with self._engine.begin() as connection:
            return (await connection.execute(statement)).first() is not None

    async def keep(self, name: str, *, seen: int, deleted: int, left_over: int) -> None:
        """What it found: rows looked at, what was deleted, what had to be left."""
        table = schema.sweeps
        values = {"seen": seen, "deleted": deleted, "left_over": left_over}
        async with self._engine.begin() as connection:
            await connection.execute(table.update().where(table.c.name == name).values(**values))

    async def put_off(self, name: str, *, ran_at: datetime) -> None:
        """Lets it be run again earlier than in its turn: it could not be finished."""
        table = schema.sweeps
        async with self._engine.begin() as connection:
            await connection.execute(table.update().where(table.c.name == name).values(ran_at=ran_at))

    async def last(self, name: str) -> datetime | None:
        """When it ran last, None where it never did."""
        table = schema.sweeps
        async with self._engine.connect() as connection:
            return (await connection.execute(select(table.c.ran_at).where(table.c.name == name))).scalar_one_or_none()
