"""id_tokens as OpenID Connect Core 3.1.3.7 wants them, and the keys they are read with; forged ones: tests/smart."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import RSAKey

from connector.errors import LaunchRefused
from connector.launch.identity import Identity, find_own_record, verify_id_token
from connector.launch.pending import PendingLaunch
from tests.smart.signer import Signer

BASE = "https://ehr.example.org/fhir/r4"


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


@pytest.fixture
def claims(now: datetime) -> dict[str, Any]:
    at = int(now.timestamp())
    return {
        "iss": "https://login.example.org/oauth2",
        "sub": "user-7",
        "aud": "scribe",
        "exp": at + 300,
        "iat": at,
        "nonce": "nonce-1",
        "fhirUser": f"{BASE}/Practitioner/7",
    }


def test_a_signed_token_names_the_user(
    signer: Signer, claims: dict[str, Any], pending: PendingLaunch, now: datetime
) -> None:
    identity = verify_id_token(signer.sign(claims), keys=signer.keys, pending=pending, now=now)
    assert identity == Identity(sub="user-7", fhir_user=f"{BASE}/Practitioner/7")


@pytest.mark.parametrize(("algorithm", "kid"), [("RS384", "rsa"), ("ES256", "p256"), ("ES384", "p384")])
def test_every_algorithm_of_the_list_is_read(
    signer: Signer, claims: dict[str, Any], pending: PendingLaunch, now: datetime, algorithm: str, kid: str
) -> None:
    key = {"rsa": signer.rsa, "p256": signer.p256, "p384": signer.p384}[kid]
    token = signer.sign(claims, key=key, alg=algorithm, kid=kid)
    assert verify_id_token(token, keys=signer.keys, pending=pending, now=now).sub == "user-7"


HONEST: dict[str, dict[str, Any]] = {
    "audience as a list": {"aud": ["scribe"]},
    "several audiences with us as the authorized party": {"aud": ["scribe", "other"], "azp": "scribe"},
    "authorized party though one audience": {"azp": "scribe"},
    "expired within the leeway": {"exp": -59},
    "clock ahead within the leeway": {"iat": 59},
    "claims we do not know": {"acr": "1", "profile": {"a": [1]}, "auth_time": 1},
}


@pytest.mark.parametrize("change", HONEST.values(), ids=HONEST)
def test_honest_variants_are_accepted(
    signer: Signer, claims: dict[str, Any], pending: PendingLaunch, now: datetime, change: dict[str, Any]
) -> None:
    at = int(now.timestamp())
    moved = {name: at + value if name in ("exp", "iat") else value for name, value in change.items()}
    token = signer.sign({**claims, **moved})
    assert verify_id_token(token, keys=signer.keys, pending=pending, now=now).sub == "user-7"


def test_a_token_without_key_id_is_read_where_the_set_holds_one_key(
    signer: Signer, claims: dict[str, Any], pending: PendingLaunch, now: datetime
) -> None:
    header = {"alg": "RS256"}
    token = jws.serialize_compact(header, json.dumps(claims).encode(), signer.rsa, ["RS256"])
    only = {"keys": [signer.rsa.as_dict(private=False)]}
    assert verify_id_token(token, keys=only, pending=pending, now=now).sub == "user-7"


def test_keys_that_cannot_be_understood_do_not_spoil_the_set(
    signer: Signer, claims: dict[str, Any], pending: PendingLaunch, now: datetime
) -> None:
    listed = signer.keys["keys"]
    assert isinstance(listed, list)
    junk: list[object] = [
        None,
        7,
        "x",
        {},
        {"kty": 5},
        {"kty": "AKP", "kid": "rsa"},
        {"kty": "RSA", "n": "!", "e": "?"},
    ]
    token = signer.sign(claims)
    assert verify_id_token(token, keys={"keys": junk + listed}, pending=pending, now=now).sub == "user-7"


def test_headers_that_point_to_keys_are_not_followed_and_not_needed(
    signer: Signer, claims: dict[str, Any], pending: PendingLaunch, now: datetime
) -> None:
    token = signer.sign(claims, jku="https://evil.example/jwks", x5u="https://evil.example/cert", own="header")
    assert verify_id_token(token, keys=signer.keys, pending=pending, now=now).sub == "user-7"


@pytest.mark.parametrize("fhir_user", [None, "", 7, ["Practitioner/7"]])
def test_a_user_without_a_record_is_no_error_here(
    signer: Signer, claims: dict[str, Any], pending: PendingLaunch, now: datetime, fhir_user: object
) -> None:
    token = signer.sign({**claims, "fhirUser": fhir_user})
    assert verify_id_token(token, keys=signer.keys, pending=pending, now=now).fhir_user is None


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"keys": []},
        {"keys": "x"},
        {"keys": {"kty": "RSA"}},
        {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "rsa"}]},
    ],
)
def test_without_usable_keys_nobody_is_believed(
    signer: Signer, claims: dict[str, Any], pending: PendingLaunch, now: datetime, keys: dict[str, object]
) -> None:
    with pytest.raises(LaunchRefused, match="no usable key"):
        verify_id_token(signer.sign(claims), keys=keys, pending=pending, now=now)


def test_an_encryption_key_signs_nothing(
    signer: Signer, claims: dict[str, Any], pending: PendingLaunch, now: datetime
) -> None:
    keys = {"keys": [{**signer.rsa.as_dict(private=False), "use": "enc"}]}
    with pytest.raises(LaunchRefused, match="no usable key"):
        verify_id_token(signer.sign(claims), keys=keys, pending=pending, now=now)


def test_a_key_is_used_for_its_own_algorithm_only(
    signer: Signer, claims: dict[str, Any], pending: PendingLaunch, now: datetime
) -> None:
    keys = {"keys": [{**signer.rsa.as_dict(private=False), "alg": "RS384"}]}
    with pytest.raises(LaunchRefused, match="signature"):
        verify_id_token(signer.sign(claims), keys=keys, pending=pending, now=now)
    assert verify_id_token(signer.sign(claims, alg="RS384"), keys=keys, pending=pending, now=now).sub == "user-7"


@pytest.mark.filterwarnings("ignore:Key size should be")
def test_a_short_rsa_key_is_no_key(claims: dict[str, Any], pending: PendingLaunch, now: datetime) -> None:
    short = RSAKey.generate_key(1024, {"kid": "rsa"})
    token = jws.serialize_compact({"alg": "RS256", "kid": "rsa"}, json.dumps(claims).encode(), short, ["RS256"])
    with pytest.raises(LaunchRefused, match="no usable key"):
        verify_id_token(token, keys={"keys": [short.as_dict(private=False)]}, pending=pending, now=now)


def test_without_an_issuer_nobody_is_believed(
    signer: Signer, claims: dict[str, Any], pending: PendingLaunch, now: datetime
) -> None:
    nameless = replace(pending, endpoints=replace(pending.endpoints, issuer=None))
    with pytest.raises(LaunchRefused, match="issuer"):
        verify_id_token(signer.sign(claims), keys=signer.keys, pending=nameless, now=now)


@pytest.mark.parametrize(
    ("fhir_user", "expected"),
    [
        ("Practitioner/7", "Practitioner/7"),
        (f"{BASE}/Practitioner/7", "Practitioner/7"),
        (f"{BASE}/PractitionerRole/a-b.c", "PractitionerRole/a-b.c"),
        ("Patient/1", "Patient/1"),
        ("RelatedPerson/1", "RelatedPerson/1"),
        ("Person/1", "Person/1"),
    ],
)
def test_a_user_on_the_launchs_own_server_is_made_relative(fhir_user: str, expected: str) -> None:
    assert find_own_record(fhir_user, BASE) == expected
    assert find_own_record(fhir_user, BASE + "/") == expected


@pytest.mark.parametrize(
    "fhir_user",
    [
        "",
        "7",
        "Practitioner",
        "Practitioner/",
        "Practitioner/..",
        "Practitioner/7/_history/1",
        "Practitioner/7?x=1",
        "/Practitioner/7",
        "Device/7",
        "practitioner/7",
        "https://evil.example/fhir/r4/Practitioner/7",
        f"{BASE}x/Practitioner/7",
        f"{BASE}//Practitioner/7",
        f"{BASE.replace('https', 'http')}/Practitioner/7",
        "https://ehr.example.org/fhir/r5/Practitioner/7",
        f"{BASE}/{BASE}/Practitioner/7",
        "Practitioner/7\n",
    ],
)
def test_a_user_elsewhere_or_of_another_type_is_no_record_of_ours(fhir_user: str) -> None:
    assert find_own_record(fhir_user, BASE) is None
