"""Inferno's SMART App Launch client suites, replayed over the sandbox EHR's journal of our own application.

Public, symmetric (HTTP Basic) and asymmetric (RS384, ES384) clients, one test for each line of the suites. The suites'
backend services variant has no counterpart: the connector never asks for a token without a clinician.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator

import pytest

from connector.app import Composition
from tests.smart.inferno import RULES, Evidence, Log
from tests.smart.inferno_runs import KINDS, SECRET, record
from tests.wire.sandbox_ehr.conftest import listen, serve
from tests.wire.sandbox_ehr.tiny_fhir import TinyFhir

Logs = dict[str, Log]
each = pytest.mark.parametrize("kind", KINDS)
asymmetric = pytest.mark.parametrize("kind", ["RS384", "ES384"])


@pytest.fixture(scope="module")
def fhir() -> Iterator[TinyFhir]:
    sock, port = listen()
    tiny = TinyFhir(base=f"http://127.0.0.1:{port}/fhir")
    with serve(tiny.app(), sock):
        yield tiny


@pytest.fixture(scope="module")
async def logs(composition: Composition, fhir: TinyFhir, tmp_path_factory: pytest.TempPathFactory) -> Logs:
    """One run of each kind of client."""
    return {kind: await record(composition, tmp_path_factory.mktemp(kind), fhir, kind=kind) for kind in KINDS}


# Registration and access ----------------------------------------------------------------------------------------


@each
def test_inferno_registration_the_launch_url_is_https(logs: Logs, kind: str) -> None:
    """Client requirement 20."""
    assert RULES["registration_the_launch_url_is_https"](logs[kind]) == []


@each
def test_inferno_registration_every_redirect_uri_is_https(logs: Logs, kind: str) -> None:
    """Client requirement 21."""
    assert RULES["registration_every_redirect_uri_is_https"](logs[kind]) == []


@asymmetric
def test_inferno_registration_the_key_set_has_an_address(logs: Logs, kind: str) -> None:
    """Client requirements 22, 299, 301."""
    assert RULES["registration_the_key_set_has_an_address"](logs[kind]) == []


@asymmetric
def test_inferno_registration_the_key_set_is_valid(logs: Logs, kind: str) -> None:
    """Client requirements 293, 294, 313 to 315."""
    assert RULES["registration_the_key_set_is_valid"](logs[kind]) == []


@each
def test_inferno_access_launches_exchanges_a_refresh_and_fhir_calls_happened(logs: Logs, kind: str) -> None:
    """Client requirements 25, 26, 28, 93."""
    assert RULES["access_launches_exchanges_a_refresh_and_fhir_calls_happened"](logs[kind]) == []


# Authorization requests ---------------------------------------------------------------------------------------


@each
def test_inferno_authorization_response_type_is_code(logs: Logs, kind: str) -> None:
    """Client requirement 32."""
    assert RULES["authorization_response_type_is_code"](logs[kind]) == []


@each
def test_inferno_authorization_client_id_is_registered(logs: Logs, kind: str) -> None:
    """Client requirement 33."""
    assert RULES["authorization_client_id_is_registered"](logs[kind]) == []


@each
def test_inferno_authorization_redirect_uri_is_registered(logs: Logs, kind: str) -> None:
    """Client requirement 34."""
    assert RULES["authorization_redirect_uri_is_registered"](logs[kind]) == []


@each
def test_inferno_authorization_launch_is_the_issued_one_where_sent(logs: Logs, kind: str) -> None:
    """Client requirements 35, 36, 161."""
    assert RULES["authorization_launch_is_the_issued_one_where_sent"](logs[kind]) == []


@each
def test_inferno_authorization_state_is_present(logs: Logs, kind: str) -> None:
    """Client requirements 3, 39."""
    assert RULES["authorization_state_is_present"](logs[kind]) == []


@each
def test_inferno_authorization_aud_is_the_fhir_base(logs: Logs, kind: str) -> None:
    """Client requirement 41."""
    assert RULES["authorization_aud_is_the_fhir_base"](logs[kind]) == []


@each
def test_inferno_authorization_scope_is_present(logs: Logs, kind: str) -> None:
    """Client requirement 37."""
    assert RULES["authorization_scope_is_present"](logs[kind]) == []


@each
def test_inferno_authorization_code_challenge_is_present(logs: Logs, kind: str) -> None:
    """Client requirements 13, 44."""
    assert RULES["authorization_code_challenge_is_present"](logs[kind]) == []


@each
def test_inferno_authorization_code_challenge_method_is_s256(logs: Logs, kind: str) -> None:
    """Client requirement 45."""
    assert RULES["authorization_code_challenge_method_is_s256"](logs[kind]) == []


@each
def test_inferno_authorization_is_a_get_or_a_form(logs: Logs, kind: str) -> None:
    """Client requirements 50 to 52."""
    assert RULES["authorization_is_a_get_or_a_form"](logs[kind]) == []


# Token requests, refresh too ----------------------------------------------------------------------------------


@each
def test_inferno_token_grant_type_is_one_of_a_launch(logs: Logs, kind: str) -> None:
    """Client requirements 67, 105."""
    assert RULES["token_grant_type_is_one_of_a_launch"](logs[kind]) == []


@each
def test_inferno_token_code_was_issued_in_this_session_and_spent_once(logs: Logs, kind: str) -> None:
    """Client requirement 68."""
    assert RULES["token_code_was_issued_in_this_session_and_spent_once"](logs[kind]) == []


@each
def test_inferno_token_redirect_uri_is_that_of_the_authorization(logs: Logs, kind: str) -> None:
    """Client requirement 69."""
    assert RULES["token_redirect_uri_is_that_of_the_authorization"](logs[kind]) == []


@each
def test_inferno_token_code_verifier_matches_the_challenge(logs: Logs, kind: str) -> None:
    """Client requirement 70."""
    assert RULES["token_code_verifier_matches_the_challenge"](logs[kind]) == []


@each
def test_inferno_token_client_id_is_sent_by_public_apps_only(logs: Logs, kind: str) -> None:
    """Client requirements 71, 72."""
    assert RULES["token_client_id_is_sent_by_public_apps_only"](logs[kind]) == []


def test_inferno_token_public_app_sends_no_proof(logs: Logs) -> None:
    """Client requirement 63."""
    assert RULES["token_public_app_sends_no_proof"](logs["public"]) == []


def test_inferno_token_basic_header_is_right_and_alone(logs: Logs) -> None:
    """Client requirements 23, 64, 345."""
    assert RULES["token_basic_header_is_right_and_alone"](logs["basic"]) == []


@asymmetric
def test_inferno_token_assertion_typ_is_jwt(logs: Logs, kind: str) -> None:
    """Client requirement 323."""
    assert RULES["token_assertion_typ_is_jwt"](logs[kind]) == []


@asymmetric
def test_inferno_token_assertion_alg_is_rs384_or_es384(logs: Logs, kind: str) -> None:
    """Client requirements 308, 309, 320, 321."""
    assert RULES["token_assertion_alg_is_rs384_or_es384"](logs[kind]) == []


@asymmetric
def test_inferno_token_assertion_iss_is_the_client_id(logs: Logs, kind: str) -> None:
    """Client requirement 327."""
    assert RULES["token_assertion_iss_is_the_client_id"](logs[kind]) == []


@asymmetric
def test_inferno_token_assertion_sub_is_the_client_id(logs: Logs, kind: str) -> None:
    """Client requirement 328."""
    assert RULES["token_assertion_sub_is_the_client_id"](logs[kind]) == []


@asymmetric
def test_inferno_token_assertion_aud_is_the_token_url(logs: Logs, kind: str) -> None:
    """Client requirement 329."""
    assert RULES["token_assertion_aud_is_the_token_url"](logs[kind]) == []


@asymmetric
def test_inferno_token_assertion_exp_is_present_and_near(logs: Logs, kind: str) -> None:
    """Client requirements 330, 331."""
    assert RULES["token_assertion_exp_is_present_and_near"](logs[kind]) == []


@asymmetric
def test_inferno_token_assertion_jti_is_never_repeated(logs: Logs, kind: str) -> None:
    """Client requirements 319, 332."""
    assert RULES["token_assertion_jti_is_never_repeated"](logs[kind]) == []


@asymmetric
def test_inferno_token_assertion_is_signed_by_the_key_it_names(logs: Logs, kind: str) -> None:
    """Client requirements 302, 307, 322, 334."""
    assert RULES["token_assertion_is_signed_by_the_key_it_names"](logs[kind]) == []


@asymmetric
def test_inferno_token_assertion_jku_is_the_registered_address(logs: Logs, kind: str) -> None:
    """Client requirements 324, 325."""
    assert RULES["token_assertion_jku_is_the_registered_address"](logs[kind]) == []


@each
def test_inferno_token_refresh_token_was_issued_and_is_used_once(logs: Logs, kind: str) -> None:
    """Client requirements 106, 117."""
    assert RULES["token_refresh_token_was_issued_and_is_used_once"](logs[kind]) == []


@each
def test_inferno_token_refresh_is_authenticated_like_the_exchange(logs: Logs, kind: str) -> None:
    """Client requirement 64."""
    assert RULES["token_refresh_is_authenticated_like_the_exchange"](logs[kind]) == []


# Use of the token ---------------------------------------------------------------------------------------------


@each
def test_inferno_use_every_issued_token_was_seen_on_a_fhir_call(logs: Logs, kind: str) -> None:
    """Client requirement 93."""
    assert RULES["use_every_issued_token_was_seen_on_a_fhir_call"](logs[kind]) == []


# The controls ---------------------------------------------------------------------------------------------------


def put(evidence: Evidence, name: str, value: str | None) -> None:
    """Sends another parameter, or none of that name."""
    others = [pair for pair in evidence["parameters"] if pair[0] != name]
    evidence["parameters"] = others if value is None else [*others, [name, value]]


def asked(name: str, value: str | None) -> Callable[[Log], None]:
    """Spoils a parameter of the last authorization request."""
    return lambda log: put(log.of("authorization")[-1], name, value)


def claimed(part: str, name: str, value: object) -> Callable[[Log], None]:
    """Spoils header or claims of the last assertion."""
    return lambda log: log.assertions()[-1][part].update({name: value})


def noted(grant: str, name: str, value: object) -> Callable[[Log], None]:
    """Spoils what was noted about the last token request of that grant; a dict is merged."""

    def spoil(log: Log) -> None:
        evidence = log.tokens(grant)[-1]
        evidence[name] = {**evidence[name], **value} if isinstance(value, dict) else value

    return spoil


def given(name: str, value: object) -> Callable[[Log], None]:
    """Spoils the registration."""
    return lambda log: setattr(log, name, value)


CODE, REFRESH = "authorization_code", "refresh_token"
SPOILT: dict[str, tuple[str, Callable[[Log], None]]] = {
    "registration_the_launch_url_is_https": ("public", given("launch_url", "http://scribe.example.org/launch")),
    "registration_every_redirect_uri_is_https": ("public", given("redirect_uris", ["https://a.example", "/callback"])),
    "registration_the_key_set_has_an_address": ("RS384", given("key_set_url", "")),
    "registration_the_key_set_is_valid": ("ES384", lambda log: log.key_set["keys"][0].pop("crv")),
    "access_launches_exchanges_a_refresh_and_fhir_calls_happened": (
        "public",
        lambda log: log.entries.remove(next(one for one in log.entries if one["evidence"] == log.tokens(REFRESH)[0])),
    ),
    "authorization_response_type_is_code": ("public", asked("response_type", "token")),
    "authorization_client_id_is_registered": ("public", asked("client_id", "other")),
    "authorization_redirect_uri_is_registered": (
        "basic",
        lambda log: log.of("authorization")[0].update(redirect_uri_registered=False),
    ),
    "authorization_launch_is_the_issued_one_where_sent": (
        "public",
        lambda log: log.of("authorization")[0].update(launch_issued=False),
    ),
    "authorization_state_is_present": ("RS384", asked("state", None)),
    "authorization_aud_is_the_fhir_base": ("public", asked("aud", "http://localhost/fhir/")),
    "authorization_scope_is_present": ("public", asked("scope", "")),
    "authorization_code_challenge_is_present": ("public", asked("code_challenge", None)),
    "authorization_code_challenge_method_is_s256": ("public", asked("code_challenge_method", "plain")),
    "authorization_is_a_get_or_a_form": (
        "public",
        lambda log: log.of("authorization")[-1].update(method="POST", content_type="application/json"),
    ),
    "token_grant_type_is_one_of_a_launch": ("public", noted(REFRESH, "grant_type", "password")),
    "token_code_was_issued_in_this_session_and_spent_once": ("basic", noted(CODE, "code", {"sha256": "other"})),
    "token_redirect_uri_is_that_of_the_authorization": ("public", noted(CODE, "redirect_uri_matches", False)),
    "token_code_verifier_matches_the_challenge": ("public", noted(CODE, "code_verifier", {"matches": False})),
    "token_client_id_is_sent_by_public_apps_only": (
        "ES384",
        lambda log: put(log.of("token")[0], "client_id", "scribe"),
    ),
    "token_public_app_sends_no_proof": (
        "public",
        lambda log: put(log.of("token")[-1], "client_secret", "(hidden)"),
    ),
    "token_basic_header_is_right_and_alone": ("basic", noted(REFRESH, "authentication", {"proven": False})),
    "token_assertion_typ_is_jwt": ("RS384", claimed("header", "typ", "jwt")),
    "token_assertion_alg_is_rs384_or_es384": ("RS384", claimed("header", "alg", "RS256")),
    "token_assertion_iss_is_the_client_id": ("RS384", claimed("claims", "iss", "other")),
    "token_assertion_sub_is_the_client_id": ("RS384", claimed("claims", "sub", None)),
    "token_assertion_aud_is_the_token_url": ("ES384", claimed("claims", "aud", ["http://localhost/auth/token"])),
    "token_assertion_exp_is_present_and_near": ("ES384", lambda log: log.assertions()[0]["claims"].pop("exp")),
    "token_assertion_jti_is_never_repeated": (
        "RS384",
        lambda log: log.assertions()[1]["claims"].update(jti=log.assertions()[0]["claims"]["jti"]),
    ),
    "token_assertion_is_signed_by_the_key_it_names": ("ES384", claimed("header", "kid", "another")),
    "token_assertion_jku_is_the_registered_address": ("RS384", claimed("header", "jku", "https://evil.example/jwks")),
    "token_refresh_token_was_issued_and_is_used_once": ("public", noted(REFRESH, "refresh_token", {"sha256": "x"})),
    "token_refresh_is_authenticated_like_the_exchange": ("RS384", noted(REFRESH, "authentication", {"method": "none"})),
    "use_every_issued_token_was_seen_on_a_fhir_call": (
        "basic",
        lambda log: [one.update(status=401) for one in log.entries if one["evidence"].get("kind") == "fhir"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_each_check_fails_on_a_doctored_log(logs: Logs, rule: str) -> None:
    kind, spoil = SPOILT[rule]
    doctored = copy.deepcopy(logs[kind])
    spoil(doctored)
    assert RULES[rule](logs[kind]) == []
    assert RULES[rule](doctored) != []


@pytest.mark.parametrize("rule", RULES)
def test_each_check_has_a_test_of_its_own(rule: str) -> None:
    assert f"test_inferno_{rule}" in globals()


@each
def test_the_sandboxs_own_checker_finds_nothing_either(logs: Logs, kind: str) -> None:
    assert logs[kind].flaws() == []


@each
def test_the_log_holds_no_secret_and_no_private_key(logs: Logs, kind: str) -> None:
    shown = json.dumps([logs[kind].entries, logs[kind].key_set])
    assert SECRET not in shown
    assert '"d":' not in shown
