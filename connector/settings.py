"""Settings from the environment (prefix CONNECTOR_) and nothing else. In: environment. Out: one frozen Settings.

Secrets are read from files or variables, never from the command line, and never appear in `repr`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def is_loopback(host: str) -> bool:
    """Whether a host's name stands for this machine."""
    return host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost")


def _is_here(address: str) -> bool:
    try:
        return is_loopback(urlsplit(address).hostname or "")
    except ValueError:
        return False


def _split(address: str) -> tuple[SplitResult, str]:
    """An address and its host; raises ValueError where it is none."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise ValueError("is not an address") from error
    return parts, host


_INNER_HOST = re.compile(r"[a-z0-9][a-z0-9\-]*(?:(?:\.[a-z0-9\-]+)*\.(?:test|localhost|internal|home\.arpa))?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""A host without a dot that is an address of the Internet all the same, written as one number (inet_aton)."""


_PREFIX = "CONNECTOR_"
_OF_COMMANDS = frozenset({"CONNECTOR_UPLOAD_CODE", "CONNECTOR_SHARED"})
"""Variables that are no settings: a command's, and the tests'."""


def unknown_variables(environment: Mapping[str, str]) -> dict[str, str | None]:
    """Names in an environment that begin as a setting and are none, each with the setting it is most like, if any."""
    known = {field.upper() for field in Settings.model_fields}
    told: dict[str, str | None] = {}
    for name in sorted(set(environment) - _OF_COMMANDS):
        prefix, own = name.upper()[: len(_PREFIX)], name.upper()[len(_PREFIX) :]
        if prefix == _PREFIX and own not in known:
            near = get_close_matches(own, known, n=1, cutoff=0.75)
            told[name] = f"{_PREFIX}{near[0]}" if near else None
    return told


