"""A launch that names no encounter: the note is filed under the one the clinician chose, or under none."""

from __future__ import annotations

import json
import re
import time

import pytest
from connector_sandbox.clinician import OpenVisit

from tests.fixtures.peers import ONE_OF_EACH, Chart, SandboxEhr
from tests.fixtures.visits import PAGE, Clinic

TEXT = "Cough for three days.\nPlan: rest and fluids."


def offered(visit: OpenVisit) -> list[str]:
    page = visit.client.get(visit.base, headers=PAGE).text
    return re.findall(r'name="encounter" value="([^"]*)"', page)


def write_and_sign(visit: OpenVisit) -> None:
    visit.consent("declined")
    answer = visit.post("/text", form={"text": TEXT})
    assert answer.status_code == 200, answer.text
    visit.await_state("DRAFTED")
    visit.sign()
    visit.await_state("FILED")


@pytest.mark.parametrize("choosing", [True, False], ids=["one", "none"])
def test_a_launch_without_an_encounter_files_the_note_under_the_one_chosen_or_none(
    clinic: Clinic, chart: Chart, choosing: bool
) -> None:
    patient = chart.admit("billie")
    visit = clinic.open(patient, encounter="none")
    known = [f"Encounter/{one['id']}" for one in chart.find("Encounter", patient=patient)]
    offer = offered(visit)
    assert len(offer) > 2 and offer[-1] == ""
    assert set(offer[:-1]) <= set(known)
    chosen = offer[1] if choosing else ""
    if choosing:
        answer = visit.post("/encounter", form={"encounter": chosen})
        assert answer.status_code == 200, answer.text
    write_and_sign(visit)
    assert chart.counts(patient) == ONE_OF_EACH
    written = chart.notes_of(patient)
    document, composition = written["DocumentReference"][0], written["Composition"][0]
    if choosing:
        assert [one["reference"] for one in document["context"]["encounter"]] == [chosen]
        assert composition["encounter"]["reference"] == chosen
    else:
        assert "encounter" not in document.get("context", {})
        assert "encounter" not in composition
    assert len(chart.find("Encounter", patient=patient)) == len(known)


def encounters_asked_for(ehr: SandboxEhr) -> tuple[list[str], list[str]]:
    """What was read of Encounter by id, and what was searched. This kind of EHR is asked without batches."""
    paths = [one["path"] for one in ehr.requests() if one["path"].startswith("/fhir/Encounter")]
    return [path for path in paths if path.count("/") == 3], [path for path in paths if path.count("/") == 2]


def await_whole_chart(visit: OpenVisit) -> None:
    """Waits for the part of the chart that is read behind the page."""
    until = time.monotonic() + 60
    while '"pending"' in json.dumps(visit.context()):
        assert time.monotonic() < until, "the chart was never read whole"
        time.sleep(0.1)


def test_a_launch_that_names_its_encounter_reads_that_one_and_searches_for_none(
    clinic: Clinic, chart: Chart, ehr: SandboxEhr
) -> None:
    """The encounter is read once with the chart; neither the page nor the note asks for others."""
    visit = clinic.open(chart.admit("billie"))
    await_whole_chart(visit)
    reads, searches = encounters_asked_for(ehr)
    assert (len(reads), searches) == (1, [])
    assert offered(visit) == []
    write_and_sign(visit)
    assert encounters_asked_for(ehr)[1] == []


def test_the_control_a_launch_without_an_encounter_is_seen_to_search(
    clinic: Clinic, chart: Chart, ehr: SandboxEhr
) -> None:
    visit = clinic.open(chart.admit("billie"), encounter="none")
    await_whole_chart(visit)
    assert offered(visit)
    reads, searches = encounters_asked_for(ehr)
    assert (reads, len(searches)) == ([], 1)
