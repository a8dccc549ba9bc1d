"""The EHR's own pages and the launch they start."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.wire.sandbox_ehr.app_under_launch import CLINICIAN, PUBLIC, Ehr, callback, make_request, visit
from tests.wire.sandbox_ehr.conftest import listen, run_ehr, serve
from tests.wire.sandbox_ehr.tiny_fhir import TinyFhir


def test_the_patient_list_can_be_searched(ehr: Ehr, fhir: TinyFhir) -> None:
    fhir.add_patient("Findable")
    fhir.add_patient("Hidden")
    page = ehr.http.get(f"{ehr.base}/", params={"q": "findable"})
    assert "Sandbox EHR" in page.text
    assert "Pat Findable" in page.text
    assert "Hidden" not in page.text
    assert "1980-05-01" in page.text
    assert "MRN-" in page.text
    assert "No patients match" in ehr.http.get(f"{ehr.base}/?q=nobody-here").text


def test_a_search_text_is_shown_as_text(ehr: Ehr) -> None:
    assert "<script>x" not in ehr.http.get(f"{ehr.base}/", params={"q": "<script>x"}).text


def test_the_chart_shows_what_there_is_and_what_could_not_be_read(ehr: Ehr, fhir: TinyFhir) -> None:
    patient = fhir.add_patient("Charted")
    subject = {"reference": f"Patient/{patient}"}
    fhir.add({"resourceType": "Condition", "subject": subject, "code": {"text": "Hypertension <b>"}})
    fhir.add(
        {"resourceType": "AllergyIntolerance", "patient": subject, "code": {"coding": [{"display": "Penicillin"}]}}
    )
    fhir.add(
        {"resourceType": "MedicationRequest", "subject": subject, "medicationCodeableConcept": {"text": "Aspirin"}}
    )
    page = ehr.http.get(f"{ehr.base}/patients/{patient}").text
    assert '<h1 class="name">Pat Charted' in page and page.count("<h1") == 1
    for shown in ("Pat Charted", "Hypertension &lt;b&gt;", "Penicillin", "Aspirin", "No documents", "Launch scribe"):
        assert shown in page
    fhir.raw["Condition"] = b"no json"
    try:
        assert "Could not be read." in ehr.http.get(f"{ehr.base}/patients/{patient}").text
    finally:
        del fhir.raw["Condition"]


def test_a_stored_note_is_shown_with_the_hash_of_its_bytes(ehr: Ehr, fhir: TinyFhir) -> None:
    patient = fhir.add_patient()
    plain, rich = "S: gut <µ>".encode(), b"<div>S: rich</div>"
    contents = [
        {"attachment": {"contentType": kind, "data": base64.b64encode(data).decode(), "title": "Visit note"}}
        for kind, data in (("text/plain; charset=utf-8", plain), ("application/xhtml+xml", rich))
    ]
    subject = {"reference": f"Patient/{patient}"}
    path = fhir.add({"resourceType": "DocumentReference", "status": "current", "subject": subject, "content": contents})
    number = path.split("/")[1]
    assert f"/patients/{patient}/documents/{number}" in ehr.http.get(f"{ehr.base}/patients/{patient}").text
    page = ehr.http.get(f"{ehr.base}/patients/{patient}/documents/{number}").text
    assert "S: gut &lt;µ&gt;" in page
    assert hashlib.sha256(plain).hexdigest() in page
    assert hashlib.sha256(rich).hexdigest() in page
    assert '<iframe sandbox srcdoc="&lt;div&gt;S: rich' in page
    other = fhir.add_patient()
    assert ehr.http.get(f"{ehr.base}/patients/{other}/documents/{number}").status_code == 404


@pytest.mark.parametrize("path", ["/patients/missing", "/patients/missing/documents/1", "/patients/..%2Fmetadata"])
def test_what_is_not_there_is_a_page_that_says_so(ehr: Ehr, path: str) -> None:
    page = ehr.http.get(f"{ehr.base}{path}")
    assert page.status_code == 404


def test_pages_may_be_framed_only_by_the_ehr_itself(ehr: Ehr) -> None:
    headers = ehr.http.get(f"{ehr.base}/").headers
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_the_panel_is_given_the_microphone(ehr: Ehr) -> None:
    script = ehr.http.get(f"{ehr.base}/static/ehr.js").text
    assert 'frame.allow = "microphone; autoplay"' in script
    assert script.index("frame.src") < script.index("place.append(frame)")


def test_who_is_signed_in_is_remembered(ehr: Ehr, fhir: TinyFhir) -> None:
    patient = fhir.add_patient()
    lindqvist = "Practitioner/sandbox-ehr-lindqvist"
    answer = ehr.http.post(f"{ehr.base}/clinician", data={"practitioner": lindqvist, "back": f"/patients/{patient}"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/patients/{patient}")
    field = f'name="practitioner" value="{lindqvist}"'
    assert field in ehr.http.get(f"{ehr.base}/patients/{patient}").text
    ehr.http.post(f"{ehr.base}/clinician", data={"practitioner": "nobody"})
    assert 'name="practitioner" value=""' in ehr.http.get(f"{ehr.base}/patients/{patient}").text
    evil = ehr.http.post(f"{ehr.base}/clinician", data={"practitioner": "nobody", "back": "//evil.example"})
    assert evil.headers["location"] == "/"


def test_a_launch_opens_an_encounter_of_today(ehr: Ehr, fhir: TinyFhir) -> None:
    patient = fhir.add_patient()
    opened = ehr.launch(f"Patient/{patient}", practitioner=CLINICIAN)
    assert set(opened) == {"launch", "iss", "launch_url", "patient", "encounter"}
    assert opened["iss"] == ehr.fhir_base
    assert opened["patient"] == patient
    address = urlsplit(opened["launch_url"])
    assert parse_qs(address.query) == {"iss": [ehr.fhir_base], "launch": [opened["launch"]]}
    encounter = fhir.store[f"Encounter/{opened['encounter']}"]
    assert encounter["status"] == "in-progress"
    assert encounter["class"]["code"] == "AMB"
    assert encounter["subject"] == {"reference": f"Patient/{patient}"}
    assert encounter["participant"][0]["individual"]["reference"] == CLINICIAN
    assert encounter["period"]["start"].endswith("+00:00")
    assert "end" not in encounter["period"]


def test_the_chart_offers_a_launch_without_an_encounter(ehr: Ehr, fhir: TinyFhir) -> None:
    patient = fhir.add_patient()
    page = ehr.http.get(f"{ehr.base}/patients/{patient}").text
    assert '<option value="none">No encounter</option>' in page
    for chosen, opens in (("none", False), ("", True)):
        form = {"patient": patient, "practitioner": CLINICIAN, "client_id": PUBLIC, "encounter": chosen}
        known = {path for path in fhir.store if path.startswith("Encounter/")}
        assert ehr.http.post(f"{ehr.base}/launches", data=form).status_code == 303
        assert ({path for path in fhir.store if path.startswith("Encounter/")} > known) is opens


def test_the_form_is_answered_with_the_apps_address(ehr: Ehr, fhir: TinyFhir) -> None:
    patient = fhir.add_patient()
    form = {"patient": patient, "practitioner": "", "client_id": PUBLIC}
    answer = ehr.http.post(f"{ehr.base}/launches", data=form)
    assert answer.status_code == 303
    launch = parse_qs(urlsplit(answer.headers["location"]).query)["launch"][0]
    assert "Who is using App scribe-public?" in make_request(ehr, launch, client_id=PUBLIC).send().text


def test_a_launch_can_use_an_encounter_that_is_there(ehr: Ehr, fhir: TinyFhir) -> None:
    patient = fhir.add_patient()
    path = fhir.add({"resourceType": "Encounter", "subject": {"reference": f"Patient/{patient}"}})
    opened = ehr.launch(patient, practitioner=CLINICIAN, encounter=path.split("/")[1])
    request = make_request(ehr, opened["launch"])
    assert request.exchange(callback(request.send())["code"]).json()["encounter"] == path.split("/")[1]


def test_the_picker_does_not_touch_an_encounter_of_others(ehr: Ehr, fhir: TinyFhir) -> None:
    patient = fhir.add_patient()
    path = fhir.add({"resourceType": "Encounter", "subject": {"reference": f"Patient/{patient}"}})
    request = make_request(ehr, ehr.launch(patient, encounter=path.split("/")[1])["launch"])
    assert "code" in callback(request.decide(practitioner=CLINICIAN, decision="approve"))
    assert "participant" not in fhir.store[path]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"patient": "missing"}, 404),
        ({}, 400),
        ({"patient": "a/b"}, 400),
        ({"patient": ["1"]}, 400),
        ({"practitioner": "Practitioner/missing"}, 400),
        ({"practitioner": "Patient/1"}, 400),
        ({"client_id": "nobody"}, 400),
        ({"encounter": "missing"}, 400),
        ({"colour": "red"}, 400),
    ],
)
def test_a_launch_for_nobody_is_refused(ehr: Ehr, fhir: TinyFhir, fields: dict[str, str], status: int) -> None:
    body = {"patient": fhir.add_patient(), **fields} if fields else {}
    assert ehr.http.post(f"{ehr.base}/launches", json=body).status_code == status


def test_an_encounter_of_another_patient_is_refused(ehr: Ehr, fhir: TinyFhir) -> None:
    opened = ehr.launch(fhir.add_patient(), practitioner=CLINICIAN)
    body = {"patient": fhir.add_patient(), "encounter": opened["encounter"]}
    assert ehr.http.post(f"{ehr.base}/launches", json=body).status_code == 400


def test_a_foreign_page_opens_no_launch(ehr: Ehr, fhir: TinyFhir) -> None:
    headers = {"Origin": "http://127.0.0.1:9"}
    for path in ("launches", "clinician"):
        answer = ehr.http.post(f"{ehr.base}/{path}", data={"patient": fhir.add_patient()}, headers=headers)
        assert answer.status_code == 403


def test_without_its_fhir_server_the_ehr_says_so_and_recovers(fhir: TinyFhir, tmp_path: Path) -> None:
    sock, port = listen()
    sock.close()
    with run_ehr(f"http://127.0.0.1:{port}/fhir", tmp_path) as ehr:
        assert ehr.http.get(f"{ehr.base}/health").json() == {"status": "ok", "name": "Sandbox EHR", "ready": False}
        assert "could not be read" in ehr.http.get(f"{ehr.base}/").text
        page = ehr.http.get(f"{ehr.base}/patients/1", headers={"Accept": "text/html"})
        assert (page.status_code, "cannot be reached" in page.text) == (502, True)
        metadata = ehr.http.get(f"{ehr.fhir_base}/metadata")
        assert (metadata.status_code, metadata.json()["resourceType"]) == (502, "OperationOutcome")
    with run_ehr(fhir.base, tmp_path) as ehr:
        assert ehr.http.get(f"{ehr.base}/health").json()["ready"] is True


def test_a_fhir_server_that_assigns_ids_gets_the_clinicians_once(tmp_path: Path) -> None:
    sock, port = listen()
    own = TinyFhir(base=f"http://127.0.0.1:{port}/fhir", assigns_ids=True)
    patient = own.add_patient()
    with serve(own.app(), sock):
        for _ in range(2):
            with run_ehr(own.base, tmp_path) as ehr:
                page = ehr.http.get(f"{ehr.base}/").text
        made = [path for path in own.store if path.startswith("Practitioner/")]
        assert len(made) == 2
        assert all(f'value="{path}"' in page for path in made)
        with run_ehr(own.base, tmp_path) as ehr:
            seen = visit(ehr, patient, practitioner=made[0])
            assert seen.call("GET", made[0]).status_code == 200
