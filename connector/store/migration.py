"""Brings the schema up to date. In: an engine. Out: the revision reached. Several processes may run it at once."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from connector.errors import Misconfigured
from connector.store.database import require_reachable
from connector.store.schema import metadata

_LOCK = 7_310_245


def alembic_config() -> Config:
    """Alembic's configuration for the scripts that travel in the wheel."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


async def migrate(engine: AsyncEngine) -> str:
    """Applies every missing migration under an advisory lock and returns the revision reached."""
    await require_reachable(engine)
    async with engine.begin() as connection:
        await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        return await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> str:
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return head_revision()


def head_revision() -> str:
    """The newest revision this build knows."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head() or ""


async def require_current(engine: AsyncEngine) -> None:
    """Raises Misconfigured unless the database answers and is exactly at this build's revision."""
    await require_reachable(engine)
    async with engine.connect() as connection:
        found = await connection.run_sync(_current)
    if found != head_revision():
        raise Misconfigured(
            f"The database schema is at {found or 'nothing'}, not {head_revision()}: run `connector migrate`."
        )


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table": "connector_schema"}).get_current_revision()


async def drift(engine: AsyncEngine) -> list[object]:
    """Differences between the migrated database and the tables of `schema.py`; empty when they agree."""
    async with engine.connect() as connection:
        return await connection.run_sync(_drift)


def _drift(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"version_table": "connector_schema"})
    return list(compare_metadata(context, metadata))
