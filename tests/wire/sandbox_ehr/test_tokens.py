"""Codes, tokens, refresh and id_token of the sandbox EHR."""

from __future__ import annotations

import pytest
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet, RSAKey

from tests.wire.sandbox_ehr.app_under_launch import (
    CLINICIAN,
    CONFIDENTIAL,
    POSTING,
    PUBLIC,
    SCOPES,
    SECRET,
    Ehr,
    Request,
    callback,
    make_request,
    visit,
)
from tests.wire.sandbox_ehr.tiny_fhir import TinyFhir


def approved(ehr: Ehr, fhir: TinyFhir, *, client_id: str = CONFIDENTIAL, scope: str = SCOPES) -> tuple[Request, str]:
    """A request and the code it was answered with."""
    opened = ehr.launch(fhir.add_patient(), practitioner=CLINICIAN, client_id=client_id)
    request = make_request(ehr, opened["launch"], client_id=client_id, scope=scope)
    return request, callback(request.send())["code"]


def refresh(ehr: Ehr, value: str, **more: str) -> tuple[int, dict[str, str]]:
    """Use a refresh token as the confidential app."""
    form = {"grant_type": "refresh_token", "refresh_token": value, **more}
    answer = ehr.http.post(f"{ehr.base}/auth/token", data=form, auth=(CONFIDENTIAL, SECRET.replace("%", "%25")))
    return answer.status_code, answer.json()


def reads_patient(ehr: Ehr, token: dict[str, str]) -> int:
    """The status of reading the launch patient with a token response."""
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    return ehr.http.get(f"{ehr.fhir_base}/Patient/{token['patient']}", headers=headers).status_code


def test_the_token_response_carries_the_launch(ehr: Ehr, fhir: TinyFhir) -> None:
    patient = fhir.add_patient()
    opened = ehr.launch(patient, practitioner=CLINICIAN, need_patient_banner=False)
    request = make_request(ehr, opened["launch"])
    answer = request.exchange(callback(request.send())["code"])
    token = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert token["token_type"] == "Bearer"
    assert token["expires_in"] == 300
    assert token["patient"] == patient
    assert token["encounter"] == opened["encounter"]
    assert token["need_patient_banner"] is False
    assert token["scope"] == SCOPES
    assert {"access_token", "refresh_token", "id_token"} <= set(token)


def test_a_launch_without_encounter_gives_none(ehr: Ehr, fhir: TinyFhir) -> None:
    opened = ehr.launch(fhir.add_patient(), practitioner=CLINICIAN, encounter="none")
    request = make_request(ehr, opened["launch"])
    token = request.exchange(callback(request.send())["code"]).json()
    assert opened["encounter"] is None
    assert "encounter" not in token


def test_scope_is_narrowed_to_what_is_registered(ehr: Ehr, fhir: TinyFhir) -> None:
    asked = "launch patient/*.cruds offline_access patient/AllergyIntolerance.read user/Patient.r nonsense"
    request, code = approved(ehr, fhir, scope=asked)
    token = request.exchange(code).json()
    granted = token["scope"].split()
    assert "patient/Patient.rs" in granted
    assert "patient/AllergyIntolerance.r" in granted
    assert not {"offline_access", "user/Patient.r", "nonsense", "patient/*.cruds"} & set(granted)
    assert "refresh_token" not in token
    assert "id_token" not in token


def test_the_id_token_names_the_clinician_and_verifies(ehr: Ehr, fhir: TinyFhir) -> None:
    request, code = approved(ehr, fhir)
    token = request.exchange(code).json()
    keys = ehr.http.get(f"{ehr.base}/auth/jwks").json()
    assert "d" not in keys["keys"][0]
    decoded = jwt.decode(token["id_token"], KeySet.import_key_set(keys), algorithms=["RS256"])
    assert decoded.header["kid"] == keys["keys"][0]["kid"]
    claims = decoded.claims
    assert claims["iss"] == f"{ehr.base}/auth"
    assert claims["aud"] == CONFIDENTIAL
    assert claims["nonce"] == request.params["nonce"]
    assert claims["fhirUser"] == f"{ehr.fhir_base}/{CLINICIAN}"
    assert claims["exp"] - claims["iat"] == 300
    with pytest.raises(BadSignatureError):
        jwt.decode(token["id_token"], RSAKey.generate_key(2048), algorithms=["RS256"])
    own = ehr.http.get(claims["fhirUser"], headers={"Authorization": f"Bearer {token['access_token']}"})
    assert own.json()["name"][0]["family"] == "Okafor"


