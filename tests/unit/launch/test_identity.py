"""id_tokens: one that is as OpenID Connect Core 3.1.3.7 wants it, and a table of forged ones that are all refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from connector.errors import LaunchRefused
from connector.launch.identity import Identity, find_own_record, verify_id_token
from connector.launch.pending import PendingLaunch

BASE = "https://ehr.example.org/fhir/r4"
EVERY = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "HS256", "EdDSA", "none"]


class Signer:
    """An EHR's keys, and the tokens it makes with them."""

    def __init__(self) -> None:
        self.rsa = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})
        self.p256 = ECKey.generate_key("P-256", {"kid": "p256"})
        self.p384 = ECKey.generate_key("P-384", {"kid": "p384"})
        self.stranger = RSAKey.generate_key(2048, {"kid": "rsa"})
        self.keys: dict[str, object] = {
            "keys": [key.as_dict(private=False) for key in (self.rsa, self.p256, self.p384)]
        }

    def sign(self, claims: object, *, key: Any = None, **header: object) -> str:
        payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
        full = {"alg": "RS256", "kid": "rsa", **header}
        registry = jws.JWSRegistry(algorithms=EVERY, strict_check_header=False)
        return jws.serialize_compact(full, payload, key or self.rsa, EVERY, registry)


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


WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "issuer is the FHIR base": {"iss": BASE},
    "issuer with a slash more": {"iss": "https://login.example.org/oauth2/"},
    "issuer in other case": {"iss": "https://LOGIN.example.org/oauth2"},
    "issuer missing": {"iss": None},
    "issuer in a list": {"iss": ["https://login.example.org/oauth2"]},
    "audience another client": {"aud": "other"},
    "audience other clients": {"aud": ["other", "third"]},
    "audience missing": {"aud": None},
    "audience empty": {"aud": []},
    "audience a number": {"aud": 7},
    "audience begins like ours": {"aud": "scribe2"},
    "several audiences, nobody authorized": {"aud": ["scribe", "other"]},
    "another authorized party": {"azp": "other"},
    "authorized party null": {"azp": None},
    "several audiences, another authorized": {"aud": ["scribe", "other"], "azp": "other"},
    "expired beyond the leeway": {"exp": -61},
    "expiry missing": {"exp": None},
    "expiry as text": {"exp": "9999999999"},
    "expiry true": {"exp": True},
    "issued in the future": {"iat": 61},
    "issued missing": {"iat": None},
    "not yet valid": {"nbf": 600},
    "nonce of another launch": {"nonce": "nonce-2"},
    "nonce missing": {"nonce": None},
    "nonce empty": {"nonce": ""},
    "nonce in a list": {"nonce": ["nonce-1"]},
    "subject missing": {"sub": None},
    "subject empty": {"sub": ""},
    "subject a number": {"sub": 7},
}


@pytest.mark.parametrize("change", WRONG_CLAIMS.values(), ids=WRONG_CLAIMS)
def test_a_token_with_a_wrong_claim_is_refused(
    signer: Signer, claims: dict[str, Any], pending: PendingLaunch, now: datetime, change: dict[str, Any]
) -> None:
    at = int(now.timestamp())
    timed = ("exp", "iat", "nbf")
    moved = {
        name: at + value if name in timed and isinstance(value, int) and value is not True else value
        for name, value in change.items()
    }
    forged = {name: value for name, value in {**claims, **moved}.items() if value is not None or name == "azp"}
    with pytest.raises(LaunchRefused):
        verify_id_token(signer.sign(forged), keys=signer.keys, pending=pending, now=now)


def encode(value: object) -> str:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def swap_payload(signer: Signer, claims: dict[str, Any]) -> str:
    head, _, signature = signer.sign(claims).split(".")
    return f"{head}.{encode({**claims, 'sub': 'admin'})}.{signature}"


def sign_with_public_key(signer: Signer, claims: dict[str, Any]) -> str:
    secret = OctKey.import_key(base64.b64encode(signer.rsa.as_bytes("PEM", private=False)))
    return signer.sign(claims, key=secret, alg="HS256")


def write_twice(claims: dict[str, Any]) -> bytes:
    return json.dumps(claims)[:-1].encode() + b', "sub": "admin"}'


