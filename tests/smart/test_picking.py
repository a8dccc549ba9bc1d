"""A standalone launch whose EHR names no patient: somebody searches, looks and confirms; only then is there a visit.

Cases A14 and A16; an EHR launch without a patient stays refused.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from connector.records import Launch, PatientContext
from connector.store import schema
from tests.smart.clock import Clock
from tests.smart.scribe import SCOPES, OpenScribe, Scribe, asked_of, come_back, launch
from tests.smart.strict_ehr import StrictEhr

WIDE = " ".join([*SCOPES, "user/Patient.rs", "user/MedicationRequest.rs"])
JULIO, JULIA = "Julio Okafor-Díaz", "Julia Okafor-Díaz"


def person(identity: str, given: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": identity,
        "name": [{"family": "Okafor-Díaz", "given": [given]}],
        "gender": "male" if given == "Julio" else "female",
        "birthDate": "1980-07-31",
        "identifier": [{"type": {"coding": [{"code": "MR"}]}, "value": f"MRN-{identity}"}],
        **more,
    }


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    entries = [{"resource": one, "search": {"mode": "match"}} for one in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries}


def fill(ehr: StrictEhr) -> None:
    people = [person("p8", "Julio"), person("p9", "Julia"), person("p10", "Julie", active=False)]
    ehr.records["Patient/_search"] = bundle(*people)
    ehr.records |= {f"Patient/{one['id']}": one for one in people}
    ehr.behaviour.token = {"patient": None, "encounter": None, "scope": WIDE}


@dataclass
class Search:
    """The search page of one launch in one browser."""

    scribe: Scribe
    browser: httpx.AsyncClient
    base: str
    csrf: str = ""

    async def open(self) -> httpx.Response:
        answer = await self.browser.get(self.base)
        self.csrf = (re.findall(r'name="csrf" value="([^"]+)"', answer.text) or [""])[0]
        return answer

    async def post(self, end: str, **fields: str) -> httpx.Response:
        return await self.browser.post(f"{self.base}/{end}", data={"csrf": self.csrf, **fields})


async def start(ehr: StrictEhr, browser: httpx.AsyncClient) -> httpx.Response:
    away = await browser.get(f"/launch/standalone/{ehr.name}")
    return await come_back(browser, ehr, ehr.approve(asked_of(away, ehr), standalone=True))


async def search_page(ehr: StrictEhr, scribe: Scribe, browser: httpx.AsyncClient) -> Search:
    answer = await start(ehr, browser)
    assert answer.status_code == 303, answer.text
    found = Search(scribe, browser, answer.headers["location"])
    assert found.base.startswith("/pick/")
    assert (await found.open()).status_code == 200
    return found


async def count_visits(scribe: Scribe, ehr: StrictEhr) -> int:
    query = select(func.count()).select_from(schema.visits).where(schema.visits.c.tenant == ehr.name)
    async with scribe.parts.visits.engine.connect() as connection:
        return int((await connection.execute(query)).scalar_one())


async def test_a_patient_is_searched_looked_at_and_confirmed(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    fill(ehr)
    scribe = open_scribe(ehr, standalone=True)
    async with scribe.browser() as browser:
        search = await search_page(ehr, scribe, browser)
        found = await search.post("search", name="okafor, jul", born="1980-07-31", identifier="")
        page = html.unescape(found.text)
        assert found.status_code == 200
        assert re.findall(r'name="patient" value="([^"]+)"', page) == ["p8", "p9"]
        for words in (JULIO, JULIA, "MRN MRN-p8", "MRN MRN-p9", "31 Jul 1980", "female"):
            assert words in page
        looked = html.unescape((await search.post("look", patient="p9")).text)
        assert "Is this the patient?" in looked
        assert (JULIA in looked, JULIO in looked) == (True, False)
        assert await count_visits(scribe, ehr) == 0
        assert "GET /fhir/Observation" not in ehr.paths()
        done = await search.post("confirm", patient="p9")
        assert done.status_code == 303
        visit = await browser.get(done.headers["location"])
        assert JULIA in html.unescape(visit.text)
        row = await scribe.parts.sessions.find_launch(done.headers["location"].removeprefix("/v/"))
        assert row is not None
        facts = await scribe.parts.visits.need(row.visit_id, Launch)
        assert (facts.patient, facts.practitioner, facts.need_patient_banner) == ("Patient/p9", "Practitioner/7", True)
        assert (await search.post("confirm", patient="p9")).status_code == 404
        assert (await browser.get(search.base)).status_code == 404
    asked = next(one for one in ehr.heard if one.path == "/fhir/Patient/_search")
    assert (asked.method, asked.query, asked.form["birthdate"]) == ("POST", {}, "1980-07-31")
    assert all("kafor" not in f"{one.path}{one.query}" for one in ehr.heard)
    assert ehr.flaws == []


async def test_what_user_scopes_bring_of_others_is_left_out_of_the_chart(
    ehr: StrictEhr, open_scribe: OpenScribe
) -> None:
    """A token with `user/` scopes can read everybody: each resource is held against the picked patient."""
    fill(ehr)

    def order(identity: str, patient: str, name: str) -> dict[str, Any]:
        return {
            "resourceType": "MedicationRequest",
            "id": identity,
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": {"text": name},
            "subject": {"reference": f"Patient/{patient}"},
        }

    ehr.records["MedicationRequest"] = bundle(order("m1", "p8", "lisinopril"), order("m2", "p9", "warfarin"))
    scribe = open_scribe(ehr, standalone=True)
    async with scribe.browser() as browser:
        search = await search_page(ehr, scribe, browser)
        await search.post("look", patient="p8")
        done = await search.post("confirm", patient="p8")
        await browser.get(done.headers["location"])
        row = await scribe.parts.sessions.find_launch(done.headers["location"].removeprefix("/v/"))
        assert row is not None
        context = await scribe.parts.visits.need(row.visit_id, PatientContext)
    assert [one.name for one in context.medications.items] == ["lisinopril"]
    assert context.medications.dropped == 1


NOT_ENOUGH = {"patient scopes": "patient/Patient.rs", "no search": "user/Patient.r", "no read": "user/Patient.s"}


@pytest.mark.parametrize("scope", NOT_ENOUGH.values(), ids=NOT_ENOUGH)
async def test_nobody_picks_without_user_scopes(ehr: StrictEhr, open_scribe: OpenScribe, scope: str) -> None:
    fill(ehr)
    ehr.behaviour.token["scope"] = f"openid fhirUser {scope}"
    async with open_scribe(ehr, standalone=True).browser() as browser:
        answer = await start(ehr, browser)
    assert answer.status_code == 400
    assert "did not say which patient" in answer.text


async def test_a14_an_ehr_launch_without_a_patient_stays_refused(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    """Case A14: even where the registration allows standalone launches and the scopes would do."""
    fill(ehr)
    async with open_scribe(ehr, standalone=True).browser() as browser:
        answer = await launch(browser, ehr)
    assert answer.status_code == 400
    assert "did not say which patient" in answer.text


async def test_an_ehr_that_names_the_patient_is_not_asked_again(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    fill(ehr)
    ehr.behaviour.token["patient"] = "p8"
    async with open_scribe(ehr, standalone=True).browser() as browser:
        answer = await start(ehr, browser)
    assert answer.headers["location"].startswith("/v/")


async def test_a16_the_search_belongs_to_its_browser(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    fill(ehr)
    scribe = open_scribe(ehr, standalone=True)
    async with scribe.browser() as browser, scribe.browser() as other:
        search = await search_page(ehr, scribe, browser)
        second = await search_page(ehr, scribe, browser)
        stranger = Search(scribe, other, search.base, search.csrf)
        assert (await stranger.open()).status_code == 404
        stranger.csrf = search.csrf
        for end in ("search", "look", "confirm"):
            assert (await stranger.post(end, patient="p8", name="okafor")).status_code == 404
            crossed = Search(scribe, browser, second.base, search.csrf)
            assert (await crossed.post(end, patient="p8", name="okafor")).status_code == 403
            foreign = {"Origin": "https://elsewhere.example"}
            data = {"csrf": search.csrf, "patient": "p8", "name": "okafor"}
            refused = await browser.post(f"{search.base}/{end}", data=data, headers=foreign)
            assert refused.status_code == 403
        assert "POST /fhir/Patient/_search" not in ehr.paths()


async def test_only_who_was_looked_at_last_can_be_confirmed(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    fill(ehr)
    scribe = open_scribe(ehr, standalone=True)
    async with scribe.browser() as browser:
        search = await search_page(ehr, scribe, browser)
        assert (await search.post("confirm", patient="p8")).status_code == 409
        await search.post("look", patient="p8")
        await search.post("look", patient="p9")
        refused = await search.post("confirm", patient="p8")
        assert (refused.status_code, "another tab" in refused.text) == (409, True)
        assert await count_visits(scribe, ehr) == 0
        assert (await search.post("confirm", patient="p9")).status_code == 303


@pytest.mark.parametrize("patient", ["nobody", "..", "p8/../p9", "p8?x=1", "", "http://elsewhere.example/Patient/1"])
async def test_a_patient_the_ehr_does_not_have_is_not_shown(
    ehr: StrictEhr, open_scribe: OpenScribe, patient: str
) -> None:
    fill(ehr)
    scribe = open_scribe(ehr, standalone=True)
    async with scribe.browser() as browser:
        search = await search_page(ehr, scribe, browser)
        answer = await search.post("look", patient=patient)
        assert answer.status_code == 422
        assert "Is this the patient?" not in answer.text


@pytest.mark.parametrize("patient", ["p10", "p11"], ids=["not in use", "merged"])
async def test_a_record_that_is_merged_or_not_in_use_is_not_offered(
    ehr: StrictEhr, open_scribe: OpenScribe, patient: str
) -> None:
    fill(ehr)
    link = [{"type": "replaced-by", "other": {"reference": "Patient/p9"}}]
    ehr.records["Patient/p11"] = {**person("p11", "Julius"), "link": link}
    scribe = open_scribe(ehr, standalone=True)
    async with scribe.browser() as browser:
        search = await search_page(ehr, scribe, browser)
        answer = await search.post("look", patient=patient)
        assert answer.status_code == 422
        assert ("Is this the patient?" in answer.text, "search again" in answer.text) == (False, True)
        assert (await search.post("confirm", patient=patient)).status_code == 409


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"name": "o"}, "at least two letters"), ({}, "at least two letters"), ({"born": "31.7.80"}, "Write the birth")],
)
async def test_a_search_for_everybody_is_refused_and_asks_nobody(
    ehr: StrictEhr, open_scribe: OpenScribe, fields: dict[str, str], words: str
) -> None:
    fill(ehr)
    scribe = open_scribe(ehr, standalone=True)
    async with scribe.browser() as browser:
        answer = await (await search_page(ehr, scribe, browser)).post("search", **fields)
    assert (answer.status_code, words in answer.text) == (422, True)
    assert "POST /fhir/Patient/_search" not in ehr.paths()


async def test_at_most_twenty_are_shown_and_more_is_said(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    fill(ehr)
    ehr.records["Patient/_search"] = bundle(*(person(f"q{number}", "Julio") for number in range(30)))
    scribe = open_scribe(ehr, standalone=True)
    async with scribe.browser() as browser:
        page = (await (await search_page(ehr, scribe, browser)).post("search", name="okafor")).text
    assert page.count('class="people__one"') == 20
    assert "There are more than these" in page


async def test_the_search_ends_after_ten_minutes(ehr: StrictEhr, open_scribe: OpenScribe, clock: Clock) -> None:
    fill(ehr)
    scribe = open_scribe(ehr, standalone=True)
    async with scribe.browser() as browser:
        search = await search_page(ehr, scribe, browser)
        await search.post("look", patient="p8")
        clock.forward(seconds=601)
        assert (await search.post("confirm", patient="p8")).status_code == 404
        assert (await browser.get(search.base)).status_code == 404


async def test_waiting_tokens_are_sealed(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    fill(ehr)
    scribe = open_scribe(ehr, standalone=True)
    async with scribe.browser() as browser:
        await search_page(ehr, scribe, browser)
    query = select(schema.pending_launches).where(schema.pending_launches.c.tenant == ehr.name)
    async with scribe.parts.visits.engine.connect() as connection:
        rows = (await connection.execute(query)).all()
    kept = repr([tuple(row) for row in rows])
    assert len(rows) == 1
    assert not any(token in kept for token in (*ehr.access_tokens, *ehr.refresh_tokens))


async def test_an_ehr_that_gives_no_list_is_said_so(ehr: StrictEhr, open_scribe: OpenScribe) -> None:
    fill(ehr)
    scribe = open_scribe(ehr, standalone=True)
    async with scribe.browser() as browser:
        search = await search_page(ehr, scribe, browser)
        ehr.behaviour.away.add("/fhir/Patient/_search")
        assert (await search.post("search", name="okafor")).status_code == 503
        ehr.behaviour.forbidden.add("/fhir/Patient/_search")
        ehr.behaviour.away.clear()
        assert (await search.post("search", name="okafor")).status_code == 400
        ehr.access_tokens.clear()
        assert "run out" in (await search.post("search", name="okafor")).text
