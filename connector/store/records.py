"""Single records of a visit, by number. In: the caller's transaction. Out: numbers, or rows gone. Never opens one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from connector.store import schema
from connector.store.visits import KINDS


async def list_numbers(connection: AsyncConnection, visit_id: str, kind: type[Any]) -> list[int]:
    """The numbers of all records of one kind, newest first, as `VisitStore.history` has them."""
    table = schema.visit_records
    query = select(table.c.number).where(table.c.visit_id == visit_id, table.c.kind == KINDS[kind][0])
    return list((await connection.execute(query.order_by(table.c.number.desc()))).scalars())


async def delete_records(
    connection: AsyncConnection, visit_id: str, kind: type[Any], *, numbers: Sequence[int]
) -> None:
    """Deletes records whose key stays in use for others."""
    table = schema.visit_records
    rows = table.c.visit_id == visit_id, table.c.kind == KINDS[kind][0], table.c.number.in_(numbers)
    await connection.execute(table.delete().where(*rows))
