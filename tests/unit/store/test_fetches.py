"""Addresses of recordings under way: sealed, found by their recording, gone with the need or with the sound's key."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from connector.store import schema
from connector.store.belonging import Belonging
from connector.store.chunks import ChunkStore
from connector.store.data_keys import DataKeys
from connector.store.fetches import Fetch, FetchProgress, FetchStore
from connector.store.keyring import MasterKey
from connector.store.shredding import Shredder
from connector.store.visits import VisitStore

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
ADDRESS = "https://files.example.org/visit.mp3?sig=Qzsigned"
MASTER = MasterKey(bytes(32))


@dataclass(frozen=True)
class Visit:
    """A visit with an open recording, and where its sound lies."""

    visit_id: str
    recording_id: str
    chunks: ChunkStore
    folder: Path


@pytest.fixture
async def pair(engine: AsyncEngine, tmp_path: Path) -> tuple[Visit, Visit]:
    return await begin(engine, tmp_path), await begin(engine, tmp_path)


async def begin(engine: AsyncEngine, folder: Path) -> Visit:
    one = Visit(secrets.token_hex(8), secrets.token_hex(8), ChunkStore(engine, MASTER, folder), folder)
    await VisitStore(engine, MASTER).create(one.visit_id, Belonging("north", "Practitioner/a", "Patient/1"), at=NOW)
    await one.chunks.open_recording(one.recording_id, one.visit_id, token="t", at=NOW)
    return one


async def keep(engine: AsyncEngine, visit: Visit) -> FetchStore:
    store = FetchStore(engine, MASTER)
    async with engine.begin() as connection:
        await store.keep(connection, Fetch(visit.recording_id, visit.visit_id, NOW, ADDRESS))
    return store


async def sealed(engine: AsyncEngine, visit: Visit) -> bytes | None:
    query = select(schema.fetches.c.sealed).where(schema.fetches.c.recording_id == visit.recording_id)
    async with engine.connect() as connection:
        return (await connection.execute(query)).scalar_one_or_none()


Pair = tuple[Visit, Visit]


async def test_an_address_is_found_again_and_lies_sealed(engine: AsyncEngine, pair: Pair) -> None:
    one, _ = pair
    store = await keep(engine, one)
    found = await store.find(one.recording_id)
    assert found == Fetch(one.recording_id, one.visit_id, NOW, ADDRESS)
    kept = await sealed(engine, one)
    assert kept and b"Qzsigned" not in kept and b"example" not in kept
    assert "Qzsigned" not in repr(found)


async def test_progress_counts_what_is_safe_and_knows_the_size_once_it_was_told(
    engine: AsyncEngine, pair: Pair
) -> None:
    one, other = pair
    store = await keep(engine, one)
    assert await store.under_way(one.visit_id) == FetchProgress(one.recording_id, 0, None)
    assert await store.under_way(other.visit_id) is None
    await store.tell_size(one.recording_id, 9)
    await one.chunks.put(await one.chunks.find(one.recording_id), 0, b"sound", at=NOW)
    assert await store.under_way(one.visit_id) == FetchProgress(one.recording_id, 5, 9)


async def test_an_address_goes_with_the_need_and_no_other_with_it(engine: AsyncEngine, pair: Pair) -> None:
    one, other = pair
    store = await keep(engine, one)
    await keep(engine, other)
    await store.forget(one.recording_id)
    assert await store.find(one.recording_id) is None and await store.under_way(one.visit_id) is None
    assert await sealed(engine, one) is None
    assert await store.find(other.recording_id) is not None


async def test_an_address_goes_with_the_key_of_the_sound(engine: AsyncEngine, pair: Pair) -> None:
    one, _ = pair
    store = await keep(engine, one)
    async with engine.begin() as connection:
        await Shredder(engine, DataKeys(MASTER), one.folder).destroy(connection, one.visit_id, words=False)
    assert await store.find(one.recording_id) is None and await store.under_way(one.visit_id) is None
    assert await sealed(engine, one) is None


async def test_a_dropped_recording_is_fetched_no_more(engine: AsyncEngine, pair: Pair) -> None:
    one, _ = pair
    store = await keep(engine, one)
    await one.chunks.drop(one.recording_id)
    assert await store.under_way(one.visit_id) is None
