"""What an EHR takes back ends the session: another patient, none, a user who is gone, an answer that was lost.

Cases A14, A22, A30.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from connector.app import Composition, compose
from connector.errors import AccessWithdrawn, RelaunchNeeded
from connector.launch.token_answer import GrantedTokens, read_refresh_answer
from connector.visit.access import open_ehr
from connector.visit.filing import Outcome
from tests.smart.clock import Clock
from tests.smart.drafted import Desk, draft, sit_down
from tests.smart.scribe import MakeEhr, OpenScribe, come_back, depart
from tests.smart.strict_ehr import StrictEhr

PATIENTS = {"another": "p2", "empty": "", "a number": 7, "a list": ["p1"], "a path": "../p1"}


def refreshes(ehr: StrictEhr) -> int:
    return sum(one.form.get("grant_type") == "refresh_token" for one in ehr.heard)


def swap(ehr: StrictEhr, patient: object) -> None:
    """The next refresh says this of the patient, as JSON has it."""
    issue = ehr._issue

    def swapped(scope: str) -> dict[str, object]:
        return {**issue(scope), "patient": patient}

    ehr._issue = swapped  # type: ignore[method-assign]


async def assert_frozen(desk: Desk, ehr: StrictEhr) -> None:
    """Page and machine are told to relaunch, and the EHR hears nothing any more."""
    heard = len(ehr.heard)
    page = await desk.get()
    assert (page.status_code, "Open the scribe from the patient" in page.text) == (404, True)
    told = (await desk.get("/status", accept="application/json")).json()
    assert told["type"] == "urn:smart-scribe:problem:session-ended"
    assert (await desk.post("/unlock")).status_code == 404
    with pytest.raises(RelaunchNeeded):
        await open_ehr(desk.scribe.parts, await desk.row()).chart().read("Patient/p1", {})
    assert len(ehr.heard) == heard


@pytest.mark.parametrize("patient", [None, "", 7, "../p1"], ids=["none", "empty", "a number", "a path"])
async def test_a14_an_exchange_without_a_patient_opens_nothing(
    ehr: StrictEhr, open_scribe: OpenScribe, patient: object
) -> None:
    ehr.behaviour.token = {"patient": patient}
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        answer = await come_back(browser, ehr, ehr.approve(await depart(browser, ehr)))
    assert (answer.status_code, "which patient" in answer.text) == (400, True)
    assert not any(cookie.startswith("__Host-visit") for cookie in answer.headers.get_list("set-cookie"))
    assert not [one for one in ehr.paths() if one.startswith("GET /fhir/") and "well-known" not in one]


@pytest.mark.parametrize("patient", PATIENTS.values(), ids=PATIENTS)
async def test_a14_a_refresh_for_another_patient_freezes_the_session(
    ehr: StrictEhr, open_scribe: OpenScribe, clock: Clock, patient: object
) -> None:
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        desk = await sit_down(scribe, browser, ehr)
        swap(ehr, patient)
        clock.forward(minutes=16)
        answer = await desk.post("/unlock", accept="text/html")
        assert (answer.status_code, "open the scribe from the chart again" in answer.text.lower()) == (401, True)
        assert await desk.tokens() is None
        await assert_frozen(desk, ehr)


def test_a14_a_refresh_that_expressly_names_nobody_is_for_another_patient(clock: Clock) -> None:
    """`null` is an answer; a patient who is not mentioned is none."""
    at = clock.now()
    granted = GrantedTokens("a", "r", at, "", "Patient/p1", None, True, None)
    body: dict[str, object] = {"access_token": "b", "token_type": "Bearer"}
    assert read_refresh_answer(body, granted=granted, now=at).patient == "Patient/p1"
    with pytest.raises(AccessWithdrawn):
        read_refresh_answer({**body, "patient": None}, granted=granted, now=at)


@pytest.mark.parametrize("said", [{}, {"patient": "p1"}], ids=["not said again", "the same"])
async def test_a14_a_refresh_for_the_same_patient_goes_on(
    ehr: StrictEhr, open_scribe: OpenScribe, clock: Clock, said: dict[str, object]
) -> None:
    """The control. SMART leaves it to the EHR whether a refresh says the context again."""
    ehr.behaviour.refreshed = said
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        desk = await sit_down(scribe, browser, ehr)
        clock.forward(minutes=16)
        assert (await desk.post("/unlock")).status_code == 200
        assert (await desk.get()).status_code == 200


async def test_a14_a_signed_note_waits_visibly_and_never_goes_to_another_patient(
    ehr: StrictEhr, open_scribe: OpenScribe, clock: Clock
) -> None:
    ehr.behaviour.files = True
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        desk = await draft(scribe, browser, ehr)
        await desk.sign()
        issue = ehr._issue
        swap(ehr, "p2")
        clock.forward(minutes=6)
        assert await desk.file() is Outcome.RELAUNCH
        assert await desk.file() is Outcome.RELAUNCH
        assert (refreshes(ehr), "POST /fhir" in ehr.paths()) == (1, False)
        visit = await desk.visit()
        assert (visit.state, visit.attention, visit.attention_action) == ("SIGNED", "relaunch-needed", "relaunch")
        assert "it waits here" in (await desk.get()).text
        ehr._issue = issue  # type: ignore[method-assign]
        again = await sit_down(scribe, browser, ehr)
        assert (await again.visit()).visit_id == visit.visit_id
        assert await again.file() is Outcome.FILED
    (document,) = [one for one in ehr.records.values() if one["resourceType"] == "DocumentReference"]
    assert document["subject"]["reference"].endswith("Patient/p1")


async def test_a22_a_lost_refresh_answer_means_relaunch_and_no_second_try(
    ehr: StrictEhr, open_scribe: OpenScribe, clock: Clock, composition: Composition
) -> None:
    """The EHR rotated, its answer broke off: the old token is not shown again, not even by another process."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        desk = await sit_down(scribe, browser, ehr)
        ehr.behaviour.lost = {"refresh_token"}
        ehr.access_tokens.clear()
        chart = open_ehr(scribe.parts, await desk.row()).chart()
        results = await asyncio.gather(*(chart.read("Patient/p1", {}) for _ in range(5)), return_exceptions=True)
        assert {type(one) for one in results} == {RelaunchNeeded}
        assert refreshes(ehr) == 1
        clock.forward(minutes=16)
        answer = await desk.post("/unlock", accept="text/html")
        assert (answer.status_code, "open the scribe from the chart again" in answer.text.lower()) == (401, True)
        async with compose(composition.settings) as restarted:
            after = replace(scribe.parts, sessions=restarted.parts.sessions)
            with pytest.raises(RelaunchNeeded):
                await open_ehr(after, await desk.row()).renew()
        assert refreshes(ehr) == 1


