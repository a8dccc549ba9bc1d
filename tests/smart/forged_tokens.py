"""Forged id_tokens, one row each (case A11). In: an EHR's keys and honest claims. Out: a token nobody may believe.

Claims are changed and signed by the EHR's own key; headers, signatures and encodings are forged in every way known.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from joserfc.jwk import OctKey

from tests.smart.signer import Signer, encode

Forge = Callable[[Signer, dict[str, Any]], str]
_GONE = object()


def _claim(**changes: object) -> Forge:
    """The EHR signs it itself; times are given as seconds from now."""

    def forge(signer: Signer, claims: dict[str, Any]) -> str:
        at = claims["iat"]
        timed = {
            name: at + value
            for name, value in changes.items()
            if name in ("exp", "iat", "nbf") and isinstance(value, int) and not isinstance(value, bool)
        }
        changed = {**claims, **changes, **timed}
        return signer.sign({name: value for name, value in changed.items() if value is not _GONE})

    return forge


def _hs256_with_public_key(form: str) -> Forge:
    def forge(signer: Signer, claims: dict[str, Any]) -> str:
        public = signer.rsa.as_bytes(form, private=False)  # type: ignore[arg-type]
        return signer.sign(claims, key=OctKey.import_key(base64.b64encode(public)), alg="HS256")

    return forge


def _header(**extra: object) -> Forge:
    """Signed by the EHR's own key, under a header that must not be accepted."""
    return lambda signer, claims: signer.finish({"alg": "RS256", "kid": "rsa", **extra}, claims)


def _swap_payload(signer: Signer, claims: dict[str, Any]) -> str:
    head, _, signature = signer.sign(claims).split(".")
    return f"{head}.{encode({**claims, 'sub': 'admin'})}.{signature}"


def _claim_twice(signer: Signer, claims: dict[str, Any]) -> str:
    return signer.sign(json.dumps(claims)[:-1].encode() + b', "sub": "admin"}')


def _alg_twice(signer: Signer, claims: dict[str, Any]) -> str:
    return signer.finish(b'{"alg": "none", "kid": "rsa", "alg": "RS256"}', claims)


