"""A relaunch that meets what others do to its visit at the same moment."""

from __future__ import annotations

import asyncio

from connector.records import PatientContext
from connector.store import schema
from connector.web.reading import settle
from tests.smart.clock import Clock
from tests.smart.scribe import OpenScribe, Scribe, launch
from tests.smart.strict_ehr import StrictEhr
from tests.smart.test_reading import filled, launched

__all__ = ["filled"]


async def opened_visit(scribe: Scribe, ehr: StrictEhr) -> str:
    """One launch by a browser of its own; the id of the visit it opened or reopened."""
    async with scribe.browser() as browser:
        launch_id = (await launch(browser, ehr)).headers["location"].removeprefix("/v/")
    row = await scribe.parts.sessions.find_launch(launch_id)
    assert row is not None
    return row.visit_id


async def relaunch_while_held(scribe: Scribe, ehr: StrictEhr, *, state: str | None) -> tuple[str, str]:
    """The first visit, and that of a relaunch which found it while somebody else was taking it to `state`."""
    visits = scribe.parts.visits
    first = await opened_visit(scribe, ehr)
    async with visits.engine.begin() as connection:
        await visits.hold_state(connection, first)
        relaunch = asyncio.create_task(opened_visit(scribe, ehr))
        await asyncio.sleep(1.0)
        assert not relaunch.done(), "the relaunch did not wait for the visit"
        if state is not None:
            one = schema.visits.update().where(schema.visits.c.visit_id == first)
            await connection.execute(one.values(state=state))
    return first, await relaunch


async def test_a_visit_that_ends_while_a_relaunch_waits_for_it_is_not_reopened(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    first, second = await relaunch_while_held(open_scribe(ehr), ehr, state="DISCARDED")
    assert second != first


async def test_a_visit_that_goes_on_while_a_relaunch_waits_for_it_is_reopened(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    first, second = await relaunch_while_held(open_scribe(ehr), ehr, state=None)
    assert second == first


async def test_relaunches_need_one_connection_each(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    """As many at once as there are connections: one that waited for a second would wait for ever."""
    scribe = open_scribe(ehr)
    first = await opened_visit(scribe, ehr)
    async with asyncio.timeout(60):
        found = await asyncio.gather(*(opened_visit(scribe, ehr) for _ in range(24)))
    assert set(found) == {first}


async def test_two_launches_at_the_same_moment_open_one_visit(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    scribe = open_scribe(ehr)
    async with asyncio.timeout(60):
        found = await asyncio.gather(*(opened_visit(scribe, ehr) for _ in range(6)))
    assert len(set(found)) == 1


async def test_an_old_windows_poll_has_the_rest_read_with_the_new_launchs_access(
    filled: StrictEhr, open_scribe: OpenScribe, clock: Clock
) -> None:
    """The first launch's token is over and cannot be renewed; its window asks before the new one does."""
    filled.behaviour.token |= {"refresh_token": None, "expires_in": 120}
    scribe = open_scribe(filled)
    async with scribe.browser() as old, scribe.browser() as new:
        first, row = await launched(filled, scribe, old)
        await settle(scribe.app)
        clock.forward(seconds=130)
        _, again = await launched(filled, scribe, new)
        assert again.visit_id == row.visit_id
        await old.get(f"{first.base}/status")
        await settle(scribe.app)
        context = await scribe.parts.visits.need(row.visit_id, PatientContext)
    assert [goal.name for goal in context.goals.items] == ["Walk daily"]


async def test_a_fresh_launch_is_not_told_that_anothers_access_is_over(
    filled: StrictEhr, open_scribe: OpenScribe
) -> None:
    """The first launch's reading is still under way, and will be refused, when the second asks for its page."""
    filled.behaviour.token |= {"refresh_token": None}
    filled.behaviour.slow = {"Patient/p1": 1.5}
    scribe = open_scribe(filled)
    async with scribe.browser() as old, scribe.browser() as new:
        await launched(filled, scribe, old)
        filled.access_tokens.clear()
        second, _ = await launched(filled, scribe, new)
        assert (await new.get(second.base)).status_code == 200
        filled.behaviour.slow = {}
        await settle(scribe.app, patience=10)
        assert 'data-state="PRIMED"' in await second.page()
    await settle(scribe.app)
