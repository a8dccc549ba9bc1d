"""The checks of Inferno's SMART App Launch client suites. In: what an EHR wrote down about an app. Out: what is wrong.

Each rule is one line of the suites: registration, access, authorization requests, token requests, use of the token.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from connector_sandbox.ehr.registrations import find_jwks_flaw

from tests.wire.sandbox_ehr.conformance import find_flaws

Evidence = dict[str, Any]
BASIC, ASSERTION = "client_secret_basic", "private_key_jwt"


@dataclass
class Log:
    """One app's visit to an EHR. `entries` are those of the EHR's journal, `method` is none, client_secret_basic or
    private_key_jwt; the addresses are those the operator is told to register, `key_set` is what it publishes."""

    entries: list[Evidence]
    method: str
    client_id: str
    fhir_base: str
    token_url: str
    launch_url: str
    redirect_uris: list[str]
    key_set_url: str
    key_set: Any

    def of(self, kind: str) -> list[Evidence]:
        """The evidence of one kind: authorization, token or fhir."""
        return [one["evidence"] for one in self.entries if one["evidence"].get("kind") == kind]

    def tokens(self, grant: str) -> list[Evidence]:
        """The token requests of one grant type."""
        return [one for one in self.of("token") if one["grant_type"] == grant]

    def assertions(self) -> list[Evidence]:
        """Header and claims of every client assertion."""
        return [one["authentication"]["assertion"] for one in self.of("token")]

    def flaws(self) -> list[str]:
        """What the sandbox's own conformance checker says."""
        return find_flaws(
            self.entries,
            client_id=self.client_id,
            method=self.method,
            fhir_base=self.fhir_base,
            token_url=self.token_url,
        )


Rule = Callable[[Log], list[str]]


def _checker(label: str) -> Rule:
    return lambda log: [flaw for flaw in log.flaws() if flaw == label]


def _https(addresses: list[str]) -> list[str]:
    return [one for one in addresses or [""] if urlsplit(one).scheme != "https" or not urlsplit(one).hostname]


def _key_set(log: Log) -> list[str]:
    flaw = find_jwks_flaw(log.key_set)
    return [flaw] if flaw else []


def _access(log: Log) -> list[str]:
    """An EHR launch, a standalone launch, an exchange for each, a refresh, and FHIR calls that were let through."""
    launched = [one["launch_issued"] for one in log.of("authorization") if one["answer"]["kind"] == "code"]
    granted = {
        grant: [one for one in log.tokens(grant) if one["answer"]["status"] == 200]
        for grant in ("authorization_code", "refresh_token")
    }
    called = [one for one in log.entries if one["evidence"].get("kind") == "fhir" and one["status"] == 200]
    seen = {
        "an EHR launch": True in launched,
        "a standalone launch": None in launched,
        "code exchanges": len(granted["authorization_code"]) >= 2,
        "a refresh": bool(granted["refresh_token"]),
        "FHIR calls": len(called) >= 3,
    }
    return [name for name, there in seen.items() if not there]


def _code(log: Log) -> list[str]:
    issued = {one["answer"].get("code_sha256") for one in log.of("authorization")}
    spent = [one["code"]["sha256"] for one in log.tokens("authorization_code")]
    return [code for code in spent if code not in issued or spent.count(code) > 1]


def _refresh(log: Log) -> list[str]:
    issued = {one["answer"].get("refresh_token_sha256") for one in log.of("token")}
    used = [one["refresh_token"]["sha256"] for one in log.tokens("refresh_token")]
    return [token for token in used if token not in issued or used.count(token) > 1]


def _same_proof(log: Log) -> list[str]:
    """No refresh is proven otherwise than the exchange was."""
    first = log.tokens("authorization_code")[0]["authentication"]["method"]
    return [
        one["authentication"]["method"]
        for one in log.tokens("refresh_token")
        if one["authentication"]["method"] != first or not one["authentication"]["proven"]
    ]


def _client_id(log: Log) -> list[str]:
    """A public app names itself in every form; nobody else does (client requirements 71 and 72)."""
    named = [dict(one["parameters"]).get("client_id") for one in log.of("token")]
    expected = log.client_id if log.method == "none" else None
    return [str(one) for one in named if one != expected]


