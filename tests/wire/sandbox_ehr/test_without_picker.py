"""An EHR that has no patient picker of its own: the token names nobody, and `user/` scopes reach what they say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.wire.sandbox_ehr.app_under_launch import (
    CLINICIAN,
    CONFIDENTIAL,
    REDIRECT,
    SECRET,
    Ehr,
    callback,
    make_request,
)
from tests.wire.sandbox_ehr.conftest import run_ehr
from tests.wire.sandbox_ehr.test_gateway_writes import bundle, entry, note, provenance
from tests.wire.sandbox_ehr.tiny_fhir import TinyFhir

SCOPE = (
    "launch/patient launch/encounter openid fhirUser user/Patient.rs user/Encounter.rs user/DocumentReference.crs "
    "user/Provenance.cu patient/Condition.rs"
)


@pytest.fixture(scope="module")
def unpicking(fhir: TinyFhir, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ehr]:
    """The sandbox EHR without a picker, and one app that is registered for `user/` scopes."""
    app = {"client_id": CONFIDENTIAL, "name": "App", "client_secret": SECRET, "redirect_uris": [REDIRECT]}
    app |= {"launch_url": "http://127.0.0.1:9/launch", "scopes": f"launch {SCOPE}"}
    folder: Path = tmp_path_factory.mktemp("unpicking")
    with run_ehr(fhir.base, folder, clients=[app], off=["context-standalone-patient"]) as ehr:
        yield ehr


@dataclass
class Walkin:
    """A token without a patient; two patients of the record, an encounter each."""

    ehr: Ehr
    token: dict[str, Any]
    people: tuple[str, str]
    encounters: tuple[str, str]

    def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """A request with the token."""
        headers = {"Authorization": f"Bearer {self.token['access_token']}", "Content-Type": "application/fhir+json"}
        return self.ehr.http.request(method, f"{self.ehr.fhir_base}/{path}".rstrip("/"), json=body, headers=headers)


@pytest.fixture
def walkin(unpicking: Ehr, fhir: TinyFhir) -> Walkin:
    """A standalone launch whose page asked for the clinician alone."""
    request = make_request(unpicking, "", scope=SCOPE)
    page = request.send()
    assert 'name="practitioner"' in page.text
    assert 'name="patient"' not in page.text and 'name="encounter"' not in page.text
    answer = request.exchange(callback(request.decide(practitioner=CLINICIAN, decision="approve"))["code"])
    people = (fhir.add_patient(), fhir.add_patient())
    visits = [
        fhir.add({"resourceType": "Encounter", "subject": {"reference": f"Patient/{one}"}, "status": "in-progress"})
        for one in people
    ]
    return Walkin(unpicking, answer.json(), people, (visits[0], visits[1]))


def test_the_token_names_nobody_and_the_metadata_say_that_no_patient_is_picked(walkin: Walkin) -> None:
    assert not {"patient", "encounter", "need_patient_banner"} & set(walkin.token)
    assert "launch/patient" not in walkin.token["scope"].split()
    assert "user/Patient.rs" in walkin.token["scope"].split()
    smart = walkin.ehr.http.get(f"{walkin.ehr.fhir_base}/.well-known/smart-configuration").json()
    assert "launch-standalone" in smart["capabilities"]
    assert "context-standalone-patient" not in smart["capabilities"]


def test_user_scopes_read_and_search_every_patient(walkin: Walkin) -> None:
    for patient, encounter in zip(walkin.people, walkin.encounters, strict=True):
        assert walkin.call("GET", f"Patient/{patient}").json()["id"] == patient
        found = walkin.call("GET", f"Encounter?patient={patient}").json()
        assert [one["resource"]["id"] for one in found["entry"]] == [encounter.split("/")[1]]
    assert walkin.call("GET", f"Patient?_id={walkin.people[0]}").status_code == 200


@pytest.mark.parametrize(
    "path", ["Patient", "Patient?_count=50", "Encounter", "Encounter?status=finished", "Provenance"]
)
def test_nobody_searches_everybody(walkin: Walkin, path: str) -> None:
    assert walkin.call("GET", path).status_code in (400, 403)


def test_patient_scopes_reach_nobody(walkin: Walkin) -> None:
    assert walkin.call("GET", f"Condition?patient={walkin.people[0]}").status_code == 403


def test_a_note_is_written_for_the_patient_and_the_encounter_it_names(walkin: Walkin, fhir: TinyFhir) -> None:
    body = note(walkin.people[1], context={"encounter": [{"reference": walkin.encounters[1]}]})
    document = entry(body, full_url="urn:uuid:5f2f6f0e-3b77-4f0a-8f39-0f2f6f0e3b77")
    told = walkin.call("POST", "", bundle(document, entry(provenance(document["fullUrl"]))))
    assert told.status_code == 200, told.text
    stored = told.json()["entry"][0]["response"]["location"].split("/_history")[0].split("/fhir/")[-1]
    assert fhir.store[stored]["subject"]["reference"] == f"Patient/{walkin.people[1]}"


def test_a_note_under_another_patients_encounter_or_for_two_patients_is_refused(walkin: Walkin) -> None:
    crossed = note(walkin.people[1], context={"encounter": [{"reference": walkin.encounters[0]}]})
    assert walkin.call("POST", "DocumentReference", crossed).status_code == 422
    torn = {**note(walkin.people[1]), "patient": {"reference": f"Patient/{walkin.people[0]}"}}
    assert walkin.call("POST", "DocumentReference", torn).status_code == 403
    nobodys = note(walkin.people[1], subject={"reference": "Group/1"})
    assert walkin.call("POST", "DocumentReference", nobodys).status_code == 403


def test_an_app_without_a_user_scope_is_told_that_nobody_is_picked(unpicking: Ehr) -> None:
    told = callback(make_request(unpicking, "", scope="launch/patient patient/Condition.rs").send())
    assert told["error"] == "invalid_scope"
