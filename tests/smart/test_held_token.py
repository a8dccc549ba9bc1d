"""A token is read from the store once for many reads, and one that another process has renewed is taken over."""

from __future__ import annotations

import asyncio

from sqlalchemy import event

from connector.visit.access import EhrAccess, open_ehr
from tests.smart.scribe import MakeEhr, OpenScribe, Scribe, launch
from tests.smart.strict_ehr import StrictEhr


async def _arrive(scribe: Scribe, ehr: StrictEhr) -> tuple[EhrAccess, EhrAccess]:
    """The same launch as two processes reach its EHR."""
    async with scribe.browser() as browser:
        answer = await launch(browser, ehr)
    row = await scribe.parts.sessions.find_launch(answer.headers["location"].removeprefix("/v/"))
    assert row is not None
    return open_ehr(scribe.parts, row), open_ehr(scribe.parts, row)


def _refreshes(ehr: StrictEhr) -> int:
    return sum(one.form.get("grant_type") == "refresh_token" for one in ehr.heard)


async def test_many_reads_at_once_ask_the_store_for_the_token_once(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    scribe = open_scribe(ehr)
    access, _ = await _arrive(scribe, ehr)
    asked: list[str] = []

    def note(*given: object) -> None:
        asked.append(str(given[2]))

    engine = scribe.parts.visits.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        answers = await asyncio.gather(*(access.server.read("Practitioner/7") for _ in range(6)))
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert [one.status for one in answers] == [200] * 6
    assert sum("FROM tokens" in " ".join(one.split()) for one in asked) == 1


async def test_a_token_another_process_renewed_is_taken_over_and_not_renewed_again(
    make_ehr: MakeEhr, open_scribe: OpenScribe
) -> None:
    ehr = make_ehr()
    here, there = await _arrive(open_scribe(ehr), ehr)
    assert (await here.server.read("Practitioner/7")).status == 200
    ehr.access_tokens.clear()
    await there.renew()
    assert _refreshes(ehr) == 1
    assert (await here.server.read("Practitioner/7")).status == 200
    assert _refreshes(ehr) == 1
    ehr.access_tokens.clear()
    assert (await here.server.read("Practitioner/7")).status == 200
    assert _refreshes(ehr) == 2