def _basic(log: Log) -> list[str]:
    """The header alone, and it was right."""
    return [
        str(one["authentication"])
        for one in log.of("token")
        if one["authentication"] != {"method": BASIC, "proven": True} or "client_secret" in dict(one["parameters"])
    ]


def _no_proof(log: Log) -> list[str]:
    hidden = {"client_secret", "client_assertion", "client_assertion_type"}
    return [
        str(sorted(hidden & set(dict(one["parameters"]))))
        for one in log.of("token")
        if one["authentication"]["method"] != "none" or hidden & set(dict(one["parameters"]))
    ]


def _signed(log: Log) -> list[str]:
    """By the key of that id in the published set."""
    published = {key["kid"] for key in log.key_set["keys"]}
    return [
        str(one["header"])
        for one in log.assertions()
        if not one["signature_verified"] or one["header"].get("kid") not in published
    ]


def _jku(log: Log) -> list[str]:
    """Where it is sent it is the registered address."""
    return [
        str(one["header"]) for one in log.assertions() if one["header"].get("jku", log.key_set_url) != log.key_set_url
    ]


def _life(log: Log) -> list[str]:
    """A number, and no more than five minutes after the moment it was made."""
    lives = [one["claims"].get("exp", 0) - one["claims"].get("iat", 0) for one in log.assertions()]
    return [str(life) for life in lives if not 0 < life <= 300]


def _used(log: Log) -> list[str]:
    """Every issued access token was shown on a FHIR call that was not refused, and no other token ever was."""
    issued = {one["answer"].get("access_token_sha256") for one in log.of("token")}
    shown = {
        one["evidence"]["token_sha256"]
        for one in log.entries
        if one["evidence"].get("kind") == "fhir" and one["status"] != 401
    }
    return [str(one) for one in issued ^ shown]


RULES: dict[str, Rule] = {
    "registration_the_launch_url_is_https": lambda log: _https([log.launch_url]),
    "registration_every_redirect_uri_is_https": lambda log: _https(log.redirect_uris),
    "registration_the_key_set_has_an_address": lambda log: _https([log.key_set_url]),
    "registration_the_key_set_is_valid": _key_set,
    "access_launches_exchanges_a_refresh_and_fhir_calls_happened": _access,
    "authorization_response_type_is_code": _checker("authorization: response_type"),
    "authorization_client_id_is_registered": _checker("authorization: client_id"),
    "authorization_redirect_uri_is_registered": _checker("authorization: redirect_uri"),
    "authorization_launch_is_the_issued_one_where_sent": _checker("authorization: launch"),
    "authorization_state_is_present": _checker("authorization: state"),
    "authorization_aud_is_the_fhir_base": _checker("authorization: aud"),
    "authorization_scope_is_present": _checker("authorization: scope"),
    "authorization_code_challenge_is_present": _checker("authorization: code_challenge"),
    "authorization_code_challenge_method_is_s256": _checker("authorization: code_challenge_method"),
    "authorization_is_a_get_or_a_form": _checker("authorization: content_type"),
    "token_grant_type_is_one_of_a_launch": _checker("token: grant_type"),
    "token_code_was_issued_in_this_session_and_spent_once": _code,
    "token_redirect_uri_is_that_of_the_authorization": _checker("token: redirect_uri"),
    "token_code_verifier_matches_the_challenge": _checker("token: code_verifier"),
    "token_client_id_is_sent_by_public_apps_only": _client_id,
    "token_public_app_sends_no_proof": _no_proof,
    "token_basic_header_is_right_and_alone": _basic,
    "token_assertion_typ_is_jwt": _checker("assertion: typ"),
    "token_assertion_alg_is_rs384_or_es384": _checker("assertion: alg"),
    "token_assertion_iss_is_the_client_id": _checker("assertion: iss"),
    "token_assertion_sub_is_the_client_id": _checker("assertion: sub"),
    "token_assertion_aud_is_the_token_url": _checker("assertion: aud"),
    "token_assertion_exp_is_present_and_near": _life,
    "token_assertion_jti_is_never_repeated": _checker("assertion: jti"),
    "token_assertion_is_signed_by_the_key_it_names": _signed,
    "token_assertion_jku_is_the_registered_address": _jku,
    "token_refresh_token_was_issued_and_is_used_once": _refresh,
    "token_refresh_is_authenticated_like_the_exchange": _same_proof,
    "use_every_issued_token_was_seen_on_a_fhir_call": _used,
}  # fmt: skip
