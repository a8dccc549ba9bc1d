"""No sound without a yes: what consent promises to the patient."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from connector_sandbox.clinician import OpenVisit

from tests.builders import recording_bytes
from tests.fixtures.peers import ONE_OF_EACH, Chart, SandboxVendor, text_of
from tests.fixtures.visits import PAGE, Clinic, Upload, note_texts, problem_of, record

SENT = ("POST", "/v2/upload"), ("POST", "/v2/transcript"), ("POST", "/v1/chat/completions")
SHORTHAND = "cough 3 days, no fever\nlungs clear\nA: viral cough\nP: fluids, rest, return if short of breath"


def withdraw(visit: OpenVisit) -> dict[str, Any]:
    """The patient takes consent back; the visit as it stands then."""
    answer = visit.post("/consent", form={"answer": "withdrawn", "method": "verbal"})
    assert answer.status_code == 200, answer.text
    stands: dict[str, Any] = answer.json()
    return stands


def sent(vendor: SandboxVendor) -> int:
    """How often something of a visit was sent."""
    return sum((one["method"], one["path"]) in SENT for one in vendor.requests())


def await_true(holds: Callable[[], bool], otherwise: str, *, seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, otherwise
        time.sleep(0.1)


def test_no_sound_is_taken_before_the_patient_was_asked(clinic: Clinic, chart: Chart) -> None:
    visit = clinic.open(chart.admit())
    assert "consent" in problem_of(visit.post("/recordings"), status=403, slug="not-allowed").lower()
    assert visit.status()["state"] == "PRIMED"


def test_a_patient_who_declines_is_not_recorded_and_typed_shorthand_becomes_the_note(
    clinic: Clinic, chart: Chart, vendor: SandboxVendor
) -> None:
    patient = chart.admit()
    visit = clinic.open(patient)
    visit.consent("declined")
    problem_of(visit.post("/recordings"), status=403, slug="not-allowed")
    assert visit.post("/text", form={"text": SHORTHAND}).status_code == 200
    visit.await_state("DRAFTED")
    texts = " ".join(note_texts(visit.note())).lower()
    assert "cough" in texts and "lungs clear" in texts.replace("lungs are clear", "lungs clear")
    shown = visit.sign()
    visit.await_state("FILED")
    assert visit.await_deletion()["vendor_deleted"]
    assert chart.counts(patient) == ONE_OF_EACH
    document = chart.notes_of(patient)["DocumentReference"][0]
    assert text_of(document) == shown["text"]
    assert "declined recording" in shown["text"]
    assert vendor.uploads() == [] and vendor.jobs() == []


def test_a_patient_who_changes_their_mind_while_recording_stops_the_upload(clinic: Clinic, chart: Chart) -> None:
    visit = clinic.open(chart.admit())
    visit.consent()
    upload = Upload.begin(visit)
    sound = recording_bytes("billie")
    assert upload.put(0, sound[:1000]).status_code == 204
    began = time.monotonic()
    assert withdraw(visit)["state"] == "PRIMED"
    assert time.monotonic() - began < 2.0
    problem_of(upload.put(1, sound[1000:]), status=403, slug="consent-withdrawn")
    problem_of(upload.close(sound[:1000], 1), status=403, slug="consent-withdrawn")
    folder = clinic.stack.folder / "private"
    await_true(lambda: not list(folder.rglob(f"{upload.recording_id}/*.sealed")), "sealed files are left on disk")


def test_an_answer_nobody_can_give_is_refused(clinic: Clinic, chart: Chart) -> None:
    visit = clinic.open(chart.admit())
    answer = visit.post("/consent", form={"answer": "perhaps", "method": "verbal"})
    assert 400 <= answer.status_code < 500
    problem_of(visit.post("/recordings"), status=403, slug="not-allowed")


def test_shorthand_of_a_patient_who_declined_becomes_the_note(
    clinic: Clinic, chart: Chart, vendor: SandboxVendor
) -> None:
    visit = clinic.open(chart.admit())
    visit.consent("declined")
    assert visit.post("/text", form={"text": "htn f/u, bp 128/82, cont lisinopril 10"}).status_code == 200
    visit.await_state("DRAFTED")
    texts = " ".join(note_texts(visit.note())).lower()
    assert "128/82" in texts and "lisinopril" in texts and "10" in texts
    assert vendor.uploads() == [] and vendor.jobs() == []


@pytest.mark.parametrize("state", ["CAPTURED", "TRANSCRIBED", "DRAFTED"])
def test_a_withdrawal_destroys_what_was_made_and_the_visit_is_typed(
    clinic: Clinic, chart: Chart, vendor: SandboxVendor, state: str
) -> None:
    patient = chart.admit()
    visit = clinic.open(patient)
    if state == "CAPTURED":
        vendor.pace(5.0)
    elif state == "TRANSCRIBED":
        vendor.strike("slow", method="POST", path="/v1/chat/completions", seconds=3.0)
    record(visit)
    if state == "CAPTURED":
        await_true(lambda: bool(vendor.jobs()), "no job was begun")
    visit.await_state(state)
    began = time.monotonic()
    assert withdraw(visit)["state"] == "PRIMED"
    assert time.monotonic() - began < 2.0
    left = sent(vendor)
    assert visit.client.get(f"{visit.base}/audio").status_code == 410
    page = visit.client.get(visit.base, headers=PAGE).text
    assert "Destroyed: the recording" in " ".join(page.split())
    await_true(vendor.holds_nothing, "the vendor still holds something")
    visit.await_deletion()
    status = visit.status()
    assert (status["state"], status["attention"]) == ("PRIMED", None)
    assert sent(vendor) == left, "something was sent after the withdrawal was answered"
    assert visit.post("/text", form={"text": SHORTHAND}).status_code == 200
    visit.await_state("DRAFTED")
    shown = visit.sign()
    visit.await_state("FILED")
    document = chart.notes_of(patient)["DocumentReference"][0]
    assert text_of(document) == shown["text"]
    assert "withdrew consent to recording (verbal)" in shown["text"] and "The visit was typed." in shown["text"]
    assert "back" not in " ".join(note_texts(visit.note())).lower()


def test_a_patient_who_agrees_anew_is_recorded_anew(clinic: Clinic, chart: Chart, vendor: SandboxVendor) -> None:
    visit = clinic.drafted(chart.admit())
    withdraw(visit)
    record(visit)
    visit.await_state("DRAFTED")
    assert visit.note()["revision"] == 2
    assert visit.client.get(f"{visit.base}/audio").status_code == 200
    visit.await_deletion()
    assert vendor.holds_nothing()


def test_the_note_names_everybody_who_was_asked_and_stays_what_was_signed(clinic: Clinic, chart: Chart) -> None:
    patient = chart.admit()
    visit = clinic.open(patient)
    heard = {"method": "verbal", "interpreter": "phone", "language": "Spanish", "wording": "es"}
    assert visit.post("/consent", form={"answer": "given", **heard}).status_code == 200
    partner = {"answer": "given", "method": "written", "person": "new", "role": "partner", "label": "Sam"}
    assert visit.post("/consent", form=partner).status_code == 200
    visit.upload(recording_bytes("billie"))
    visit.await_state("DRAFTED")
    shown = visit.sign()
    assert "(asked with the Spanish text, version 3, interpreted from Spanish by phone)." in shown["text"]
    assert "Sam (partner) gave written consent to recording on" in shown["text"]
    visit.await_state("FILED")
    late = problem_of(
        visit.post("/consent", form={"answer": "withdrawn", "method": "verbal"}), status=409, slug="conflict"
    )
    assert "belongs to the chart" in late
    assert visit.status()["state"] == "FILED"
    assert text_of(chart.notes_of(patient)["DocumentReference"][0]) == shown["text"]
    page = visit.client.get(visit.base, headers=PAGE).text
    assert "withdrew consent" in page
