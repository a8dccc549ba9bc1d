"""Standalone launch, and EHR launches that leave something to be picked; what a launch adds to the token answer."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from tests.wire.sandbox_ehr.app_under_launch import CLINICIAN, Ehr, Request, callback, make_request
from tests.wire.sandbox_ehr.tiny_fhir import TinyFhir

SCOPE = "launch/patient openid fhirUser online_access patient/Patient.rs patient/Encounter.rs"
WITH_ENCOUNTER = f"{SCOPE} launch/encounter"


def standalone(ehr: Ehr, scope: str = SCOPE) -> Request:
    """An authorization request without a launch."""
    return make_request(ehr, "", scope=scope)


def approve(request: Request, patient: str, **answers: str) -> httpx.Response:
    """What the page posts, the headless way."""
    picked = {"practitioner": CLINICIAN, "patient": patient, "decision": "approve", **answers}
    return request.decide(**picked)


def exchange(request: Request, answer: httpx.Response) -> dict[str, Any]:
    """The token answer."""
    got = request.exchange(callback(answer)["code"])
    assert got.status_code == 200, got.text
    token: dict[str, Any] = got.json()
    return token


def test_a_clinician_and_a_patient_are_picked(ehr: Ehr, fhir: TinyFhir) -> None:
    patient = fhir.add_patient()
    request = standalone(ehr)
    page = request.send()
    assert page.status_code == 200
    assert "Dr. Maya Okafor (sandbox)" in page.text
    assert re.search(r'name="patient" value="\d+"', page.text)
    assert 'name="encounter"' not in page.text
    answer = approve(request, patient)
    assert callback(answer)["state"] == request.params["state"]
    token = exchange(request, answer)
    assert token["patient"] == patient
    assert "encounter" not in token
    assert token["need_patient_banner"] is True
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    assert ehr.http.get(f"{ehr.fhir_base}/Patient/{patient}", headers=headers).status_code == 200
    assert ehr.http.get(f"{ehr.fhir_base}/Patient/{fhir.add_patient()}", headers=headers).status_code == 403


def test_the_list_of_patients_can_be_searched(ehr: Ehr, fhir: TinyFhir) -> None:
    found, other = fhir.add_patient("Quillfeather"), fhir.add_patient("Marsh")
    request = standalone(ehr)
    page = request.decide(decision="search", q="quillf", practitioner="Practitioner/sandbox-ehr-lindqvist")
    assert page.status_code == 200
    assert f'value="{found}"' in page.text
    assert f'value="{other}"' not in page.text
    assert re.search(r'value="Practitioner/sandbox-ehr-lindqvist" checked', page.text)
    assert 'value="Practitioner/sandbox-ehr-okafor" checked' not in page.text
    assert request.params["state"] in page.text


@pytest.mark.parametrize(("picked", "kind"), [("", "new"), ("none", "none"), ("own", "own")])
def test_launch_encounter_asks_for_an_encounter(ehr: Ehr, fhir: TinyFhir, picked: str, kind: str) -> None:
    patient = fhir.add_patient()
    own = fhir.add({"resourceType": "Encounter", "subject": {"reference": f"Patient/{patient}"}}).split("/")[1]
    request = standalone(ehr, WITH_ENCOUNTER)
    assert 'name="encounter" value="none"' in request.send().text
    token = exchange(request, approve(request, patient, encounter=own if picked == "own" else picked))
    if kind == "new":
        stored = fhir.store[f"Encounter/{token['encounter']}"]
        assert (stored["status"], token["encounter"] != own) == ("in-progress", True)
        assert stored["participant"][0]["individual"]["reference"] == CLINICIAN
    else:
        assert token.get("encounter") == (own if kind == "own" else None)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"aud": "http://localhost:1/fhir"}, "invalid_request"),
        ({"aud": None}, "invalid_request"),
        ({"state": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "openid patient/Patient.rs"}, "invalid_scope"),
        ({"scope": "launch/encounter patient/Patient.rs"}, "invalid_scope"),
        ({"scope": "launch patient/Patient.rs"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_a_wrong_request_is_told_to_the_app(ehr: Ehr, changes: dict[str, str | None], error: str) -> None:
    assert callback(standalone(ehr).send(**changes))["error"] == error


def test_a_launch_needs_the_scope_launch(ehr: Ehr, fhir: TinyFhir) -> None:
    opened = ehr.launch(fhir.add_patient(), practitioner=CLINICIAN)
    assert callback(make_request(ehr, opened["launch"], scope=SCOPE).send())["error"] == "invalid_scope"


@pytest.mark.parametrize("patient", ["", "unknown", "Practitioner/1", "../Patient/1"])
def test_only_a_patient_of_the_record_can_be_picked(ehr: Ehr, patient: str) -> None:
    answer = approve(standalone(ehr), patient)
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_only_an_encounter_of_the_patient_can_be_picked(ehr: Ehr, fhir: TinyFhir) -> None:
    other = fhir.add({"resourceType": "Encounter", "subject": {"reference": "Patient/another"}}).split("/")[1]
    answer = approve(standalone(ehr, WITH_ENCOUNTER), fhir.add_patient(), encounter=other)
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_denial_goes_back_to_the_app(ehr: Ehr) -> None:
    request = standalone(ehr)
    assert callback(request.decide(decision="deny"))["error"] == "access_denied"


def test_a_standalone_launch_can_be_mischievous(ehr: Ehr, fhir: TinyFhir) -> None:
    request = standalone(ehr)
    told = callback(approve(request, fhir.add_patient(), mischief="callback_server_error,callback_iss_missing"))
    assert told["error"] == "server_error"
    assert not {"iss", "code"} & set(told)
    assert approve(standalone(ehr), fhir.add_patient(), mischief="earthquake").status_code == 400


def test_an_ehr_launch_without_a_patient_asks_for_one_if_the_app_does(ehr: Ehr, fhir: TinyFhir) -> None:
    opened = ehr.launch("none", practitioner=CLINICIAN)
    assert (opened["patient"], opened["encounter"]) == (None, None)
    request = make_request(ehr, opened["launch"], scope=f"launch {WITH_ENCOUNTER}")
    page = request.send()
    assert 'name="patient"' in page.text
    assert 'name="practitioner"' not in page.text
    patient = fhir.add_patient()
    token = exchange(request, request.decide(patient=patient, decision="approve", encounter="none"))
    assert (token["patient"], token.get("encounter")) == (patient, None)


def test_an_ehr_launch_without_a_patient_gives_a_token_without_one(ehr: Ehr, fhir: TinyFhir) -> None:
    opened = ehr.launch("none", practitioner=CLINICIAN)
    request = make_request(ehr, opened["launch"], scope="launch patient/Patient.rs patient/Encounter.rs")
    token = exchange(request, request.send())
    assert not {"patient", "encounter", "need_patient_banner"} & set(token)
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    for path in (f"Patient/{fhir.add_patient()}", "Patient", "Encounter"):
        assert ehr.http.get(f"{ehr.fhir_base}/{path}", headers=headers).status_code == 403


def test_a_launch_may_add_to_the_token_answer(ehr: Ehr, fhir: TinyFhir) -> None:
    extras = {
        "tenant": "north",
        "intent": "reconcile",
        "fhirContext": [{"reference": "ImagingStudy/1", "role": "launch"}],
        "smart_style_url": True,
    }
    opened = ehr.launch(fhir.add_patient(), practitioner=CLINICIAN, **extras)
    request = make_request(ehr, opened["launch"])
    token = exchange(request, request.send())
    style = f"{ehr.base}/static/smart-style.json"
    assert {name: token[name] for name in extras} == {**extras, "smart_style_url": style}
    assert "color_background" in ehr.http.get(style).json()
    form = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
    assert ehr.post_token(form, client_id="scribe").json()["tenant"] == "north"


@pytest.mark.parametrize("extras", [{"tenant": 5}, {"fhirContext": {}}, {"intent": ["x"]}, {"colour": "red"}])
def test_what_a_launch_adds_has_its_type(ehr: Ehr, fhir: TinyFhir, extras: dict[str, Any]) -> None:
    answer = ehr.http.post(f"{ehr.base}/launches", json={"patient": fhir.add_patient(), **extras})
    assert answer.status_code == 400
