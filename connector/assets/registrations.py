"""The EHRs this deployment serves. In: a folder of YAML files, one per EHR. Out: Registrations, or Misconfigured.

It never holds a secret, only where to find it, and never normalises an address beyond one trailing slash.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from connector.errors import Misconfigured

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
AUTH_METHODS = ("public", "client_secret_basic")
NEEDED_SCOPES = ("launch", "openid", "fhirUser")
DEFAULT_REDIRECT_PATH = "/launch/callback"

REQUIRED_KEYS = ("name", "fhir_base", "client_id", "auth_method", "scopes")
OPTIONAL_KEYS = (
    "client_secret_env",
    "client_secret_file",
    "frame_ancestors",
    "vendor_profile",
    "redirect_path",
    "insecure_hosts_for_tests",
)
_TENANT = re.compile(r"[a-z0-9][a-z0-9\-]{0,62}")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
_REDIRECT_PATH = re.compile(r"(?:/[A-Za-z0-9._~\-]+)+")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.\-]*[a-z0-9])?")
_WORD = re.compile(r"[a-z0-9][a-z0-9\-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Registration:
    """One EHR. `tenant` is the file's stem; `fhir_base` is the launch's `iss` without its trailing slash.

    `frame_ancestors` are origins that may frame our pages; `vendor_profile` names a file of mappings/ehr/;
    `redirect_path` is below the connector's own public address. At most one of the two secret references is set.
    """

    tenant: str
    name: str
    fhir_base: str
    client_id: str
    auth_method: str
    scopes: tuple[str, ...]
    client_secret_env: str | None = None
    client_secret_file: Path | None = None
    frame_ancestors: tuple[str, ...] = ()
    vendor_profile: str = "generic"
    redirect_path: str = DEFAULT_REDIRECT_PATH
    insecure_hosts: tuple[str, ...] = ()

    @property
    def plain_http_hosts(self) -> tuple[str, ...]:
        """Host names this EHR may be spoken to without TLS: none unless its FHIR base itself is plain http."""
        if self.fhir_base.startswith("https:"):
            return ()
        return (*LOOPBACK_HOSTS, *self.insecure_hosts)


@dataclass(frozen=True, slots=True)
class Registrations:
    """All registrations of one deployment, by tenant."""

    entries: tuple[Registration, ...]

    def by_iss(self, iss: str) -> Registration | None:
        """The registration whose FHIR base is `iss`, byte for byte after removing one trailing slash; else None."""
        wanted = iss.removesuffix("/")
        return next((one for one in self.entries if one.fhir_base == wanted), None)

    def by_tenant(self, tenant: str) -> Registration | None:
        """The registration of that name; None where it was taken away since."""
        return next((one for one in self.entries if one.tenant == tenant), None)


def load_registrations(folder: Path) -> Registrations:
    """Read every *.yaml of `folder` (syntax: smart-launch/registrations/README.md).

    Raises Misconfigured naming file and key for an unreadable file, an unknown, missing or wrong key, or an address
    that two files share. An empty folder is no error here: then no EHR can launch.
    """
    if not folder.is_dir():
        raise Misconfigured(f"The registrations folder {folder} does not exist. Create it or set another.")
    found = tuple(_read_file(path) for path in sorted(folder.glob("*.yaml")))
    by_base: dict[str, Registration] = {}
    for one in found:
        other = by_base.setdefault(one.fhir_base, one)
        if other is not one:
            raise Misconfigured(
                f"{one.tenant}.yaml: fhir_base is already registered by {other.tenant}.yaml. Keep one of the two."
            )
    return Registrations(entries=found)


def read_client_secret(registration: Registration, environment: Mapping[str, str]) -> str | None:
    """The secret from where the registration points to; None for a public client.

    Raises Misconfigured when the variable or file is missing or empty; the secret itself is in no message.
    """
    file = f"{registration.tenant}.yaml"
    if registration.client_secret_env is not None:
        secret = environment.get(registration.client_secret_env, "")
        if not secret:
            raise Misconfigured(f"{file}: client_secret_env names {registration.client_secret_env}, which is not set.")
        return secret
    if registration.client_secret_file is not None:
        try:
            secret = registration.client_secret_file.read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            secret = ""
        if not secret:
            raise Misconfigured(f"{file}: client_secret_file names a file that is not there, not readable or empty.")
        return secret
    return None


def _read_file(path: Path) -> Registration:
    entries = _Entries(path.name, _parse(path))
    if not _TENANT.fullmatch(path.stem):
        raise entries.refuse(None, "the file's name is the tenant's: lower-case letters, digits and hyphens only")
    entries.check_keys()
    insecure = entries.words("insecure_hosts_for_tests", _HOST, what="a bare host name in lower case")
    registration = Registration(
        tenant=path.stem,
        name=entries.text("name"),
        fhir_base=_read_fhir_base(entries, insecure),
        client_id=entries.text("client_id"),
        auth_method=_read_auth_method(entries),
        scopes=_read_scopes(entries),
        client_secret_env=entries.word("client_secret_env", _VARIABLE, what="a variable's name", otherwise=None),
        client_secret_file=_read_secret_file(entries, path.parent),
        frame_ancestors=_read_frame_ancestors(entries, insecure),
        vendor_profile=entries.word("vendor_profile", _WORD, what="a name such as generic", otherwise="generic") or "",
        redirect_path=entries.word("redirect_path", _REDIRECT_PATH, what="a path", otherwise=DEFAULT_REDIRECT_PATH)
        or "",
        insecure_hosts=insecure,
    )
    _check_secret(entries, registration)
    return registration


def _parse(path: Path) -> dict[str, object]:
    try:
        body = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)  # noqa: S506 a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        raise Misconfigured(f"{path.name}: line {line}: {error.problem or 'not readable as YAML'}.") from None
    except (yaml.YAMLError, OSError, ValueError, RecursionError):
        raise Misconfigured(f"{path.name}: not readable as YAML in UTF-8.") from None
    if not isinstance(body, dict) or not all(isinstance(key, str) for key in body):
        raise Misconfigured(f"{path.name}: must hold keys and values, see the folder's README.")
    return body


class _UniqueKeyLoader(yaml.SafeLoader):
    """SafeLoader that refuses a key written twice, which YAML forbids and PyYAML lets pass."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                continue
            if key_node.value in seen:
                reason = f"key '{key_node.value}' stands twice"
                raise yaml.constructor.ConstructorError(None, None, reason, key_node.start_mark)
            seen.add(key_node.value)
        mapping: dict[object, object] = super().construct_mapping(node, deep=deep)
        return mapping