async def test_a22_a_process_that_died_in_a_refresh_costs_one_more_call_and_no_loop(
    ehr: StrictEhr, open_scribe: OpenScribe, clock: Clock
) -> None:
    """The EHR has rotated for the dead one; whoever comes after its lease is refused once, and asks no more."""
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        desk = await sit_down(scribe, browser, ehr)
        sessions = scribe.parts.sessions
        assert await sessions.claim_refresh(desk.launch_id, generation=1, by="dead", at=clock.now(), lease=20.0)
        ehr.refresh_tokens.clear()
        clock.forward(seconds=300)
        for _ in range(4):
            with pytest.raises(RelaunchNeeded):
                await open_ehr(scribe.parts, await desk.row()).renew()
    assert refreshes(ehr) == 1


async def test_a30_a_user_who_was_disabled_is_out_at_the_next_refresh_and_the_edits_stay(
    make_ehr: MakeEhr, open_scribe: OpenScribe, clock: Clock
) -> None:
    ehr = make_ehr()
    scribe = open_scribe(ehr)
    async with scribe.browser() as browser:
        desk = await draft(scribe, browser, ehr)
        await desk.edit("Acknowledged before the end.")
        ehr.access_tokens.clear()
        ehr.refresh_tokens.clear()
        clock.forward(minutes=16)
        answer = await desk.post("/unlock", accept="text/html")
        assert (answer.status_code, "open the scribe from the chart again" in answer.text.lower()) == (401, True)
        await assert_frozen(desk, ehr)
        assert (await desk.post("/copy")).status_code == 404
        assert refreshes(ehr) == 1
        again = await sit_down(scribe, browser, ehr)
        note = (await again.get("/note", accept="application/json")).json()
        assert "Acknowledged before the end." in note["text"]
