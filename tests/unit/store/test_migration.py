"""The schema: built from migrations alone, by several processes at once, and refused when it is not the build's own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from connector.errors import Misconfigured
from connector.store.database import DatabaseAddress, make_engine
from connector.store.migration import drift, head_revision, migrate, require_current


async def test_migrations_and_tables_agree(engine: AsyncEngine) -> None:
    assert await drift(engine) == []


async def test_a_difference_would_show(empty_database: DatabaseAddress) -> None:
    engine = make_engine(empty_database)
    try:
        await migrate(engine)
        async with engine.begin() as connection:
            await connection.execute(text("ALTER TABLE visits DROP COLUMN attention_text"))
        assert [name for name, *_ in await drift(engine)] == ["add_column"]
    finally:
        await engine.dispose()


async def test_migrating_again_changes_nothing(engine: AsyncEngine) -> None:
    assert await migrate(engine) == head_revision()
    await require_current(engine)


async def test_a_database_that_was_never_migrated_is_refused_with_the_command_that_mends_it(
    empty_database: DatabaseAddress,
) -> None:
    engine = make_engine(empty_database)
    try:
        with pytest.raises(Misconfigured, match="run `connector migrate`"):
            await require_current(engine)
    finally:
        await engine.dispose()


async def test_a_database_of_another_build_is_refused(empty_database: DatabaseAddress) -> None:
    engine = make_engine(empty_database)
    try:
        await migrate(engine)
        async with engine.begin() as connection:
            await connection.execute(text("UPDATE connector_schema SET version_num = '9999'"))
        with pytest.raises(Misconfigured, match=f"at 9999, not {head_revision()}"):
            await require_current(engine)
    finally:
        await engine.dispose()


async def test_two_processes_may_migrate_at_once(empty_database: DatabaseAddress, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "CONNECTOR_DATABASE_URL": empty_database.libpq,
        "CONNECTOR_STATE_FOLDER": str(tmp_path),
    }
    command = [sys.executable, "-m", "connector", "migrate"]
    running = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    told = [process.communicate(timeout=90)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0], told
    assert all(head_revision() in line for line in told)
    engine = make_engine(empty_database)
    try:
        await require_current(engine)
        assert await drift(engine) == []
    finally:
        await engine.dispose()