def test_without_the_scope_fhiruser_the_claim_is_missing(ehr: Ehr, fhir: TinyFhir) -> None:
    request, code = approved(ehr, fhir, scope="launch openid patient/Patient.r")
    token = request.exchange(code).json()
    keys = KeySet.import_key_set(ehr.http.get(f"{ehr.base}/auth/jwks").json())
    assert "fhirUser" not in jwt.decode(token["id_token"], keys, algorithms=["RS256"]).claims
    own = ehr.http.get(f"{ehr.fhir_base}/{CLINICIAN}", headers={"Authorization": f"Bearer {token['access_token']}"})
    assert own.status_code == 403


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "x" * 50}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_request"),
        ({"redirect_uri": "http://127.0.0.1:9/other"}, "invalid_grant"),
        ({"code": "unknown"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_id": CONFIDENTIAL}, "invalid_request"),
        ({"client_secret": SECRET}, "invalid_request"),
    ],
)
def test_a_wrong_token_request_is_refused(ehr: Ehr, fhir: TinyFhir, changes: dict[str, str | None], error: str) -> None:
    request, code = approved(ehr, fhir)
    answer = request.exchange(code, **changes)
    assert answer.status_code == 400
    assert answer.json()["error"] == error
    assert answer.headers["cache-control"] == "no-store"


def test_the_wrong_secret_is_refused_and_the_code_lives_on(ehr: Ehr, fhir: TinyFhir) -> None:
    request, code = approved(ehr, fhir)
    answer = request.exchange(code, secret="wrong")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert "basic" in answer.headers["www-authenticate"].lower()
    assert request.exchange(code).status_code == 200


def test_a_confidential_app_cannot_pose_as_public(ehr: Ehr, fhir: TinyFhir) -> None:
    request, code = approved(ehr, fhir)
    assert request.exchange(code, secret=None).json()["error"] == "invalid_client"


def test_a_secret_in_the_body_is_for_apps_registered_so(ehr: Ehr, fhir: TinyFhir) -> None:
    for client_id, status in ((CONFIDENTIAL, 401), (POSTING, 200)):
        request, code = approved(ehr, fhir, client_id=client_id)
        assert request.exchange(code, secret=None, client_secret=SECRET).status_code == status


def test_a_public_app_needs_no_secret(ehr: Ehr, fhir: TinyFhir) -> None:
    request, code = approved(ehr, fhir, client_id=PUBLIC)
    assert request.exchange(code, secret=None).status_code == 200


def test_a_code_of_another_app_is_refused(ehr: Ehr, fhir: TinyFhir) -> None:
    request, code = approved(ehr, fhir, client_id=PUBLIC)
    request.params["client_id"] = CONFIDENTIAL
    assert request.exchange(code).json()["error"] == "invalid_grant"


def test_a_code_lives_sixty_seconds(ehr: Ehr, fhir: TinyFhir) -> None:
    request, code = approved(ehr, fhir)
    ehr.clock.forward(61)
    assert request.exchange(code).json()["error"] == "invalid_grant"


def test_a_code_used_twice_ends_what_it_gave(ehr: Ehr, fhir: TinyFhir) -> None:
    request, code = approved(ehr, fhir)
    token = request.exchange(code).json()
    assert reads_patient(ehr, token) == 200
    assert request.exchange(code).json()["error"] == "invalid_grant"
    assert reads_patient(ehr, token) == 401
    assert refresh(ehr, token["refresh_token"])[1]["error"] == "invalid_grant"


