"""One EHR this deployment serves. In: nothing. Out: frozen Registrations, found by the `iss` of a launch or by tenant.

It never holds a secret or a key, only where they lie, and never normalises an address beyond one trailing slash.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
AUTH_METHODS = ("public", "client_secret_basic", "client_secret_post", "private_key_jwt")
SECRET_METHODS = ("client_secret_basic", "client_secret_post")
SCOPE_DIALECTS = ("granular", "v2", "v1")
AUTHORIZE_METHODS = ("get", "post")
ASSERTION_ALGORITHMS = ("RS384", "ES384")
ASSERTION_AUDIENCES = ("token_endpoint", "issuer")
ASSERTION_TYPES = ("JWT", "client-authentication+jwt")
CALLBACK = "/launch/callback"


@dataclass(frozen=True, slots=True)
class AssertionSettings:
    """How a client assertion for this EHR is written; the defaults are SMART App Launch 2.2's.

    `seconds` is its life (at most 300), `audience` what goes into `aud`, `type` the header's `typ`; `jku` names our key
    set in the header.
    """

    algorithm: str = "RS384"
    seconds: int = 240
    audience: str = "token_endpoint"
    type: str = "JWT"
    jku: bool = False


@dataclass(frozen=True, slots=True)
class PinnedEndpoints:
    """What the EHR's configuration must say, where the operator has written it down; None leaves it open."""

    expected_issuer: str | None = None
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None
    jwks_uri: str | None = None
    revocation_endpoint: str | None = None


@dataclass(frozen=True, slots=True)
class Registration:
    """One EHR. `tenant` is the file's stem; `fhir_base` is the launch's `iss` without its trailing slash.

    `scopes` are written in v2, whatever `scope_dialect` the EHR is asked in. `frame_ancestors` are origins that may
    frame our pages; `vendor_profile` names a file of mappings/ehr/, `jurisdiction` an entry of mappings/consent.yaml;
    `redirect_path` is below our own public address and no other registration's. `client_id` is empty in a file that
    waits to be filled in, which is never loaded.
    """

    tenant: str
    name: str
    fhir_base: str
    client_id: str
    auth_method: str
    scopes: tuple[str, ...]
    redirect_path: str
    scope_dialect: str = "granular"
    client_secret_env: str | None = None
    client_secret_file: Path | None = None
    client_key_folder: Path | None = None
    client_key_file: Path | None = None
    assertion: AssertionSettings = field(default_factory=AssertionSettings)
    pinned: PinnedEndpoints = field(default_factory=PinnedEndpoints)
    frame_ancestors: tuple[str, ...] = ()
    vendor_profile: str = "generic"
    authorize_method: str = "get"
    standalone: bool = False
    require_fhir_user: bool = False
    jurisdiction: str = "all-party"
    insecure_hosts: tuple[str, ...] = ()
    audio_hosts: tuple[str, ...] = ()
    """Hosts recordings may be fetched from, each with or without port; `*.` stands for any names before it."""
    monthly_cap: float | None = None
    """Most to spend at vendors a month, in dollars; in place of the setting of that name."""

    @property
    def plain_http_hosts(self) -> tuple[str, ...]:
        """Host names this EHR may be spoken to without TLS: none unless its FHIR base itself is plain http."""
        if self.fhir_base.startswith("https:"):
            return ()
        return (*LOOPBACK_HOSTS, *self.insecure_hosts)


@dataclass(frozen=True, slots=True)
class Registrations:
    """All registrations of one deployment; `waiting` are files without a client id, which nobody can launch with."""

    entries: tuple[Registration, ...]
    waiting: tuple[Registration, ...] = ()

    def by_iss(self, iss: str) -> Registration | None:
        """The registration whose FHIR base is `iss`, byte for byte after removing one trailing slash; else None."""
        wanted = iss.removesuffix("/")
        return next((one for one in self.entries if one.fhir_base == wanted), None)

    def by_tenant(self, tenant: str) -> Registration | None:
        """The registration of that name; None where it was taken away since."""
        return next((one for one in self.entries if one.tenant == tenant), None)

    def with_keys(self, tenant: str) -> Registration | None:
        """The registration whose public keys are shown: one that has key pairs, also while it waits for a client id."""
        everyone = (*self.entries, *self.waiting)
        return next((one for one in everyone if one.tenant == tenant and one.auth_method == "private_key_jwt"), None)
