"""No sound without a yes: what consent promises to the patient."""

from tests.builders import recording_bytes
from tests.fixtures.peers import ONE_OF_EACH, Chart, SandboxVendor, text_of
from tests.fixtures.visits import Clinic, Upload, note_texts, problem_of

SHORTHAND = "cough 3 days, no fever\nlungs clear\nA: viral cough\nP: fluids, rest, return if short of breath"


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
    answer = visit.post("/consent", form={"answer": "withdrawn", "method": "verbal"})
    assert answer.status_code == 200, answer.text
    problem_of(upload.put(1, sound[1000:]), status=403, slug="not-allowed")
    problem_of(upload.close(sound[:1000], 1), status=403, slug="not-allowed")


def test_an_answer_nobody_can_give_is_refused(clinic: Clinic, chart: Chart) -> None:
    visit = clinic.open(chart.admit())
    answer = visit.post("/consent", form={"answer": "perhaps", "method": "verbal"})
    assert 400 <= answer.status_code < 500
    problem_of(visit.post("/recordings"), status=403, slug="not-allowed")
