"""A launch without an encounter: one of the patient's can be chosen, or none, until the note is signed."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from connector.records import Launch, PatientContext
from tests.smart.scribe import SCOPES, OpenScribe, Scribe, launch
from tests.smart.strict_ehr import StrictEhr

SCOPE = " ".join([*SCOPES, "patient/Encounter.rs"])


def encounter(identity: str, *, status: str, start: str, patient: str = "p1") -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": identity,
        "status": status,
        "type": [{"text": f"Kind of {identity}"}],
        "subject": {"reference": f"Patient/{patient}"},
        "period": {"start": start},
    }


def fill(ehr: StrictEhr) -> None:
    found = [
        encounter("old", status="finished", start="2024-01-05T09:00:00Z"),
        encounter("newest", status="finished", start="2026-01-05T09:00:00Z"),
        encounter("now", status="in-progress", start="2025-06-05T09:00:00Z"),
        encounter("foreign", status="in-progress", start="2026-01-06T09:00:00Z", patient="p2"),
        encounter("mistake", status="entered-in-error", start="2026-01-07T09:00:00Z"),
        encounter("cancelled", status="cancelled", start="2026-01-08T09:00:00Z"),
        *(encounter(f"older{n}", status="finished", start=f"2020-01-0{n}T09:00:00Z") for n in range(1, 6)),
    ]
    entries = [{"resource": one, "search": {"mode": "match"}} for one in found]
    ehr.records["Encounter"] = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
    ehr.behaviour.token = {"encounter": None, "scope": SCOPE}


@dataclass
class Visit:
    """One launch in one browser."""

    scribe: Scribe
    browser: httpx.AsyncClient
    base: str

    async def page(self) -> str:
        answer = await self.browser.get(self.base)
        assert answer.status_code == 200
        return html.unescape(answer.text)

    async def choose(self, reference: str) -> httpx.Response:
        csrf = re.findall(r'<meta name="csrf" content="([^"]+)">', await self.page())[0]
        return await self.browser.post(f"{self.base}/encounter", data={"csrf": csrf, "encounter": reference})

    async def facts(self) -> Launch:
        return await self.scribe.parts.visits.need(await self.visit_id(), Launch)

    async def visit_id(self) -> str:
        row = await self.scribe.parts.sessions.find_launch(self.base.removeprefix("/v/"))
        assert row is not None
        return row.visit_id


async def visit(ehr: StrictEhr, scribe: Scribe, browser: httpx.AsyncClient) -> Visit:
    answer = await launch(browser, ehr)
    assert answer.status_code == 303, answer.text
    return Visit(scribe, browser, answer.headers["location"])


def offered(page: str) -> list[str]:
    return re.findall(r'name="encounter" value="([^"]*)"', page)


async def test_a_handful_is_offered_those_under_way_first(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    fill(ehr)
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        opened = await visit(ehr, scribe, browser)
        page = await opened.page()
        facts = await opened.facts()
    assert offered(page) == ["Encounter/now", "Encounter/newest", "Encounter/old", "Encounter/older5",
                             "Encounter/older4", ""]  # fmt: skip
    assert 'value="" checked' in page
    assert "Ask the patient" in page
    assert (facts.encounter, facts.encounter_chosen) == (None, False)
    asked = next(one for one in ehr.heard if one.path == "/fhir/Encounter")
    assert asked.query["patient"] == "p1"


@pytest.mark.parametrize("scope", [SCOPE.replace("Encounter.rs", "Encounter.r"), " ".join(SCOPES)])
async def test_encounters_are_not_searched_without_the_scope(
    ehr: StrictEhr, open_scribe: OpenScribe, scope: str
) -> None:
    fill(ehr)
    ehr.behaviour.token["scope"] = scope
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        page = await (await visit(ehr, scribe, browser)).page()
    assert 'id="encounter"' not in page
    assert "GET /fhir/Encounter" not in ehr.paths()


async def test_a_launch_that_names_its_encounter_offers_no_other(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    fill(ehr)
    del ehr.behaviour.token["encounter"]
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        opened = await visit(ehr, scribe, browser)
        assert 'id="encounter"' not in await opened.page()
        assert (await opened.choose("Encounter/now")).status_code == 422
        assert (await opened.choose("")).status_code == 422
        assert (await opened.facts()).encounter == "Encounter/e1"


async def test_a_choice_is_kept_and_can_be_undone(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    fill(ehr)
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        opened = await visit(ehr, scribe, browser)
        for reference in ("Encounter/now", "Encounter/old"):
            assert (await opened.choose(reference)).status_code == 303
            facts, page = await opened.facts(), await opened.page()
            context = await scribe.parts.visits.need(await opened.visit_id(), PatientContext)
            assert (facts.encounter, facts.encounter_chosen) == (reference, True)
            assert context.encounter.items[0].source.reference == reference
            assert f'value="{reference}" checked' in page
        assert (await opened.choose("")).status_code == 303
        facts = await opened.facts()
        context = await scribe.parts.visits.need(await opened.visit_id(), PatientContext)
    assert (facts.encounter, facts.encounter_chosen, context.encounter.items) == (None, False, ())


@pytest.mark.parametrize(
    "reference", ["Encounter/foreign", "Encounter/mistake", "Encounter/nobody", "now", "Patient/p1"]
)
async def test_an_encounter_that_is_not_the_patients_is_refused(
    ehr: StrictEhr, open_scribe: OpenScribe, reference: str
) -> None:
    fill(ehr)
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        opened = await visit(ehr, scribe, browser)
        answer = await opened.choose(reference)
        assert answer.status_code == 422
        assert (await opened.facts()).encounter is None


async def test_a_relaunch_finds_the_visit_with_its_choice(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    """Without an encounter, and by the encounter that was chosen; another encounter is another visit."""
    fill(ehr)
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        first = await visit(ehr, scribe, browser)
        await first.choose("Encounter/now")
        again = await visit(ehr, scribe, browser)
        assert await again.visit_id() == await first.visit_id()
        assert 'value="Encounter/now" checked' in await again.page()
        assert ((await again.facts()).encounter, (await again.facts()).encounter_chosen) == ("Encounter/now", True)
        await again.choose("Encounter/old")
        assert 'value="Encounter/old" checked' in await first.page()
        await first.choose("Encounter/now")
        ehr.behaviour.token["encounter"] = "now"
        named = await visit(ehr, scribe, browser)
        assert await named.visit_id() == await first.visit_id()
        assert (await named.choose("Encounter/old")).status_code == 422
        ehr.behaviour.token["encounter"] = "old"
        other = await visit(ehr, scribe, browser)
        assert await other.visit_id() != await first.visit_id()
