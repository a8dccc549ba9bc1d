"""Launches and tokens: used once, bound to one browser, sealed, and refreshed in one flight across processes."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from connector.errors import Misconfigured
from connector.store import schema
from connector.store.database import DatabaseAddress, make_engine
from connector.store.sessions import LaunchRow, SessionStore, digest
from tests.unit.store.conftest import MASTER, NOON, NewVisit

TOKENS = {"granted": "access-and-refresh", "token_endpoint": "http://127.0.0.1/token"}
STATE, BROWSER = "state-of-a-launch", "cookie-of-a-browser"


async def keep(sessions: SessionStore, state: str = STATE, at: datetime = NOON) -> None:
    await sessions.keep_pending(state, browser=BROWSER, tenant="clinic", body={"verifier": "secret"}, at=at)


async def open_launch(sessions: SessionStore, visit_id: str, number: str = "a") -> LaunchRow:
    launch_id = number + visit_id[1:]
    row = LaunchRow(launch_id, visit_id, "clinic", digest("session"), "csrf", NOON, NOON + timedelta(hours=12), False)
    async with sessions.engine.begin() as connection:
        await sessions.open_launch(connection, row, tokens=TOKENS, expires=NOON + timedelta(minutes=5))
    return row


# Pending launches


async def test_a_pending_launch_is_taken_once(sessions: SessionStore) -> None:
    await keep(sessions)
    assert await sessions.consume_pending(STATE, browser=BROWSER) == {"verifier": "secret"}
    assert await sessions.consume_pending(STATE, browser=BROWSER) is None


async def test_of_many_at_once_one_takes_it(sessions: SessionStore) -> None:
    await keep(sessions)
    taken = await asyncio.gather(*(sessions.consume_pending(STATE, browser=BROWSER) for _ in range(10)))
    assert sum(one is not None for one in taken) == 1


@pytest.mark.parametrize("browser", [None, "", "another", digest(BROWSER)])
async def test_another_browser_gets_nothing_and_spoils_nothing(sessions: SessionStore, browser: str | None) -> None:
    await keep(sessions)
    assert await sessions.consume_pending(STATE, browser=browser) is None
    assert await sessions.consume_pending("another-state", browser=BROWSER) is None
    assert await sessions.consume_pending(STATE, browser=BROWSER) is not None


async def test_a_pending_launch_is_kept_as_hashes_and_sealed(sessions: SessionStore) -> None:
    await keep(sessions)
    async with sessions.engine.begin() as connection:
        rows = str((await connection.execute(select(schema.pending_launches))).mappings().all())
        await connection.execute(schema.pending_launches.delete())
    assert not any(secret in rows for secret in (STATE, BROWSER, "secret"))


async def test_old_pending_launches_are_swept_and_young_ones_stay(sessions: SessionStore) -> None:
    await keep(sessions, "old", NOON - timedelta(minutes=11))
    await keep(sessions, "young")
    assert await sessions.sweep_pending(before=NOON - timedelta(minutes=10)) == 1
    assert await sessions.consume_pending("old", browser=BROWSER) is None
    assert await sessions.consume_pending("young", browser=BROWSER) is not None


# Tokens


async def test_tokens_open_for_their_launch_only(sessions: SessionStore, new_visit: NewVisit) -> None:
    visit = await new_visit()
    mine, theirs = await open_launch(sessions, visit, "a"), await open_launch(sessions, visit, "b")
    found = await sessions.read_tokens(mine)
    assert found is not None and dict(found.secrets) == TOKENS and found.generation == 1
    move = "UPDATE tokens SET sealed = (SELECT sealed FROM tokens WHERE launch_id = :theirs) WHERE launch_id = :mine"
    async with sessions.engine.begin() as connection:
        await connection.execute(text(move), {"mine": mine.launch_id, "theirs": theirs.launch_id})
    with pytest.raises(Misconfigured):
        await sessions.read_tokens(mine)


async def test_older_tokens_put_back_into_the_row_do_not_open(sessions: SessionStore, new_visit: NewVisit) -> None:
    row = await open_launch(sessions, await new_visit())
    table = schema.tokens
    async with sessions.engine.connect() as connection:
        old = (await connection.execute(select(table.c.sealed).where(table.c.launch_id == row.launch_id))).scalar_one()
    await sessions.claim_refresh(row.launch_id, generation=1, by="me", at=NOON, lease=20)
    assert await sessions.keep_refreshed(row, generation=1, by="me", tokens=TOKENS, expires=None)
    async with sessions.engine.begin() as connection:
        await connection.execute(table.update().where(table.c.launch_id == row.launch_id).values(sealed=old))
    with pytest.raises(Misconfigured):
        await sessions.read_tokens(row)


async def test_an_ended_launch_has_no_tokens(sessions: SessionStore, new_visit: NewVisit) -> None:
    row = await open_launch(sessions, await new_visit())
    await sessions.end_launch(row.launch_id)
    assert await sessions.read_tokens(row) is None
    found = await sessions.find_launch(row.launch_id)
    assert found is not None and found.ended
    assert await sessions.newest_launch(row.visit_id) is None


async def test_neither_session_nor_token_is_kept_in_clear(sessions: SessionStore, new_visit: NewVisit) -> None:
    row = await open_launch(sessions, await new_visit())
    async with sessions.engine.connect() as connection:
        for table in (schema.launches, schema.tokens):
            query = select(table).where(table.c.launch_id == row.launch_id)
            shown = str((await connection.execute(query)).mappings().all())
            assert "access-and-refresh" not in shown and "'session'" not in shown


async def test_an_id_the_database_cannot_be_asked_for_is_unknown(sessions: SessionStore) -> None:
    assert await sessions.find_launch("\0") is None


# One flight


async def test_across_two_processes_one_flight_refreshes(
    sessions: SessionStore, database: DatabaseAddress, new_visit: NewVisit
) -> None:
    row = await open_launch(sessions, await new_visit())
    elsewhere = make_engine(database)
    try:
        stores = (sessions, SessionStore(elsewhere, MASTER))
        tries = [
            store.claim_refresh(row.launch_id, generation=1, by=f"{number}", at=NOON, lease=20)
            for number, store in enumerate(stores * 5)
        ]
        assert sum(await asyncio.gather(*tries)) == 1
    finally:
        await elsewhere.dispose()


async def test_a_flight_that_never_landed_may_be_flown_again_after_its_lease(
    sessions: SessionStore, new_visit: NewVisit
) -> None:
    launch = (await open_launch(sessions, await new_visit())).launch_id
    assert await sessions.claim_refresh(launch, generation=1, by="dead", at=NOON, lease=20)
    soon, late = NOON + timedelta(seconds=19), NOON + timedelta(seconds=21)
    assert not await sessions.claim_refresh(launch, generation=1, by="next", at=soon, lease=20)
    assert await sessions.claim_refresh(launch, generation=1, by="next", at=late, lease=20)


async def test_a_flight_given_back_can_be_taken_at_once_but_only_by_its_owner(
    sessions: SessionStore, new_visit: NewVisit
) -> None:
    launch = (await open_launch(sessions, await new_visit())).launch_id
    assert await sessions.claim_refresh(launch, generation=1, by="me", at=NOON, lease=20)
    await sessions.drop_refresh_claim(launch, by="somebody else")
    assert not await sessions.claim_refresh(launch, generation=1, by="next", at=NOON, lease=20)
    await sessions.drop_refresh_claim(launch, by="me")
    assert await sessions.claim_refresh(launch, generation=1, by="next", at=NOON, lease=20)


async def test_tokens_of_a_flight_that_lost_its_claim_are_not_kept(
    sessions: SessionStore, engine: AsyncEngine, new_visit: NewVisit
) -> None:
    row = await open_launch(sessions, await new_visit())
    late = NOON + timedelta(seconds=21)
    await sessions.claim_refresh(row.launch_id, generation=1, by="slow", at=NOON, lease=20)
    await sessions.claim_refresh(row.launch_id, generation=1, by="quick", at=late, lease=20)
    fresh = {"granted": "fresh", "token_endpoint": None}
    assert await sessions.keep_refreshed(row, generation=1, by="quick", tokens=fresh, expires=None)
    assert not await sessions.keep_refreshed(row, generation=1, by="slow", tokens=TOKENS, expires=None)
    found = await SessionStore(engine, MASTER).read_tokens(row)
    assert found is not None and found.generation == 2 and dict(found.secrets) == fresh
