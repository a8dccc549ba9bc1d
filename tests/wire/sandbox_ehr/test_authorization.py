"""The authorization endpoint: who is asked, who is refused, and where a refusal may be sent."""

from __future__ import annotations

import pytest

from tests.wire.sandbox_ehr.app_under_launch import CLINICIAN, PUBLIC, SCOPES, Ehr, callback, make_request
from tests.wire.sandbox_ehr.tiny_fhir import TinyFhir


def test_a_clinician_signed_in_at_launch_is_not_asked_again(ehr: Ehr, fhir: TinyFhir) -> None:
    request = make_request(ehr, ehr.launch(fhir.add_patient(), practitioner=CLINICIAN)["launch"])
    answer = request.send()
    assert answer.status_code == 302
    assert callback(answer)["state"] == request.params["state"]
    assert callback(answer)["iss"] == f"{ehr.base}/auth"
    assert answer.headers["cache-control"] == "no-store"


def test_without_a_clinician_the_picker_is_shown_and_its_form_answers(ehr: Ehr, fhir: TinyFhir) -> None:
    opened = ehr.launch(fhir.add_patient())
    request = make_request(ehr, opened["launch"])
    page = request.send()
    assert page.status_code == 200
    assert "Dr. Maya Okafor (sandbox)" in page.text
    assert request.params["state"] in page.text
    assert "frame-ancestors 'self'" in page.headers["content-security-policy"]
    answer = request.decide(practitioner=CLINICIAN, decision="approve")
    assert answer.status_code == 303
    assert request.exchange(callback(answer)["code"]).json()["encounter"] == opened["encounter"]
    participant = fhir.store[f"Encounter/{opened['encounter']}"]["participant"][0]
    assert participant["individual"]["reference"] == CLINICIAN


def test_a_posted_authorization_request_is_the_same_as_a_get(ehr: Ehr, fhir: TinyFhir) -> None:
    request = make_request(ehr, ehr.launch(fhir.add_patient(), practitioner=CLINICIAN)["launch"])
    assert "code" in callback(request.decide())


def test_denial_goes_back_to_the_app_with_iss(ehr: Ehr, fhir: TinyFhir) -> None:
    request = make_request(ehr, ehr.launch(fhir.add_patient())["launch"])
    told = callback(request.decide(decision="deny"))
    assert told == {"error": "access_denied", "state": request.params["state"], "iss": f"{ehr.base}/auth"} | {
        "error_description": told["error_description"]
    }


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"aud": "http://localhost:1/fhir"}, "invalid_request"),
        ({"aud": None}, "invalid_request"),
        ({"state": None}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"launch": None}, "invalid_request"),
        ({"launch": "unknown"}, "invalid_request"),
        ({"scope": "openid patient/Patient.r"}, "invalid_scope"),
        ({"scope": "patient/*.dr"}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_a_wrong_request_is_told_to_the_app(
    ehr: Ehr, fhir: TinyFhir, changes: dict[str, str | None], error: str
) -> None:
    request = make_request(ehr, ehr.launch(fhir.add_patient())["launch"])
    told = callback(request.send(**changes))
    assert told["error"] == error
    assert told["iss"] == f"{ehr.base}/auth"
    assert told.get("state") == ({**request.params, **changes}["state"])


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "nobody"},
        {"client_id": None},
        {"redirect_uri": "http://127.0.0.1:9/callback/"},
        {"redirect_uri": "http://evil.example/callback"},
        {"redirect_uri": None},
        {"redirect_uri": 'http://evil.example/"quoted"'},
    ],
)
def test_nothing_is_sent_to_an_address_that_is_not_the_apps(
    ehr: Ehr, fhir: TinyFhir, changes: dict[str, str | None]
) -> None:
    request = make_request(ehr, ehr.launch(fhir.add_patient(), practitioner=CLINICIAN)["launch"])
    answer = request.send(**changes)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    page = ehr.http.get(answer.request.url, headers={"Accept": "text/html"})
    assert page.status_code == 400
    assert "Authorization refused" in page.text


def test_a_repeated_parameter_is_refused(ehr: Ehr, fhir: TinyFhir) -> None:
    request = make_request(ehr, ehr.launch(fhir.add_patient(), practitioner=CLINICIAN)["launch"])
    for name, value in (("aud", "http://evil.example"), ("launch", "other"), ("state", "other"), ("scope", "launch")):
        pairs = [*request.params.items(), (name, value)]
        answer = ehr.http.get(f"{ehr.base}/auth/authorize", params=pairs)
        assert answer.status_code == 400 or callback(answer)["error"] == "invalid_request"


def test_a_launch_is_good_once(ehr: Ehr, fhir: TinyFhir) -> None:
    request = make_request(ehr, ehr.launch(fhir.add_patient(), practitioner=CLINICIAN)["launch"])
    assert "code" in callback(request.send())
    told = callback(make_request(ehr, request.params["launch"]).send())
    assert told["error"] == "invalid_request"
    assert "used already" in told["error_description"]


def test_a_launch_is_good_for_five_minutes(ehr: Ehr, fhir: TinyFhir) -> None:
    launch = ehr.launch(fhir.add_patient(), practitioner=CLINICIAN)["launch"]
    late = ehr.launch(fhir.add_patient(), practitioner=CLINICIAN)["launch"]
    ehr.clock.forward(299)
    assert "code" in callback(make_request(ehr, launch).send())
    ehr.clock.forward(2)
    assert "expired" in callback(make_request(ehr, late).send())["error_description"]


def test_a_launch_is_good_for_its_own_app(ehr: Ehr, fhir: TinyFhir) -> None:
    launch = ehr.launch(fhir.add_patient(), practitioner=CLINICIAN, client_id=PUBLIC)["launch"]
    assert "another app" in callback(make_request(ehr, launch).send())["error_description"]
    assert "code" in callback(make_request(ehr, launch, client_id=PUBLIC).send())


def test_a_nonce_is_good_once(ehr: Ehr, fhir: TinyFhir) -> None:
    first = make_request(ehr, ehr.launch(fhir.add_patient(), practitioner=CLINICIAN)["launch"])
    assert "code" in callback(first.send())
    second = make_request(ehr, ehr.launch(fhir.add_patient(), practitioner=CLINICIAN)["launch"])
    told = callback(second.send(nonce=first.params["nonce"]))
    assert told["error"] == "invalid_request"


@pytest.mark.parametrize("picked", ["Practitioner/unknown", "Patient/1", "Practitioner/../Patient/1", ""])
def test_only_a_practitioner_of_the_record_can_be_picked(ehr: Ehr, fhir: TinyFhir, picked: str) -> None:
    request = make_request(ehr, ehr.launch(fhir.add_patient())["launch"])
    answer = request.decide(practitioner=picked, decision="approve")
    assert answer.status_code == 400
    assert "code" in callback(request.decide(practitioner=CLINICIAN, decision="approve"))


def test_the_picker_cannot_overrule_who_is_signed_in(ehr: Ehr, fhir: TinyFhir) -> None:
    other = fhir.add({"resourceType": "Practitioner", "name": [{"family": "Other"}]})
    request = make_request(ehr, ehr.launch(fhir.add_patient(), practitioner=CLINICIAN)["launch"], scope=SCOPES)
    code = callback(request.decide(practitioner=other, decision="approve"))["code"]
    token = request.exchange(code).json()["access_token"]
    read = ehr.http.get(f"{ehr.fhir_base}/{other}", headers={"Authorization": f"Bearer {token}"})
    assert read.status_code == 403
