"""The chart in two stages: the page does not wait for the second, and nothing stays pending for ever."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from connector.context.chart import LATER_SECTIONS, find_pending
from connector.records import PatientContext, SectionState, SpeechHints
from connector.store.sessions import LaunchRow
from connector.visit.priming import complete_chart, prime
from connector.web.reading import settle
from tests.fixtures.charts import resource
from tests.smart.clock import Clock
from tests.smart.scribe import SCOPES, OpenScribe, Scribe
from tests.smart.strict_ehr import StrictEhr
from tests.smart.test_encounter import Visit, visit

SCOPE = " ".join([*SCOPES, "patient/Goal.rs", "patient/MedicationRequest.rs"])


@pytest.fixture
def filled(ehr: StrictEhr) -> StrictEhr:
    """An EHR that grants goals and drugs, and has one goal."""
    goal = resource("Goal", "g", "p1", lifecycleStatus="active", description={"text": "Walk daily"})
    empty = {"resourceType": "Bundle", "type": "searchset"}
    ehr.records["Goal"] = {**empty, "entry": [{"resource": goal}]}
    ehr.records["MedicationRequest"] = empty
    ehr.behaviour.token = {"scope": SCOPE}
    return ehr


async def launched(ehr: StrictEhr, scribe: Scribe, browser: httpx.AsyncClient) -> tuple[Visit, LaunchRow]:
    opened = await visit(ehr, scribe, browser)
    row = await scribe.parts.sessions.find_launch(opened.base.removeprefix("/v/"))
    assert row is not None
    return opened, row


async def context_of(scribe: Scribe, row: LaunchRow) -> PatientContext:
    return await scribe.parts.visits.need(row.visit_id, PatientContext)


async def test_the_rest_of_the_chart_is_read_behind_the_first_page(filled: StrictEhr, open_scribe: OpenScribe) -> None:
    scribe = open_scribe(filled)
    async with scribe.browser() as browser:
        opened, row = await launched(filled, scribe, browser)
        assert "The rest of the chart is being read." in await opened.page()
        knows = f"{opened.base}/knows"
        assert "Not read yet." in (await browser.get(knows)).text
        assert (await browser.get(f"{opened.base}/status")).json()["reading"] is True
        await settle(scribe.app)
        context = await context_of(scribe, row)
        assert find_pending(context) == ()
        assert [goal.name for goal in context.goals.items] == ["Walk daily"]
        assert context.procedures.detail == "The EHR did not grant this to be read."
        assert len(await scribe.parts.visits.history(row.visit_id, SpeechHints)) == 2
        assert "is being read" not in await opened.page()
        assert "Walk daily" in (await browser.get(knows)).text
        assert (await browser.get(f"{opened.base}/status")).json()["reading"] is False
        sections = (await browser.get(f"{opened.base}/context")).json()["sections"]
        assert sections["goals"] == {"state": "ok", "count": 1, "dropped": 0}
    asked = [path for path in filled.paths() if "Goal" in path]
    assert len(asked) == 1


async def test_consent_is_taken_while_the_rest_is_being_read(filled: StrictEhr, open_scribe: OpenScribe) -> None:
    scribe = open_scribe(filled)
    async with scribe.browser() as browser:
        opened, row = await launched(filled, scribe, browser)
        csrf = (await opened.page()).split('<meta name="csrf" content="')[1].split('"')[0]
        answer = await browser.post(f"{opened.base}/consent", data={"csrf": csrf, "answer": "given"})
        assert answer.status_code == 303
        await settle(scribe.app)
        assert find_pending(await context_of(scribe, row)) == ()


async def test_a_reading_cut_short_is_begun_again_by_the_next_request(
    filled: StrictEhr, open_scribe: OpenScribe
) -> None:
    scribe = open_scribe(filled)
    async with scribe.browser() as browser:
        opened, row = await launched(filled, scribe, browser)
        await prime(scribe.parts, row)  # and the process dies
        assert set(find_pending(await context_of(scribe, row))) == set(LATER_SECTIONS)
        await browser.get(f"{opened.base}/status")
        await settle(scribe.app)
        assert find_pending(await context_of(scribe, row)) == ()


async def test_what_is_pending_for_long_has_failed_and_can_be_read_again(
    filled: StrictEhr, open_scribe: OpenScribe, clock: Clock
) -> None:
    scribe = open_scribe(filled)
    async with scribe.browser() as browser:
        opened, row = await launched(filled, scribe, browser)
        await prime(scribe.parts, row)
        clock.forward(seconds=601)
        await complete_chart(scribe.parts, row)
        context = await context_of(scribe, row)
        assert (context.goals.state, find_pending(context)) == (SectionState.FAILED, ())
        assert "Read it again" in (context.goals.detail or "")
        assert not [path for path in filled.paths() if "Goal" in path]
        csrf = (await opened.page()).split('<meta name="csrf" content="')[1].split('"')[0]
        assert (await browser.post(f"{opened.base}/chart", data={"csrf": csrf})).status_code == 303
        await settle(scribe.app)
        assert (await context_of(scribe, row)).goals.state is SectionState.OK


async def test_without_a_token_the_rest_fails_and_says_so(filled: StrictEhr, open_scribe: OpenScribe) -> None:
    scribe = open_scribe(filled)
    async with scribe.browser() as browser:
        _, row = await launched(filled, scribe, browser)
        await prime(scribe.parts, row)
        await scribe.parts.sessions.forget_tokens(row.launch_id)
        await complete_chart(scribe.parts, row)
        context = await context_of(scribe, row)
    assert {getattr(context, name).state for name in LATER_SECTIONS} == {SectionState.FAILED}
    assert "Open the scribe from the chart again" in (context.goals.detail or "")


async def test_two_readings_at_once_leave_one_whole_chart(filled: StrictEhr, open_scribe: OpenScribe) -> None:
    scribe = open_scribe(filled)
    async with scribe.browser() as browser:
        _, row = await launched(filled, scribe, browser)
        await prime(scribe.parts, row)
        twice: Any = (complete_chart(scribe.parts, row), complete_chart(scribe.parts, row))
        await asyncio.gather(*twice)
        context = await context_of(scribe, row)
    assert find_pending(context) == ()
    assert [goal.name for goal in context.goals.items] == ["Walk daily"]
