"""An EHR's signing keys and the tokens it makes with them, good ones and forged ones."""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

EVERY = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "HS256", "EdDSA", "none"]


@cache
def _rsa(number: int) -> RSAKey:
    """Drawing RSA keys takes time; tests share a few."""
    return RSAKey.generate_key(2048, {"kid": f"rsa-{number}"})


class Signer:
    """Three keys of the EHR's own and one of a stranger that goes by the name of the first."""

    def __init__(self, number: int = 0) -> None:
        self.rsa = RSAKey.import_key({**_rsa(number).as_dict(private=True), "kid": "rsa", "use": "sig"})
        self.p256 = ECKey.generate_key("P-256", {"kid": "p256"})
        self.p384 = ECKey.generate_key("P-384", {"kid": "p384"})
        self.stranger = RSAKey.import_key({**_rsa(99).as_dict(private=True), "kid": "rsa"})
        self.keys: dict[str, object] = self.publish(self.rsa, self.p256, self.p384)

    @staticmethod
    def publish(*keys: RSAKey | ECKey) -> dict[str, object]:
        return {"keys": [key.as_dict(private=False) for key in keys]}

    def sign(self, claims: object, *, key: Any = None, **header: object) -> str:
        payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
        named = {"alg": "RS256", "kid": "rsa", **header}
        full = {name: value for name, value in named.items() if value is not None}
        registry = jws.JWSRegistry(algorithms=EVERY, strict_check_header=False)
        return jws.serialize_compact(full, payload, key or self.rsa, EVERY, registry)

    def finish(self, head: object, claims: object) -> str:
        """A token this EHR's own key signed over any header, also over one joserfc would not write."""
        signing_input = f"{encode(head)}.{encode(claims)}"
        return f"{signing_input}.{encode(jws.JWSRegistry.algorithms['RS256'].sign(signing_input.encode(), self.rsa))}"


def encode(value: object) -> str:
    """base64url without padding; what is no bytes as JSON first."""
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
