"""In: header, claims and keys. Out: a compact JWS, also of a header or claims that no honest library would sign.
Never checks anything: what is put in is what goes out."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc.jwk import RSAKey

from .keys import SigningKeys


@dataclass
class IdTokenDraft:
    """An id_token before it is signed. `header_json` and `claims_json`, once set, are sent instead of the objects.

    `secret` set means HMAC; `alg` decides the hash of an RSA signature; `finish` may spoil the encoded token.
    """

    header: dict[str, Any]
    claims: dict[str, Any]
    keys: SigningKeys
    fhir_base: str
    client_secret: str
    patient: str
    key: RSAKey = field(init=False)
    alg: str = "RS256"
    secret: bytes | None = None
    signed: bool = True
    header_json: str | None = None
    claims_json: str | None = None
    finish: Callable[[str], str] | None = None

    def __post_init__(self) -> None:
        self.key = self.keys.current

    def sign_by(self, key: RSAKey) -> None:
        """Another key, named by its own kid."""
        self.key = key
        self.header["kid"] = key.kid

    def encode(self) -> str:
        """The compact serialization."""
        header = self.header_json or json.dumps(self.header, separators=(",", ":"))
        claims = self.claims_json or json.dumps(self.claims, separators=(",", ":"))
        signing_input = f"{encode_segment(header.encode())}.{encode_segment(claims.encode())}"
        token = f"{signing_input}.{encode_segment(self._sign(signing_input.encode())) if self.signed else ''}"
        return self.finish(token) if self.finish else token

    def _sign(self, data: bytes) -> bytes:
        if self.secret is not None:
            return hmac.new(self.secret, data, hashlib.sha256).digest()
        digest = hashes.SHA512() if self.alg == "RS512" else hashes.SHA256()
        return self.key.private_key.sign(data, padding.PKCS1v15(), digest)


def encode_segment(data: bytes) -> str:
    """base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode_segment(text: str) -> bytes:
    """The bytes of one segment."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
