"""A client assertion (private_key_jwt). In: one EHR's rules, a key, the moment, a fresh id. Out: a signed JWT.

Every call makes a new one that lives for minutes; nothing of one call is ever used for the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_LIFE = 300


@dataclass(frozen=True, slots=True)
class AssertionPlan:
    """How assertions for one EHR are written. `seconds` is their life, at most 300 (SMART App Launch 2.2).

    `audience` None means the token endpoint itself, as the standard wants it; `type` is the header's `typ`, `jku` the
    address our key set was registered under, or None.
    """

    key: RSAKey | ECKey = field(repr=False)
    kid: str
    algorithm: str
    seconds: int = 240
    audience: str | None = None
    type: str = "JWT"
    jku: str | None = None


def write_assertion(plan: AssertionPlan, *, client_id: str, token_endpoint: str, now: datetime, jti: str) -> str:
    """Sign one assertion (SMART App Launch 2.2, "Authenticating to the Token Endpoint"; RFC 7523, section 3).

    `jti` must never have been used before. Raises ValueError for a life beyond five minutes.
    """
    if not 0 < plan.seconds <= LONGEST_LIFE:
        raise ValueError("an assertion lives for 1 to 300 seconds")
    issued = int(now.timestamp())
    header = {"alg": plan.algorithm, "kid": plan.kid, "typ": plan.type}
    if plan.jku is not None:
        header["jku"] = plan.jku
    claims: Mapping[str, object] = {
        "iss": client_id,
        "sub": client_id,
        "aud": plan.audience or token_endpoint,
        "iat": issued,
        "exp": issued + plan.seconds,
        "jti": jti,
    }
    return jwt.encode(header, dict(claims), plan.key, algorithms=[plan.algorithm])
