"""Who launched. In: the EHR's id_token and its published keys. Out: an Identity that was proven, or LaunchRefused.

No key is ever taken from the token itself, no algorithm from outside the list, and no claim before the signature.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeGuard

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey
from joserfc.jwt import JWTClaimsRegistry
from joserfc.util import urlsafe_b64decode

from connector.errors import LaunchRefused
from connector.launch.pending import PendingLaunch

ALGORITHMS = ("RS256", "RS384", "ES256", "ES384")
SMALLEST_RSA_BITS = 2048
LEEWAY_S = 60
# An id_token is made when the code is issued or exchanged, which is seconds ago; older means that clocks differ.
OLDEST_S = 300
_PUBLIC = ("kty", "kid", "alg", "use", "n", "e", "crv", "x", "y")
_CLOCKS = "The clocks of the EHR and of the scribe have to agree within a minute"
_FHIR_USER = re.compile(
    r"(?:Practitioner|PractitionerRole|Patient|RelatedPerson|Person)/(?!\.+$)[A-Za-z0-9._\-]{1,128}"
)


class KeyUnknown(LaunchRefused):
    """The id_token is signed with a key that is not in the set: the set may be older than the key."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The signed-in user. `fhir_user` is the claim as sent, absolute or relative, or None."""

    sub: str
    fhir_user: str | None


def verify_id_token(
    token: str,
    *,
    keys: Mapping[str, object],
    pending: PendingLaunch,
    now: datetime,
    access_token: str | None = None,
) -> Identity:
    """Validate an id_token by OpenID Connect Core 1.0, section 3.1.3.7, and return who signed in.

    `keys` is the issuer's JSON Web Key Set as published; `access_token` is held against an at_hash, where there is one
    (section 3.1.3.8). Raises LaunchRefused when signature, algorithm, type, iss, aud, azp, exp, iat, nbf, nonce or sub
    is not as it must be or the header is critical, and KeyUnknown when a newer key set could mend it.
    """
    if pending.endpoints.issuer is None:
        raise LaunchRefused(
            "The EHR names no issuer, so its sign-in cannot be verified. Ask its integrator to mend it."
        )
    header, claims = _read_signed(token, _read_keys(keys))
    _check_times(claims, now=int(now.timestamp()))
    _check_claims(claims, pending, now=int(now.timestamp()))
    if access_token is not None and claims.get("at_hash") is not None:
        expected = _hash_half(access_token, str(header["alg"]))
        if not hmac.compare_digest(expected.encode(), str(claims["at_hash"]).encode("utf-8", "surrogatepass")):
            raise _refuse("it belongs to another access token")
    fhir_user = claims.get("fhirUser")
    return Identity(sub=str(claims["sub"]), fhir_user=fhir_user if isinstance(fhir_user, str) and fhir_user else None)


def find_own_record(reference: str, fhir_base: str) -> str | None:
    """`Practitioner/x` out of a reference to a person that is relative, or absolute on the launch's own FHIR base.

    None for another server, which is never asked, and for another type of resource (SMART App Launch 2.2, "fhirUser").
    """
    relative = reference.removeprefix(fhir_base.removesuffix("/") + "/")
    return relative if _FHIR_USER.fullmatch(relative) else None


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


def _read_signed(token: str, keys: KeySet) -> tuple[dict[str, object], dict[str, object]]:
    """Header and claims of a token that one of the keys signed."""
    header: dict[str, object] = {}
    try:
        header = _read_object(urlsafe_b64decode(token.split(".")[0].encode("ascii")))
        _check_header(header, keys)
        registry = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        signed = jws.deserialize_compact(token, keys, ALGORITHMS, registry)
        return header, _read_object(signed.payload or b"")
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        refusal = _refuse("its signature is not by a key of this EHR")
        raise (refusal if header.get("kid") is not None else KeyUnknown(refusal.detail)) from error


def _check_header(header: dict[str, object], keys: KeySet) -> None:
    if "crit" in header or "b64" in header:
        raise _refuse("its header demands an extension")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.upper() != "JWT":
        raise _refuse("it is a token of another kind")
    kid = header.get("kid")
    if kid is not None and kid not in [key.kid for key in keys.keys]:
        raise KeyUnknown(_refuse("its key is not among those the EHR publishes").detail)


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


def _check_times(claims: dict[str, object], *, now: int) -> None:
    """Times that only a wrong clock explains get a sentence of their own."""
    issued, expires = claims.get("iat"), claims.get("exp")
    if _is_time(issued) and issued > now + LEEWAY_S:
        raise _refuse(f"by the EHR's clock it was issued {_minutes(issued - now)} from now. {_CLOCKS}")
    if _is_time(issued) and issued < now - OLDEST_S:
        raise _refuse(f"by the EHR's clock it was issued {_minutes(now - issued)} ago. {_CLOCKS}")
    if _is_time(expires) and expires < now - LEEWAY_S:
        raise _refuse(f"it expired {_minutes(now - expires)} ago. {_CLOCKS}")


def _is_time(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _minutes(seconds: float) -> str:
    return f"{max(1, round(min(seconds, 1e9) / 60))} min"


def _hash_half(access_token: str, algorithm: str) -> str:
    digest = hashlib.new(f"sha{algorithm[2:]}", access_token.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode("ascii")


def _check_claims(claims: dict[str, object], pending: PendingLaunch, *, now: int) -> None:
    issuer = pending.endpoints.issuer or ""
    registry = JWTClaimsRegistry(
        now=now,
        leeway=LEEWAY_S,
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
