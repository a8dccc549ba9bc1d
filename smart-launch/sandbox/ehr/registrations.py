"""In: one app of the configuration file. Out: a frozen, checked client registration.
Never guesses a secret or a key, and never takes a private key where a public one is meant."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

PUBLIC, BASIC, POST, ASSERTION = "public", "client_secret_basic", "client_secret_post", "private_key_jwt"
AUTH_METHODS = (PUBLIC, BASIC, POST, ASSERTION)
DIALECTS = ("any", "v1", "v2", "granular")
_PUBLIC_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y")}
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class ConfigurationRefused(ValueError):
    """The configuration file cannot be used; the message names the field and what it should be."""


@dataclass(frozen=True)
class ClientRegistration:
    """One app. `jwks_url` or `jwks` go with private_key_jwt, `client_secret` with the two symmetric methods."""

    client_id: str
    name: str
    redirect_uris: tuple[str, ...]
    launch_url: str
    scopes: tuple[str, ...]
    auth_method: str = PUBLIC
    client_secret: str | None = field(default=None, repr=False)
    jwks_url: str | None = None
    jwks: Mapping[str, Any] | None = field(default=None, repr=False)
    scope_dialect: str | None = None


def parse_client(raw: Any) -> ClientRegistration:
    """Check one entry of `clients`. Without `auth_method` it follows from the rest. Raises ConfigurationRefused."""
    values = known_fields(raw, ClientRegistration, "clients[]")
    for name in ("client_id", "name", "launch_url"):
        if not isinstance(values.get(name), str) or not values[name]:
            raise ConfigurationRefused(f"clients[].{name}: a text is required")
    scopes = values.get("scopes")
    scopes = scopes.split() if isinstance(scopes, str) else scopes
    secret, jwks, jwks_url = (values.get(name) or None for name in ("client_secret", "jwks", "jwks_url"))
    method = values.get("auth_method") or (BASIC if secret else ASSERTION if jwks or jwks_url else PUBLIC)
    _check_credentials(method, secret=secret, jwks=jwks, jwks_url=jwks_url)
    dialect = values.get("scope_dialect")
    if dialect is not None and dialect not in DIALECTS:
        raise ConfigurationRefused(f"clients[].scope_dialect: one of {', '.join(DIALECTS)}")
    return ClientRegistration(
        client_id=values["client_id"],
        name=values["name"],
        redirect_uris=_texts(values.get("redirect_uris"), "redirect_uris"),
        launch_url=check_address(values["launch_url"], "clients[].launch_url", keep=True),
        scopes=_texts(scopes, "scopes"),
        auth_method=method,
        client_secret=secret,
        jwks_url=jwks_url,
        jwks=jwks,
        scope_dialect=dialect,
    )


def _check_credentials(method: Any, *, secret: Any, jwks: Any, jwks_url: Any) -> None:
    if method not in AUTH_METHODS:
        raise ConfigurationRefused(f"clients[].auth_method: one of {', '.join(AUTH_METHODS)}")
    if bool(secret) != (method in (BASIC, POST)) or (secret and not isinstance(secret, str)):
        raise ConfigurationRefused(
            "clients[].client_secret: a text, with client_secret_basic and client_secret_post only"
        )
    if (bool(jwks) + bool(jwks_url)) != (method == ASSERTION):
        raise ConfigurationRefused("clients[].jwks_url or jwks: one of them, with private_key_jwt only")
    if jwks_url:
        check_address(jwks_url, "clients[].jwks_url")
    if jwks:
        flaw = find_jwks_flaw(jwks)
        if flaw:
            raise ConfigurationRefused(f"clients[].jwks: {flaw}")


def find_jwks_flaw(jwks: Any) -> str | None:
    """What is wrong with a client's JSON Web Key Set (SMART client-confidential-asymmetric), or None."""
    keys = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(keys, list) or not keys or not all(isinstance(key, dict) for key in keys):
        return "an object with keys, a list of at least one JSON Web Key"
    for key in keys:
        if _PRIVATE_MEMBERS & set(key):
            return "holds a private or symmetric key"
        needed = _PUBLIC_MEMBERS.get(key.get("kty", ""))
        if needed is None or not isinstance(key.get("kid"), str) or not key["kid"]:
            return "each key needs kty RSA or EC, and a kid"
        if not all(isinstance(key.get(name), str) and key[name] for name in needed):
            return f"a key of kty {key['kty']} needs {', '.join(needed)}"
    return None


def known_fields(raw: Any, shape: type, where: str) -> dict[str, Any]:
    """A copy of a JSON object that has no field `shape` does not know. Raises ConfigurationRefused."""
    if not isinstance(raw, dict):
        raise ConfigurationRefused(f"{where}: a JSON object is required")
    unknown = sorted(set(raw) - set(shape.__dataclass_fields__))
    if unknown:
        raise ConfigurationRefused(f"{where}: unknown field {', '.join(unknown)}")
    return dict(raw)


def check_address(value: Any, where: str, *, keep: bool = False) -> str:
    """An http or https address without query; trailing slashes go unless `keep`. Raises ConfigurationRefused."""
    parts = urlsplit(value) if isinstance(value, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ConfigurationRefused(f"{where}: an absolute http or https address without query is required")
    return value if keep else value.rstrip("/")


def _texts(listed: Any, name: str) -> tuple[str, ...]:
    if not isinstance(listed, list) or not listed or not all(isinstance(item, str) for item in listed):
        raise ConfigurationRefused(f"clients[].{name}: a list of texts with at least one entry")
    return tuple(listed)
