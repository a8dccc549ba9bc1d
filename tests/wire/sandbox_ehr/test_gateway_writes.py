"""Writing through the gateway: only about the launch patient, alone or in a Bundle."""

from __future__ import annotations

import base64
from typing import Any
from uuid import uuid4

import pytest

from tests.wire.sandbox_ehr.app_under_launch import CLINICIAN, Ehr, Visit, visit
from tests.wire.sandbox_ehr.tiny_fhir import TinyFhir

NOTE_CATEGORY = [{"coding": [{"system": "http://x", "code": "clinical-note"}]}]


def note(patient: str, **more: Any) -> dict[str, Any]:
    """A DocumentReference with a text."""
    data = base64.b64encode("S: gut, 1.50 µg".encode()).decode()
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "identifier": [{"system": "urn:test", "value": str(uuid4())}],
        "subject": {"reference": f"Patient/{patient}"},
        "content": [{"attachment": {"contentType": "text/plain", "data": data}}],
        **more,
    }


def provenance(*targets: str) -> dict[str, Any]:
    """A Provenance with an id of its own."""
    return {
        "resourceType": "Provenance",
        "id": str(uuid4()),
        "target": [{"reference": target} for target in targets],
        "agent": [{"who": {"reference": CLINICIAN}}],
    }


def entry(resource: dict[str, Any], *, full_url: str | None = None, condition: str | None = None) -> dict[str, Any]:
    """A create; a Provenance is put under its id."""
    kind = resource["resourceType"]
    request = {"method": "POST", "url": kind}
    if kind == "Provenance":
        request = {"method": "PUT", "url": f"Provenance/{resource['id']}"}
    if condition:
        request["ifNoneExist"] = condition
    return {"fullUrl": full_url or f"urn:uuid:{uuid4()}", "resource": resource, "request": request}


def bundle(*entries: dict[str, Any], kind: str = "transaction") -> dict[str, Any]:
    """A Bundle to post to the base."""
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


@pytest.fixture
def seen(ehr: Ehr, fhir: TinyFhir) -> Visit:
    """A visit of a new patient."""
    return visit(ehr, fhir.add_patient())


def test_a_note_is_created_and_its_location_is_ours(seen: Visit, fhir: TinyFhir) -> None:
    answer = seen.call("POST", "DocumentReference", json=note(seen.patient))
    assert answer.status_code == 201
    location = answer.headers["location"]
    assert location == answer.headers["content-location"]
    assert location.startswith(f"{seen.ehr.fhir_base}/DocumentReference/")
    assert location.endswith("/_history/1")
    assert fhir.base not in answer.text + str(answer.headers)
    assert seen.call("GET", location.partition("/_history")[0]).status_code == 200


