"""The way out to the EHR. In: a registered EHR, its endpoints, random values. Out: a PendingLaunch and the request.

It never sends a launch without PKCE S256, state and nonce, and takes nothing but the launch handle from the URL.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import urlencode, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge

from connector.launch.discovery import Endpoints
from connector.launch.ehr import RegisteredEhr
from connector.launch.pending import PendingLaunch, hash_browser
from connector.launch.scopes import ask_for_context

RANDOM_BYTES = 32
LONGEST_URL = 2000


@dataclass(frozen=True, slots=True)
class LaunchSecrets:
    """The random values of one launch, 256 bits each; `browser` goes into a cookie and nowhere else."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    browser: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AuthorizeRequest:
    """What the browser takes to the authorization endpoint; `parameters` are in the order they are sent.

    `method` is GET or POST (SMART App Launch 2.2, client requirements 50 to 52).
    """

    endpoint: str
    parameters: tuple[tuple[str, str], ...] = field(repr=False)
    method: str = "GET"

    @property
    def origin(self) -> str:
        """Scheme, host and port of the endpoint, as a Content-Security-Policy names them."""
        parts = urlsplit(self.endpoint)
        return f"{parts.scheme}://{parts.netloc}"

    def url(self) -> str:
        """The request as a GET: a query the endpoint already has is kept (RFC 6749, section 3.1)."""
        return f"{self.endpoint}{'&' if '?' in self.endpoint else '?'}{urlencode(self.parameters)}"


def new_secrets() -> LaunchSecrets:
    """Draw the random values of one launch from the operating system's source."""
    return LaunchSecrets(*(secrets.token_urlsafe(RANDOM_BYTES) for _ in range(4)))


def begin(
    ehr: RegisteredEhr, endpoints: Endpoints, *, launch_token: str | None, drawn: LaunchSecrets, now: datetime
) -> tuple[PendingLaunch, AuthorizeRequest]:
    """Build the authorization request of a launch and what has to be remembered until the callback.

    SMART App Launch 2.2, "Obtain authorization code": `aud` is the FHIR base byte for byte, PKCE is always S256, a
    nonce binds the id_token (OpenID Connect Core, section 3.1.2.1). `launch_token` None makes it a standalone launch,
    which asks the EHR for a patient.
    """
    scope = " ".join(ehr.scopes if launch_token is not None else ask_for_context(ehr.scopes))
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
        standalone=launch_token is None,
    )
    parameters = (
        ("response_type", "code"),
        ("client_id", ehr.client_id),
        ("redirect_uri", ehr.redirect_uri),
        ("scope", scope),
        ("state", drawn.state),
        ("aud", ehr.fhir_base),
        *((("launch", launch_token),) if launch_token is not None else ()),
        ("code_challenge", str(create_s256_code_challenge(drawn.code_verifier))),
        ("code_challenge_method", "S256"),
        ("nonce", drawn.nonce),
    )
    request = AuthorizeRequest(endpoint=endpoints.authorization_endpoint, parameters=parameters)
    return pending, replace(request, method=_choose_method(request, ehr, endpoints))


def _choose_method(request: AuthorizeRequest, ehr: RegisteredEhr, endpoints: Endpoints) -> str:
    """GET, unless the registration wants POST, or the address grows too long and the EHR offers POST."""
    long = len(request.url()) > LONGEST_URL and "authorize-post" in endpoints.capabilities
    return "POST" if ehr.authorize_method == "post" or long else "GET"
