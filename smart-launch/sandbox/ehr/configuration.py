"""In: the JSON file the sandbox EHR is started with. Out: a frozen, checked configuration and its addresses.
Never reads the environment and never fills in a missing secret by itself."""

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


class ConfigurationRefused(ValueError):
    """The configuration file cannot be used; the message names the field and what it should be."""


@dataclass(frozen=True)
class ClientRegistration:
    """One app registered with the sandbox EHR. `client_secret` None makes it a public client (SMART client-public)."""

    client_id: str
    name: str
    redirect_uris: tuple[str, ...]
    launch_url: str
    scopes: tuple[str, ...]
    client_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class EhrConfig:
    """Everything the sandbox EHR needs to know. Addresses carry no trailing slash; `token_seconds` is in seconds."""

    port: int
    base_url: str
    fhir_upstream: str
    state_dir: Path
    clients: tuple[ClientRegistration, ...]
    token_seconds: int = 300
    host: str = "127.0.0.1"

    @property
    def fhir_base(self) -> str:
        """The FHIR base the apps see: `iss` of a launch, `aud` of an authorization request."""
        return f"{self.base_url}/fhir"

    @property
    def issuer(self) -> str:
        """The authorization server's own name. Not the FHIR base, as with Epic and Oracle (RFC 8414, RFC 9207)."""
        return f"{self.base_url}/auth"


def read_config(path: Path) -> EhrConfig:
    """Read the JSON file at `path`. Raises ConfigurationRefused when it is not JSON or a field is wrong."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationRefused(f"{path.name} cannot be read as JSON") from error
    return parse_config(raw)


def parse_config(raw: Any) -> EhrConfig:
    """Check the decoded JSON and build the configuration. Unknown fields are refused. Raises ConfigurationRefused."""
    values = _known_fields(raw, EhrConfig, "configuration")
    clients = values.pop("clients", None)
    if not isinstance(clients, list) or not clients:
        raise ConfigurationRefused("clients: a list with at least one app")
    registered = tuple(_parse_client(client) for client in clients)
    if len({client.client_id for client in registered}) != len(registered):
        raise ConfigurationRefused("clients: each client_id once")
    for name, kind in (("port", int), ("base_url", str), ("fhir_upstream", str), ("state_dir", str)):
        if not isinstance(values.get(name), kind):
            raise ConfigurationRefused(f"{name}: a {kind.__name__} is required")
    return EhrConfig(
        port=values["port"],
        base_url=_address(values["base_url"], "base_url"),
        fhir_upstream=_address(values["fhir_upstream"], "fhir_upstream"),
        state_dir=Path(values["state_dir"]),
        clients=registered,
        token_seconds=int(values.get("token_seconds", 300)),
        host=str(values.get("host", "127.0.0.1")),
    )


def _parse_client(raw: Any) -> ClientRegistration:
    values = _known_fields(raw, ClientRegistration, "clients[]")
    for name in ("client_id", "name", "launch_url"):
        if not isinstance(values.get(name), str) or not values[name]:
            raise ConfigurationRefused(f"clients[].{name}: a text is required")
    redirects: Any = values.get("redirect_uris")
    scopes: Any = values.get("scopes")
    scopes = scopes.split() if isinstance(scopes, str) else scopes
    for name, listed in (("redirect_uris", redirects), ("scopes", scopes)):
        if not isinstance(listed, list) or not listed or not all(isinstance(item, str) for item in listed):
            raise ConfigurationRefused(f"clients[].{name}: a list of texts with at least one entry")
    _address(values["launch_url"], "clients[].launch_url")
    return ClientRegistration(
        client_id=values["client_id"],
        name=values["name"],
        redirect_uris=tuple(redirects),
        launch_url=values["launch_url"],
        scopes=tuple(scopes),
        client_secret=values.get("client_secret") or None,
    )


def _known_fields(raw: Any, shape: type, where: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise ConfigurationRefused(f"{where}: a JSON object is required")
    unknown = sorted(set(raw) - {known.name for known in fields(shape)})
    if unknown:
        raise ConfigurationRefused(f"{where}: unknown field {', '.join(unknown)}")
    return dict(raw)


def _address(value: str, where: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ConfigurationRefused(f"{where}: an absolute http or https address without query is required")
    return value.rstrip("/")
