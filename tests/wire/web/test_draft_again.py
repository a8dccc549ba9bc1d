"""A draft asked for again after one that could not be used: once, however often it is clicked."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from connector.visit.parts import Work
from tests.fixtures.visits import problem_of
from tests.unit.web import samples
from tests.wire.web.conftest import JSON, Site, open_site


async def test_many_clicks_ask_the_model_once(site: Site) -> None:
    started: list[str] = []

    async def enqueue(connection: object, work: Work) -> None:
        del connection
        started.append(work.workflow)

    async with open_site(replace(site.parts, enqueue=enqueue)) as clicked:
        seat = await clicked.seat(samples.consent(), samples.transcript(), state="TRANSCRIBED")

        async def click() -> object:
            return await clicked.client.post(f"{seat.path}/redraft", headers={**seat.changing, **JSON})

        problem_of(await click(), status=409, slug="conflict")
        assert started == [], "the first draft is on its way"
        flag = {"slug": "draft-unusable", "text": "Cut off.", "action": "redraft", "at": clicked.parts.clock()}
        await clicked.parts.visits.call_attention(seat.visit_id, **flag)
        answers = await asyncio.gather(*(click() for _ in range(5)))
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
        assert started == ["draft_again"]
        assert (await clicked.parts.visits.row(seat.visit_id)).attention is None