@dataclass(frozen=True, slots=True)
class _Entries:
    """One file's entries, read key by key; every refusal names file and key."""

    file: str
    body: Mapping[str, object]

    def refuse(self, key: str | None, reason: str) -> Misconfigured:
        return Misconfigured(f"{self.file}: {key}: {reason}." if key else f"{self.file}: {reason}.")

    def check_keys(self) -> None:
        for key in self.body:
            if key not in REQUIRED_KEYS and key not in OPTIONAL_KEYS:
                raise self.refuse(key, "unknown key")
        for key in REQUIRED_KEYS:
            if self.body.get(key) is None:
                raise self.refuse(key, "missing")

    def text(self, key: str) -> str:
        value = self.body.get(key)
        if not isinstance(value, str) or not value.strip() or value != value.strip() or not value.isprintable():
            raise self.refuse(key, "must be a text in one line, in quotes if it looks like a number")
        return value

    def word(self, key: str, pattern: re.Pattern[str], *, what: str, otherwise: str | None) -> str | None:
        if self.body.get(key) is None:
            return otherwise
        value = self.text(key)
        if not pattern.fullmatch(value):
            raise self.refuse(key, f"must be {what}")
        return value

    def words(self, key: str, pattern: re.Pattern[str], *, what: str) -> tuple[str, ...]:
        value = self.body.get(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise self.refuse(key, "must be a list")
        for item in value:
            if not isinstance(item, str) or not pattern.fullmatch(item):
                raise self.refuse(key, f"each entry must be {what}")
        return tuple(value)


def _read_fhir_base(entries: _Entries, insecure: tuple[str, ...]) -> str:
    value = entries.text("fhir_base").removesuffix("/")
    reason = _find_fault(value, insecure)
    if reason is None and (urlsplit(value).query or value.endswith("/") or "?" in value):
        reason = "must be a plain address without query"
    if reason is not None:
        raise entries.refuse("fhir_base", reason)
    return value


def _find_fault(url: str, insecure: tuple[str, ...]) -> str | None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not an address"
    if not url.isascii() or " " in url or "\\" in url or not host or parts.scheme not in ("https", "http"):
        return "must be an address with https"
    if {".", ".."} & set(parts.path.split("/")) or "%" in parts.path:
        return "must be written out, without dots as folders and without encoding"
    if parts.username is not None or parts.password is not None or "#" in url:
        return "must hold no user name and no fragment"
    if parts.scheme == "http" and host not in (*LOOPBACK_HOSTS, *insecure):
        return "must use https; plain http is for loopback and for hosts named under insecure_hosts_for_tests"
    return None


def _read_auth_method(entries: _Entries) -> str:
    value = entries.text("auth_method")
    if value not in AUTH_METHODS:
        raise entries.refuse("auth_method", f"must be one of {', '.join(AUTH_METHODS)}")
    return value


def _read_scopes(entries: _Entries) -> tuple[str, ...]:
    scopes = entries.words("scopes", _SCOPE, what="one scope")
    for needed in NEEDED_SCOPES:
        if needed not in scopes:
            raise entries.refuse("scopes", f"must hold {needed}")
    if len(set(scopes)) != len(scopes):
        raise entries.refuse("scopes", "holds a scope twice")
    return scopes


def _read_frame_ancestors(entries: _Entries, insecure: tuple[str, ...]) -> tuple[str, ...]:
    origins = entries.words(
        "frame_ancestors", re.compile(r"https?://[A-Za-z0-9.\-:\[\]]+"), what="an origin (https://host)"
    )
    for origin in origins:
        reason = _find_fault(origin, insecure)
        if reason is not None:
            raise entries.refuse("frame_ancestors", reason)
    return origins


def _read_secret_file(entries: _Entries, folder: Path) -> Path | None:
    """A relative path is taken from the registration's own folder."""
    if entries.body.get("client_secret_file") is None:
        return None
    return folder / entries.text("client_secret_file")


def _check_secret(entries: _Entries, registration: Registration) -> None:
    given = [key for key in ("client_secret_env", "client_secret_file") if getattr(registration, key) is not None]
    if registration.auth_method == "public" and given:
        raise entries.refuse(given[0], "a public client has no secret")
    if registration.auth_method != "public" and len(given) != 1:
        raise entries.refuse("auth_method", "needs either client_secret_env or client_secret_file")
