"""The EHR's SMART configuration. In: the JSON of .well-known/smart-configuration. Out: frozen Endpoints, to be pinned.

It never lowers a demand because a server does not advertise it: without PKCE S256 there is no launch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connector.errors import LaunchRefused
from connector.launch.ehr import RegisteredEhr, resolve_endpoint


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where one EHR authorizes. URLs are absolute; `issuer` is compared, never called.

    `answers_with_issuer` says that the server promises `iss` in its callbacks (RFC 9207, section 3).
    """

    issuer: str | None
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str | None
    capabilities: tuple[str, ...]
    challenge_methods: tuple[str, ...]
    answers_with_issuer: bool = False


def read_smart_configuration(body: Mapping[str, object], ehr: RegisteredEhr) -> Endpoints:
    """Read the metadata of SMART App Launch 2.2, section "Conformance".

    `scopes_supported` is not looked at: it is not exhaustive. Raises LaunchRefused when an endpoint is missing or not
    to be used, or when code_challenge_methods_supported lacks S256.
    """
    methods = _read_strings(body.get("code_challenge_methods_supported"))
    if "S256" not in methods:
        raise LaunchRefused(
            "The EHR does not offer PKCE with S256, which SMART App Launch requires. Its integrator has to mend it."
        )
    issuer = body.get("issuer")
    jwks_uri = body.get("jwks_uri")
    return Endpoints(
        issuer=issuer if isinstance(issuer, str) and issuer else None,
        authorization_endpoint=resolve_endpoint(
            body.get("authorization_endpoint"), ehr, field="authorization_endpoint"
        ),
        token_endpoint=resolve_endpoint(body.get("token_endpoint"), ehr, field="token_endpoint"),
        jwks_uri=None if jwks_uri is None else resolve_endpoint(jwks_uri, ehr, field="jwks_uri"),
        capabilities=_read_strings(body.get("capabilities")),
        challenge_methods=methods,
        answers_with_issuer=body.get("authorization_response_iss_parameter_supported") is True,
    )


def _read_strings(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