FORGED: dict[str, Forge] = {
    "alg none without signature": lambda s, c: f"{encode({'alg': 'none'})}.{encode(c)}.",
    "alg None in other case": lambda s, c: f"{encode({'alg': 'NoNe', 'kid': 'rsa'})}.{encode(c)}.",
    "alg none with a signature kept": lambda s, c: (
        f"{encode({'alg': 'none', 'kid': 'rsa'})}.{encode(c)}.{s.sign(c).split('.')[2]}"
    ),
    "alg missing": lambda s, c: f"{encode({'kid': 'rsa'})}.{encode(c)}.{s.sign(c).split('.')[2]}",
    "alg a list": lambda s, c: s.finish({"alg": ["RS256"], "kid": "rsa"}, c),
    "HS256 with the public key as PEM": _hs256_with_public_key("PEM"),
    "HS256 with the public key as DER": _hs256_with_public_key("DER"),
    "RS512, not on the list": lambda s, c: s.sign(c, alg="RS512"),
    "PS256, not on the list": lambda s, c: s.sign(c, alg="PS256"),
    "ES256 named over an RSA signature": lambda s, c: s.finish({"alg": "ES256", "kid": "rsa"}, c),
    "a stranger's key of the same id": lambda s, c: s.sign(c, key=s.stranger),
    "a stranger's key without id": lambda s, c: s.sign(c, key=s.stranger, kid=None),
    "a stranger's key embedded as jwk": lambda s, c: s.sign(c, key=s.stranger, jwk=s.stranger.as_dict(private=False)),
    "a stranger's key embedded, without id": lambda s, c: s.sign(
        c, key=s.stranger, kid=None, jwk=s.stranger.as_dict(private=False)
    ),
    "a stranger's key behind jku": lambda s, c: s.sign(c, key=s.stranger, jku="http://127.0.0.1:9/jwks"),
    "a stranger's key behind x5u": lambda s, c: s.sign(c, key=s.stranger, x5u="http://127.0.0.1:9/cert"),
    "a stranger's key beside x5c": lambda s, c: s.sign(c, key=s.stranger, x5c=["MIIB"]),
    "an unknown key id": lambda s, c: s.sign(c, kid="unknown"),
    "a key id of another kind of key": lambda s, c: s.sign(c, kid="p256"),
    "a key id that is a path": lambda s, c: s.sign(c, key=s.stranger, kid="../../dev/null"),
    "a key id that is a query": lambda s, c: s.sign(c, key=s.stranger, kid="' or 1=1--"),
    "a key id that is a number": _header(kid=7),
    "an unknown critical header": _header(crit=["x"], x=1),
    "an empty critical header": _header(crit=[]),
    "a critical header of no list": _header(crit="x"),
    "an unencoded payload": _header(crit=["b64"], b64=False),
    "b64 without crit": _header(b64=False),
    "an access token": _header(typ="at+jwt"),
    "a logout token": _header(typ="logout+jwt"),
    "a type that is no text": _header(typ=["JWT"]),
    "payload swapped": _swap_payload,
    "signature cut": lambda s, c: s.sign(c)[:-8],
    "signature empty": lambda s, c: s.sign(c).rpartition(".")[0] + ".",
    "signature of zeros": lambda s, c: f"{encode({'alg': 'ES256', 'kid': 'p256'})}.{encode(c)}.{encode(bytes(64))}",
    "five parts": lambda s, c: "a.b.c.d.e",
    "two parts": lambda s, c: s.sign(c).rpartition(".")[0],
    "one part": lambda s, c: encode(c),
    "header no object": lambda s, c: f"{encode(['RS256'])}.{encode(c)}.{encode(b'x')}",
    "header with alg twice": _alg_twice,
    "payload no object": lambda s, c: s.sign([c]),
    "payload no JSON": lambda s, c: s.sign(b"sub=user-7"),
    "payload with a claim twice": _claim_twice,
    "payload with NaN as expiry": lambda s, c: s.sign({**c, "exp": float("nan")}),
    "payload without end": lambda s, c: s.sign(b"[" * 9_000),
    "ES256 by a key of another curve": lambda s, c: s.sign(c, key=s.p384, alg="ES384", kid="p256"),
    "issuer is the FHIR base": lambda s, c: s.sign({**c, "iss": c["fhirUser"].partition("/Practitioner")[0]}),
    "issuer with a slash more": lambda s, c: s.sign({**c, "iss": c["iss"] + "/"}),
    "issuer in other case": lambda s, c: s.sign({**c, "iss": c["iss"].upper()}),
    "issuer missing": _claim(iss=_GONE),
    "issuer in a list": lambda s, c: s.sign({**c, "iss": [c["iss"]]}),
    "audience another client": _claim(aud="other"),
    "audience other clients": _claim(aud=["other", "third"]),
    "audience missing": _claim(aud=_GONE),
    "audience empty": _claim(aud=[]),
    "audience a number": _claim(aud=7),
    "audience begins like ours": _claim(aud="scribe2"),
    "several audiences, nobody authorized": _claim(aud=["scribe", "other"]),
    "several audiences, another authorized": _claim(aud=["scribe", "other"], azp="other"),
    "another authorized party": _claim(azp="other"),
    "authorized party null": _claim(azp=None),
    "expired beyond the leeway": _claim(exp=-61),
    "expiry missing": _claim(exp=_GONE),
    "expiry as text": _claim(exp="9999999999"),
    "expiry true": _claim(exp=True),
    "expiry without end": lambda s, c: s.sign(json.dumps({**c, "exp": "E"}).replace('"E"', "1e400").encode()),
    "issued in the future": _claim(iat=61),
    "issued long ago": _claim(iat=-301),
    "issued missing": _claim(iat=_GONE),
    "not yet valid": _claim(nbf=600),
    "nonce of another launch": _claim(nonce="nonce-2"),
    "nonce missing": _claim(nonce=_GONE),
    "nonce empty": _claim(nonce=""),
    "nonce in a list": lambda s, c: s.sign({**c, "nonce": [c["nonce"]]}),
    "subject missing": _claim(sub=_GONE),
    "subject empty": _claim(sub=""),
    "subject a number": _claim(sub=7),
    "hash of another access token": _claim(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "hash of the access token empty": _claim(at_hash=""),
    "hash of the access token a number": _claim(at_hash=7),
}
