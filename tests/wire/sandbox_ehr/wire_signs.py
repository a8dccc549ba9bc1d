"""By what callbacks, token answers, metadata and key sets under mischief are told from honest ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
from connector_sandbox.ehr.mischief_table import ATTACKER, OAUTH_ERRORS, OIDC_ERRORS, PLAIN_ATTACKER

from tests.wire.sandbox_ehr.app_under_launch import SCOPES
from tests.wire.sandbox_ehr.walk import Walk

Sign = Callable[[Walk], bool]


def _values(walk: Walk, name: str) -> list[str]:
    return [value for known, value in walk.pairs if known == name]


def _error(code: str) -> Sign:
    return lambda walk: (
        walk.carried.get("error") == code and "code" not in walk.carried and _values(walk, "state") != []
    )


def _doubled(name: str) -> Sign:
    return lambda walk: len(_values(walk, name)) == 2 and len(set(_values(walk, name))) == 2


def _refused_code(walk: Walk) -> bool:
    return walk.answer is not None and walk.body.get("error") == "invalid_grant"


CALLBACK: dict[str, Sign] = {
    **{f"callback_{code}": _error(code) for code in (*OAUTH_ERRORS, *OIDC_ERRORS)},
    "callback_error_unknown": _error("sandbox_ehr_unheard_of"),
    "callback_error_markup": lambda walk: (
        "<script>" in walk.carried.get("error_description", "") and walk.carried["error_uri"].startswith("javascript:")
    ),
    "callback_error_and_code": lambda walk: {"error", "code"} <= set(walk.carried),
    "callback_iss_missing": lambda walk: "iss" not in walk.carried,
    "callback_iss_wrong": lambda walk: walk.carried["iss"] == ATTACKER,
    "callback_iss_fhir_base": lambda walk: walk.carried["iss"] == walk.ehr.fhir_base,
    "callback_iss_doubled": _doubled("iss"),
    "callback_state_missing": lambda walk: "state" not in walk.carried,
    "callback_state_wrong": lambda walk: walk.carried["state"] != walk.request.params["state"],
    "callback_state_doubled": lambda walk: (
        _doubled("state")(walk) and walk.carried["state"] == walk.request.params["state"]
    ),
    "callback_code_missing": lambda walk: not {"code", "error"} & set(walk.carried),
    "callback_code_doubled": lambda walk: _doubled("code")(walk) and walk.answer.status_code == 200,
    "callback_code_unknown": _refused_code,
    "callback_code_injected": _refused_code,
}


def _told(name: str, value: Any) -> Sign:
    return lambda walk: walk.body.get(name, walk) == value


def _not_told(name: str) -> Sign:
    return lambda walk: walk.answer.status_code == 200 and bool(walk.body) and name not in walk.body


def _lives(walk: Walk) -> bool:
    return walk.call(f"Patient/{walk.patient}").status_code == 200


def _patient_other(walk: Walk) -> bool:
    named = walk.body["patient"]
    if named == walk.patient:
        return False
    statuses = [walk.call(f"Patient/{number}").status_code for number in (named, walk.patient)]
    return statuses == [200, 403] and "encounter" not in walk.body


def _expires_10(walk: Walk) -> bool:
    if walk.body["expires_in"] != 10 or not _lives(walk):
        return False
    walk.ehr.clock.forward(11)
    return not _lives(walk)


def _narrower(walk: Walk) -> bool:
    granted = walk.body["scope"]
    return "DocumentReference" not in granted and walk.call("DocumentReference").status_code == 403 and _lives(walk)


def _wider(walk: Walk) -> bool:
    wide = "patient/*.cruds" in walk.body["scope"].split()
    return wide and walk.call("MedicationRequest").status_code == 200


def _respelt(walk: Walk) -> bool:
    granted = walk.body["scope"].split()
    return "patient/Patient.read" in granted and "patient/DocumentReference.cud" in granted and _lives(walk)


def _hidden_scope(walk: Walk) -> bool:
    return not walk.body.get("scope") and _lives(walk)


TOKEN: dict[str, Sign] = {
    "token_patient_missing": _not_told("patient"),
    "token_patient_empty": _told("patient", ""),
    "token_patient_reference": lambda walk: walk.body["patient"] == f"Patient/{walk.patient}",
    "token_patient_other": _patient_other,
    "token_encounter_missing": _not_told("encounter"),
    "token_encounter_other": _told("encounter", "no-such-encounter"),
    "token_keys_duplicated": lambda walk: (
        walk.answer.text.count('"patient"') == 2 and walk.body["patient"] == walk.patient
    ),
    "token_type_mac": _told("token_type", "mac"),
    "token_type_missing": _not_told("token_type"),
    "token_type_lower": _told("token_type", "bearer"),
    "token_access_missing": _not_told("access_token"),
    "token_expires_10": _expires_10,
    "token_expires_0": lambda walk: walk.body["expires_in"] == 0 and _lives(walk),
    "token_expires_absent": lambda walk: "expires_in" not in walk.body and _lives(walk),
    "token_expires_negative": lambda walk: walk.body["expires_in"] == -1 and _lives(walk),
    "token_expires_text": lambda walk: walk.body["expires_in"] == "300" and _lives(walk),
    "token_expires_huge": lambda walk: walk.body["expires_in"] == 10**12 and _lives(walk),
    "token_scope_narrower": _narrower,
    "token_scope_wider": _wider,
    "token_scope_empty": lambda walk: walk.body.get("scope") == "" and _hidden_scope(walk),
    "token_scope_absent": lambda walk: "scope" not in walk.body and _hidden_scope(walk),
    "token_scope_respelt": _respelt,
    "token_slow": lambda walk: walk.answer.elapsed.total_seconds() > 0.5 and _lives(walk),
    "token_html": lambda walk: (
        (walk.answer.status_code, walk.answer.headers["content-type"]) == (502, "text/html; charset=utf-8")
    ),
    "token_redirect": lambda walk: (
        walk.answer.status_code == 302 and walk.answer.headers["location"] == f"{ATTACKER}/auth/token"
    ),
    "token_form": lambda walk: (
        walk.answer.headers["content-type"].startswith("text/plain") and "access_token=" in walk.answer.text
    ),
    "token_list": lambda walk: isinstance(walk.answer.json(), list),
    "token_lost": lambda walk: walk.lost and _code_is_spent(walk),
    "token_intent_unknown": lambda walk: "no-such-intent" in walk.body.get("intent", ""),
    "token_style_hostile": _told("smart_style_url", f"{ATTACKER}/style.json"),
    "token_fhir_context_foreign": lambda walk: walk.body.get("fhirContext", [{"reference": ""}])[0][
        "reference"
    ].startswith(ATTACKER),
    "token_fhir_context_malformed": lambda walk: isinstance(walk.body.get("fhirContext"), str),
    "token_banner_text": _told("need_patient_banner", "false"),
}


def _code_is_spent(walk: Walk) -> bool:
    return walk.request.exchange(walk.carried["code"]).json()["error"] == "invalid_grant"


def _field(name: str, value: Any) -> Sign:
    return lambda walk: all(answer.json()[name] == value for answer in (walk.smart, walk.openid))


def _moved(name: str, host: str) -> Sign:
    return lambda walk: all(answer.json()[name].startswith(f"{host}/auth/") for answer in (walk.smart, walk.openid))


def _both(test: Callable[[httpx.Response], bool]) -> Sign:
    return lambda walk: test(walk.smart) and test(walk.openid)


def _is_page(answer: httpx.Response) -> bool:
    return answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")


def _leads_away(answer: httpx.Response) -> bool:
    return answer.status_code == 302 and answer.headers["location"].startswith(f"{ATTACKER}/")


DISCOVERY: dict[str, Sign] = {
    "discovery_pkce_plain": _field("code_challenge_methods_supported", ["plain"]),
    "discovery_pkce_both": _field("code_challenge_methods_supported", ["plain", "S256"]),
    "discovery_pkce_none": _field("code_challenge_methods_supported", []),
    "discovery_pkce_absent": _both(lambda answer: "code_challenge_methods_supported" not in answer.json()),
    "discovery_token_moved": _moved("token_endpoint", ATTACKER),
    "discovery_token_http": _moved("token_endpoint", PLAIN_ATTACKER),
    "discovery_authorize_moved": _moved("authorization_endpoint", ATTACKER),
    "discovery_authorize_http": _moved("authorization_endpoint", PLAIN_ATTACKER),
    "discovery_jwks_moved": _moved("jwks_uri", ATTACKER),
    "discovery_jwks_http": _moved("jwks_uri", PLAIN_ATTACKER),
    "discovery_issuer_changed": _field("issuer", ATTACKER),
    "discovery_fields_missing": _both(lambda answer: "token_endpoint" not in answer.json()),
    "discovery_relative": _both(lambda answer: answer.json()["token_endpoint"] == "/auth/token"),
    "discovery_redirect": _both(_leads_away),
    "discovery_html": _both(_is_page),
    "discovery_list": _both(lambda answer: isinstance(answer.json(), list)),
    "discovery_huge": _both(lambda answer: len(answer.content) > 8_388_608),
    "discovery_outage": _both(lambda answer: answer.status_code == 503),
}


def _rotated(walk: Walk, count: int) -> bool:
    key = walk.published(walk.header["kid"])
    old = SCOPES in walk.body["scope"] and len(walk.keys) == count
    return old and key is not None and walk.is_signed_by(key) and walk.keys[0] == key


JWKS: dict[str, Sign] = {
    "jwks_rotated_both": lambda walk: _rotated(walk, 2),
    "jwks_outage": lambda walk: walk.jwks.status_code == 503,
    "jwks_flood": lambda walk: len(walk.keys) == 501 and walk.is_signed_by(walk.published(walk.header["kid"])),
    "jwks_empty": lambda walk: walk.keys == [],
    "jwks_html": lambda walk: _is_page(walk.jwks),
    "jwks_redirect": lambda walk: _leads_away(walk.jwks),
}