def test_a_failed_verifier_ends_the_code(ehr: Ehr, fhir: TinyFhir) -> None:
    request, code = approved(ehr, fhir)
    assert request.exchange(code, code_verifier="y" * 60).status_code == 400
    assert request.exchange(code).json()["error"] == "invalid_grant"


def test_an_access_token_lives_five_minutes_and_a_refresh_gives_another(ehr: Ehr, fhir: TinyFhir) -> None:
    seen = visit(ehr, fhir.add_patient())
    ehr.clock.forward(301)
    answer = seen.call("GET", f"Patient/{seen.patient}")
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert answer.json()["resourceType"] == "OperationOutcome"
    status, fresh = refresh(ehr, seen.token["refresh_token"])
    assert status == 200
    assert fresh["patient"] == seen.patient
    assert fresh["encounter"] == seen.encounter
    assert fresh["refresh_token"] != seen.token["refresh_token"]
    assert reads_patient(ehr, fresh) == 200


def test_a_refresh_token_is_good_once(ehr: Ehr, fhir: TinyFhir) -> None:
    seen = visit(ehr, fhir.add_patient())
    _, second = refresh(ehr, seen.token["refresh_token"])
    status, answer = refresh(ehr, seen.token["refresh_token"])
    assert (status, answer["error"]) == (400, "invalid_grant")
    assert refresh(ehr, second["refresh_token"])[1]["error"] == "invalid_grant"


def test_a_refresh_may_narrow_and_never_widen(ehr: Ehr, fhir: TinyFhir) -> None:
    seen = visit(ehr, fhir.add_patient(), scope="launch online_access patient/Patient.rs patient/Condition.rs")
    status, answer = refresh(ehr, seen.token["refresh_token"], scope="patient/Observation.rs")
    assert (status, answer["error"]) == (400, "invalid_scope")
    status, narrow = refresh(ehr, seen.token["refresh_token"], scope="patient/Patient.rs")
    assert (status, narrow["scope"]) == (200, "patient/Patient.rs")
    seen.token = narrow
    assert seen.call("GET", f"Condition?patient={seen.patient}").status_code == 403
    status, whole = refresh(ehr, narrow["refresh_token"])
    assert (status, whole["scope"]) == (200, "launch online_access patient/Patient.rs patient/Condition.rs")


def test_a_refresh_token_belongs_to_its_app(ehr: Ehr, fhir: TinyFhir) -> None:
    seen = visit(ehr, fhir.add_patient())
    form = {"grant_type": "refresh_token", "refresh_token": seen.token["refresh_token"], "client_id": PUBLIC}
    assert ehr.http.post(f"{ehr.base}/auth/token", data=form).json()["error"] == "invalid_grant"
    assert refresh(ehr, seen.token["refresh_token"])[0] == 200


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b'{"grant_type": "authorization_code"}', {"Content-Type": "application/json"}),
        (b"grant_type=refresh_token&grant_type=password", {"Content-Type": "application/x-www-form-urlencoded"}),
        (
            b"grant_type=refresh_token",
            {"Content-Type": "application/x-www-form-urlencoded", "Authorization": "Basic ////"},
        ),
        (
            b"grant_type=refresh_token",
            {"Content-Type": "application/x-www-form-urlencoded", "Authorization": "Basic no-base64!"},
        ),
    ],
)
def test_a_malformed_token_request_is_an_invalid_request(ehr: Ehr, content: bytes, headers: dict[str, str]) -> None:
    answer = ehr.http.post(f"{ehr.base}/auth/token", content=content, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_the_journal_tells_how_the_app_proved_itself(ehr: Ehr, fhir: TinyFhir) -> None:
    visit(ehr, fhir.add_patient())
    entries = ehr.http.get(f"{ehr.base}/sandbox/requests").json()["requests"]
    last = next(entry for entry in reversed(entries) if entry["path"] == "/auth/token")
    assert last["client_id"] == CONFIDENTIAL
    assert last["detail"] == {"grant_type": "authorization_code", "client_authentication": "client_secret_basic"}
    assert last["query"] == ""