def test_if_none_exist_and_prefer_reach_the_server(seen: Visit, fhir: TinyFhir) -> None:
    made = note(seen.patient)
    condition = f"identifier=urn:test|{made['identifier'][0]['value']}"
    headers = {"If-None-Exist": condition, "Prefer": "return=representation"}
    first, second = (seen.call("POST", "DocumentReference", json=made, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.headers["location"] == second.headers["location"]
    assert fhir.heard[-1][2]["prefer"] == "return=representation"


def test_a_condition_that_matches_another_patients_note_shows_nothing(seen: Visit, fhir: TinyFhir) -> None:
    other = note(fhir.add_patient())
    fhir.add(other)
    condition = f"identifier=urn:test|{other['identifier'][0]['value']}"
    answer = seen.call("POST", "DocumentReference", json=note(seen.patient), headers={"If-None-Exist": condition})
    assert answer.status_code == 403
    assert other["id"] not in answer.text


@pytest.mark.parametrize(
    "subject", [None, {"reference": "Patient/other"}, {"display": "Someone"}, {"reference": "Group/1"}]
)
def test_a_note_must_name_the_launch_patient(seen: Visit, fhir: TinyFhir, subject: Any) -> None:
    before = len(fhir.store)
    made = {name: value for name, value in note(seen.patient, subject=subject).items() if value is not None}
    assert seen.call("POST", "DocumentReference", json=made).status_code == 403
    assert len(fhir.store) == before


def test_an_absolute_reference_on_our_base_is_stored_relative(seen: Visit, fhir: TinyFhir) -> None:
    base = seen.ehr.fhir_base
    made = note(seen.patient, subject={"reference": f"{base}/Patient/{seen.patient}"})
    made["author"] = [{"reference": f"{base}/{CLINICIAN}"}]
    location = seen.call("POST", "DocumentReference", json=made).headers["location"]
    stored = fhir.store[location.removeprefix(f"{base}/").partition("/_history")[0]]
    assert stored["subject"]["reference"] == f"Patient/{seen.patient}"
    assert stored["author"][0]["reference"] == CLINICIAN


def test_the_encounter_of_a_note_must_be_the_patients(seen: Visit, ehr: Ehr, fhir: TinyFhir) -> None:
    other = visit(ehr, fhir.add_patient())
    for encounter, status in ((seen.encounter, 201), (other.encounter, 422), ("missing", 422)):
        made = note(seen.patient, context={"encounter": [{"reference": f"Encounter/{encounter}"}]})
        assert seen.call("POST", "DocumentReference", json=made).status_code == status
    composition = {"resourceType": "Composition", "subject": {"reference": f"Patient/{seen.patient}"}}
    composition["encounter"] = {"reference": f"Encounter/{other.encounter}"}
    assert seen.call("POST", "Composition", json=composition).status_code == 422


def test_an_update_needs_the_version_and_the_patient_on_both_sides(seen: Visit, fhir: TinyFhir) -> None:
    own = fhir.add(note(seen.patient))
    other = fhir.add(note(fhir.add_patient()))
    changed = note(seen.patient, id=own.split("/")[1])
    assert seen.call("PUT", own, json=changed, headers={"If-Match": 'W/"9"'}).status_code == 412
    assert seen.call("PUT", own, json=changed, headers={"If-Match": 'W/"1"'}).headers["etag"] == 'W/"2"'
    stolen = note(seen.patient, id=other.split("/")[1])
    assert seen.call("PUT", other, json=stolen).status_code == 403
    assert fhir.store[other]["subject"]["reference"] != f"Patient/{seen.patient}"
    assert seen.call("PUT", "DocumentReference/of-my-own", json=note(seen.patient, id="of-my-own")).status_code == 201


def test_a_delete_needs_the_patient_and_the_scope(seen: Visit, ehr: Ehr, fhir: TinyFhir) -> None:
    own, other = fhir.add(note(seen.patient)), fhir.add(note(fhir.add_patient()))
    assert seen.call("DELETE", other).status_code == 403
    assert seen.call("DELETE", own).status_code == 204
    assert other in fhir.store
    assert own not in fhir.store
    narrow = visit(ehr, seen.patient, scope="launch patient/DocumentReference.crus")
    again = fhir.add(note(seen.patient))
    assert narrow.call("DELETE", again).status_code == 403


def test_writing_needs_its_scope(ehr: Ehr, fhir: TinyFhir) -> None:
    reader = visit(ehr, fhir.add_patient(), scope="launch patient/DocumentReference.rs user/Organization.rs")
    assert reader.call("POST", "DocumentReference", json=note(reader.patient)).status_code == 403
    assert reader.call("POST", "Organization", json={"resourceType": "Organization"}).status_code == 403
    category = "patient/DocumentReference.c?category=clinical-note"
    writer = visit(ehr, fhir.add_patient(), scope=f"launch {category}")
    assert writer.token["scope"] == f"launch {category}"
    assert writer.call("POST", "DocumentReference", json=note(writer.patient)).status_code == 403
    made = note(writer.patient, category=NOTE_CATEGORY)
    assert writer.call("POST", "DocumentReference", json=made).status_code == 201


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/fhir+json", 400),
        (b'"text"', "application/fhir+json", 400),
        (b'{"resourceType":"Composition"}', "application/fhir+json", 400),
        (b"\xff", "application/fhir+json", 400),
        ('{"resourceType":"DocumentReference","x":"\ue000"}'.encode(), "application/fhir+json", 400),
        (b"<DocumentReference/>", "application/fhir+xml", 415),
        (b"[" * 100_000, "application/fhir+json", 400),
    ],
)
def test_a_body_that_is_no_note_is_refused(seen: Visit, content: bytes, kind: str, status: int) -> None:
    answer = seen.call("POST", "DocumentReference", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_a_provenance_alone_must_point_at_the_patients_own(seen: Visit, fhir: TinyFhir) -> None:
    own, other = fhir.add(note(seen.patient)), fhir.add(note(fhir.add_patient()))
    for targets, status in (((own,), 201), ((own, other), 403), ((), 403), (("urn:uuid:x",), 403)):
        made = provenance(*targets)
        assert seen.call("PUT", f"Provenance/{made['id']}", json=made).status_code == status
    for targets in ((own,), (other,)):
        made = provenance(*targets)
        answer = seen.call("POST", "Provenance", json=made)
        assert answer.status_code == (201 if targets == (own,) else 403)


def test_a_transaction_files_note_composition_and_provenance_once(seen: Visit, fhir: TinyFhir) -> None:
    made, urn = note(seen.patient), f"urn:uuid:{uuid4()}"
    condition = f"identifier=urn:test|{made['identifier'][0]['value']}"
    composition = {"resourceType": "Composition", "subject": {"reference": f"Patient/{seen.patient}"}}
    composition["encounter"] = {"reference": f"Encounter/{seen.encounter}"}
    sent = bundle(entry(made, full_url=urn, condition=condition), entry(composition), entry(provenance(urn)))
    first, second = (seen.call("POST", "", json=sent).json() for _ in range(2))
    statuses = [[item["response"]["status"] for item in answer["entry"]] for answer in (first, second)]
    assert statuses[0] == ["201 Created"] * 3
    assert statuses[1][0] == "200 OK"
    locations = [item["response"]["location"] for item in first["entry"]]
    assert all(location.startswith(f"{seen.ehr.fhir_base}/") for location in locations)
    filed = [r for r in fhir.store.values() if r.get("identifier") == made["identifier"]]
    assert len(filed) == 1
    read = seen.call("GET", locations[0].partition("/_history")[0]).json()
    assert read["content"] == made["content"]


def test_one_bad_entry_refuses_the_whole_transaction(seen: Visit, fhir: TinyFhir) -> None:
    other = fhir.add_patient()
    strangers_note = fhir.add(note(other))
    encounter = fhir.add({"resourceType": "Encounter", "subject": {"reference": f"Patient/{other}"}})
    urn = f"urn:uuid:{uuid4()}"
    smuggled = note(seen.patient, context={"encounter": [{"reference": encounter}]})
    bad_entries = [
        (entry(note(other)), 403),
        (entry(provenance(strangers_note)), 403),
        (entry(provenance(urn, strangers_note)), 403),
        (entry(provenance("urn:uuid:not-here")), 403),
        ({**entry(note(seen.patient)), "request": {"method": "PUT", "url": strangers_note}}, 403),
        ({"request": {"method": "DELETE", "url": strangers_note}}, 403),
        ({"request": {"method": "GET", "url": f"Patient/{seen.patient}"}}, 400),
        ({"request": {"method": "DELETE", "url": f"DocumentReference?patient={other}"}}, 405),
        (entry({"resourceType": "Subscription"}), 403),
        ({"resource": note(seen.patient)}, 400),
        (entry(smuggled, full_url=encounter), 422),
    ]
    before = dict(fhir.store)
    for bad, status in bad_entries:
        answer = seen.call("POST", "", json=bundle(entry(note(seen.patient), full_url=urn), bad))
        assert answer.status_code == status, bad
        assert answer.json()["resourceType"] == "OperationOutcome"
    assert fhir.store == before


@pytest.mark.parametrize("body", [{"resourceType": "Patient"}, bundle(kind="document"), [], {"resourceType": "Bundle"}])
def test_the_base_takes_only_transactions_and_batches(seen: Visit, body: Any) -> None:
    assert seen.call("POST", "", json=body).status_code == 400


def test_a_batch_is_answered_entry_by_entry(seen: Visit, fhir: TinyFhir) -> None:
    other = fhir.add_patient()
    urls = [f"Patient/{seen.patient}", f"Patient/{other}", "Encounter?_count=5", f"Encounter?patient={other}", "No/1"]
    gets = [{"request": {"method": "GET", "url": url}} for url in urls]
    answer = seen.call("POST", "", json=bundle(*gets, entry(note(seen.patient)), entry(note(other)), kind="batch"))
    assert answer.json()["type"] == "batch-response"
    entries = answer.json()["entry"]
    statuses = [item["response"]["status"] for item in entries]
    assert statuses == ["200", "403", "200", "403", "403", "201", "403"]
    assert entries[0]["resource"]["id"] == seen.patient
    assert [e["resource"]["id"] for e in entries[2]["resource"]["entry"]] == [seen.encounter]
    assert entries[1]["response"]["outcome"]["resourceType"] == "OperationOutcome"
    assert entries[5]["response"]["location"].startswith(seen.ehr.fhir_base)
    assert fhir.base not in answer.text
