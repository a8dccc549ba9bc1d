"""The EHRs this deployment serves. In: a folder of YAML files, one per EHR. Out: Registrations, or Misconfigured.

A file whose client id is still empty is checked like the others and then left out: nobody can launch with it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Mapping
from pathlib import Path

from connector.assets.marked_yaml import Problem
from connector.assets.registration import Registration, Registrations
from connector.assets.registration_file import RegistrationFile, read_registration
from connector.errors import Misconfigured

__all__ = [
    "Registration",
    "Registrations",
    "check_registrations",
    "load_registrations",
    "read_client_secret",
    "refuse_open_secret",
]


def load_registrations(
    folder: Path, *, profiles: Collection[str] | None = None, jurisdictions: Collection[str] | None = None
) -> Registrations:
    """Read every *.yaml of `folder` (syntax: smart-launch/registrations/README.md).

    Raises Misconfigured naming file, line and key of every mistake: an unreadable file, an unknown, missing or wrong
    key, an address that two files share, a vendor profile that is not among `profiles`, a jurisdiction that is not
    among `jurisdictions`. An empty folder is no error here: then no EHR can launch.
    """
    registrations, problems = check_registrations(folder, profiles=profiles, jurisdictions=jurisdictions)
    if problems:
        raise Misconfigured("\n".join(map(str, problems)))
    return registrations


def check_registrations(
    folder: Path, *, profiles: Collection[str] | None = None, jurisdictions: Collection[str] | None = None
) -> tuple[Registrations, tuple[Problem, ...]]:
    """The same, with the problems beside what could be read; raises Misconfigured only for a folder that is missing."""
    if not folder.is_dir():
        raise Misconfigured(f"The registrations folder {folder} does not exist. Create it or set another.")
    files = [read_registration(path) for path in sorted(folder.glob("*.yaml"))]
    problems = [problem for file in files for problem in file.problems]
    readable = [file for file in files if file.registration is not None]
    for key, known, where in (
        ("vendor_profile", profiles, "there is no mappings/ehr/{}.yaml"),
        ("jurisdiction", jurisdictions, "there is no jurisdiction {} in mappings/consent.yaml"),
    ):
        problems += [one for file in files for one in _find_unknown(file, key, known, reason=where)]
    awake = [file for file in readable if file.registration is not None and file.registration.client_id]
    problems += _find_shared(awake, "fhir_base") + _find_shared(awake, "redirect_path")
    found = [file.registration for file in readable if file.registration is not None]
    registrations = Registrations(
        entries=tuple(one for one in found if one.client_id), waiting=tuple(one for one in found if not one.client_id)
    )
    return registrations, tuple(problems)


def read_client_secret(registration: Registration, environment: Mapping[str, str]) -> str | None:
    """The secret from where the registration points to; None for a client without one.

    Raises Misconfigured when the variable or file is missing or empty; the secret itself is in no message.
    """
    file = f"{registration.tenant}.yaml"
    if registration.client_secret_env is not None:
        secret = environment.get(registration.client_secret_env, "")
        if not secret:
            raise Misconfigured(f"{file}: client_secret_env names {registration.client_secret_env}, which is not set.")
        return secret
    if registration.client_secret_file is not None:
        refuse_open_secret(registration)
        try:
            secret = registration.client_secret_file.read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            secret = ""
        if not secret:
            raise Misconfigured(f"{file}: client_secret_file names a file that is not there, not readable or empty.")
        return secret
    return None


def refuse_open_secret(registration: Registration) -> None:
    """Raises Misconfigured where everybody can get at the file that holds the secret; one that is missing passes."""
    path = registration.client_secret_file
    if path is None or os.name != "posix":
        return
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return
    if mode & 0o007:
        raise Misconfigured(
            f"{registration.tenant}.yaml: everybody can get at client_secret_file: set its mode to 0640 or less."
        )


def _find_unknown(
    file: RegistrationFile, key: str, known: Collection[str] | None, *, reason: str
) -> tuple[Problem, ...]:
    """A name that is well formed and stands for nothing there is; `known` None knows everything."""
    body = file.marked.value
    named = body.get(key) if isinstance(body, dict) else None
    told = any(one.key == key for one in file.problems)
    if known is None or not isinstance(named, str) or told or named in known:
        return ()
    return (Problem(file.marked.file, file.marked.line_of((key,)), key, reason.format(named)),)


def _find_shared(files: list[RegistrationFile], key: str) -> list[Problem]:
    """Two EHRs at one address, or with one redirect URI (RFC 9700, section 4.4.2), could be taken for each other."""
    first: dict[str, str] = {}
    problems = []
    for file in files:
        value = str(getattr(file.registration, key))
        other = first.setdefault(value, file.marked.file)
        if other != file.marked.file:
            reason = f"is already registered by {other}; keep one of the two"
            problems.append(Problem(file.marked.file, file.marked.line_of((key,)), key, reason))
    return problems
