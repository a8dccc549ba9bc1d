"""In: the configuration. Out: the metadata documents apps read before a launch.
Never names an endpoint or a capability that is not there."""

from typing import Any

from .addresses import AddressBook
from .compartment import PATIENT_TYPES, SHARED_TYPES
from .configuration import EhrConfig
from .registrations import ASSERTION, AUTH_METHODS, PUBLIC
from .switchboard import CAPABILITY_OF, Switchboard

_OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_SERVICES = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_INTERACTIONS = ("read", "vread", "search-type", "create", "update", "delete")


def describe_server(config: EhrConfig, switches: Switchboard) -> dict[str, Any]:
    """What both well-known documents say: RFC 8414 names, PKCE, RFC 9207. Endpoints that are off are not named."""
    listed = {scope for client in config.clients for scope in client.scopes if "?" not in scope}
    listed |= {"launch", "launch/patient", "openid", "fhirUser", "online_access"}
    methods = [method for method in AUTH_METHODS if switches.offers(CAPABILITY_OF[method])]
    told: dict[str, Any] = {
        "authorization_endpoint": f"{config.issuer}/authorize",
        "token_endpoint": config.token_url,
        "token_endpoint_auth_methods_supported": ["none" if method == PUBLIC else method for method in methods],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": switches.offered_scopes(" ".join(sorted(listed))).split(),
        "authorization_response_iss_parameter_supported": switches.offers("rfc9207"),
    }
    if ASSERTION in methods:
        told["token_endpoint_auth_signing_alg_values_supported"] = ["RS384", "ES384"]
    for name, path in (("introspection", "introspect"), ("revocation", "revoke")):
        if switches.offers(name):
            told[f"{name}_endpoint"] = f"{config.issuer}/{path}"
    return told


def describe_smart(config: EhrConfig, switches: Switchboard) -> dict[str, Any]:
    """`/.well-known/smart-configuration` of the FHIR base (SMART App Launch 2.2, conformance)."""
    told: dict[str, Any] = {}
    if switches.offers("sso-openid-connect") or switches.offers("rfc9207"):
        told["issuer"] = config.issuer
    if switches.offers("sso-openid-connect"):
        told["jwks_uri"] = f"{config.issuer}/jwks"
    return {**told, **describe_server(config, switches), "capabilities": switches.capabilities()}


def describe_openid(config: EhrConfig, switches: Switchboard) -> dict[str, Any]:
    """`/.well-known/openid-configuration` of the issuer (OpenID Connect Discovery 1.0 section 3)."""
    return {
        "issuer": config.issuer,
        "jwks_uri": f"{config.issuer}/jwks",
        **describe_server(config, switches),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "nonce", "at_hash", "fhirUser"],
    }


def describe_gateway(config: EhrConfig, upstream: dict[str, Any], addresses: AddressBook) -> dict[str, Any]:
    """The FHIR server's CapabilityStatement cut down to what the gateway passes on, with SMART security."""
    shown = addresses.show(upstream)
    rests = shown.get("rest") or [{}]
    resources = [
        {
            **{name: value for name, value in resource.items() if name not in ("operation", "interaction")},
            "interaction": [item for item in resource.get("interaction") or [] if item.get("code") in _INTERACTIONS],
            "conditionalUpdate": False,
            "conditionalDelete": "not-supported",
        }
        for resource in rests[0].get("resource") or []
        if resource.get("type") in PATIENT_TYPES | SHARED_TYPES
    ]
    addresses_of = (("authorize", "authorize"), ("token", "token"))
    security = {
        "extension": [
            {
                "url": _OAUTH_URIS,
                "extension": [{"url": name, "valueUri": f"{config.issuer}/{path}"} for name, path in addresses_of],
            }
        ],
        "service": [{"coding": [{"system": _SERVICES, "code": "SMART-on-FHIR"}], "text": "SMART on FHIR"}],
    }
    rest = {
        "mode": "server",
        "security": security,
        "resource": resources,
        "interaction": [{"code": "transaction"}, {"code": "batch"}],
    }
    return {
        **{name: value for name, value in shown.items() if name != "document"},
        "software": {"name": "Sandbox EHR"},
        "implementation": {"description": "Sandbox EHR", "url": config.fhir_base},
        "format": ["application/fhir+json", "json"],
        "rest": [rest],
    }
