"""The EHR's SMART configuration. In: the JSON of .well-known/smart-configuration. Out: frozen Endpoints, to be pinned.

It never lowers a demand because a server does not advertise it: without PKCE S256 there is no launch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from connector.errors import LaunchRefused
from connector.launch.ehr import RegisteredEhr, resolve_endpoint

_ADDRESSES = ("authorization_endpoint", "token_endpoint", "jwks_uri", "revocation_endpoint")


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
    revocation_endpoint: str | None = None


def read_smart_configuration(body: Mapping[str, object], ehr: RegisteredEhr) -> Endpoints:
    """Read the metadata of SMART App Launch 2.2, section "Conformance".

    `scopes_supported` is not looked at: it is not exhaustive. An issuer it does not name is the expected one. Raises
    LaunchRefused when an endpoint is missing or not to be used, or code_challenge_methods_supported lacks S256.
    """
    methods = _read_strings(body.get("code_challenge_methods_supported"))
    if "S256" not in methods:
        raise LaunchRefused(
            "The EHR does not offer PKCE with S256, which SMART App Launch requires. Its integrator has to mend it."
        )
    issuer = body.get("issuer")
    jwks_uri = body.get("jwks_uri")
    token_endpoint = resolve_endpoint(body.get("token_endpoint"), ehr, field="token_endpoint")
    return Endpoints(
        issuer=issuer if isinstance(issuer, str) and issuer else ehr.expected_issuer,
        authorization_endpoint=resolve_endpoint(
            body.get("authorization_endpoint"), ehr, field="authorization_endpoint"
        ),
        token_endpoint=token_endpoint,
        jwks_uri=None if jwks_uri is None else resolve_endpoint(jwks_uri, ehr, field="jwks_uri"),
        capabilities=_read_strings(body.get("capabilities")),
        challenge_methods=methods,
        answers_with_issuer=body.get("authorization_response_iss_parameter_supported") is True,
        revocation_endpoint=_read_revocation(body.get("revocation_endpoint"), ehr, token_endpoint=token_endpoint),
    )


def find_openid_issuer(endpoints: Endpoints, ehr: RegisteredEhr) -> str | None:
    """The issuer that has to be asked for the address of its keys, as older servers want it; None where not.

    SMART App Launch 2.2, "Steps for using an ID token"; only for an EHR that promises identity or was said to have it.
    Raises LaunchRefused for an issuer that is no address the connector may call.
    """
    promised = "sso-openid-connect" in endpoints.capabilities or ehr.expected_issuer is not None
    if endpoints.jwks_uri is not None or endpoints.issuer is None or not promised:
        return None
    if resolve_endpoint(endpoints.issuer, ehr, field="issuer") != endpoints.issuer:
        raise LaunchRefused("The issuer in the EHR's SMART configuration is no full address.")
    return endpoints.issuer


def read_openid_configuration(body: Mapping[str, object], endpoints: Endpoints, ehr: RegisteredEhr) -> Endpoints:
    """The endpoints with the address of the keys as the issuer publishes it (OpenID Connect Discovery 1.0, section 4).

    Raises LaunchRefused when it calls itself otherwise, or names no usable address.
    """
    if body.get("issuer") != endpoints.issuer:
        raise LaunchRefused("The EHR's OpenID configuration names another issuer than its SMART configuration.")
    return replace(endpoints, jwks_uri=resolve_endpoint(body.get("jwks_uri"), ehr, field="jwks_uri"))


def find_departures(endpoints: Endpoints, ehr: RegisteredEhr, *, known: Endpoints | None) -> tuple[str, ...]:
    """Which of the addresses an EHR publishes are not what they have to be; () when all agree.

    They have to be what the registration pins and what was `known` before. A promise to name the issuer in callbacks
    (RFC 9207) may be given later, but not be taken back.
    """
    found = []
    pins = {"issuer": ehr.expected_issuer, **{name: getattr(ehr, name) for name in _ADDRESSES}}
    for name, pinned in pins.items():
        value = getattr(endpoints, name)
        if (pinned is not None and value != pinned) or (known is not None and value != getattr(known, name)):
            found.append(name)
    if known is not None and known.answers_with_issuer and not endpoints.answers_with_issuer:
        found.append("authorization_response_iss_parameter_supported")
    return tuple(found)


def _read_revocation(value: object, ehr: RegisteredEhr, *, token_endpoint: str) -> str | None:
    """Where tokens are revoked (RFC 7009, section 2); None where nobody says.

    One on another host than the token endpoint is used only where the registration pins it: tokens go there.
    """
    if value is None:
        return None
    found = resolve_endpoint(value, ehr, field="revocation_endpoint")
    given, asked = urlsplit(found), urlsplit(token_endpoint)
    beside = (given.scheme, given.netloc) == (asked.scheme, asked.netloc)
    return found if beside or ehr.revocation_endpoint is not None else None


def _read_strings(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
