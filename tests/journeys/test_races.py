"""Two hands at once: nothing acknowledged is left out, nothing is filed twice, nothing is taken after the end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.builders import recording_bytes
from tests.fixtures.peers import Chart, SandboxEhr
from tests.fixtures.visits import Clinic, Upload


@pytest.mark.parametrize("turn", range(4))
def test_an_edit_that_was_saved_is_in_the_note_or_the_signature_is_refused(
    clinic: Clinic, chart: Chart, turn: int
) -> None:
    visit = clinic.typed(chart.admit())
    note = visit.note()
    sections = {one["key"]: [{"id": s["id"], "text": s["text"]} for s in one["sentences"]] for one in note["sections"]}
    sections["plan"].append({"id": None, "text": f"Saved in the other tab {turn}."})
    edit = {"revision": note["revision"], "sections": sections}
    sign = {"revision": note["revision"], "shown_sha256": note["sha256"], "attest": "yes"}
    with ThreadPoolExecutor(2) as pool:
        edited, signed = pool.map(lambda job: visit.post(job[0], json=job[1]), [("/note", edit), ("/sign", sign)])
    assert {edited.status_code, signed.status_code} == {200, 409}


def test_trying_again_twice_at_once_files_one_note_even_where_the_ehr_ignores_conditions(
    clinic: Clinic, chart: Chart, ehr: SandboxEhr
) -> None:
    ehr.strike("status", status=422, match={"method": "POST", "path_regex": "^/fhir/?$"}, times=1)
    ehr.strike("deaf_if_none_exist", times=None)
    patient = chart.admit()
    visit = clinic.signed(patient)
    while (visit.status()["attention"] or {}).get("action") != "retry-filing":
        assert visit.status()["state"] == "SIGNED"
    with ThreadPoolExecutor(4) as pool:
        answers = [one.status_code for one in pool.map(lambda _: visit.post("/retry"), range(4))]
    assert answers.count(200) == 1
    visit.await_state("FILED")
    assert chart.counts(patient) == {"DocumentReference": 1, "Composition": 1, "Provenance": 1}


def test_no_sound_is_taken_into_a_visit_that_was_given_up(clinic: Clinic, chart: Chart) -> None:
    visit = clinic.open(chart.admit())
    visit.consent()
    upload = Upload.begin(visit)
    sound = recording_bytes("billie")
    assert upload.put(0, sound[:1000]).status_code == 204
    assert visit.post("/discard", form={"reason": "patient-withdrew"}).status_code == 200
    assert upload.put(1, sound[1000:2000]).status_code == 409
    assert upload.close(sound, 2).status_code == 409
