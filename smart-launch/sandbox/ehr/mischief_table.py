"""Every error this sandbox EHR can make on purpose: its name, where it strikes, what it does, which threat it plays.
Never more than a table: what is said here is done in forgeries, grants and the modules named …_tricks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ATTACKER = "https://ehr.attacker.example"
PLAIN_ATTACKER = "http://ehr.attacker.example"
WRITES = "DocumentReference|Composition|Provenance"


@dataclass(frozen=True)
class Mischief:
    """One error. `cases` are ids of the threat list, `options` the defaults; `lawful`: an app must cope, not refuse.

    Every mischief takes the option `times` too: how often it strikes, null for always.
    """

    name: str
    cases: str
    what: str
    lawful: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """id_token, callback, token, refresh, discovery, jwks or fhir."""
        return next(place for place in PLACES if self.name.startswith(f"{place}_"))


PLACES = ("id_token", "callback", "token", "refresh", "discovery", "jwks", "fhir")


def _row(name: str, cases: str, what: str, *, lawful: bool = False, **options: Any) -> Mischief:
    return Mischief(name, cases, what, lawful, {"times": None, **options})


_ID_TOKEN = (
    _row("id_token_missing", "A13", "the token answer has no id_token"),
    _row("id_token_garbage", "A11", "id_token is no JWS"),
    _row("id_token_iss_wrong", "A11", "iss is another issuer", iss=ATTACKER),
    _row("id_token_iss_fhir_base", "A11", "iss is the FHIR base"),
    _row("id_token_iss_slash", "A11", "iss has a slash at its end"),
    _row("id_token_iss_missing", "A11", "no iss"),
    _row("id_token_aud_wrong", "A11", "aud is another app"),
    _row("id_token_aud_many", "A11", "aud is a list of the app and another, without azp"),
    _row("id_token_aud_missing", "A11", "no aud"),
    _row("id_token_azp_wrong", "A11", "azp is another app"),
    _row("id_token_sub_missing", "A11", "no sub"),
    _row("id_token_sub_empty", "A11", "sub is an empty text"),
    _row("id_token_exp_past", "A11 A24", "exp is in the past", seconds=3600),
    _row("id_token_exp_missing", "A11", "no exp"),
    _row("id_token_exp_text", "A11", "exp is a text"),
    _row("id_token_iat_future", "A11 A24", "iat is in the future", seconds=3600),
    _row("id_token_iat_missing", "A11", "no iat"),
    _row("id_token_nbf_future", "A11", "nbf is in the future", seconds=3600),
    _row("id_token_clock_off", "A24", "iat, exp and auth_time of a clock that is `seconds` ahead", seconds=600),
    _row("id_token_clock_near", "A24", "the same, within what an app must tolerate", lawful=True, seconds=45),
    _row("id_token_nonce_wrong", "A6 A11", "nonce is another one"),
    _row("id_token_nonce_missing", "A11 A13", "no nonce"),
    _row("id_token_at_hash_wrong", "A11", "at_hash is of another access token"),
    _row("id_token_key_unknown", "A11", "signed by a key that is not in the JWKS, under its own kid"),
    _row("id_token_key_wrong", "A11", "signed by another key under the published kid"),
    _row("id_token_kid_missing", "A11", "no kid in the header", lawful=True),
    _row("id_token_kid_random", "A11 A12", "rightly signed, under a kid made up each time"),
    _row("id_token_signature_broken", "A11", "one bit of the signature is turned"),
    _row("id_token_signature_missing", "A11", "the signature is empty"),
    _row("id_token_alg_none", "A11", "alg none, without a signature"),
    _row("id_token_alg_none_spelt", "A11", "alg nOnE, without a signature"),
    _row("id_token_alg_missing", "A11", "no alg in the header"),
    _row("id_token_alg_hs256_pem", "A11", "HS256 with the public key's PEM as the secret"),
    _row("id_token_alg_hs256_jwk", "A11", "HS256 with the published JWK's bytes as the secret"),
    _row("id_token_alg_hs256_secret", "A11", "HS256 with the client secret (client_id where there is none)"),
    _row("id_token_alg_rs512", "A11", "rightly signed by RS512, which is not advertised"),
    _row("id_token_crit_unknown", "A11", "crit names an extension nobody knows"),
    _row("id_token_crit_empty", "A11", "crit is an empty list (RFC 7515 forbids it)"),
    _row("id_token_header_jwk", "A11", "signed by a stranger's key that the header carries as jwk"),
    _row("id_token_header_jku", "A11", "signed by a stranger's key that jku points to", to=ATTACKER),
    _row("id_token_header_x5u", "A11", "signed by a stranger's key that x5u points to", to=ATTACKER),
    _row("id_token_header_x5c", "A11", "signed by a stranger's key whose certificate the header carries as x5c"),
    _row("id_token_header_duplicated", "A11", "the header names alg twice: none, then RS256"),
    _row("id_token_claims_duplicated", "A11", "`claim` twice, the wrong one `wrong`", claim="aud", wrong="first"),
    _row("id_token_claims_list", "A11", "the claims are a JSON list"),
    _row("id_token_typ_wrong", "A11", "typ is at+jwt, an access token's"),
    _row("id_token_fhir_user_missing", "A13", "no fhirUser"),
    _row("id_token_fhir_user_foreign", "A28", "fhirUser is on another host", to=ATTACKER),
    _row("id_token_fhir_user_patient", "A13", "fhirUser is the patient"),
    _row("id_token_fhir_user_person", "A13", "fhirUser is a Person"),
    _row("id_token_fhir_user_unknown", "A13", "fhirUser is a Practitioner nobody knows"),
    _row("id_token_fhir_user_relative", "A13", "fhirUser is relative", lawful=True),
)  # fmt: skip

OAUTH_ERRORS = (
    "access_denied",
    "invalid_request",
    "unauthorized_client",
    "unsupported_response_type",
    "invalid_scope",
    "server_error",
    "temporarily_unavailable",
)
OIDC_ERRORS = (
    "interaction_required",
    "login_required",
    "account_selection_required",
    "consent_required",
    "invalid_request_uri",
    "invalid_request_object",
    "request_not_supported",
    "request_uri_not_supported",
    "registration_not_supported",
)
_CALLBACK = (
    *(_row(f"callback_{code}", "A19", f"error {code} (RFC 6749)", lawful=True) for code in OAUTH_ERRORS),
    *(_row(f"callback_{code}", "A19", f"error {code} (OpenID Connect)", lawful=True) for code in OIDC_ERRORS),
    _row("callback_error_unknown", "A19", "an error code of no standard"),
    _row("callback_error_markup", "A19", "access_denied with markup in error_description, a script in error_uri"),
    _row("callback_error_and_code", "A19", "an error and a code"),
    _row("callback_iss_missing", "A8", "no iss, although it is advertised (RFC 9207)"),
    _row("callback_iss_wrong", "A8", "iss is another issuer", iss=ATTACKER),
    _row("callback_iss_fhir_base", "A8", "iss is the FHIR base"),
    _row("callback_iss_doubled", "A8", "iss is there twice, the right one last"),
    _row("callback_state_missing", "A3", "no state"),
    _row("callback_state_wrong", "A3 A5", "state is another one"),
    _row("callback_state_doubled", "A3", "state is there twice, the right one last"),
    _row("callback_code_missing", "A6", "no code and no error"),
    _row("callback_code_doubled", "A6", "code is there twice, the right one last"),
    _row("callback_code_unknown", "A6", "a made-up code"),
    _row("callback_code_injected", "A6", "the code of another browser's authorization request"),
)

_TOKEN = (
    _row("token_patient_missing", "A14", "no patient"),
    _row("token_patient_empty", "A14", "patient is an empty text"),
    _row("token_patient_reference", "A14", "patient is Patient/ID"),
    _row("token_patient_other", "A14", "patient and access token are another patient's, from the start", patient=None),
    _row("token_encounter_missing", "A14", "no encounter", lawful=True),
    _row("token_encounter_other", "A14", "encounter is one the record does not hold", encounter="no-such-encounter"),
    _row("token_keys_duplicated", "A14", "the JSON names patient twice, another one first"),
    _row("token_type_mac", "A11", "token_type mac"),
    _row("token_type_missing", "A11", "no token_type"),
    _row("token_type_lower", "A27", "token_type bearer", lawful=True),
    _row("token_access_missing", "A11", "no access_token"),
    _row("token_expires_10", "A24", "expires_in 10, and true", lawful=True),
    _row("token_expires_0", "A24", "expires_in 0; the token lives on"),
    _row("token_expires_absent", "A24", "no expires_in", lawful=True),
    _row("token_expires_negative", "A24", "expires_in -1; the token lives on"),
    _row("token_expires_text", "A24", "expires_in is a text"),
    _row("token_expires_huge", "A24", "expires_in is 10^12; the token lives as usual"),
    _row("token_scope_narrower", "A27", "scopes that match `without` are not granted", lawful=True, without=WRITES),
    _row("token_scope_wider", "A27", "`more` is granted too", lawful=True, more="patient/*.cruds"),
    _row("token_scope_empty", "A27", "scope is an empty text"),
    _row("token_scope_absent", "A27", "no scope"),
    _row("token_scope_respelt", "A27", "the same scopes in other words (.read, .c and .rs)", lawful=True),
    _row("token_slow", "A21", "the answer takes `seconds`", lawful=True, seconds=3),
    _row("token_html", "A22", "a page with `status` in place of the answer; nothing is done", status=502),
    _row("token_redirect", "A28", "a redirect to another host with `status`; nothing is done", to=ATTACKER, status=302),
    _row("token_form", "A22", "the answer is form-encoded, as text/plain"),
    _row("token_list", "A22", "the answer is a JSON list"),
    _row("token_lost", "A22", "carried out, then the connection is reset"),
    _row("token_intent_unknown", "A19", "intent is a word nobody knows, with markup", lawful=True),
    _row("token_style_hostile", "A29", "smart_style_url is `url`", lawful=True, url=f"{ATTACKER}/style.json"),
    _row("token_fhir_context_foreign", "A28", "fhirContext refers to another host", lawful=True, to=ATTACKER),
    _row("token_fhir_context_malformed", "A14", "fhirContext is a text"),
    _row("token_banner_text", "A14", 'need_patient_banner is the text "false"'),
)  # fmt: skip

_REFRESH = (
    _row("refresh_reuse_revokes", "A21", "the usual: rotates, and a second use ends every token", lawful=True),
    _row("refresh_rotating", "A21", "rotates; a second use is refused and ends nothing", lawful=True),
    _row("refresh_kept", "A21", "the refresh token stays good and none comes back", lawful=True),
    _row("refresh_never", "A22", "no refresh token is ever given", lawful=True),
    _row("refresh_lost", "A22", "rotated, then the connection is reset", times=1),
    _row("refresh_patient_missing", "A14", "no patient in the answer to a refresh", lawful=True),
    _row("refresh_patient_swapped", "A14", "from a refresh on, patient and token are another patient's", patient=None),
    _row("refresh_scope_narrower", "A27", "as token_scope_narrower, from a refresh on", lawful=True, without=WRITES),
    _row("refresh_user_disabled", "A30", "the user is gone: every refresh is invalid_grant", lawful=True),
)  # fmt: skip

_DISCOVERY = (
    _row("discovery_pkce_plain", "A7", "code_challenge_methods_supported is plain only"),
    _row("discovery_pkce_both", "A7", "code_challenge_methods_supported is plain and S256"),
    _row("discovery_pkce_none", "A7", "code_challenge_methods_supported is an empty list"),
    _row("discovery_pkce_absent", "A7", "no code_challenge_methods_supported"),
    _row("discovery_token_moved", "A9", "token_endpoint is on another host", to=ATTACKER),
    _row("discovery_token_http", "A9", "token_endpoint is plain http", to=PLAIN_ATTACKER),
    _row("discovery_authorize_moved", "A9", "authorization_endpoint is on another host", to=ATTACKER),
    _row("discovery_authorize_http", "A9", "authorization_endpoint is plain http", to=PLAIN_ATTACKER),
    _row("discovery_jwks_moved", "A9", "jwks_uri is on another host", to=ATTACKER),
    _row("discovery_jwks_http", "A9", "jwks_uri is plain http", to=PLAIN_ATTACKER),
    _row("discovery_issuer_changed", "A8 A9", "issuer is another one", iss=ATTACKER),
    _row("discovery_fields_missing", "A9", "`fields` are left out", fields=["token_endpoint"]),
    _row("discovery_relative", "A9", "the endpoints are relative, from the host's root", lawful=True),
    _row("discovery_redirect", "A9 A28", "a redirect to another host", to=ATTACKER),
    _row("discovery_html", "A9", "a page, with status 200"),
    _row("discovery_list", "A9", "a JSON list"),
    _row("discovery_huge", "A9", "a document with `bytes` of filling", bytes=8_388_608),
    _row("discovery_outage", "A9", "status 503"),
)
_JWKS = (
    _row("jwks_rotated", "A12", "a new key signs, the old one is gone from the JWKS", lawful=True),
    _row("jwks_rotated_both", "A12", "a new key signs, the JWKS holds both", lawful=True),
    _row("jwks_outage", "A12", "status 503"),
    _row("jwks_flood", "A12", "`keys` keys nobody uses before the right one", lawful=True, keys=500),
    _row("jwks_empty", "A12", "no key"),
    _row("jwks_html", "A12", "a page, with status 200"),
    _row("jwks_redirect", "A12 A28", "a redirect to another host", to=ATTACKER),
)
_FHIR = (
    _row("fhir_401_once", "A24", "a good token is refused once", lawful=True, times=1),
    _row("fhir_401_always", "A22", "good tokens are refused"),
    _row("fhir_next_foreign", "A28", "the next link of a search is on another host", to=ATTACKER),
    _row("fhir_references_foreign", "A28", "references and attachment addresses are on another host", to=ATTACKER),
    _row("fhir_redirect", "A28", "a redirect to another host", to=ATTACKER),
)
TABLE: Mapping[str, Mischief] = {
    row.name: row for row in (*_ID_TOKEN, *_CALLBACK, *_TOKEN, *_REFRESH, *_DISCOVERY, *_JWKS, *_FHIR)
}
