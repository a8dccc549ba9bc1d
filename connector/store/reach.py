"""The second guard behind every query's own filter. In: who is at work. Out: statements narrowed to it as they run.

A query that forgot whose rows it wants finds those of one visit, clinician or tenant and no other. Never widens one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Delete,
    Executable,
    Insert,
    Select,
    Table,
    Update,
    and_,
    event,
    select,
)
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql import visitors

from connector.store import schema

# Tables that hang on a visit by their own column, and those that hang on one of them.
_OF_A_VISIT: Mapping[Table, Column[Any]] = {
    table: table.c.visit_id
    for table in (
        schema.visits,
        schema.data_keys,
        schema.visit_records,
        schema.launches,
        schema.recordings,
        schema.vendor_copies,
        schema.vendor_jobs,
        schema.costs,
        schema.write_intents,
    )
}
_BELOW: Mapping[Table, tuple[Column[Any], Column[Any]]] = {
    schema.chunks: (schema.chunks.c.recording_id, schema.recordings.c.recording_id),
    schema.recording_marks: (schema.recording_marks.c.recording_id, schema.recordings.c.recording_id),
    schema.fetches: (schema.fetches.c.recording_id, schema.recordings.c.recording_id),
    schema.webhook_inbox: (schema.webhook_inbox.c.job_key, schema.vendor_jobs.c.job_key),
    schema.tokens: (schema.tokens.c.launch_id, schema.launches.c.launch_id),
    schema.tickets: (schema.tickets.c.launch_id, schema.launches.c.launch_id),
    schema.carried_sessions: (schema.carried_sessions.c.launch_id, schema.launches.c.launch_id),
}
GUARDED: frozenset[Table] = frozenset({*_OF_A_VISIT, *_BELOW})
# Our own statements have a few dozen shapes.
_MOST_SHAPES = 500
_shapes: dict[Any, tuple[set[str], tuple[Any, ...]]] = {}
_NAMED = re.compile(rf"\b({'|'.join(sorted(table.name for table in GUARDED))})\b", re.IGNORECASE)


class OutOfReach(RuntimeError):
    """A statement on guarded tables from where nobody may reach them, or in a shape the guard does not know."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Whose rows may be met: all that is given must fit. Nothing given reaches nothing."""

    tenant: str | None = None
    visit_id: str | None = None
    clinician_key: str | None = None


NOTHING = Reach()
_reach: ContextVar[Reach | None] = ContextVar("connector_reach", default=None)


def narrow(reach: Reach) -> None:
    """From here to the end of the surrounding `narrowed` block, statements meet only these rows."""
    _reach.set(reach)


@contextmanager
def narrowed(reach: Reach) -> Iterator[None]:
    """Statements in the block, and in tasks begun in it, meet only these rows."""
    token = _reach.set(reach)
    try:
        yield
    finally:
        _reach.reset(token)


@contextmanager
def lifted() -> Iterator[None]:
    """For a look-up by a secret that says itself whose row it opens. Nothing else belongs into the block."""
    token = _reach.set(None)
    try:
        yield
    finally:
        _reach.reset(token)


def guard(engine: AsyncEngine) -> None:
    """Puts the guard into an engine. Outside of any `narrowed` block, as in a command, it lets everything pass."""
    event.listen(engine.sync_engine, "before_execute", _narrow, retval=True)


def _narrow(connection: Connection, statement: Executable | str, *rest: Any) -> tuple[Executable | str, Any, Any]:
    """SQLAlchemy's hook before each statement. A new row names its owner itself and passes."""
    del connection
    many, one, _ = rest
    reach = _reach.get()
    if reach is not None and not (isinstance(statement, Insert) and statement.select is None):
        statement = _limit(statement, reach)
    return statement, many, one


def _limit(statement: Executable | str, reach: Reach) -> Executable | str:
    touched, tables = _read_shape(statement)
    if not touched:
        return statement
    if reach == NOTHING:
        raise OutOfReach(f"nobody is at work who may reach {', '.join(sorted(touched))}")
    if isinstance(statement, Select) and {_name(one) for one in tables} == touched:
        return statement.where(*(_own(table, reach) for table in tables))
    if isinstance(statement, Update | Delete) and touched == {_name(statement.table)}:
        return statement.where(_own(statement.table, reach))
    raise OutOfReach(f"the guard does not know this shape of statement on {', '.join(sorted(touched))}")


def _read_shape(statement: Executable | str) -> tuple[set[str], tuple[Any, ...]]:
    """The guarded tables a statement speaks of, and what a query selects from; kept per shape, whatever its values.

    SQLAlchemy compiles a query to tell what it selects from, and keeps compiled statements by the same key.
    """
    key = statement._generate_cache_key() if isinstance(statement, Select) else None
    if key is not None and (known := _shapes.get(key.key)) is not None:
        return known
    read = _find_guarded(statement), tuple(statement.get_final_froms()) if isinstance(statement, Select) else ()
    if key is not None and len(_shapes) < _MOST_SHAPES:
        _shapes[key.key] = read
    return read


def _find_guarded(statement: Executable | str) -> set[str]:
    """Names of the guarded tables a statement speaks of, in subqueries as well; in plain SQL by their names."""
    if isinstance(statement, str) or statement.__visit_name__ in ("textclause", "textual_select"):
        return set(_NAMED.findall(str(statement)))
    found: set[str] = set()
    for element in visitors.iterate(statement):  # type: ignore[arg-type]
        if element in GUARDED:
            found.add(element.name)
        elif element.__visit_name__ == "textclause" or getattr(element, "is_literal", False):
            found |= set(_NAMED.findall(str(element)))
    return found


def _name(one: Any) -> str:
    return one.name if isinstance(one, Table) else f"a {type(one).__name__}"


def _own(table: Any, reach: Reach) -> ColumnElement[bool]:
    """The condition that a row of `table` is within reach."""
    if table in _BELOW:
        column, parent = _BELOW[table]
        return column.in_(select(parent).where(_own(parent.table, reach)))
    if table is not schema.visits and reach.visit_id is not None:
        return _OF_A_VISIT[table] == reach.visit_id
    wanted = {name: getattr(reach, name) for name in Reach.__dataclass_fields__}
    visits = schema.visits
    own = [visits.c[name] == value for name, value in wanted.items() if value is not None]
    condition = and_(*own)
    return condition if table is visits else _OF_A_VISIT[table].in_(select(visits.c.visit_id).where(condition))
