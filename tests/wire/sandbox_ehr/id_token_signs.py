"""By what an id_token under mischief is told from an honest one: for each name, a test that only it passes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

from connector_sandbox.ehr.mischief_table import ATTACKER
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from joserfc.jwk import RSAKey

from tests.wire.sandbox_ehr.app_under_launch import CONFIDENTIAL, SECRET
from tests.wire.sandbox_ehr.walk import Walk

Sign = Callable[[Walk], bool]


def _claim_is(name: str, value: Any) -> Sign:
    return lambda walk: walk.claims.get(name) == value


def _lacks(name: str) -> Sign:
    return lambda walk: bool(walk.claims) and name not in walk.claims


def _hmac_with(make: Callable[[Walk], bytes]) -> Sign:
    def is_hmac(walk: Walk) -> bool:
        data = walk.id_token.rpartition(".")[0].encode()
        return walk.header["alg"] == "HS256" and walk.segment(2) == hmac.digest(make(walk), data, hashlib.sha256)

    return is_hmac


def _unsigned(alg: str) -> Sign:
    return lambda walk: walk.header.get("alg") == alg and walk.segment(2) == b""


def _moment(name: str, test: Callable[[float], bool]) -> Sign:
    """The claim's distance from now, in seconds."""
    return lambda walk: name in walk.claims and test(walk.claims[name] - walk.ehr.clock())


def _right(walk: Walk) -> bool:
    """Signed by the published key its header names."""
    key = walk.published(walk.header.get("kid"))
    return key is not None and walk.is_signed_by(key)


def _broken(walk: Walk) -> bool:
    spoilt = bytearray(walk.segment(2))
    spoilt[0] ^= 1
    return not _right(walk) and walk.is_signed_by(walk.published(walk.header["kid"]), signature=bytes(spoilt))


def _stranger(walk: Walk) -> bool:
    return walk.published(walk.header["kid"]) is None and not any(walk.is_signed_by(key) for key in walk.keys)


def _jwk(walk: Walk) -> bool:
    return "jwk" in walk.header and walk.is_signed_by(walk.header["jwk"]) and walk.header["jwk"] not in walk.keys


def _x5c(walk: Walk) -> bool:
    if "x5c" not in walk.header:
        return False
    certificate = x509.load_der_x509_certificate(base64.b64decode(walk.header["x5c"][0]))
    return walk.is_signed_by(certificate.public_key()) and _stranger(walk)


def _pem(walk: Walk) -> bytes:
    return RSAKey.import_key(walk.keys[0]).as_pem(private=False)


def _fhir_user(test: Callable[[str, Walk], bool]) -> Sign:
    return lambda walk: "fhirUser" in walk.claims and test(walk.claims["fhirUser"], walk)


