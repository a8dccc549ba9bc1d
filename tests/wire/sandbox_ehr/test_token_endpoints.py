"""Introspection (RFC 7662) and revocation (RFC 7009)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wire.sandbox_ehr.app_keys import assertion_form, make_assertion
from tests.wire.sandbox_ehr.app_under_launch import (
    CLINICIAN,
    CONFIDENTIAL,
    POSTING,
    PUBLIC,
    SECRET,
    Ehr,
    Visit,
    callback,
    make_request,
    visit,
)
from tests.wire.sandbox_ehr.tiny_fhir import TinyFhir


@pytest.fixture
def seen(ehr: Ehr, fhir: TinyFhir) -> Visit:
    """A visit of a new patient."""
    return visit(ehr, fhir.add_patient())


def introspect(ehr: Ehr, value: str, **more: str) -> dict[str, Any]:
    """Ask about a token as the app it belongs to."""
    answer = ehr.post_token({"token": value, **more}, client_id=CONFIDENTIAL, path="introspect")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    told: dict[str, Any] = answer.json()
    return told


@pytest.mark.parametrize("hint", [{}, {"token_type_hint": "access_token"}, {"token_type_hint": "refresh_token"}])
def test_a_living_token_is_described(seen: Visit, hint: dict[str, str]) -> None:
    told = introspect(seen.ehr, seen.token["access_token"], **hint)
    assert told.pop("exp") == pytest.approx(seen.ehr.clock() + 300, abs=20)
    assert told == {
        "active": True,
        "scope": seen.token["scope"],
        "client_id": CONFIDENTIAL,
        "token_type": "Bearer",
        "iss": f"{seen.ehr.base}/auth",
        "sub": "Practitioner-sandbox-ehr-okafor",
        "fhirUser": f"{seen.ehr.fhir_base}/{CLINICIAN}",
        "patient": seen.patient,
        "encounter": seen.encounter,
        "need_patient_banner": True,
    }
    assert introspect(seen.ehr, seen.token["refresh_token"], **hint)["active"] is True


def test_a_dead_or_unknown_token_is_not_active(seen: Visit) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": seen.token["refresh_token"]}
    assert seen.ehr.post_token(form, client_id=CONFIDENTIAL).status_code == 200
    assert introspect(seen.ehr, seen.token["refresh_token"]) == {"active": False}
    seen.ehr.clock.forward(301)
    assert introspect(seen.ehr, seen.token["access_token"]) == {"active": False}
    assert introspect(seen.ehr, "unknown") == {"active": False}


def test_the_token_of_another_app_is_not_active(ehr: Ehr, fhir: TinyFhir) -> None:
    opened = ehr.launch(fhir.add_patient(), practitioner=CLINICIAN, client_id=PUBLIC)
    request = make_request(ehr, opened["launch"], client_id=PUBLIC)
    token = request.exchange(callback(request.send())["code"], secret=None).json()
    assert introspect(ehr, token["access_token"]) == {"active": False}
    form = {"token": token["access_token"], "client_id": PUBLIC}
    assert ehr.post_token(form, path="introspect").json()["error"] == "invalid_client"


def test_introspection_wants_the_apps_own_proof(seen: Visit) -> None:
    form = {"token": seen.token["access_token"]}
    assert seen.ehr.post_token(form, path="introspect").status_code == 401
    other = seen.ehr.post_token({**form, "client_id": POSTING, "client_secret": SECRET}, path="introspect")
    assert other.json() == {"active": False}
    proof = assertion_form(make_assertion(seen.ehr))
    assert seen.ehr.post_token({**form, **proof}, path="introspect").json() == {"active": False}
    without = seen.ehr.post_token({"token_type_hint": "access_token"}, client_id=CONFIDENTIAL, path="introspect")
    assert without.json()["error"] == "invalid_request"


def test_a_revoked_access_token_ends_alone(seen: Visit) -> None:
    for _ in range(2):
        form = {"token": seen.token["access_token"]}
        assert seen.ehr.post_token(form, client_id=CONFIDENTIAL, path="revoke").status_code == 200
    assert seen.call("GET", f"Patient/{seen.patient}").status_code == 401
    form = {"grant_type": "refresh_token", "refresh_token": seen.token["refresh_token"]}
    assert seen.ehr.post_token(form, client_id=CONFIDENTIAL).status_code == 200


def test_a_revoked_refresh_token_takes_the_access_token_with_it(seen: Visit) -> None:
    form = {"token": seen.token["refresh_token"], "token_type_hint": "refresh_token"}
    assert seen.ehr.post_token(form, client_id=CONFIDENTIAL, path="revoke").status_code == 200
    assert seen.call("GET", f"Patient/{seen.patient}").status_code == 401
    form = {"grant_type": "refresh_token", "refresh_token": seen.token["refresh_token"]}
    assert seen.ehr.post_token(form, client_id=CONFIDENTIAL).json()["error"] == "invalid_grant"


def test_no_app_revokes_anothers_token(seen: Visit) -> None:
    form = {"token": seen.token["access_token"], "client_id": PUBLIC}
    assert seen.ehr.post_token(form, path="revoke").json()["error"] == "invalid_grant"
    assert seen.call("GET", f"Patient/{seen.patient}").status_code == 200
    assert seen.ehr.post_token({"token": seen.token["access_token"]}, path="revoke").status_code == 401


def test_a_public_app_revokes_its_own(ehr: Ehr, fhir: TinyFhir) -> None:
    opened = ehr.launch(fhir.add_patient(), practitioner=CLINICIAN, client_id=PUBLIC)
    request = make_request(ehr, opened["launch"], client_id=PUBLIC)
    token = request.exchange(callback(request.send())["code"], secret=None).json()
    form = {"token": token["refresh_token"], "client_id": PUBLIC}
    assert ehr.post_token(form, path="revoke").status_code == 200
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    assert ehr.http.get(f"{ehr.fhir_base}/Patient/{token['patient']}", headers=headers).status_code == 401
