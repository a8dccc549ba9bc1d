"""The way out to the EHR. In: a registered EHR, its endpoints, random values. Out: a PendingLaunch and the request.

It never sends a launch without PKCE S256, state and nonce, and takes nothing but the launch handle from the URL.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge

from connector.launch.discovery import Endpoints
from connector.launch.ehr import RegisteredEhr
from connector.launch.pending import PendingLaunch, hash_browser

RANDOM_BYTES = 32


@dataclass(frozen=True, slots=True)
class LaunchSecrets:
    """The random values of one launch, 256 bits each; `browser` goes into a cookie and nowhere else."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    browser: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AuthorizeRequest:
    """What the browser takes to the authorization endpoint; `parameters` are in the order they are sent."""

    endpoint: str
    parameters: tuple[tuple[str, str], ...] = field(repr=False)

    def url(self) -> str:
        """The request as a GET: a query the endpoint already has is kept (RFC 6749, section 3.1)."""
        return f"{self.endpoint}{'&' if '?' in self.endpoint else '?'}{urlencode(self.parameters)}"


def new_secrets() -> LaunchSecrets:
    """Draw the random values of one launch from the operating system's source."""
    return LaunchSecrets(*(secrets.token_urlsafe(RANDOM_BYTES) for _ in range(4)))


def begin(
    ehr: RegisteredEhr, endpoints: Endpoints, *, launch_token: str, drawn: LaunchSecrets, now: datetime
) -> tuple[PendingLaunch, AuthorizeRequest]:
    """Build the authorization request of an EHR launch and what has to be remembered until the callback.

    SMART App Launch 2.2, "Obtain authorization code": `aud` is the FHIR base byte for byte, PKCE is always S256, a
    nonce binds the id_token (OpenID Connect Core, section 3.1.2.1).
    """
    scope = " ".join(ehr.scopes)
    pending = PendingLaunch(
        tenant=ehr.tenant,
        fhir_base=ehr.fhir_base,
        client_id=ehr.client_id,
        redirect_uri=ehr.redirect_uri,
        scope=scope,
        endpoints=endpoints,
        state=drawn.state,
        nonce=drawn.nonce,
        code_verifier=drawn.code_verifier,
        browser_hash=hash_browser(drawn.browser),
        created_at=now,
    )
    parameters = (
        ("response_type", "code"),
        ("client_id", ehr.client_id),
        ("redirect_uri", ehr.redirect_uri),
        ("scope", scope),
        ("state", drawn.state),
        ("aud", ehr.fhir_base),
        ("launch", launch_token),
        ("code_challenge", str(create_s256_code_challenge(drawn.code_verifier))),
        ("code_challenge_method", "S256"),
        ("nonce", drawn.nonce),
    )
    return pending, AuthorizeRequest(endpoint=endpoints.authorization_endpoint, parameters=parameters)
