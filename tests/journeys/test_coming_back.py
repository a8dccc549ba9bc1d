"""Coming back to a visit: after a relaunch, in another window, after a pause, and giving one up."""

from __future__ import annotations

import re

import httpx
import psycopg
import pytest
from connector_sandbox.clinician import OpenVisit, open_browser
from connector_sandbox.stack import Stack

from connector.store.database import start_embedded
from tests.builders import recording_bytes
from tests.fixtures.peers import Chart
from tests.fixtures.visits import JSON, Clinic, Upload, encounter_of, problem_of


def work_of(visit: OpenVisit) -> list[dict[str, object]]:
    answer = visit.client.get(f"{visit.base}/visits", headers=JSON)
    assert answer.status_code == 200
    return list(answer.json()["visits"])


def other_clinician(stack: Stack) -> str:
    with httpx.Client(trust_env=False) as client:
        found = re.findall(r'value="(Practitioner/[^"]+)"', client.get(f"{stack.addresses.ehr}/").text)
    return str(found[1])


def test_the_same_clinician_finds_the_unfinished_visit_again(stack: Stack, clinic: Clinic, chart: Chart) -> None:
    patient = chart.admit("billie")
    first = clinic.typed(patient)
    edited = first.add_sentence("plan", "Kept over the relaunch.")
    second = clinic.open(patient, encounter=encounter_of(stack, patient), states=("DRAFTED",))
    assert second.base != first.base
    note = second.note()
    assert note["revision"] == edited["revision"]
    assert "Kept over the relaunch." in note["text"]
    second.sign()
    second.await_state("FILED")
    assert first.await_state("FILED") == "FILED"


def test_another_encounter_is_another_visit_and_both_are_listed(clinic: Clinic, chart: Chart) -> None:
    patient = chart.admit("billie")
    clinic.open(patient)
    second = clinic.open(patient)
    here = [work["here"] for work in work_of(second) if work["patient"] == f"Patient/{patient}"]
    assert here == [True, False]


def test_another_clinician_gets_a_visit_of_their_own(stack: Stack, clinic: Clinic, chart: Chart) -> None:
    patient = chart.admit("billie")
    first = clinic.typed(patient)
    other = clinic.open(patient, encounter=encounter_of(stack, patient), practitioner=other_clinician(stack))
    assert first.status()["state"] == "DRAFTED"
    assert [work["here"] for work in work_of(other) if work["patient"] == f"Patient/{patient}"] == [True]


def test_a_discarded_visit_is_gone_for_good_and_its_sound_unreadable(clinic: Clinic, chart: Chart) -> None:
    visit = clinic.drafted(chart.admit("billie"))
    assert visit.client.get(f"{visit.base}/audio").status_code == 200
    note = visit.note()
    problem_of(visit.post("/discard", form={"reason": "because"}), status=422, slug="input-refused")
    assert visit.post("/discard", form={"reason": "wrong-patient"}).status_code == 200
    assert visit.status()["state"] == "DISCARDED"
    assert visit.client.get(visit.base).status_code == 200
    for gone, status in (("audio", 410), ("note", 404)):
        assert visit.client.get(f"{visit.base}/{gone}", headers=JSON).status_code == status
    body = {"revision": note["revision"], "shown_sha256": note["sha256"], "attest": "yes"}
    assert visit.post("/sign", json=body).status_code in (404, 409)
    assert not any(work["here"] for work in work_of(visit))
    assert visit.await_deletion()["vendor_deleted"]


@pytest.mark.parametrize("reason", ["wrong-patient", "test"])
def test_a_signed_note_cannot_be_discarded(clinic: Clinic, chart: Chart, reason: str) -> None:
    visit = clinic.signed(chart.admit("billie"))
    problem_of(visit.post("/discard", form={"reason": reason}), status=422, slug="input-refused")
    visit.await_state("FILED")


def test_a_ticket_carries_the_launch_into_one_other_window_once(stack: Stack, clinic: Clinic, chart: Chart) -> None:
    visit = clinic.open(chart.admit("billie"))
    address = stack.addresses.connector + visit.post("/window").json()["address"]
    with open_browser() as window, open_browser() as late:
        opened = window.get(address)
        assert opened.status_code == 200
        assert str(opened.url) == visit.base
        problem_of(late.get(address, headers=JSON), status=404, slug="not-found")
        problem_of(late.get(f"{visit.base}/status", headers=JSON), status=404, slug="not-found")
        assert window.get(f"{visit.base}/status", headers=JSON).json()["state"] == "PRIMED"


def test_a_pause_hides_the_page_stops_no_recording_and_one_click_shows_it_again(
    stack: Stack, clinic: Clinic, chart: Chart
) -> None:
    visit = clinic.open(chart.admit("billie", family="Idleman"))
    visit.consent()
    upload = Upload.begin(visit)
    pass_an_hour(stack, visit)
    assert visit.status() == {"state": "CAPTURING", "locked": True}
    hidden = visit.client.get(visit.base)
    assert hidden.status_code == 200
    assert "Hidden after a pause" in hidden.text
    assert "Idleman" not in hidden.text
    problem_of(visit.client.get(f"{visit.base}/context", headers=JSON), status=423, slug="session-locked")
    assert upload.put(0, recording_bytes("billie")).status_code == 204
    assert visit.post("/unlock").status_code == 200
    shown = visit.client.get(f"{visit.base}/context", headers=JSON)
    assert shown.status_code == 200


def pass_an_hour(stack: Stack, visit: OpenVisit) -> None:
    """Nobody was there for an hour: the launch was last seen that long ago."""
    with psycopg.connect(start_embedded(stack.folder).libpq, autocommit=True) as connection:
        statement = "UPDATE launches SET seen_at = seen_at - interval '1 hour' WHERE launch_id = %s"
        assert connection.execute(statement, (visit.base.rsplit("/", 1)[1],)).rowcount == 1
