"""A part of the chart that cannot be read: the visit opens all the same, and both its pages name the missing half."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup
from connector_sandbox.clinician import OpenVisit

from tests.fixtures.charts import resource
from tests.fixtures.peers import Chart, SandboxEhr
from tests.fixtures.visits import PAGE, Clinic
from tests.fixtures.waiting import await_true

ALLERGIES, PATIENT = "^/fhir/AllergyIntolerance", "^/fhir/Patient/"
HTML = {"status": 200, "body": "<html>signed out</html>", "headers": {"Content-Type": "text/html"}}
STRANGER = resource("AllergyIntolerance", "x", "somebody-else", code={"text": "Latex"})
BUNDLE = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": STRANGER}]}
OTHER = {"resourceType": "Patient", "id": "other", "name": [{"family": "Other"}]}
MERGED = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "error", "code": "not-found", "details": {"coding": [{"code": "4107"}]}}],
}
# The fault, the part it strikes, what the pages say of it, and whether it can be read again.
FAULTS: dict[str, tuple[dict[str, Any], str, list[str], bool]] = {
    "403": (
        {"kind": "status", "status": 403, "body": "Tenant not valid"},
        "allergies",
        ["The EHR did not allow this to be read.", "This does not mean there are none: ask."],
        False,
    ),
    "404": ({"kind": "status", "status": 404}, "allergies", ["Could not be read.", "404", "ask."], True),
    "429, come back next year": (
        {"kind": "status", "status": 429, "headers": {"Retry-After": "31536000"}},
        "allergies",
        ["Could not be read.", "429", "ask."],
        True,
    ),
    "503": ({"kind": "status", "status": 503}, "allergies", ["Could not be read.", "503", "ask."], True),
    "HTML": ({"kind": "status", **HTML}, "allergies", ["Could not be read.", "not FHIR JSON", "ask."], True),
    "links without end": ({"kind": "endless_next"}, "allergies", ["Read only in part", "There may be more."], False),
    "another patient's": (
        {"kind": "status", "status": 200, "body": BUNDLE},
        "allergies",
        ["Read only in part", "they name another patient", "1 entry left out: 1 of another patient"],
        False,
    ),
    "another patient": (
        {"kind": "status", "status": 200, "body": OTHER, "match": {"path_regex": PATIENT}},
        "patient",
        ["Could not be read.", "answered with another patient", "Check in the EHR who this is."],
        True,
    ),
    "a merged patient": (
        {"kind": "status", "status": 404, "body": MERGED, "match": {"path_regex": PATIENT}},
        "patient",
        ["Could not be read.", "merged this record", "open the scribe again"],
        True,
    ),
}
TITLES = {"allergies": "Allergies", "patient": "Patient"}


def look(visit: OpenVisit, path: str = "") -> BeautifulSoup:
    answer = visit.client.get(f"{visit.base}{path}", headers=PAGE)
    assert answer.status_code == 200, answer.text
    return BeautifulSoup(answer.text, "html.parser")


def text_of(page: BeautifulSoup, selector: str) -> str:
    found = page.select_one(selector)
    assert found is not None, selector
    return " ".join(found.get_text().split())


def await_read(visit: OpenVisit) -> None:
    await_true(lambda: not visit.status()["reading"], what="the chart read to its end", seconds=60)


@pytest.mark.parametrize(("fault", "part", "said", "again"), FAULTS.values(), ids=FAULTS)
def test_a_visit_opens_and_both_pages_name_what_is_missing(
    clinic: Clinic, chart: Chart, ehr: SandboxEhr, *, fault: dict[str, Any], part: str, said: list[str], again: bool
) -> None:
    patient = chart.admit("billie")
    ehr.strike(**{"match": {"path_regex": ALLERGIES}, **fault})
    visit = clinic.open(patient)
    await_read(visit)
    for path, place in (("", "chart"), ("/knows", "part")):
        page = look(visit, path)
        warning = text_of(page, ".unread")
        assert f"Not everything could be read: {TITLES[part]}. Check in the EHR." in warning
        named = text_of(page, f"#{place}-{part}")
        assert [words for words in said if words not in named] == []
        assert "6 active medications" in text_of(page, f"#{place}-medications"), "the rest is read all the same"
        assert bool(page.select_one("form[data-again]")) is again
        banner = text_of(page, "#banner")
        assert ("Patient not readable: check in the EHR" in banner) is (part == "patient")
    ehr.calm()
    assert visit.post("/chart").status_code == 200
    await_read(visit)
    left = look(visit, "/knows").select(".unread")
    assert bool(left) is not again, "what failed is read by hand; a refusal and a cut stay as they are"
