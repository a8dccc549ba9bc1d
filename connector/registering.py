"""What `connector ehr` does. In: settings, an operator's answers. Out: registration files, key pairs, findings.

Never writes a secret, never overwrites a file, and calls an EHR only to read what it publishes to everybody.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from connector.app import client_key_folder, load_rules, now, read_client_keys
from connector.assets.catalogue import list_mappings, load_mapping
from connector.assets.registration import Registration, Registrations
from connector.assets.registration_file import is_tenant, read_registration
from connector.assets.registrations import load_registrations, read_client_secret
from connector.clients.http import make_client
from connector.clients.smart import SmartServer
from connector.consent.mapping import ConsentRules
from connector.errors import ConnectorError, Misconfigured
from connector.launch.suitability import Finding, Plans, Weight, judge_launch, judge_server
from connector.settings import Settings
from connector.store.client_keys import choose_key, make_key, retire_keys
from connector.visit.directory import EhrDirectory

_LEAST = (
    "launch",
    "openid",
    "fhirUser",
    "online_access",
    "patient/Patient.r",
    "patient/Encounter.rs",
    "patient/MedicationRequest.rs",
    "patient/Medication.r",
    "patient/AllergyIntolerance.rs",
    "patient/Condition.rs",
    "patient/Observation.rs?category=vital-signs",
    "patient/Observation.rs?category=laboratory",
    "patient/DocumentReference.crs",
    "user/Practitioner.r",
)


@dataclass(frozen=True, slots=True)
class Addresses:
    """What has to be told to the EHR; `key_set` is None for a client without key pairs."""

    launch: str
    redirect: str
    key_set: str | None


def list_ehrs(settings: Settings) -> list[tuple[Registration, Addresses]]:
    """Every registration, the waiting ones last, with the addresses its EHR has to know."""
    registrations = load_registrations(settings.registrations_folder)
    return [(one, addresses_of(settings, one)) for one in (*registrations.entries, *registrations.waiting)]


def addresses_of(settings: Settings, registration: Registration) -> Addresses:
    """The addresses one EHR has to know."""
    base = settings.public_base_url.rstrip("/")
    has_keys = registration.auth_method == "private_key_jwt"
    key_set = f"{base}/ehr/{registration.tenant}/jwks.json" if has_keys else None
    return Addresses(f"{base}/launch", base + registration.redirect_path, key_set)


# Adding ---------------------------------------------------------------------------------------------------------


def add_ehr(settings: Settings, tenant: str, answers: Mapping[str, object]) -> tuple[Path, Registration]:
    """Write `<tenant>.yaml` from keys and values of a registration; scopes are filled in where none are given.

    Raises Misconfigured, and writes nothing, where the file would not load or exists already. A client with key pairs
    gets its first one.
    """
    if not is_tenant(tenant):
        raise Misconfigured(f"'{tenant}' cannot be a tenant's name: lower-case letters, digits and hyphens only.")
    folder = settings.registrations_folder
    given = {key: value for key, value in answers.items() if value not in (None, (), [], "", False)}
    body = {"name": tenant, **given, "client_id": given.get("client_id", ""), "scopes": _scopes_for(given)}
    text = _write_yaml(body)
    registration = _try_out(settings, tenant, text)
    path = folder / f"{tenant}.yaml"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except OSError as error:
        raise Misconfigured(f"{path.name} cannot be written: it exists already, or the folder is closed.") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
    if registration.auth_method == "private_key_jwt" and registration.client_key_file is None:
        rotate_key(settings, tenant)
    return path, registration


def _scopes_for(answers: Mapping[str, object]) -> list[str]:
    given = answers.get("scopes")
    if isinstance(given, list | tuple):
        return [str(scope) for scope in given]
    profile = load_rules().profiles.get(str(answers.get("vendor_profile", "generic")))
    more = [("patient/Composition.crs", "composition"), ("patient/Provenance.cu", "provenance")]
    return [*_LEAST, *(scope for scope, name in more if profile is not None and getattr(profile, name))]


def _write_yaml(body: Mapping[str, object]) -> str:
    """Keys in the order of the README; a JSON text is a YAML one too."""
    lines = ["# Written by `connector ehr add`; every key is explained in README.md."]
    for key, value in body.items():
        if isinstance(value, list | tuple):
            lines += [f"{key}:", *(f"  - {json.dumps(str(item), ensure_ascii=False)}" for item in value)]
        elif value == "":
            lines.append(f"{key}:")
        else:
            lines.append(f"{key}: {json.dumps(value, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


def _try_out(settings: Settings, tenant: str, text: str) -> Registration:
    """The registration as it would be read beside the others."""
    others = load_registrations(settings.registrations_folder)
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / f"{tenant}.yaml"
        path.write_text(text, encoding="utf-8")
        read = read_registration(path, folder=settings.registrations_folder)
    problems = [str(problem) for problem in read.problems]
    if read.registration is not None and read.registration.vendor_profile not in list_mappings("ehr"):
        problems.append(f"there is no mappings/ehr/{read.registration.vendor_profile}.yaml")
    rules = ConsentRules.from_dict(load_mapping("consent.yaml"))
    if read.registration is not None and read.registration.jurisdiction not in rules.jurisdictions:
        problems.append(f"there is no jurisdiction {read.registration.jurisdiction} in mappings/consent.yaml")
    base = read.registration.fhir_base if read.registration is not None else None
    problems += [f"{one.tenant}.yaml already registers {base}" for one in others.entries if one.fhir_base == base]
    if problems or read.registration is None:
        raise Misconfigured("\n".join(problems))
    return read.registration


# Keys -----------------------------------------------------------------------------------------------------------


def rotate_key(settings: Settings, tenant: str, *, retire: bool = False, at_once: bool = False) -> list[str]:
    """Make a new key pair for one EHR, or retire all but the one in use; returns what was done, in sentences."""
    registration = _find(load_registrations(settings.registrations_folder), tenant)
    if registration.auth_method != "private_key_jwt" or registration.client_key_file is not None:
        raise Misconfigured(f"{tenant}.yaml: has no key pairs of ours; they are for auth_method private_key_jwt.")
    folder, algorithm = client_key_folder(settings, registration), registration.assertion.algorithm
    if retire:
        gone = retire_keys(folder, algorithm=algorithm, now=now())
        return [f"Retired {kid}." for kid in gone] or ["Nothing to retire: there is one key, or the newer one waits."]
    made = make_key(folder, algorithm=algorithm, now=now(), at_once=at_once)
    lines = [f"Made {made.kid} ({algorithm}), published at {addresses_of(settings, registration).key_set}."]
    if made.active_at > now():
        lines.append(f"It signs from {made.active_at:%Y-%m-%d %H:%M} UTC on. Until then the older one does.")
        lines.append("When launches have gone well with it, take the older one away with --retire.")
    return lines


def _find(registrations: Registrations, tenant: str) -> Registration:
    for one in (*registrations.entries, *registrations.waiting):
        if one.tenant == tenant:
            return one
    raise Misconfigured(f"There is no registration {tenant}.yaml. `connector ehr list` shows those there are.")


# Checking an EHR ------------------------------------------------------------------------------------------------


async def check_ehr(settings: Settings, tenant: str, environment: Mapping[str, str]) -> list[Finding]:
    """Ask one EHR what it publishes, and judge it in plain words."""
    registration = _find(load_registrations(settings.registrations_folder), tenant)
    findings = _look_at_means(settings, registration, environment)
    client = make_client(timeout=settings.ehr_timeout, ca_file=settings.ehr_ca_file)
    try:
        smart = SmartServer(client, deadline=settings.ehr_timeout)
        findings += await _look_at_launch(smart, settings, registration)
        findings += await _look_at_server(smart, registration)
    finally:
        await client.aclose()
    return findings


def _look_at_means(settings: Settings, registration: Registration, environment: Mapping[str, str]) -> list[Finding]:
    """What is needed on our own side."""
    found = []
    if not registration.client_id:
        text = "The file waits for a client id: nobody can launch yet."
        found.append(Finding(Weight.BAD, "client id", text))
    if not registration.frame_ancestors:
        text = "No frame_ancestors: the scribe opens in a window of its own, not in a panel of the EHR."
        found.append(Finding(Weight.POOR, "panel", text))
    try:
        read_client_secret(registration, environment)
        keys = read_client_keys(settings, registration) if registration.auth_method == "private_key_jwt" else ()
    except Misconfigured as error:
        return [*found, Finding(Weight.BAD, "secret", error.detail)]
    key = choose_key(keys, algorithm=registration.assertion.algorithm, now=now())
    if registration.auth_method == "private_key_jwt" and key is None:
        text = f"There is no key pair: make one with `connector ehr rotate-key {registration.tenant}`."
        found.append(Finding(Weight.BAD, "key pair", text))
    return found


async def _look_at_launch(smart: SmartServer, settings: Settings, registration: Registration) -> list[Finding]:
    directory = EhrDirectory(smart, Registrations((registration,)), settings.public_base_url)
    try:
        endpoints = await directory.endpoints_of(registration.tenant)
        body = await smart.fetch_configuration(registration.fhir_base)
    except ConnectorError as error:
        return [Finding(Weight.BAD, "configuration", error.detail)]
    ehr = directory.ehr_of(registration.tenant)
    return list(judge_launch(body, endpoints, ehr, plans=_plans_for(registration)))


async def _look_at_server(smart: SmartServer, registration: Registration) -> list[Finding]:
    try:
        statement = await smart.fetch_capabilities(registration.fhir_base)
    except ConnectorError as error:
        return [Finding(Weight.POOR, "CapabilityStatement", error.detail)]
    return list(judge_server(statement, plans=_plans_for(registration)))


def _plans_for(registration: Registration) -> Plans:
    profile = load_rules().profiles.get(registration.vendor_profile)
    return Plans(
        auth_method=registration.auth_method,
        algorithm=registration.assertion.algorithm,
        dialect=registration.scope_dialect,
        standalone=registration.standalone,
        composition=profile is not None and profile.composition,
        provenance=profile is not None and profile.provenance,
        conditional_create=profile is not None and profile.conditional_create,
    )
