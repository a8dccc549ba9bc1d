"""In: the form of a token request. Out: which app its client assertion proves, or why it proves none.
Never accepts an assertion twice, for another address, or by a key the app has not registered."""

import binascii
import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from .client_keys import ClientKeys, KeysUnreadable
from .registrations import ASSERTION, ClientRegistration

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_LIFE = 300
_KEY_TYPES = {"RS384": "RSA", "ES384": "EC"}
_FOREIGN_HEADERS = ("jwk", "x5u", "x5c", "crit")
_MAX_LENGTH = 16_384


class AssertionRefused(Exception):
    """The assertion proves nothing; the message names the rule (SMART client-confidential-asymmetric, RFC 7523)."""


@dataclass
class AssertionFinding:
    """What an assertion holds and what became of it. `header` and `claims` are as sent, proven only if not refused."""

    client_id: str | None = None
    header: dict[str, Any] | None = None
    claims: dict[str, Any] | None = None
    signature_verified: bool = False
    jti_was_used: bool = False
    refused: str | None = None

    def describe(self) -> dict[str, Any]:
        """For the request journal: all of it, the signature left out."""
        return {
            "header": self.header,
            "claims": self.claims,
            "signature_verified": self.signature_verified,
            "jti_was_used": self.jti_was_used,
            "refused": self.refused,
        }


@dataclass
class AssertionDesk:
    """Examines assertions for one token endpoint. `audience` is its address; `clock` gives seconds since the epoch."""

    registrations: Mapping[str, ClientRegistration]
    keys: ClientKeys
    audience: str
    clock: Callable[[], float]
    _used: set[tuple[str, str]] = field(default_factory=set)

    async def examine(self, form: Mapping[str, str]) -> AssertionFinding | None:
        """The finding, or None when the request carries no assertion at all."""
        if "client_assertion" not in form and "client_assertion_type" not in form:
            return None
        finding = AssertionFinding()
        try:
            await self._examine(form, finding)
        except AssertionRefused as error:
            finding.refused = str(error)
        except KeysUnreadable as error:
            finding.refused = f"Client assertion: {error}."
        return finding

    async def _examine(self, form: Mapping[str, str], finding: AssertionFinding) -> None:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise AssertionRefused(f"client_assertion_type must be {ASSERTION_TYPE}.")
        assertion = form.get("client_assertion", "")
        parts = assertion.split(".")
        if len(parts) != 3 or len(assertion) > _MAX_LENGTH:
            raise AssertionRefused("Client assertion: it must be a compact JWS.")
        finding.header, finding.claims = _read_object(parts[0]), _read_object(parts[1])
        registration = self._find_registration(finding.claims)
        kid = _check_header(finding.header, registration)
        keys = await self.keys.find_keys(registration, kid)
        finding.signature_verified = _is_signed(assertion, finding.header["alg"], keys)
        if not finding.signature_verified:
            raise AssertionRefused("Client assertion: no registered key of this kid and alg verifies the signature.")
        self._check_claims(finding.claims)
        mark = (registration.client_id, finding.claims["jti"])
        finding.jti_was_used = mark in self._used
        if finding.jti_was_used:
            raise AssertionRefused("Client assertion: this jti has been used before.")
        self._used.add(mark)
        finding.client_id = registration.client_id

    def _find_registration(self, claims: dict[str, Any]) -> ClientRegistration:
        issuer = claims.get("iss")
        if not isinstance(issuer, str) or claims.get("sub") != issuer:
            raise AssertionRefused("Client assertion: iss and sub must both be the client_id.")
        registration = self.registrations.get(issuer)
        if registration is None or registration.auth_method != ASSERTION:
            raise AssertionRefused("Client assertion: no app of this client_id is registered for private_key_jwt.")
        return registration

    def _check_claims(self, claims: dict[str, Any]) -> None:
        now = self.clock()
        if claims.get("aud") != self.audience:
            raise AssertionRefused(f"Client assertion: aud must be {self.audience}")
        if not _is_moment(claims.get("exp")) or isinstance(claims["exp"], float) or claims["exp"] <= now:
            raise AssertionRefused("Client assertion: exp must be a whole number, in the future.")
        if claims["exp"] > now + LONGEST_LIFE:
            raise AssertionRefused("Client assertion: exp must be at most five minutes ahead.")
        for name in ("iat", "nbf"):
            if name in claims and (not _is_moment(claims[name]) or claims[name] > now + 1):
                raise AssertionRefused(f"Client assertion: {name} must be a number, not in the future.")
        if not isinstance(claims.get("jti"), str) or not claims["jti"]:
            raise AssertionRefused("Client assertion: jti is required.")


def _check_header(header: dict[str, Any], registration: ClientRegistration) -> str:
    if header.get("alg") not in _KEY_TYPES:
        raise AssertionRefused("Client assertion: alg must be RS384 or ES384.")
    if header.get("typ") != "JWT":
        raise AssertionRefused("Client assertion: typ must be JWT.")
    if set(_FOREIGN_HEADERS) & set(header):
        raise AssertionRefused(f"Client assertion: the header must not carry {', '.join(_FOREIGN_HEADERS)}.")
    if "jku" in header and (registration.jwks_url is None or header["jku"] != registration.jwks_url):
        raise AssertionRefused("Client assertion: jku must be the registered jwks_url.")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise AssertionRefused("Client assertion: kid is required.")
    return kid


def _is_signed(assertion: str, alg: str, keys: list[dict[str, Any]]) -> bool:
    for raw in keys:
        if raw["kty"] != _KEY_TYPES[alg] or raw.get("alg", alg) != alg or raw.get("use", "sig") != "sig":
            continue
        try:
            key = RSAKey.import_key(raw) if alg == "RS384" else ECKey.import_key(raw)
            if key.public_key.key_size >= (2048 if alg == "RS384" else 384):
                jws.deserialize_compact(assertion, key, algorithms=[alg])
                return True
        except (JoseError, ValueError, TypeError):
            continue
    return False


def _read_object(segment: str) -> dict[str, Any]:
    try:
        text = urlsafe_b64decode(segment + "=" * (-len(segment) % 4)).decode("utf-8")
        read = json.loads(text, object_pairs_hook=_refuse_duplicates, parse_constant=_refuse_constant)
    except (binascii.Error, ValueError, RecursionError) as error:
        raise AssertionRefused("Client assertion: header and claims must be JSON, each name once.") from error
    if not isinstance(read, dict):
        raise AssertionRefused("Client assertion: header and claims must be JSON objects.")
    return read


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name is there twice")
    return dict(pairs)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _is_moment(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