class Settings(BaseSettings):
    """Everything an operator can set. Times in seconds, sizes in bytes.

    Limits of tries hold for one client address; `trusted_proxies` are the addresses or networks whose X-Forwarded-For
    says which address that is. `state_folder` holds the embedded database, sealed audio and, unless told otherwise, the
    master key file and the key pairs EHRs know us by; give `database_url` (`postgresql://…`) to use a PostgreSQL of
    your own, `master_key_file` and `client_keys_folder` to keep the keys elsewhere. `ehr_ca_file` holds certificates
    (PEM) of a private authority that EHRs are trusted by, in place of the public ones. `sandbox_audio_ca_file` is for
    sandboxes only: every host of `audio_hosts` is then taken to be this machine, and trusted by these certificates.

    `speech_language` is `chart`, `detect` or a code of the vendor's. `webhooks` are asked for where the public address
    can be reached by the vendor (`auto`). `vendor_project_is_ours`: nobody else uses the vendor's project, so that jobs
    nobody knows may be deleted. `gateway_kind` says what the language model service understands besides the common
    shape. In `phi_mode` a vendor is called only where the agreement with it is recorded (`speech_baa`, `gateway_baa`
    and their dates) and every model is one of `covered_models`. A vendor is whoever is reached under another name than
    this machine's, unless it stands in `sandbox_hosts`, which takes no name that the public Internet could know.
    `monthly_cap` is in dollars, for each registration.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="ignore")

    state_folder: Path = Path("/var/lib/smart-scribe/service")
    database_url: str | None = Field(default=None, repr=False)
    master_key_file: Path | None = None
    registrations_folder: Path = Path("smart-launch/registrations")
    client_keys_folder: Path | None = None

    public_base_url: str = "http://127.0.0.1:8000"
    host: str = "127.0.0.1"
    port: int = 8000
    trusted_proxies: tuple[str, ...] = ()

    assemblyai_base_url: str = "https://api.assemblyai.com"
    assemblyai_api_key: SecretStr = SecretStr("")
    speech_models: tuple[str, ...] = ("universal-3-5-pro", "universal-2")
    speech_domain: str | None = "medical-v1"
    speech_roles: tuple[str, ...] = ("Clinician", "Patient")
    speech_channels: tuple[str, ...] = ()
    speech_prompt: str | None = None
    speech_prefers: Literal["keyterms", "prompt"] = "keyterms"
    speech_language: str = Field(default="chart", pattern=r"^(chart|detect|[a-z]{2,3}(_[a-z]{2})?)$")
    speech_speaker_count: Literal["range", "exact", "off"] = "range"
    speech_by_name: bool = False
    speech_entities: bool = False
    clinician_speaks_first: bool = False
    redaction_policies: tuple[str, ...] = ()
    redaction_substitution: Literal["hash", "entity_name"] = "entity_name"
    redaction_audio: bool = False
    webhooks: Literal["auto", "on", "off"] = "auto"
    vendor_project_is_ours: bool = False
    gateway_base_url: str = "https://llm-gateway.assemblyai.com/v1"
    gateway_api_key: SecretStr = SecretStr("")
    gateway_model: str = "claude-sonnet-4-6"
    gateway_kind: Literal["assemblyai", "openai"] = "assemblyai"
    gateway_fallbacks: tuple[str, ...] = ()
    gateway_fallback_depth: int = Field(default=2, ge=0, le=2)
    phi_mode: bool = False
    speech_baa: str | None = None
    speech_baa_date: date | None = None
    gateway_baa: str | None = None
    gateway_baa_date: date | None = None
    covered_models: tuple[str, ...] = ()
    sandbox_hosts: tuple[str, ...] = ()
    monthly_cap: float | None = Field(default=None, gt=0, le=1_000_000_000)
    gateway_max_tokens: int = 6000
    gateway_chart_tokens: int = Field(default=6000, ge=1000)
    gateway_history_tokens: int = Field(default=1000, ge=100)

    transcription_deadline: float = 3600.0
    transcription_poll_interval: float = 3.0
    gateway_timeout: float = 120.0
    ehr_timeout: float = 20.0
    ehr_ca_file: Path | None = None

    sandbox_audio_ca_file: Path | None = None

    max_chunk_bytes: int = 8 * 1024 * 1024
    audio_disk_reserve: int = Field(default=256 * 1024 * 1024, ge=0)
    audio_kept: Literal["until-filed", "until-transcribed"] = "until-filed"

    session_absolute: float = 12 * 3600.0
    session_idle: float = 15 * 60.0
    launches_per_minute: int = Field(default=30, ge=1)
    failed_callbacks_per_minute: int = Field(default=10, ge=1)
    failed_tickets_per_minute: int = Field(default=10, ge=1)
    executor_lease: float = Field(default=3.0, ge=1.0)
    work_poll_interval: float = Field(default=0.2, ge=0.05)

    @field_validator("public_base_url")
    @classmethod
    def _check_public_address(cls, value: str) -> str:
        """Launches, codes and `__Host-` cookies go to this address: TLS, but for this machine itself."""
        parts, host = _split(value)
        own = is_loopback(host)
        if not host or parts.query or parts.fragment or parts.username is not None or parts.path.strip("/"):
            raise ValueError("has to be an origin, such as https://scribe.example.org")
        if parts.scheme != "https" and not (parts.scheme == "http" and own):
            raise ValueError("has to begin with https://, since browsers bring our cookies back over TLS only")
        return value

    @field_validator("assemblyai_base_url", "gateway_base_url")
    @classmethod
    def _check_vendor_address(cls, value: str) -> str:
        """Paths are put behind it, and a key goes with every call: a whole address, and nothing that hides its host."""
        parts, host = _split(value)
        if parts.scheme not in ("https", "http") or not host:
            raise ValueError("has to be an address with its scheme, such as https://api.assemblyai.com")
        if parts.query or parts.fragment or parts.username is not None:
            raise ValueError("holds neither a name and password nor anything behind ? or #")
        return value

    @field_validator("sandbox_hosts")
    @classmethod
    def _check_sandbox_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """A vendor of the Internet cannot be called a sandbox: one label, or a top level nobody can register (RFC 2606,
        6761, 8375 and ICANN's `internal`)."""
        for host in value:
            named = _INNER_HOST.fullmatch(host) and not _NUMBER.fullmatch(host)
            if not named and not is_loopback(host):
                raise ValueError(
                    "takes names of your own network only: without a dot, or ending in .test, .localhost, .internal or "
                    ".home.arpa"
                )
        return value

    @field_validator("sandbox_audio_ca_file")
    @classmethod
    def _check_sandbox(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        """Recordings are fetched from this machine only where the whole deployment is a sandbox on it."""
        told = (str(info.data.get(name, "")) for name in ("public_base_url", "assemblyai_base_url", "gateway_base_url"))
        if value is not None and not all(_is_here(one) for one in told):
            raise ValueError("is for sandboxes only: the public address and both vendors have to be on this machine")
        return value

    def is_real_vendor(self, address: str) -> bool:
        """Whether an address leads to somebody else: its host is neither this machine nor declared a sandbox."""
        try:
            host = (urlsplit(address).hostname or "").rstrip(".")
        except ValueError:
            return True
        return not is_loopback(host) and host not in self.sandbox_hosts

    @property
    def audio_folder(self) -> Path:
        """Where sealed chunks lie."""
        return self.state_folder / "audio"

    @property
    def key_file(self) -> Path:
        """The master key's file: outside the database's folder, readable by its owner only."""
        return self.master_key_file or self.state_folder / "keys" / "master.key"

    @property
    def client_keys(self) -> Path:
        """Where the key pairs EHRs know us by lie, one folder per tenant; several machines have to share it."""
        return self.client_keys_folder or self.state_folder / "keys" / "ehr"
