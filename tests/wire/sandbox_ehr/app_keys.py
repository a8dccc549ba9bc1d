"""The app's side of private_key_jwt: its keys, its assertions, and the server its jwks_url points to."""

from __future__ import annotations

import base64
import json
import secrets
import time
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc.jwk import ECKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.wire.sandbox_ehr.app_under_launch import ASYMMETRIC, Ehr

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
Key = RSAKey | ECKey


@cache
def app_key(name: str) -> Key:
    """A key pair of the app: rs384, es384, or another name for one it has not registered."""
    if name.startswith("es"):
        return ECKey.generate_key("P-384", {"use": "sig"}, auto_kid=True)
    return RSAKey.generate_key(2048, {"use": "sig"}, auto_kid=True)


def publish(*names: str) -> dict[str, Any]:
    """The JWKS of some keys."""
    return {"keys": [{**app_key(name).as_dict(private=False), "kid": app_key(name).kid} for name in names]}


def inline_jwks() -> dict[str, Any]:
    """What the app with inline keys has registered."""
    return publish("rs384", "es384")


def make_assertion(
    ehr: Ehr,
    *,
    client_id: str = ASYMMETRIC,
    key: str = "rs384",
    header: dict[str, Any] | None = None,
    claims: dict[str, Any] | None = None,
) -> str:
    """A right assertion unless told otherwise; a value of None takes a member away."""
    alg = "ES384" if key.startswith("es") else "RS384"
    now = int(time.time() + ehr.clock.ahead)
    right_header = {"alg": alg, "typ": "JWT", "kid": app_key(key).kid}
    right_claims = {"iss": client_id, "sub": client_id, "aud": f"{ehr.base}/auth/token", "exp": now + 240}
    right_claims["jti"] = secrets.token_urlsafe(16)
    head = {name: value for name, value in (right_header | (header or {})).items() if value is not None}
    body = {name: value for name, value in (right_claims | (claims or {})).items() if value is not None}
    unsigned = ".".join(_encode(json.dumps(part).encode()) for part in (head, body))
    return f"{unsigned}.{_encode(_sign(app_key(key), unsigned.encode()))}"


def _sign(key: Key, data: bytes) -> bytes:
    """Signed whatever the header says, so that only the header can be the reason for a refusal."""
    if isinstance(key, RSAKey):
        return key.private_key.sign(data, padding.PKCS1v15(), hashes.SHA384())
    r, s = decode_dss_signature(key.private_key.sign(data, ec.ECDSA(hashes.SHA384())))
    return r.to_bytes(48, "big") + s.to_bytes(48, "big")


def assertion_form(assertion: str) -> dict[str, str]:
    """The two parameters that carry it."""
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class KeyServer:
    """Answers the app's jwks_url; what it answers can be changed, `asked` counts."""

    url: str
    status: int = 200
    content: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    asked: int = 0

    def show(self, *names: str, **headers: str) -> None:
        """Serve some keys."""
        self.status, self.content = 200, json.dumps(publish(*names)).encode()
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def app(self) -> Starlette:
        """The ASGI app."""
        return Starlette(routes=[Route("/jwks", self._answer)])

    async def _answer(self, _request: Request) -> Response:
        self.asked += 1
        return Response(self.content, self.status, self.headers, "application/json")