FORGED: dict[str, Callable[[Signer, dict[str, Any]], str]] = {
    "alg none without signature": lambda s, c: f"{encode({'alg': 'none'})}.{encode(c)}.",
    "alg None in other case": lambda s, c: f"{encode({'alg': 'NoNe', 'kid': 'rsa'})}.{encode(c)}.",
    "alg none with the signature kept": lambda s, c: (
        f"{encode({'alg': 'none', 'kid': 'rsa'})}.{encode(c)}.{s.sign(c).split('.')[2]}"
    ),
    "HS256 with the public key as secret": sign_with_public_key,
    "RS512, not on the list": lambda s, c: s.sign(c, alg="RS512"),
    "PS256, not on the list": lambda s, c: s.sign(c, alg="PS256"),
    "signed by a stranger's key of the same id": lambda s, c: s.sign(c, key=s.stranger),
    "stranger's key embedded as jwk": lambda s, c: s.sign(c, key=s.stranger, jwk=s.stranger.as_dict(private=False)),
    "stranger's key behind jku": lambda s, c: s.sign(c, key=s.stranger, jku="https://evil.example/jwks"),
    "stranger's key behind x5u": lambda s, c: s.sign(c, key=s.stranger, x5u="https://evil.example/cert"),
    "unknown key id": lambda s, c: s.sign(c, kid="unknown"),
    "key id of another kind of key": lambda s, c: s.sign(c, kid="p256"),
    "key id that looks like a path": lambda s, c: s.sign(c, key=s.stranger, kid="../../dev/null"),
    "unknown critical header": lambda s, c: crit(s, c, {"crit": ["x"], "x": 1}),
    "empty critical header": lambda s, c: crit(s, c, {"crit": []}),
    "unencoded payload": lambda s, c: crit(s, c, {"crit": ["b64"], "b64": False}),
    "payload swapped": swap_payload,
    "signature cut": lambda s, c: s.sign(c)[:-8],
    "signature missing": lambda s, c: s.sign(c).rpartition(".")[0] + ".",
    "five parts, encrypted": lambda s, c: "a.b.c.d.e",
    "two parts": lambda s, c: s.sign(c).rpartition(".")[0],
    "empty": lambda s, c: "",
    "not ASCII": lambda s, c: "é" + s.sign(c),
    "header no object": lambda s, c: f"{encode(['RS256'])}.{encode(c)}.{encode(b'x')}",
    "header with alg twice": lambda s, c: twice_header(s, c),
    "payload no object": lambda s, c: s.sign([c]),
    "payload no JSON": lambda s, c: s.sign(b"sub=user-7"),
    "payload with a claim twice": lambda s, c: s.sign(write_twice(c)),
    "payload with NaN as expiry": lambda s, c: s.sign({**c, "exp": float("nan")}),
    "payload without end": lambda s, c: s.sign(b"[" * 90_000),
    "payload too long": lambda s, c: s.sign({**c, "more": "x" * 200_000}),
    "ES256 signature by the P-384 key": lambda s, c: s.sign(c, kid="p384", alg="RS256"),
}


def crit(signer: Signer, claims: dict[str, Any], extra: dict[str, Any]) -> str:
    """A token the EHR's own key signed, with a header joserfc itself would not write."""
    head = encode({"alg": "RS256", "kid": "rsa", **extra})
    return finish(signer, f"{head}.{encode(claims)}")


def twice_header(signer: Signer, claims: dict[str, Any]) -> str:
    head = encode(b'{"alg": "none", "kid": "rsa", "alg": "RS256"}')
    return finish(signer, f"{head}.{encode(claims)}")


def finish(signer: Signer, signing_input: str) -> str:
    algorithm = jws.JWSRegistry.algorithms["RS256"]
    return f"{signing_input}.{encode(algorithm.sign(signing_input.encode(), signer.rsa))}"


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_forged_token_is_refused(
    signer: Signer,
    claims: dict[str, Any],
    pending: PendingLaunch,
    now: datetime,
    forge: Callable[[Signer, dict[str, Any]], str],
) -> None:
    token = forge(signer, claims)
    with pytest.raises(LaunchRefused) as refused:
        verify_id_token(token, keys=signer.keys, pending=pending, now=now)
    assert "user-7" not in str(refused.value)
    assert "admin" not in str(refused.value)


def test_the_forger_of_headers_can_make_a_token_that_is_accepted(
    signer: Signer, claims: dict[str, Any], pending: PendingLaunch, now: datetime
) -> None:
    """The control for the three rows above that rest on `crit` and `twice_header`."""
    token = crit(signer, claims, {})
    assert verify_id_token(token, keys=signer.keys, pending=pending, now=now).sub == "user-7"


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
