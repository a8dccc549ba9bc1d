"""In: the draft of a right id_token. Out: the same draft as a forger or a careless server would have it.
Never used but for id_tokens of this sandbox EHR that a test asked for."""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from .id_token_draft import IdTokenDraft, decode_segment, encode_segment
from .keys import publish_key

OTHER_APP = "another-app"
Options = Mapping[str, Any]


Trick = Callable[[IdTokenDraft, Options], None]


def _claim(name: str, value: Any) -> Trick:
    def set_claim(draft: IdTokenDraft, _options: Options) -> None:
        draft.claims[name] = value

    return set_claim


def _without(name: str) -> Trick:
    def drop_claim(draft: IdTokenDraft, _options: Options) -> None:
        draft.claims.pop(name, None)

    return drop_claim


def _header(name: str, value: Any) -> Trick:
    def set_header(draft: IdTokenDraft, _options: Options) -> None:
        draft.header[name] = value

    return set_header


def _from_now(name: str, sign: int) -> Trick:
    def move(draft: IdTokenDraft, options: Options) -> None:
        draft.claims[name] = draft.claims["iat"] + sign * int(options["seconds"])

    return move


def _move_clock(draft: IdTokenDraft, options: Options) -> None:
    for name in ("iat", "exp", "auth_time"):
        if name in draft.claims:
            draft.claims[name] += int(options["seconds"])


def _unsigned(alg: str) -> Trick:
    def strip(draft: IdTokenDraft, _options: Options) -> None:
        draft.header["alg"], draft.signed = alg, False

    return strip


def _hmac(choose: Callable[[IdTokenDraft], bytes]) -> Trick:
    def sign(draft: IdTokenDraft, _options: Options) -> None:
        draft.header["alg"], draft.secret = "HS256", choose(draft)

    return sign


def _pointer(name: str, path: str) -> Trick:
    def point(draft: IdTokenDraft, options: Options) -> None:
        draft.sign_by(draft.keys.stranger)
        draft.header[name] = f"{options['to']}{path}"

    return point


def _finish(spoil: Callable[[str], str]) -> Trick:
    def set_finish(draft: IdTokenDraft, _options: Options) -> None:
        draft.finish = spoil

    return set_finish


def _fhir_user(make: Callable[[IdTokenDraft, Options], str]) -> Trick:
    def set_user(draft: IdTokenDraft, options: Options) -> None:
        if "fhirUser" in draft.claims:
            draft.claims["fhirUser"] = make(draft, options)

    return set_user


def _list_audiences(draft: IdTokenDraft, _options: Options) -> None:
    draft.claims["aud"] = [draft.claims["aud"], OTHER_APP]


def _use_fhir_base(draft: IdTokenDraft, _options: Options) -> None:
    draft.claims["iss"] = draft.fhir_base


def _set_issuer(draft: IdTokenDraft, options: Options) -> None:
    draft.claims["iss"] = options["iss"]


def _add_slash(draft: IdTokenDraft, _options: Options) -> None:
    draft.claims["iss"] += "/"


def _write_expiry(draft: IdTokenDraft, _options: Options) -> None:
    draft.claims["exp"] = str(draft.claims["exp"])


def _sign_strangely(draft: IdTokenDraft, _options: Options) -> None:
    draft.sign_by(draft.keys.stranger)


def _sign_under_false_name(draft: IdTokenDraft, _options: Options) -> None:
    draft.key = draft.keys.stranger


def _sign_by_successor(draft: IdTokenDraft, _options: Options) -> None:
    draft.sign_by(draft.keys.successor)


def _drop_kid(draft: IdTokenDraft, _options: Options) -> None:
    draft.header.pop("kid", None)


def _make_up_kid(draft: IdTokenDraft, _options: Options) -> None:
    draft.header["kid"] = secrets.token_urlsafe(12)


def _drop_alg(draft: IdTokenDraft, _options: Options) -> None:
    draft.header.pop("alg")


def _sign_rs512(draft: IdTokenDraft, _options: Options) -> None:
    draft.header["alg"] = draft.alg = "RS512"


def _extend_critically(draft: IdTokenDraft, _options: Options) -> None:
    draft.header |= {"crit": ["urn:sandbox-ehr:unknown"], "urn:sandbox-ehr:unknown": True}


def _embed_key(draft: IdTokenDraft, _options: Options) -> None:
    draft.sign_by(draft.keys.stranger)
    draft.header["jwk"] = publish_key(draft.keys.stranger)


