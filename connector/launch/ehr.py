"""What a launch must know about the EHR it comes from. In: facts of one registration. Out: a frozen RegisteredEhr.

Nothing in it may ever come from a URL: an EHR, its client id, scopes and redirect URI are what the operator registered.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from connector.errors import LaunchRefused


@dataclass(frozen=True, slots=True)
class RegisteredEhr:
    """One registration as a launch sees it.

    `fhir_base` has no trailing slash and is sent as `aud` byte for byte. `redirect_uri` is absolute and the one
    registered with the EHR. `plain_http_hosts` are the host names that may be spoken to without TLS: empty unless the
    FHIR base itself is plain http on a loopback or test host. `expected_issuer` and the four endpoints are what the
    EHR's configuration has to say, where the operator wrote it down; `scopes` are in the EHR's own dialect;
    `authorize_method` is `get` or `post`.
    """

    tenant: str
    fhir_base: str
    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    authorize_method: str = "get"
    plain_http_hosts: tuple[str, ...] = ()
    expected_issuer: str | None = None
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None
    jwks_uri: str | None = None
    revocation_endpoint: str | None = None


def resolve_endpoint(value: object, ehr: RegisteredEhr, *, field: str) -> str:
    """Return an endpoint of a SMART configuration as an absolute URL the connector may use.

    Relative values of older servers are resolved against the FHIR base (SMART App Launch 2.2, section 4.1.1.2).
    Raises LaunchRefused when the value is missing, is no URL, carries user information or a fragment, or is neither
    https nor on a host registered for plain http.
    """
    if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable() or "\\" in value:
        raise LaunchRefused(
            f"The EHR's SMART configuration has no usable {field}. Ask the EHR's integrator to mend it."
        )
    try:
        given = urlsplit(value)
        url = urljoin(ehr.fhir_base + "/", value) if not given.scheme else value
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise LaunchRefused(f"The {field} in the EHR's SMART configuration is not a URL.") from error
    if not host or parts.username is not None or parts.password is not None or parts.fragment or " " in url:
        raise LaunchRefused(f"The {field} in the EHR's SMART configuration is not a URL the connector may use.")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in ehr.plain_http_hosts):
        raise LaunchRefused(f"The {field} in the EHR's SMART configuration does not use https.")
    return url
