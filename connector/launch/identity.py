"""Who launched. In: the EHR's id_token and its published keys. Out: an Identity that was proven, or LaunchRefused.

No key is ever taken from the token itself, no algorithm from outside the list, and no claim before the signature.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey
from joserfc.jwt import JWTClaimsRegistry
from joserfc.util import urlsafe_b64decode

from connector.errors import LaunchRefused
from connector.launch.pending import PendingLaunch

ALGORITHMS = ("RS256", "RS384", "ES256", "ES384")
SMALLEST_RSA_BITS = 2048
_PUBLIC = ("kty", "kid", "alg", "use", "n", "e", "crv", "x", "y")
_FHIR_USER = re.compile(
    r"(?:Practitioner|PractitionerRole|Patient|RelatedPerson|Person)/(?!\.+$)[A-Za-z0-9._\-]{1,128}"
)


@dataclass(frozen=True, slots=True)
class Identity:
    """The signed-in user. `fhir_user` is the claim as sent, absolute or relative, or None."""

    sub: str
    fhir_user: str | None


def verify_id_token(
    token: str, *, keys: Mapping[str, object], pending: PendingLaunch, now: datetime, leeway: int = 60
) -> Identity:
    """Validate an id_token by OpenID Connect Core 1.0, section 3.1.3.7, and return who signed in.

    `keys` is the issuer's JSON Web Key Set as published; `leeway` is in seconds. Raises LaunchRefused when the
    signature, algorithm, iss, aud, azp, exp, iat, nbf, nonce or sub is not as it must be, or the header is critical.
    """
    if pending.endpoints.issuer is None:
        raise LaunchRefused(
            "The EHR names no issuer, so its sign-in cannot be verified. Ask its integrator to mend it."
        )
    claims = _read_signed(token, _read_keys(keys))
    _check_claims(claims, pending, now=int(now.timestamp()), leeway=leeway)
    fhir_user = claims.get("fhirUser")
    return Identity(sub=str(claims["sub"]), fhir_user=fhir_user if isinstance(fhir_user, str) and fhir_user else None)


def relative_fhir_user(fhir_user: str, fhir_base: str) -> str:
    """`Practitioner/x` out of a fhirUser claim that is relative or absolute on the launch's own FHIR base.

    Raises LaunchRefused for another server or another type of resource (SMART App Launch 2.2, "fhirUser").
    """
    relative = fhir_user.removeprefix(fhir_base.removesuffix("/") + "/")
    if not _FHIR_USER.fullmatch(relative):
        raise LaunchRefused("The EHR names a user who is not a record on its own FHIR server.")
    return relative


def _refuse(reason: str) -> LaunchRefused:
    return LaunchRefused(f"The EHR's sign-in could not be verified: {reason}. Open the scribe from the chart again.")


def _read_keys(keys: Mapping[str, object]) -> KeySet:
    listed = keys.get("keys")
    usable: list[RSAKey | ECKey] = []
    for entry in listed if isinstance(listed, list) else []:
        try:
            if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
                continue
            usable.extend(_read_key(entry))
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            continue  # RFC 7517, section 5: a key that cannot be understood does not spoil the set
    if not usable:
        raise _refuse("the EHR publishes no usable key")
    return KeySet(list(usable))


def _read_key(entry: dict[str, object]) -> list[RSAKey | ECKey]:
    public: dict[str, str | list[str]] = {name: value for name in _PUBLIC if isinstance(value := entry.get(name), str)}
    if public.get("kty") == "EC":
        return [ECKey.import_key(public)]
    if public.get("kty") == "RSA" and _bits(str(public["n"])) >= SMALLEST_RSA_BITS:
        return [RSAKey.import_key(public)]
    return []


def _bits(modulus: str) -> int:
    return int.from_bytes(urlsafe_b64decode(modulus.encode("ascii"))).bit_length()


def _read_signed(token: str, keys: KeySet) -> dict[str, object]:
    try:
        header = _read_object(urlsafe_b64decode(token.split(".")[0].encode("ascii")))
        if "crit" in header or "b64" in header:
            raise _refuse("its header demands an extension")
        registry = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        signed = jws.deserialize_compact(token, keys, ALGORITHMS, registry)
        return _read_object(signed.payload or b"")
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _refuse("its signature is not by a key of this EHR") from error


def _read_object(content: bytes) -> dict[str, object]:
    value = json.loads(content, object_pairs_hook=_read_unique, parse_constant=_refuse_constant)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def _read_unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError("not a number of JSON")


def _check_claims(claims: dict[str, object], pending: PendingLaunch, *, now: int, leeway: int) -> None:
    issuer = pending.endpoints.issuer or ""
    registry = JWTClaimsRegistry(
        now=now,
        leeway=leeway,
        iss={"essential": True, "value": issuer},
        sub={"essential": True},
        aud={"essential": True, "value": pending.client_id},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": pending.nonce},
    )
    try:
        registry.validate(claims)
    except JoseError as error:
        raise _refuse("a claim is missing, expired or meant for another launch") from error
    audience = claims["aud"]
    several = isinstance(audience, list) and len(audience) > 1
    if claims.get("azp", None if several else pending.client_id) != pending.client_id:
        raise _refuse("it was issued to another client")
    for name in ("iss", "nonce", "sub"):
        if not isinstance(claims[name], str):
            raise _refuse("a claim is not a string")
