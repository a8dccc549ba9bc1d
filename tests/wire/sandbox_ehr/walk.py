"""One launch as an app goes through it, with everything it saw kept, whatever went wrong on the way."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc.jwk import RSAKey

from tests.wire.sandbox_ehr.app_under_launch import CLINICIAN, CONFIDENTIAL, REDIRECT, Ehr, Request, make_request
from tests.wire.sandbox_ehr.tiny_fhir import TinyFhir

STEPS = ("discovery", "callback", "token", "jwks", "fhir", "refresh")


@dataclass
class Walk:
    """What an app saw. Parts that were not asked for, or that an error kept away, are None or empty."""

    ehr: Ehr
    patient: str
    launch: str
    request: Request
    smart: httpx.Response | None = None
    openid: httpx.Response | None = None
    pairs: list[tuple[str, str]] = field(default_factory=list)
    answer: httpx.Response | None = None
    lost: bool = False
    jwks: httpx.Response | None = None

    @property
    def carried(self) -> dict[str, str]:
        """The callback's parameters, the last of each name."""
        return dict(self.pairs)

    @property
    def body(self) -> dict[str, Any]:
        """The token answer as an object, empty when it is none."""
        try:
            read = self.answer.json() if self.answer is not None else {}
        except ValueError:
            return {}
        return read if isinstance(read, dict) else {}

    @property
    def id_token(self) -> str:
        """The id_token as it came."""
        return str(self.body.get("id_token", ""))

    def segment(self, number: int) -> bytes:
        """The decoded header (0), claims (1) or signature (2)."""
        parts = self.id_token.split(".")
        return decode(parts[number]) if len(parts) == 3 else b""

    @property
    def header(self) -> dict[str, Any]:
        """The id_token's header."""
        return read_object(self.segment(0))

    @property
    def claims(self) -> dict[str, Any]:
        """The id_token's claims."""
        return read_object(self.segment(1))

    @property
    def keys(self) -> list[dict[str, Any]]:
        """The published keys."""
        assert self.jwks is not None
        found: list[dict[str, Any]] = self.jwks.json()["keys"]
        return found

    def is_signed_by(self, key: Any, *, signature: bytes | None = None, digest: Any = hashes.SHA256) -> bool:
        """Whether a JWK or public key verifies the id_token."""
        public = RSAKey.import_key(key).public_key if isinstance(key, dict) else key
        data = self.id_token.rpartition(".")[0].encode()
        try:
            public.verify(signature or self.segment(2), data, padding.PKCS1v15(), digest())
        except InvalidSignature:
            return False
        return True

    def published(self, kid: Any) -> dict[str, Any] | None:
        """The published key of an id."""
        return next((key for key in self.keys if key["kid"] == kid), None)

    def call(self, path: str, token: str | None = None) -> httpx.Response:
        """A read with the access token, or with another."""
        headers = {"Authorization": f"Bearer {token or self.body['access_token']}"}
        return self.ehr.http.get(f"{self.ehr.fhir_base}/{path}", headers=headers)

    def refresh(self, value: str | None = None) -> httpx.Response:
        """Use a refresh token."""
        form = {"grant_type": "refresh_token", "refresh_token": value or self.body["refresh_token"]}
        return self.ehr.post_token(form, client_id=CONFIDENTIAL)


def go(ehr: Ehr, fhir: TinyFhir, mischief: Any, *, to: str = "jwks") -> Walk:
    """Launch under mischief and go as far as the step `to`; FHIR calls and refreshes are the caller's."""
    patient = fhir.add_patient()
    opened = ehr.launch(patient, practitioner=CLINICIAN, mischief=mischief)
    walk = Walk(ehr, patient, opened["launch"], make_request(ehr, opened["launch"]))
    steps = STEPS[: STEPS.index(to) + 1]
    if steps[-1] == "discovery":
        walk.smart = ehr.http.get(f"{ehr.fhir_base}/.well-known/smart-configuration")
        walk.openid = ehr.http.get(f"{ehr.base}/auth/.well-known/openid-configuration")
        return walk
    moved = walk.request.send()
    assert moved.headers["location"].startswith(REDIRECT), moved.text
    walk.pairs = parse_qsl(urlsplit(moved.headers["location"]).query, keep_blank_values=True)
    if "token" in steps and "code" in walk.carried:
        try:
            walk.answer = walk.request.exchange(walk.carried["code"])
        except httpx.NetworkError:
            walk.lost = True
    if "jwks" in steps:
        walk.jwks = ehr.http.get(f"{ehr.base}/auth/jwks")
    return walk


def decode(text: str) -> bytes:
    """base64url."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def read_object(text: bytes) -> dict[str, Any]:
    """A JSON object, or an empty one."""
    try:
        read = json.loads(text)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