def _embed_certificate(draft: IdTokenDraft, _options: Options) -> None:
    draft.sign_by(draft.keys.stranger)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sandbox")])
    today = datetime.fromtimestamp(draft.claims["iat"], UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(draft.key.public_key)
    built = built.serial_number(1).not_valid_before(today).not_valid_after(today + timedelta(days=1))
    der = built.sign(draft.key.private_key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    draft.header["x5c"] = [base64.b64encode(der).decode()]


def _double_alg(draft: IdTokenDraft, _options: Options) -> None:
    draft.header_json = '{"alg":"none",' + json.dumps(draft.header)[1:]


def _double_claim(draft: IdTokenDraft, options: Options) -> None:
    wrong = f'"{options["claim"]}":"{OTHER_APP}"'
    right = json.dumps(draft.claims)
    draft.claims_json = f"{{{wrong},{right[1:]}" if options["wrong"] == "first" else f"{right[:-1]},{wrong}}}"


def _list_claims(draft: IdTokenDraft, _options: Options) -> None:
    draft.claims_json = json.dumps([draft.claims])


def _turn_a_bit(token: str) -> str:
    head, _, signature = token.rpartition(".")
    spoilt = bytearray(decode_segment(signature))
    spoilt[0] ^= 1
    return f"{head}.{encode_segment(bytes(spoilt))}"


TRICKS: Mapping[str, Trick] = {
    "jwks_rotated": _sign_by_successor,
    "jwks_rotated_both": _sign_by_successor,
    "id_token_garbage": _finish(lambda _token: "not-a-json-web-token"),
    "id_token_iss_wrong": _set_issuer,
    "id_token_iss_fhir_base": _use_fhir_base,
    "id_token_iss_slash": _add_slash,
    "id_token_iss_missing": _without("iss"),
    "id_token_aud_wrong": _claim("aud", OTHER_APP),
    "id_token_aud_many": _list_audiences,
    "id_token_aud_missing": _without("aud"),
    "id_token_azp_wrong": _claim("azp", OTHER_APP),
    "id_token_sub_missing": _without("sub"),
    "id_token_sub_empty": _claim("sub", ""),
    "id_token_exp_past": _from_now("exp", -1),
    "id_token_exp_missing": _without("exp"),
    "id_token_exp_text": _write_expiry,
    "id_token_nbf_future": _from_now("nbf", 1),
    "id_token_iat_future": _from_now("iat", 1),
    "id_token_iat_missing": _without("iat"),
    "id_token_clock_off": _move_clock,
    "id_token_clock_near": _move_clock,
    "id_token_nonce_wrong": _claim("nonce", "the-nonce-of-another-request"),
    "id_token_nonce_missing": _without("nonce"),
    "id_token_at_hash_wrong": _claim("at_hash", encode_segment(hashlib.sha256(b"another token").digest()[:16])),
    "id_token_key_unknown": _sign_strangely,
    "id_token_key_wrong": _sign_under_false_name,
    "id_token_kid_missing": _drop_kid,
    "id_token_kid_random": _make_up_kid,
    "id_token_signature_broken": _finish(_turn_a_bit),
    "id_token_signature_missing": _finish(lambda token: token.rpartition(".")[0] + "."),
    "id_token_alg_none": _unsigned("none"),
    "id_token_alg_none_spelt": _unsigned("nOnE"),
    "id_token_alg_missing": _drop_alg,
    "id_token_alg_hs256_pem": _hmac(lambda draft: draft.key.as_pem(private=False)),
    "id_token_alg_hs256_jwk": _hmac(lambda draft: json.dumps(publish_key(draft.key), separators=(",", ":")).encode()),
    "id_token_alg_hs256_secret": _hmac(lambda draft: draft.client_secret.encode()),
    "id_token_alg_rs512": _sign_rs512,
    "id_token_crit_unknown": _extend_critically,
    "id_token_crit_empty": _header("crit", []),
    "id_token_header_jwk": _embed_key,
    "id_token_header_jku": _pointer("jku", "/jwks.json"),
    "id_token_header_x5u": _pointer("x5u", "/certificate.pem"),
    "id_token_header_x5c": _embed_certificate,
    "id_token_header_duplicated": _double_alg,
    "id_token_claims_duplicated": _double_claim,
    "id_token_claims_list": _list_claims,
    "id_token_typ_wrong": _header("typ", "at+jwt"),
    "id_token_fhir_user_missing": _without("fhirUser"),
    "id_token_fhir_user_foreign": _fhir_user(lambda _draft, o: f"{o['to']}/fhir/Practitioner/sandbox-ehr-okafor"),
    "id_token_fhir_user_patient": _fhir_user(lambda draft, _o: f"{draft.fhir_base}/Patient/{draft.patient}"),
    "id_token_fhir_user_person": _fhir_user(lambda draft, _o: f"{draft.fhir_base}/Person/sandbox-ehr-okafor"),
    "id_token_fhir_user_unknown": _fhir_user(lambda draft, _o: f"{draft.fhir_base}/Practitioner/no-such-practitioner"),
    "id_token_fhir_user_relative": _fhir_user(
        lambda draft, _o: draft.claims["fhirUser"].removeprefix(f"{draft.fhir_base}/")
    ),
}
