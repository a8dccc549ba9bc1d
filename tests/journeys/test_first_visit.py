"""From the EHR's launch to a note in the EHR: what a recorded visit promises to clinician and patient."""

from tests.fixtures.peers import ONE_OF_EACH, Chart, SandboxVendor, sha256_of, text_of
from tests.fixtures.visits import Clinic, note_texts


def test_a_recorded_visit_becomes_a_signed_note_in_the_ehr_and_the_vendor_keeps_nothing(
    clinic: Clinic, chart: Chart, vendor: SandboxVendor
) -> None:
    patient = chart.admit("billie")
    visit = clinic.drafted(patient, name="billie")
    visit.add_sentence("plan", "Written instructions given to the patient.")
    shown = visit.sign()
    visit.await_state("FILED")
    filing = visit.await_deletion()

    written = chart.notes_of(patient)
    assert {kind: len(found) for kind, found in written.items()} == ONE_OF_EACH
    stored = chart.read(filing["document_reference"])
    assert text_of(stored) == shown["text"]
    assert sha256_of(stored) == shown["sha256"] == filing["signed_sha256"] == filing["stored_sha256"]
    assert filing["read_back"] == "identical"
    number = f"urn:ietf:rfc:3986|{stored['identifier'][0]['value']}"
    assert [one["id"] for one in chart.find("DocumentReference", identifier=number)] == [stored["id"]]
    assert [f"Composition/{one['id']}" for one in chart.find("Composition", identifier=number)] == [
        filing["composition"]
    ]
    targets = [one["reference"].split("/_history")[0] for one in written["Provenance"][0]["target"]]
    assert targets == [filing["document_reference"], filing["composition"]]
    assert len(vendor.jobs()) == len(vendor.uploads()) == 1
    assert vendor.holds_nothing()


def test_the_patient_clinician_and_encounter_of_the_launch_are_those_of_the_filed_note(
    clinic: Clinic, chart: Chart
) -> None:
    patient = chart.admit("billie")
    visit = clinic.drafted(patient, name="billie")
    visit.sign()
    visit.await_state("FILED")
    written = chart.notes_of(patient)
    document, composition = written["DocumentReference"][0], written["Composition"][0]
    encounter = chart.find("Encounter", patient=patient, status="in-progress")
    assert len(encounter) == 1
    here = f"Encounter/{encounter[0]['id']}"
    assert document["subject"]["reference"] == composition["subject"]["reference"] == f"Patient/{patient}"
    assert document["context"]["encounter"][0]["reference"] == composition["encounter"]["reference"] == here
    author = encounter[0]["participant"][0]["individual"]["reference"]
    assert document["author"][0]["reference"] == composition["attester"][0]["party"]["reference"] == author
    assert document["docStatus"] == "final"


def test_a_drug_the_patient_is_allergic_to_is_pointed_out(clinic: Clinic, chart: Chart) -> None:
    note = clinic.drafted(chart.admit("chasidy"), name="chasidy").note()
    found = [finding for finding in note["findings"] if finding["kind"] == "allergy"]
    assert any("lisinopril" in finding["text"].lower() for finding in found)
    named = {finding["sentence_id"] for finding in found}
    texts = {one["id"]: one["text"] for part in note["sections"] for one in part["sentences"]}
    assert any("lisinopril" in texts[identity].lower() for identity in named)


def test_a_dose_that_differs_from_the_chart_is_pointed_out(clinic: Clinic, chart: Chart) -> None:
    note = clinic.drafted(chart.admit("billie"), name="billie").note()
    found = [finding["text"] for finding in note["findings"] if finding["kind"] == "dose-differs"]
    assert any("20 mg" in text and "10 MG" in text and "isinopril" in text for text in found)


def test_a_value_the_speaker_took_back_is_not_in_the_note(clinic: Clinic, chart: Chart) -> None:
    texts = note_texts(clinic.drafted(chart.admit("edmundo"), name="edmundo").note())
    tartrate = [text for text in texts if "tartrate" in text.lower()]
    assert any("50 mg" in text for text in tartrate)
    assert not any("25" in text for text in tartrate)
