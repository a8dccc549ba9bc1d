"""A master key, the stores on the module's database, and visits to fill."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from connector.store.belonging import Belonging
from connector.store.chunks import ChunkStore
from connector.store.keyring import MasterKey
from connector.store.sessions import SessionStore
from connector.store.visits import VisitStore

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MASTER = MasterKey(bytes(range(32)))
_numbers = itertools.count(1)
NewVisit = Callable[[], Awaitable[str]]


@pytest.fixture
def visits(engine: AsyncEngine) -> VisitStore:
    return VisitStore(engine, MASTER)


@pytest.fixture
def sessions(engine: AsyncEngine) -> SessionStore:
    return SessionStore(engine, MASTER)


@pytest.fixture
def chunks(engine: AsyncEngine, tmp_path: Path) -> ChunkStore:
    return ChunkStore(engine, MASTER, tmp_path / "audio")


@pytest.fixture
def new_visit(visits: VisitStore) -> NewVisit:
    """Makes one more visit in state LAUNCHED and returns its id."""

    async def make(tenant: str = "clinic") -> str:
        visit_id = f"{next(_numbers):032x}"
        await visits.create(visit_id, Belonging(tenant, "Practitioner/1"), at=NOON)
        return visit_id

    return make
