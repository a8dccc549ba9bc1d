"""One registration file, read key by key. In: its text. Out: a Registration, or every mistake in it with its line.

It goes on after a mistake, so that all of them are told at once, and never repeats a value that could be a secret.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from connector.assets.marked_yaml import MarkedYaml, Problem, read_marked
from connector.assets.registration import (
    ASSERTION_ALGORITHMS,
    ASSERTION_AUDIENCES,
    ASSERTION_TYPES,
    AUTH_METHODS,
    AUTHORIZE_METHODS,
    CALLBACK,
    LOOPBACK_HOSTS,
    SCOPE_DIALECTS,
    SECRET_METHODS,
    AssertionSettings,
    PinnedEndpoints,
    Registration,
)

NEEDED_SCOPES = ("launch", "openid", "fhirUser")
SMART_SCOPES = (*NEEDED_SCOPES, "launch/patient", "launch/encounter", "profile", "offline_access", "online_access")
REQUIRED_KEYS = ("name", "fhir_base", "client_id", "auth_method", "scopes")
ENDPOINT_KEYS = ("authorization_endpoint", "token_endpoint", "jwks_uri", "revocation_endpoint")
ASSERTION_KEYS = (
    "assertion_algorithm",
    "assertion_seconds",
    "assertion_audience",
    "assertion_type",
    "assertion_jku",
    "client_key_folder",
    "client_key_file",
)
OPTIONAL_KEYS = (
    "client_secret_env",
    "client_secret_file",
    *ASSERTION_KEYS,
    "scope_dialect",
    "expected_issuer",
    *ENDPOINT_KEYS,
    "authorize_method",
    "standalone",
    "require_fhir_user",
    "frame_ancestors",
    "vendor_profile",
    "jurisdiction",
    "redirect_path",
    "audio_hosts",
    "monthly_cap",
    "insecure_hosts_for_tests",
)
LONGEST_ASSERTION = 300
_MOST_DOLLARS = 1_000_000_000

_TENANT = re.compile(r"[a-z0-9][a-z0-9\-]{0,62}")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
_RESOURCE_SCOPE = re.compile(r"(?:patient|user|system)/(?:[A-Z][A-Za-z]*|\*)\.(?=[a-z])c?r?u?d?s?(?:\?.+)?")
_REDIRECT_PATH = re.compile(rf"{CALLBACK}(?:/(?!\.+$)[A-Za-z0-9._~\-]+)?")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.\-]*[a-z0-9])?")
_LABEL = r"[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?"
# A name whose last label is a number would be read as the number of a host.
_AUDIO_HOST = re.compile(rf"(?:\*\.)?(?:{_LABEL}\.)+(?!(?:[0-9]+|0x[0-9a-f]*)(?::|$)){_LABEL}(?::[1-9][0-9]{{0,4}})?")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-:\[\]]+")
_WORD = re.compile(r"[a-z0-9][a-z0-9\-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class RegistrationFile:
    """What came of reading one file: `registration` is None exactly when there are problems."""

    registration: Registration | None
    marked: MarkedYaml
    problems: tuple[Problem, ...]


def is_tenant(name: str) -> bool:
    """Whether a text may name a tenant, and so a file and a part of addresses."""
    return bool(_TENANT.fullmatch(name))


def read_registration(path: Path, *, folder: Path | None = None) -> RegistrationFile:
    """Read one `<tenant>.yaml` (syntax: smart-launch/registrations/README.md).

    Paths in it are relative to `folder`, which is the file's own unless said.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        text = "\0"  # no YAML either
    marked = read_marked(text, path.name)
    entries = _Entries(marked)
    registration = None
    if entries.has_keys():
        registration = _read(entries, path.stem, folder or path.parent)
    problems = tuple(sorted((*marked.problems, *entries.problems), key=lambda one: one.line))
    return RegistrationFile(None if problems else registration, marked, problems)


