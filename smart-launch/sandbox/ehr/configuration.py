"""In: the JSON file the sandbox EHR is started with. Out: a frozen, checked configuration and its addresses.
Never reads the environment and never fills in a missing secret by itself."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .registrations import DIALECTS, ClientRegistration, ConfigurationRefused, check_address, known_fields, parse_client
from .switchboard import SWITCHES

__all__ = ["ClientRegistration", "ConfigurationRefused", "EhrConfig", "parse_config", "read_config"]


@dataclass(frozen=True)
class EhrConfig:
    """Everything the sandbox EHR needs to know. Addresses carry no trailing slash; `token_seconds` is in seconds.

    `off` names what is switched off from the start (switchboard.SWITCHES), `scope_dialect` how scopes are spelt here.
    """

    port: int
    base_url: str
    fhir_upstream: str
    state_dir: Path
    clients: tuple[ClientRegistration, ...]
    token_seconds: int = 300
    host: str = "127.0.0.1"
    name: str = "Sandbox EHR"
    scope_dialect: str = "any"
    off: tuple[str, ...] = ()

    @property
    def fhir_base(self) -> str:
        """The FHIR base the apps see: `iss` of a launch, `aud` of an authorization request."""
        return f"{self.base_url}/fhir"

    @property
    def issuer(self) -> str:
        """The authorization server's own name. Not the FHIR base, as with Epic and Oracle (RFC 8414, RFC 9207)."""
        return f"{self.base_url}/auth"

    @property
    def token_url(self) -> str:
        """The token endpoint: `aud` of every client assertion."""
        return f"{self.issuer}/token"


def read_config(path: Path) -> EhrConfig:
    """Read the JSON file at `path`. Raises ConfigurationRefused when it is not JSON or a field is wrong."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationRefused(f"{path.name} cannot be read as JSON") from error
    return parse_config(raw)


def parse_config(raw: Any) -> EhrConfig:
    """Check the decoded JSON and build the configuration. Unknown fields are refused. Raises ConfigurationRefused."""
    values = known_fields(raw, EhrConfig, "configuration")
    clients = values.pop("clients", None)
    if not isinstance(clients, list) or not clients:
        raise ConfigurationRefused("clients: a list with at least one app")
    registered = tuple(parse_client(client) for client in clients)
    if len({client.client_id for client in registered}) != len(registered):
        raise ConfigurationRefused("clients: each client_id once")
    for name, kind in (("port", int), ("base_url", str), ("fhir_upstream", str), ("state_dir", str)):
        if not isinstance(values.get(name), kind):
            raise ConfigurationRefused(f"{name}: a {kind.__name__} is required")
    _check_choices(values)
    return EhrConfig(
        port=values["port"],
        base_url=check_address(values["base_url"], "base_url"),
        fhir_upstream=check_address(values["fhir_upstream"], "fhir_upstream"),
        state_dir=Path(values["state_dir"]),
        clients=registered,
        token_seconds=int(values.get("token_seconds", 300)),
        host=str(values.get("host", "127.0.0.1")),
        name=values.get("name", "Sandbox EHR"),
        scope_dialect=values.get("scope_dialect", "any"),
        off=tuple(values.get("off", ())),
    )


def _check_choices(values: dict[str, Any]) -> None:
    name = values.get("name", "Sandbox EHR")
    if not isinstance(name, str) or "sandbox" not in name.lower():
        raise ConfigurationRefused("name: a text with the word sandbox in it")
    if values.get("scope_dialect", "any") not in DIALECTS:
        raise ConfigurationRefused(f"scope_dialect: one of {', '.join(DIALECTS)}")
    off = values.get("off", [])
    if not isinstance(off, list) or not set(map(str, off)) <= set(SWITCHES):
        raise ConfigurationRefused(f"off: a list of some of {', '.join(SWITCHES)}")
