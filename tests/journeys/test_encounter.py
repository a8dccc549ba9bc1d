"""A launch that names no encounter: the note is filed under the one the clinician chose, or under none."""

from __future__ import annotations

import re

import pytest
from connector_sandbox.clinician import OpenVisit

from tests.fixtures.peers import ONE_OF_EACH, Chart
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
