"""A launch from outside an EHR that has no patient picker: ours finds the patient, and the note is that patient's."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from connector_sandbox.clinician import OpenVisit, first_clinician, open_browser
from connector_sandbox.stack import TENANT, Stack

from tests.fixtures.peers import NONE_OF_ANY, ONE_OF_EACH, Chart, SandboxEhr, sha256_of, text_of
from tests.fixtures.stack import OpenStack
from tests.fixtures.visits import PAGE, note_texts

TEXT = "Cough for three days.\nPlan: rest and fluids."
FAMILY = "Quillfeather"


@pytest.fixture(scope="module")
def stack(open_stack: OpenStack) -> Iterator[Stack]:
    """A stack whose EHR leaves picking the patient to the connector."""
    with open_stack(picks_patients=True) as started:
        yield started


def hidden_fields(page: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
    return {name: html.unescape(value) for name, value in found}


def sign_in(stack: Stack, browser: httpx.Client) -> httpx.Response:
    """Starts at the connector, says at the EHR who one is, and comes back to wherever that leads."""
    asked = browser.get(f"{stack.addresses.connector}/launch/standalone/{TENANT}", headers=PAGE)
    assert asked.url.host == "localhost" and 'name="practitioner"' in asked.text
    assert 'name="patient"' not in asked.text, "this EHR picks no patient"
    answers = {"practitioner": first_clinician(stack.addresses.ehr), "decision": "approve"}
    return browser.post(f"{stack.addresses.ehr}/auth/authorize", data={**hidden_fields(asked.text), **answers})


def step(browser: httpx.Client, page: httpx.Response, end: str, **fields: str) -> httpx.Response:
    """Sends one form of the search."""
    base = str(page.url).removesuffix("/search").removesuffix("/look")
    csrf = hidden_fields(page.text)["csrf"]
    answer = browser.post(f"{base}/{end}", data={"csrf": csrf, **fields}, headers=PAGE)
    assert answer.status_code == 200, answer.text
    return answer


def pick(stack: Stack, browser: httpx.Client, patient: str) -> OpenVisit:
    """Searches by the family name, looks at one of those found and opens their visit."""
    search = sign_in(stack, browser)
    assert urlsplit(str(search.url)).path.startswith("/pick/") and "Find the patient" in search.text
    found = step(browser, search, "search", name=FAMILY)
    offered = re.findall(r'name="patient" value="([^"]+)"', found.text)
    assert len(offered) == 2 and patient in offered
    looked = step(browser, found, "look", patient=patient)
    assert "Is this the patient?" in looked.text
    opened = step(browser, looked, "confirm", patient=patient)
    csrf = re.findall(r'<meta name="csrf" content="([^"]+)"', opened.text)[0]
    return OpenVisit(browser, str(opened.url), f"Patient/{patient}", csrf)


def test_a_patient_is_searched_and_picked_and_their_note_is_filed_in_their_chart_alone(
    stack: Stack, chart: Chart, ehr: SandboxEhr
) -> None:
    namesake, patient = chart.admit(family=FAMILY), chart.admit(family=FAMILY)
    with open_browser() as browser:
        visit = pick(stack, browser, patient)
        visit.await_state("PRIMED")
        offered = re.findall(r'name="encounter" value="([^"]+)"', browser.get(visit.base, headers=PAGE).text)
        own = {f"Encounter/{one['id']}" for one in chart.find("Encounter", patient=patient)}
        assert offered and set(offered) <= own
        visit.post("/encounter", form={"encounter": offered[0]}).raise_for_status()
        visit.consent("declined")
        visit.post("/text", form={"text": TEXT}).raise_for_status()
        visit.await_state("DRAFTED")
        signed = visit.sign()
        visit.await_state("FILED")
    assert chart.counts(patient) == ONE_OF_EACH
    assert chart.counts(namesake) == NONE_OF_ANY
    written = chart.notes_of(patient)
    (document,), (composition,) = written["DocumentReference"], written["Composition"]
    assert document["subject"]["reference"] == composition["subject"]["reference"] == f"Patient/{patient}"
    assert [one["reference"] for one in document["context"]["encounter"]] == [offered[0]]
    assert sha256_of(document) == signed["sha256"]
    assert note_texts(signed) and all(sentence in text_of(document) for sentence in note_texts(signed))
    asked = ehr.requests()
    assert ("POST", "/fhir/Patient/_search") in {(one["method"], one["path"]) for one in asked}
    assert all(FAMILY not in f"{one['path']} {one['query']}" for one in asked), "names stand in no address"
    assert all(namesake not in f"{one['path']} {one['query']}" for one in asked), "only one chart was read"