class _Entries:
    """One file's entries; a wrong one is noted, and something harmless is returned in its place."""

    def __init__(self, marked: MarkedYaml) -> None:
        self.marked = marked
        self.problems: list[Problem] = []
        self.body: dict[str, object] = {}

    def refuse(self, key: str, reason: str, *, item: int | None = None) -> None:
        path: tuple[str | int, ...] = (key,) if item is None else (key, item)
        line = self.marked.line_of(path) if key else 1
        self.problems.append(Problem(self.marked.file, line, key, reason))

    def has_keys(self) -> bool:
        value = self.marked.value
        if isinstance(value, dict) and all(isinstance(key, str) for key in value):
            self.body = value
            self._check_keys()
            return True
        if not self.marked.problems:
            self.refuse("", "must hold keys and values, see the folder's README")
        return False

    def _check_keys(self) -> None:
        for key in self.body:
            if key not in REQUIRED_KEYS and key not in OPTIONAL_KEYS:
                near = get_close_matches(key, (*REQUIRED_KEYS, *OPTIONAL_KEYS), n=1)
                self.refuse(key, f"unknown key; is {near[0]} meant?" if near else "unknown key")
        for key in REQUIRED_KEYS:
            if key not in self.body or (self.body[key] is None and key != "client_id"):
                self.refuse(key, "missing")

    def given(self, key: str) -> bool:
        return self.body.get(key) is not None

    def text(self, key: str) -> str:
        value = self.body.get(key)
        if isinstance(value, str) and value.strip() and value == value.strip() and value.isprintable():
            return value
        if self.given(key):
            self.refuse(key, "must be a text in one line, in quotes if it looks like a number")
        return ""

    def word(self, key: str, pattern: re.Pattern[str], what: str) -> str | None:
        value = self.text(key)
        if value and not pattern.fullmatch(value):
            self.refuse(key, f"must be {what}")
            return None
        return value or None

    def choice(self, key: str, allowed: tuple[str, ...]) -> str:
        """One of `allowed`; the first where the key is not given."""
        value = self.text(key)
        if value and value not in allowed:
            self.refuse(key, f"must be one of {', '.join(allowed)}")
        return value if value in allowed else allowed[0]

    def switch(self, key: str) -> bool:
        value = self.body.get(key)
        if value is not None and not isinstance(value, bool):
            self.refuse(key, "must be true or false")
        return value is True

    def dollars(self, key: str) -> float | None:
        value = self.body.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _MOST_DOLLARS:
            self.refuse(key, "must be a number of dollars above 0")
            return None
        return float(value)

    def words(self, key: str, pattern: re.Pattern[str], what: str) -> tuple[str, ...]:
        value = self.body.get(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            self.refuse(key, "must be a list")
            return ()
        for place, item in enumerate(value):
            if not isinstance(item, str) or not pattern.fullmatch(item):
                self.refuse(key, f"each entry must be {what}", item=place)
        return tuple(item for item in value if isinstance(item, str) and pattern.fullmatch(item))


def _read(entries: _Entries, tenant: str, folder: Path) -> Registration:
    if not is_tenant(tenant):
        entries.refuse("", "the file's name is the tenant's: lower-case letters, digits and hyphens only")
    insecure = entries.words("insecure_hosts_for_tests", _HOST, "a bare host name in lower case")
    fhir_base = _read_fhir_base(entries, insecure)
    registration = Registration(
        tenant=tenant,
        name=entries.text("name"),
        fhir_base=fhir_base,
        client_id=_read_client_id(entries),
        auth_method=entries.choice("auth_method", AUTH_METHODS),
        scopes=_read_scopes(entries),
        redirect_path=_read_redirect_path(entries, tenant),
        scope_dialect=entries.choice("scope_dialect", SCOPE_DIALECTS),
        client_secret_env=entries.word("client_secret_env", _VARIABLE, "a variable's name"),
        client_secret_file=_read_place(entries, "client_secret_file", folder),
        client_key_folder=_read_place(entries, "client_key_folder", folder, outside=True),
        client_key_file=_read_place(entries, "client_key_file", folder, outside=True),
        assertion=_read_assertion(entries),
        pinned=_read_pinned(entries, insecure if fhir_base.startswith("http:") else None),
        frame_ancestors=_read_frame_ancestors(entries, insecure),
        vendor_profile=entries.word("vendor_profile", _WORD, "a name such as generic") or "generic",
        authorize_method=entries.choice("authorize_method", AUTHORIZE_METHODS),
        standalone=entries.switch("standalone"),
        require_fhir_user=entries.switch("require_fhir_user"),
        jurisdiction=_read_jurisdiction(entries),
        insecure_hosts=insecure,
        audio_hosts=entries.words(
            "audio_hosts", _AUDIO_HOST, "a host's full name in lower case: files.example.org or *.example.org"
        ),
        monthly_cap=entries.dollars("monthly_cap"),
    )
    _check_authentication(entries, registration)
    return registration


def _read_client_id(entries: _Entries) -> str:
    """Empty in a file that waits for its client id: the key is there and holds nothing yet."""
    return "" if entries.body.get("client_id") in (None, "") else entries.text("client_id")


def _read_jurisdiction(entries: _Entries) -> str:
    """Whose law consent follows: the strictest where the key is left out, and a mistake where it holds nothing."""
    if "jurisdiction" in entries.body and not entries.given("jurisdiction"):
        entries.refuse(
            "jurisdiction",
            "names nothing: write a key of mappings/consent.yaml such as us-ca, or leave the line out for all-party",
        )
    return entries.word("jurisdiction", _WORD, "a key of mappings/consent.yaml such as us-ca") or "all-party"


def _read_fhir_base(entries: _Entries, insecure: tuple[str, ...]) -> str:
    value = entries.text("fhir_base").removesuffix("/")
    if not value:
        return ""
    reason = _find_fault(value, insecure) or _find_detour(value)
    if reason is None and ("?" in value or value.endswith("/")):
        reason = "must be a plain address without query"
    if reason is not None:
        entries.refuse("fhir_base", reason)
    return value


def _find_fault(url: str, insecure: tuple[str, ...] | None) -> str | None:
    """Why an address may not be used; `insecure` None allows no plain http at all, not even on loopback."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not an address"
    if not url.isascii() or " " in url or "\\" in url or not host or parts.scheme not in ("https", "http"):
        return "must be an address with https"
    if parts.username is not None or parts.password is not None or "#" in url:
        return "must hold no user name and no fragment"
    if parts.scheme == "http" and insecure is None:
        return "must use https, as the FHIR base does"
    if parts.scheme == "http" and host not in (*LOOPBACK_HOSTS, *(insecure or ())):
        return "must use https; plain http is for loopback and for hosts named under insecure_hosts_for_tests"
    return None


def _find_detour(url: str) -> str | None:
    path = urlsplit(url).path
    if {".", ".."} & set(path.split("/")) or "%" in path:
        return "must be written out, without dots as folders and without encoding"
    return None


def _read_scopes(entries: _Entries) -> tuple[str, ...]:
    scopes = entries.words("scopes", _SCOPE, "one scope")
    if not isinstance(entries.body.get("scopes"), list):
        return scopes
    for needed in NEEDED_SCOPES:
        if needed not in scopes:
            entries.refuse("scopes", f"must hold {needed}")
    for place, scope in enumerate(scopes):
        if scope in scopes[:place]:
            entries.refuse("scopes", "holds a scope twice", item=place)
        if scope.partition("/")[0] in ("patient", "user", "system") and not _RESOURCE_SCOPE.fullmatch(scope):
            reason = (
                "write scopes as patient/Type.cruds, letters in that order; scope_dialect: v1 sends .read and .write"
            )
            entries.refuse("scopes", reason, item=place)
        elif (fault := _find_slip(scope)) is not None:
            entries.refuse("scopes", fault, item=place)
    return scopes


def _find_slip(scope: str) -> str | None:
    """What is wrong with the words of a scope: no FHIR type, or nearly one of SMART's own. An EHR may have others."""
    level, _, rest = scope.partition("/")
    if level in ("patient", "user", "system"):
        named = rest.partition(".")[0]
        known = _fhir_types()
        if named == "*" or named in known:
            return None
        near = get_close_matches(named, known, n=1)
        return f"is for no resource type of FHIR; is {near[0]} meant?" if near else "is for no resource type of FHIR"
    near = get_close_matches(scope, SMART_SCOPES, n=1, cutoff=0.8)
    return f"is none of SMART's scopes; is {near[0]} meant?" if near and scope not in SMART_SCOPES else None


@cache
def _fhir_types() -> tuple[str, ...]:
    from fhir.resources.R4B import fhirtypes

    return tuple(name.removesuffix("Type") for name in dir(fhirtypes) if name.endswith("Type"))


def _read_redirect_path(entries: _Entries, tenant: str) -> str:
    own = f"{CALLBACK}/{tenant}"
    return entries.word("redirect_path", _REDIRECT_PATH, f"{CALLBACK} or one name below it, such as {own}") or own


def _read_place(entries: _Entries, key: str, folder: Path, *, outside: bool = False) -> Path | None:
    """A relative path is taken from the registrations' folder; keys may not lie in it, since its files are shown."""
    if not entries.given(key):
        return None
    value = entries.text(key)
    place = folder / value
    if outside and value and place.resolve().is_relative_to(folder.resolve()):
        entries.refuse(key, "must lie outside the folder of the registrations")
    return place


def _read_assertion(entries: _Entries) -> AssertionSettings:
    seconds = entries.body["assertion_seconds"] if entries.given("assertion_seconds") else AssertionSettings().seconds
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 30 <= seconds <= LONGEST_ASSERTION:
        entries.refuse("assertion_seconds", f"must be a whole number from 30 to {LONGEST_ASSERTION}")
        seconds = AssertionSettings().seconds
    return AssertionSettings(
        algorithm=entries.choice("assertion_algorithm", ASSERTION_ALGORITHMS),
        seconds=seconds,
        audience=entries.choice("assertion_audience", ASSERTION_AUDIENCES),
        type=entries.choice("assertion_type", ASSERTION_TYPES),
        jku=entries.switch("assertion_jku"),
    )


def _read_pinned(entries: _Entries, insecure: tuple[str, ...] | None) -> PinnedEndpoints:
    found: dict[str, str | None] = {}
    for key in ("expected_issuer", *ENDPOINT_KEYS):
        value = entries.text(key)
        reason = _find_fault(value, insecure) if value else None
        if reason is not None:
            entries.refuse(key, reason)
        elif key == "expected_issuer" and "?" in value:
            entries.refuse(key, "must be a plain address without query")
        found[key] = value or None
    return PinnedEndpoints(**found)


def _read_frame_ancestors(entries: _Entries, insecure: tuple[str, ...]) -> tuple[str, ...]:
    origins = entries.words("frame_ancestors", _ORIGIN, "an origin (https://host)")
    for place, origin in enumerate(origins):
        reason = _find_fault(origin, insecure)
        if reason is not None:
            entries.refuse("frame_ancestors", reason, item=place)
    return origins


def _check_authentication(entries: _Entries, registration: Registration) -> None:
    """Each method has its own means, and only those."""
    method = registration.auth_method
    if entries.given("auth_method") and entries.body["auth_method"] != method:
        return  # a method nobody knows; what belongs to it is not known either
    secrets = [key for key in ("client_secret_env", "client_secret_file") if entries.given(key)]
    if method in SECRET_METHODS and len(secrets) != 1:
        entries.refuse("auth_method", "needs either client_secret_env or client_secret_file")
    if method not in SECRET_METHODS and secrets:
        entries.refuse(secrets[0], f"a {method} client has no secret")
    for key in ASSERTION_KEYS:
        if method != "private_key_jwt" and entries.given(key):
            entries.refuse(key, "is for auth_method private_key_jwt")
    if entries.given("client_key_folder") and entries.given("client_key_file"):
        entries.refuse("client_key_file", "stands beside client_key_folder; keep one of the two")
    if registration.assertion.audience == "issuer" and registration.pinned.expected_issuer is None:
        entries.refuse("assertion_audience", "needs expected_issuer, which is then the audience")
