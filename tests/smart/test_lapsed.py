"""What never became a visit is deleted once nobody may use it: launches, searches for a patient, tickets.

Cases A3, A16 and D9: a search for a patient holds the EHR's tokens, sealed.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from connector.app import Composition, now
from connector.store import schema
from connector.visit.lapsing import forget_lapsed
from connector.visit.returning import make_ticket
from tests.smart.clock import Clock
from tests.smart.scribe import OpenScribe, depart, launch
from tests.smart.strict_ehr import StrictEhr
from tests.smart.test_picking import fill, search_page

PATIENCE = 30.0


async def waiting(engine: AsyncEngine, tenant: str) -> set[str]:
    query = select(schema.pending_launches.c.state_hash).where(schema.pending_launches.c.tenant == tenant)
    async with engine.connect() as connection:
        return set((await connection.execute(query)).scalars())


async def tickets(engine: AsyncEngine, launch_id: str) -> int:
    query = select(schema.tickets.c.ticket_hash).where(schema.tickets.c.launch_id == launch_id)
    async with engine.connect() as connection:
        return len((await connection.execute(query)).all())


async def test_a_launch_and_a_search_that_lapsed_are_deleted_and_younger_ones_go_on(
    ehr: StrictEhr, open_scribe: OpenScribe, clock: Clock
) -> None:
    fill(ehr)
    scribe = open_scribe(ehr, standalone=True)
    engine = scribe.parts.sessions.engine
    async with scribe.browser() as browser:
        await search_page(ehr, scribe, browser)
        await depart(browser, ehr)
        assert len(old := await waiting(engine, ehr.name)) == 2
        clock.forward(minutes=6)
        await forget_lapsed(scribe.parts)
        assert await waiting(engine, ehr.name) == old
        younger = await search_page(ehr, scribe, browser)
        clock.forward(minutes=5)
        await forget_lapsed(scribe.parts)
        left = await waiting(engine, ehr.name)
        assert (len(left), left & old) == (1, set())
        assert (await younger.open()).status_code == 200


async def test_a_ticket_nobody_used_in_its_minute_is_deleted(
    ehr: StrictEhr, open_scribe: OpenScribe, clock: Clock
) -> None:
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        launch_id = (await launch(browser, ehr)).headers["location"].removeprefix("/v/")
    await make_ticket(scribe.parts, launch_id)
    await forget_lapsed(scribe.parts)
    assert await tickets(scribe.parts.sessions.engine, launch_id) == 1
    clock.forward(seconds=61)
    await forget_lapsed(scribe.parts)
    assert await tickets(scribe.parts.sessions.engine, launch_id) == 0


async def test_a_worker_deletes_what_lapsed_by_itself(composition: Composition) -> None:
    async def keep(state: str, at: datetime) -> None:
        await composition.parts.sessions.keep_pending(state, browser="b", tenant="swept", body={"granted": "t"}, at=at)

    await keep("lapsed", now() - timedelta(minutes=11))
    await keep("under way", now())
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "connector", "worker", env=_environment(composition), stdout=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(PATIENCE):
            while len(await waiting(composition.engine, "swept")) > 1:
                assert worker.returncode is None
                await asyncio.sleep(0.1)
    finally:
        worker.terminate()
        await worker.wait()
    assert await composition.parts.sessions.consume_pending("lapsed", browser="b") is None
    assert await composition.parts.sessions.consume_pending("under way", browser="b") == {"granted": "t"}


def _environment(composition: Composition) -> dict[str, str]:
    """What the worker's process is told, as an operator would."""
    settings = composition.settings
    told = {
        "CONNECTOR_DATABASE_URL": settings.database_url or "",
        "CONNECTOR_STATE_FOLDER": str(settings.state_folder),
        "CONNECTOR_REGISTRATIONS_FOLDER": str(settings.registrations_folder),
        "CONNECTOR_PUBLIC_BASE_URL": settings.public_base_url,
        "CONNECTOR_ASSEMBLYAI_API_KEY": "not-a-key",
    }
    return {**os.environ, **told}
