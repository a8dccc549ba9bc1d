"""When a sweep ran last and what it found. In: its name and the time. Out: who may run it now. Never runs it itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from connector.store import schema


@dataclass(frozen=True, slots=True)
class Ended:
    """When a sweep ended, and what it had found by then: rows looked at, what was deleted, what had to be left."""

    ran_at: datetime
    seen: int
    deleted: int
    left_over: int


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

    async def keep(self, name: str, ended: Ended) -> None:
        """How a sweep ended, under a name of its own; the newest is kept."""
        table = schema.sweeps
        values = {key: getattr(ended, key) for key in Ended.__dataclass_fields__}
        made = insert(table).values(name=name, **values)
        async with self._engine.begin() as connection:
            await connection.execute(made.on_conflict_do_update(index_elements=["name"], set_=values))

    async def put_off(self, name: str, *, ran_at: datetime) -> None:
        """Lets it be run again earlier than in its turn: it could not be finished."""
        table = schema.sweeps
        async with self._engine.begin() as connection:
            await connection.execute(table.update().where(table.c.name == name).values(ran_at=ran_at))

    async def read(self, name: str) -> Ended | None:
        """What was kept under a name, None where nothing was."""
        table = schema.sweeps
        query = select(*[table.c[key] for key in Ended.__dataclass_fields__]).where(table.c.name == name)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else Ended(*row)
