"""Opening the database: the right key or no work at all."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from connector.errors import Misconfigured
from connector.settings import Settings
from connector.store.database import DatabaseAddress, locate_database, make_engine, open_master_key, start_embedded
from connector.store.keyring import create_master_key
from connector.store.migration import migrate


@pytest.fixture
async def fresh(make_database: object) -> object:
    """An engine on a migrated database that has no canary yet."""
    engine = make_engine(make_database())  # type: ignore[operator]
    yield engine
    await engine.dispose()


async def test_the_first_start_makes_the_key_and_the_next_finds_it(fresh: AsyncEngine, tmp_path: Path) -> None:
    made = await open_master_key(fresh, tmp_path / "master.key")
    assert await open_master_key(fresh, tmp_path / "master.key") == made


async def test_a_key_that_is_there_before_the_first_start_is_used(fresh: AsyncEngine, tmp_path: Path) -> None:
    given = create_master_key(tmp_path / "master.key")
    assert await open_master_key(fresh, tmp_path / "master.key") == given


async def test_another_key_is_refused_before_any_work(fresh: AsyncEngine, tmp_path: Path) -> None:
    await open_master_key(fresh, tmp_path / "first.key")
    create_master_key(tmp_path / "second.key")
    with pytest.raises(Misconfigured, match="does not fit this database: restore the key file made with it"):
        await open_master_key(fresh, tmp_path / "second.key")


async def test_a_missing_key_file_is_not_made_anew_over_sealed_data(fresh: AsyncEngine, tmp_path: Path) -> None:
    await open_master_key(fresh, tmp_path / "master.key")
    (tmp_path / "master.key").unlink()
    with pytest.raises(Misconfigured, match=r"master\.key is missing: restore it"):
        await open_master_key(fresh, tmp_path / "master.key")
    assert not (tmp_path / "master.key").exists()


async def test_many_first_starts_at_once_agree_on_one_key(fresh: AsyncEngine, tmp_path: Path) -> None:
    keys = await asyncio.gather(*(open_master_key(fresh, tmp_path / "master.key") for _ in range(8)))
    assert len({key.key_id for key in keys}) == 1


async def test_first_starts_with_two_key_files_do_not_both_begin(fresh: AsyncEngine, tmp_path: Path) -> None:
    starts = (open_master_key(fresh, tmp_path / f"{name}.key") for name in ("here", "there"))
    results = await asyncio.gather(*starts, return_exceptions=True)
    refused = [result for result in results if isinstance(result, Misconfigured)]
    assert len(refused) == 1


async def test_an_operators_database_is_used_as_it_is_given(empty_database: DatabaseAddress, tmp_path: Path) -> None:
    settings = Settings(database_url=empty_database.libpq, state_folder=tmp_path)
    engine = make_engine(locate_database(settings))
    try:
        assert await migrate(engine)
    finally:
        await engine.dispose()
    assert not (tmp_path / "pg").exists()


def test_a_state_folder_too_deep_for_a_unix_socket_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="choose one under 80 characters"):
        start_embedded(tmp_path / ("deep" * 25))


def test_starting_the_embedded_server_twice_joins_the_running_one(postgres: DatabaseAddress) -> None:
    folder = Path(str(postgres.url.query["host"]))
    assert start_embedded(folder.parent).url == postgres.url


async def test_a_bound_value_never_reaches_an_error(engine: AsyncEngine) -> None:
    from sqlalchemy import text

    async with engine.connect() as connection:
        with pytest.raises(Exception, match="hidden") as refused:
            await connection.execute(text("SELECT no_such_column WHERE :value = ''"), {"value": "cough for three days"})
    assert "cough" not in str(refused.value)