SIGNS: dict[str, Sign] = {
    "id_token_missing": lambda walk: walk.answer.status_code == 200 and "id_token" not in walk.body,
    "id_token_garbage": lambda walk: bool(walk.id_token) and walk.id_token.count(".") != 2,
    "id_token_iss_wrong": _claim_is("iss", ATTACKER),
    "id_token_iss_fhir_base": lambda walk: walk.claims["iss"] == walk.ehr.fhir_base,
    "id_token_iss_slash": lambda walk: walk.claims["iss"] == f"{walk.ehr.base}/auth/",
    "id_token_iss_missing": _lacks("iss"),
    "id_token_aud_wrong": _claim_is("aud", "another-app"),
    "id_token_aud_many": lambda walk: walk.claims["aud"] == [CONFIDENTIAL, "another-app"] and "azp" not in walk.claims,
    "id_token_aud_missing": _lacks("aud"),
    "id_token_azp_wrong": _claim_is("azp", "another-app"),
    "id_token_sub_missing": _lacks("sub"),
    "id_token_sub_empty": _claim_is("sub", ""),
    "id_token_exp_past": _moment("exp", lambda ahead: ahead < -3500),
    "id_token_exp_missing": _lacks("exp"),
    "id_token_exp_text": lambda walk: isinstance(walk.claims["exp"], str),
    "id_token_iat_future": _moment("iat", lambda ahead: ahead > 3500),
    "id_token_iat_missing": _lacks("iat"),
    "id_token_nbf_future": _moment("nbf", lambda ahead: ahead > 3500),
    "id_token_clock_off": _moment("iat", lambda ahead: 500 < ahead < 601),
    "id_token_clock_near": _moment("iat", lambda ahead: 5 < ahead < 46),
    "id_token_nonce_wrong": lambda walk: walk.claims["nonce"] != walk.request.params["nonce"],
    "id_token_nonce_missing": _lacks("nonce"),
    "id_token_at_hash_wrong": lambda walk: walk.claims["at_hash"] != _half_hash(walk.body["access_token"]),
    "id_token_key_unknown": _stranger,
    "id_token_key_wrong": lambda walk: walk.published(walk.header["kid"]) is not None and not _right(walk),
    "id_token_kid_missing": lambda walk: "kid" not in walk.header and walk.is_signed_by(walk.keys[0]),
    "id_token_kid_random": lambda walk: walk.published(walk.header["kid"]) is None and walk.is_signed_by(walk.keys[0]),
    "id_token_signature_broken": _broken,
    "id_token_signature_missing": lambda walk: walk.header["alg"] == "RS256" and walk.id_token.endswith("."),
    "id_token_alg_none": _unsigned("none"),
    "id_token_alg_none_spelt": _unsigned("nOnE"),
    "id_token_alg_missing": lambda walk: bool(walk.header) and "alg" not in walk.header,
    "id_token_alg_hs256_pem": _hmac_with(_pem),
    "id_token_alg_hs256_jwk": _hmac_with(lambda walk: json.dumps(walk.keys[0], separators=(",", ":")).encode()),
    "id_token_alg_hs256_secret": _hmac_with(lambda _walk: SECRET.encode()),
    "id_token_alg_rs512": lambda walk: (
        walk.header["alg"] == "RS512" and walk.is_signed_by(walk.keys[0], digest=hashes.SHA512)
    ),
    "id_token_crit_unknown": lambda walk: _right(walk) and walk.header.get("crit", [""])[0] in walk.header,
    "id_token_crit_empty": lambda walk: _right(walk) and walk.header.get("crit") == [],
    "id_token_header_jwk": _jwk,
    "id_token_header_jku": lambda walk: _stranger(walk) and walk.header.get("jku", "").startswith(ATTACKER),
    "id_token_header_x5u": lambda walk: _stranger(walk) and walk.header.get("x5u", "").startswith(ATTACKER),
    "id_token_header_x5c": _x5c,
    "id_token_header_duplicated": lambda walk: _right(walk) and walk.segment(0).count(b'"alg"') == 2,
    "id_token_claims_duplicated": lambda walk: (
        _right(walk) and walk.segment(1).count(b'"aud"') == 2 and walk.claims["aud"] == CONFIDENTIAL
    ),
    "id_token_claims_list": lambda walk: _right(walk) and isinstance(json.loads(walk.segment(1)), list),
    "id_token_typ_wrong": lambda walk: _right(walk) and walk.header["typ"] == "at+jwt",
    "id_token_fhir_user_missing": _lacks("fhirUser"),
    "id_token_fhir_user_foreign": _fhir_user(lambda user, _walk: user.startswith(f"{ATTACKER}/fhir/Practitioner/")),
    "id_token_fhir_user_patient": _fhir_user(lambda user, w: user == f"{w.ehr.fhir_base}/Patient/{w.patient}"),
    "id_token_fhir_user_person": _fhir_user(lambda user, walk: user.startswith(f"{walk.ehr.fhir_base}/Person/")),
    "id_token_fhir_user_unknown": _fhir_user(lambda user, _walk: user.endswith("/no-such-practitioner")),
    "id_token_fhir_user_relative": _fhir_user(lambda user, _walk: user == "Practitioner/sandbox-ehr-okafor"),
}


def _half_hash(value: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(value.encode()).digest()[:16]).rstrip(b"=").decode()


def is_honest(walk: Walk) -> bool:
    """The id_token an honest server gives."""
    return (
        _right(walk)
        and walk.header == {"alg": "RS256", "typ": "JWT", "kid": walk.keys[0]["kid"]}
        and walk.claims["nonce"] == walk.request.params["nonce"]
        and walk.claims["at_hash"] == _half_hash(walk.body["access_token"])
        and abs(walk.claims["iat"] - time.time() - walk.ehr.clock.ahead) < 20
    )
