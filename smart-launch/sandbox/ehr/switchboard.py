"""In: what the configuration or a test switches off. Out: what this server offers at this moment.
Never advertises what it does not do: the metadata documents and the rules ask the same switchboard."""

from collections.abc import Iterable
from typing import Any

from .registrations import ASSERTION, BASIC, DIALECTS, POST, PUBLIC

CAPABILITIES = (
    "launch-ehr",
    "launch-standalone",
    "authorize-post",
    "client-public",
    "client-confidential-symmetric",
    "client-confidential-asymmetric",
    "sso-openid-connect",
    "context-banner",
    "context-style",
    "context-ehr-patient",
    "context-ehr-encounter",
    "context-standalone-patient",
    "context-standalone-encounter",
    "permission-offline",
    "permission-online",
    "permission-patient",
    "permission-user",
)
SWITCHES = (*CAPABILITIES, "introspection", "revocation", "rfc9207")
CAPABILITY_OF = {
    PUBLIC: "client-public",
    BASIC: "client-confidential-symmetric",
    POST: "client-confidential-symmetric",
    ASSERTION: "client-confidential-asymmetric",
}
_SPOKEN = {
    "any": ("permission-v1", "permission-v2"),
    "v1": ("permission-v1",),
    "v2": ("permission-v2",),
    "granular": ("permission-v2",),
}
_SCOPES = {
    "openid": "sso-openid-connect",
    "fhirUser": "sso-openid-connect",
    "profile": "sso-openid-connect",
    "launch": "launch-ehr",
    "launch/patient": "context-standalone-patient",
    "launch/encounter": "context-standalone-encounter",
    "offline_access": "permission-offline",
    "online_access": "permission-online",
}
_FIELDS = {"off", "scope_dialect", "token_seconds"}


class SettingsRefused(ValueError):
    """A wish for other settings cannot be understood; the message says why."""


class Switchboard:
    """What is on. `token_seconds` is the life of access tokens, `scope_dialect` one of registrations.DIALECTS."""

    def __init__(self, *, off: Iterable[str], scope_dialect: str, token_seconds: int) -> None:
        self._first = {"off": sorted(off), "scope_dialect": scope_dialect, "token_seconds": token_seconds}
        self.reset()

    def reset(self) -> None:
        """As the configuration has it."""
        self.off = frozenset(self._first["off"])
        self.scope_dialect = self._first["scope_dialect"]
        self.token_seconds = self._first["token_seconds"]

    def change(self, raw: Any) -> None:
        """Take some of off, scope_dialect, token_seconds. Raises SettingsRefused, changing nothing."""
        if not isinstance(raw, dict) or set(raw) - _FIELDS:
            raise SettingsRefused(f"settings are an object with some of {', '.join(sorted(_FIELDS))}")
        off = raw.get("off", sorted(self.off))
        dialect = raw.get("scope_dialect", self.scope_dialect)
        seconds = raw.get("token_seconds", self.token_seconds)
        if not isinstance(off, list) or not set(map(str, off)) <= set(SWITCHES):
            raise SettingsRefused(f"off is a list of some of {', '.join(SWITCHES)}")
        if dialect not in DIALECTS:
            raise SettingsRefused(f"scope_dialect is one of {', '.join(DIALECTS)}")
        if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds < 1:
            raise SettingsRefused("token_seconds is a whole number from 1")
        self.off, self.scope_dialect, self.token_seconds = frozenset(off), dialect, seconds

    def describe(self) -> dict[str, Any]:
        """The settings in force, as `change` takes them."""
        return {
            "off": sorted(self.off),
            "scope_dialect": self.scope_dialect,
            "token_seconds": self.token_seconds,
        }

    def offers(self, switch: str) -> bool:
        """True unless switched off."""
        return switch not in self.off

    def capabilities(self) -> list[str]:
        """`capabilities` of smart-configuration (SMART App Launch 2.2, conformance)."""
        return [name for name in CAPABILITIES if self.offers(name)] + list(_SPOKEN[self.scope_dialect])

    def offered_scopes(self, text: str) -> str:
        """A scope text without what is switched off."""
        return " ".join(scope for scope in text.split() if self.offers(_switch_of(scope)))


def _switch_of(scope: str) -> str:
    if scope in _SCOPES:
        return _SCOPES[scope]
    context = scope.partition("/")[0]
    return f"permission-{context}" if context in ("patient", "user") else ""
