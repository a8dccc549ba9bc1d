"""What can be switched off is neither offered nor done; scopes are spoken in the server's dialect."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from connector_sandbox.ehr.scopes import intersect_scopes
from connector_sandbox.ehr.switchboard import CAPABILITIES, SWITCHES

from tests.wire.sandbox_ehr.app_keys import assertion_form, make_assertion
from tests.wire.sandbox_ehr.app_under_launch import (
    ASYMMETRIC,
    CLINICIAN,
    CONFIDENTIAL,
    POSTING,
    PUBLIC,
    SECRET,
    Ehr,
    callback,
    make_request,
)
from tests.wire.sandbox_ehr.conftest import run_ehr
from tests.wire.sandbox_ehr.tiny_fhir import TinyFhir
from tests.wire.sandbox_ehr.walk import go


def smart(ehr: Ehr) -> dict[str, Any]:
    """The metadata document."""
    document: dict[str, Any] = ehr.http.get(f"{ehr.fhir_base}/.well-known/smart-configuration").json()
    return document


def token_error(ehr: Ehr, fhir: TinyFhir, client_id: str) -> str:
    """What the token endpoint says to an app that proves itself rightly."""
    opened = ehr.launch(fhir.add_patient(), practitioner=CLINICIAN, client_id=client_id)
    request = make_request(ehr, opened["launch"], client_id=client_id)
    code = callback(request.send())["code"]
    if client_id == ASYMMETRIC:
        proof = assertion_form(make_assertion(ehr))
        return request.exchange(code, secret=None, client_id=None, **proof).json().get("error", "")
    if client_id == POSTING:
        return request.exchange(code, secret=None, client_secret=SECRET).json().get("error", "")
    return request.exchange(code, secret=None if client_id == PUBLIC else SECRET).json().get("error", "")


def granted(ehr: Ehr, fhir: TinyFhir, scope: str) -> str:
    """The scope granted to an EHR launch, or the error."""
    opened = ehr.launch(fhir.add_patient(), practitioner=CLINICIAN)
    request = make_request(ehr, opened["launch"], scope=scope)
    told = callback(request.send())
    return told["error"] if "error" in told else request.exchange(told["code"]).json()["scope"]


def is_standalone(ehr: Ehr, fhir: TinyFhir, scope: str = "launch/patient patient/Patient.rs") -> bool:
    """Whether a standalone launch is taken."""
    request = make_request(ehr, "", scope=scope)
    told = callback(request.decide(practitioner=CLINICIAN, patient=fhir.add_patient(), decision="approve"))
    return "code" in told


def posts(ehr: Ehr, fhir: TinyFhir) -> bool:
    """Whether an authorization request may be posted."""
    request = make_request(ehr, ehr.launch(fhir.add_patient(), practitioner=CLINICIAN)["launch"])
    return request.decide().status_code == 303


def has_encounter(ehr: Ehr, fhir: TinyFhir) -> bool:
    """Whether a standalone launch gets an encounter."""
    request = make_request(ehr, "", scope="launch/patient launch/encounter patient/Patient.rs")
    answer = request.decide(practitioner=CLINICIAN, patient=fhir.add_patient(), decision="approve")
    return "encounter" in request.exchange(callback(answer)["code"]).json()


def has_style(ehr: Ehr, fhir: TinyFhir) -> bool:
    """Whether the token answer names a style."""
    opened = ehr.launch(fhir.add_patient(), practitioner=CLINICIAN, smart_style_url=True)
    request = make_request(ehr, opened["launch"])
    return "smart_style_url" in request.exchange(callback(request.send())["code"]).json()


def in_answer(member: str) -> Callable[[Ehr, TinyFhir], bool]:
    """Whether the token answer of an EHR launch has a member."""
    return lambda ehr, fhir: member in go(ehr, fhir, [], to="token").body


def asks(endpoint: str) -> Callable[[Ehr, TinyFhir], bool]:
    """Whether an endpoint is there."""
    return lambda ehr, _fhir: ehr.post_token({"token": "x"}, client_id=CONFIDENTIAL, path=endpoint).status_code != 404


def grants(scope: str) -> Callable[[Ehr, TinyFhir], bool]:
    """Whether a scope is granted beside another."""
    return lambda ehr, fhir: (
        scope in granted(ehr, fhir, f"launch patient/Patient.rs user/Organization.rs {scope}").split()
    )


OFFERED: dict[str, Callable[[Ehr, TinyFhir], bool]] = {
    "launch-ehr": grants("launch"),
    "launch-standalone": is_standalone,
    "authorize-post": posts,
    "client-public": lambda ehr, fhir: token_error(ehr, fhir, PUBLIC) == "",
    "client-confidential-symmetric": lambda ehr, fhir: (
        {token_error(ehr, fhir, one) for one in (CONFIDENTIAL, POSTING)} == {""}
    ),
    "client-confidential-asymmetric": lambda ehr, fhir: token_error(ehr, fhir, ASYMMETRIC) == "",
    "sso-openid-connect": in_answer("id_token"),
    "context-banner": in_answer("need_patient_banner"),
    "context-style": has_style,
    "context-ehr-patient": in_answer("patient"),
    "context-ehr-encounter": in_answer("encounter"),
    "context-standalone-patient": is_standalone,
    "context-standalone-encounter": has_encounter,
    "permission-offline": grants("offline_access"),
    "permission-online": grants("online_access"),
    "permission-patient": grants("patient/Condition.rs"),
    "permission-user": grants("user/Organization.rs"),
    "introspection": asks("introspect"),
    "revocation": asks("revoke"),
    "rfc9207": lambda ehr, fhir: "iss" in go(ehr, fhir, [], to="callback").carried,
}


@pytest.mark.parametrize("switch", [name for name in OFFERED if name != "permission-offline"])
def test_what_is_off_is_not_done_and_what_is_on_is(ehr: Ehr, fhir: TinyFhir, switch: str) -> None:
    assert OFFERED[switch](ehr, fhir)
    ehr.change_settings(off=[switch])
    assert not OFFERED[switch](ehr, fhir)


def test_offline_access_is_for_apps_registered_for_it(fhir: TinyFhir, tmp_path: Path) -> None:
    registered = ["launch", "offline_access", "patient/Patient.rs", "user/Organization.rs"]
    app = {
        "client_id": CONFIDENTIAL,
        "name": "App",
        "client_secret": SECRET,
        "redirect_uris": ["http://127.0.0.1:9/callback"],
    }
    app |= {"launch_url": "http://127.0.0.1:9/launch", "scopes": registered}
    with run_ehr(fhir.base, tmp_path, clients=[app]) as ehr:
        assert OFFERED["permission-offline"](ehr, fhir)
        ehr.change_settings(off=["permission-offline"])
        assert not OFFERED["permission-offline"](ehr, fhir)


def test_every_switch_is_tried_here() -> None:
    assert set(OFFERED) == set(SWITCHES)


def test_the_metadata_name_what_is_on(ehr: Ehr) -> None:
    document = smart(ehr)
    assert document["capabilities"] == [*CAPABILITIES, "permission-v1", "permission-v2"]
    assert document["token_endpoint_auth_methods_supported"] == [
        "none",
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
    ]
    assert document["token_endpoint_auth_signing_alg_values_supported"] == ["RS384", "ES384"]
    assert document["introspection_endpoint"] == f"{ehr.base}/auth/introspect"
    assert document["revocation_endpoint"] == f"{ehr.base}/auth/revoke"
    assert "launch/patient" in document["scopes_supported"]
    ehr.change_settings(off=[*SWITCHES])
    bare = smart(ehr)
    assert bare["capabilities"] == ["permission-v1", "permission-v2"]
    assert bare["token_endpoint_auth_methods_supported"] == []
    assert bare["authorization_response_iss_parameter_supported"] is False
    gone = {"issuer", "jwks_uri", "introspection_endpoint", "revocation_endpoint"}
    assert not (gone | {"token_endpoint_auth_signing_alg_values_supported"}) & set(bare)
    assert bare["scopes_supported"] == []
    ehr.http.delete(f"{ehr.base}/sandbox/settings")
    assert smart(ehr) == document


@pytest.mark.parametrize(
    ("dialect", "asked", "said"),
    [
        ("any", "patient/Patient.read patient/Condition.rs", "patient/Patient.read patient/Condition.rs"),
        ("v1", "patient/Patient.read patient/Condition.rs", "patient/Patient.read"),
        ("v1", "patient/DocumentReference.*", "patient/DocumentReference.*"),
        ("v1", "patient/Patient.*", "patient/Patient.read"),
        ("v1", "patient/Observation.read?category=vital-signs", ""),
        ("v2", "patient/Patient.read patient/Condition.rs", "patient/Condition.rs"),
        ("v2", "patient/Patient.*", ""),
        ("v2", "patient/Condition.rs patient/Observation.rs?category=vital-signs", "patient/Condition.rs"),
        ("granular", "patient/Condition.read patient/Observation.rs?category=a", "patient/Observation.rs?category=a"),
        ("granular", "patient/Patient.cruds", "patient/Patient.rs"),
    ],
)
def test_scopes_are_granted_in_the_servers_dialect(
    ehr: Ehr, fhir: TinyFhir, dialect: str, asked: str, said: str
) -> None:
    ehr.change_settings(scope_dialect=dialect)
    told = granted(ehr, fhir, f"launch {asked}")
    assert told == f"launch {said}".strip()
    known = {"any": {"permission-v1", "permission-v2"}, "v1": {"permission-v1"}}.get(dialect, {"permission-v2"})
    assert {name for name in smart(ehr)["capabilities"] if name.startswith("permission-v")} == known


@pytest.mark.parametrize("dialect", ["any", "v1", "v2", "granular"])
def test_what_was_granted_is_granted_again(dialect: str) -> None:
    allowed = [
        "patient/Patient.rs",
        "patient/DocumentReference.crs",
        "patient/Observation.rs?category=a",
        "patient/X.*",
    ]
    asked = (
        "patient/*.read patient/*.write patient/*.* patient/*.cruds patient/*.rs patient/Observation.rs?category=a,b"
    )
    once = intersect_scopes(asked, allowed, dialect=dialect)
    assert once
    assert intersect_scopes(once, allowed, dialect=dialect) == once


def test_an_app_may_speak_a_dialect_of_its_own(fhir: TinyFhir, tmp_path: Path) -> None:
    app = {"client_id": CONFIDENTIAL, "name": "App", "client_secret": SECRET, "scope_dialect": "v1"}
    app |= {"redirect_uris": ["http://127.0.0.1:9/callback"], "launch_url": "http://127.0.0.1:9/launch"}
    with run_ehr(fhir.base, tmp_path, scope_dialect="v2", clients=[{**app, "scopes": "launch patient/*.rs"}]) as ehr:
        assert granted(ehr, fhir, "launch patient/Patient.read patient/Condition.rs") == "launch patient/Patient.read"


def test_the_life_of_tokens_can_be_set(ehr: Ehr, fhir: TinyFhir) -> None:
    ehr.change_settings(token_seconds=60)
    walk = go(ehr, fhir, [])
    assert walk.body["expires_in"] == 60
    ehr.clock.forward(61)
    assert walk.call(f"Patient/{walk.patient}").status_code == 401


@pytest.mark.parametrize(
    "raw",
    [{"off": ["weather"]}, {"off": "launch-ehr"}, {"scope_dialect": "v3"}, {"token_seconds": 0}, {"colour": "red"}, []],
)
def test_settings_that_cannot_be_understood_change_nothing(ehr: Ehr, raw: Any) -> None:
    before = ehr.http.get(f"{ehr.base}/sandbox/settings").json()
    assert ehr.http.patch(f"{ehr.base}/sandbox/settings", json=raw).status_code == 422
    assert ehr.http.get(f"{ehr.base}/sandbox/settings").json() == before
    assert before == {"off": [], "scope_dialect": "any", "token_seconds": 300}
