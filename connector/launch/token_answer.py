"""The EHR's token answer. In: its JSON. Out: frozen GrantedTokens with the launch context in them.

Tokens are opaque: never decoded, never logged, never part of an exception's text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from connector.errors import AccessWithdrawn, LaunchRefused, RelaunchNeeded
from connector.launch.fhir_context import find_encounter
from connector.launch.pending import PendingLaunch

_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
_SCOPE = re.compile(r"[\x20-\x7e]{0,16384}")
_ID = re.compile(r"(?!\.+$)[A-Za-z0-9._\-]{1,128}")
_LONGEST_LIFE_S = 10 * 365 * 86400
NOBODY = ""
NO_PATIENT = "The EHR did not say which patient this launch is for. Open a patient's chart and launch the scribe there."


@dataclass(frozen=True, slots=True)
class GrantedTokens:
    """What one launch was granted. `patient` and `encounter` are relative references (`Patient/12`).

    `patient` is NOBODY as long as it has to be picked; no visit begins before.

    `expires_at` None means unknown, not forever. `need_patient_banner` is True unless the EHR says it shows one itself.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_at: datetime | None
    scope: str
    patient: str
    encounter: str | None
    need_patient_banner: bool
    id_token: str | None = field(repr=False)


def read_token_answer(body: Mapping[str, object], *, pending: PendingLaunch, now: datetime) -> GrantedTokens:
    """Read the answer to the code exchange (SMART App Launch 2.2, "Obtain access token").

    Raises LaunchRefused when there is no usable bearer token or no patient; a launch from outside the EHR may come
    without one and then has NOBODY for a patient, who has to be picked. `intent` has one screen to lead to, whatever it
    says; `tenant`, `smart_style_url` and what else may come is ignored.
    """
    patient = _read_id(body.get("patient"))
    access_token = _read_token(body.get("access_token"))
    if access_token is None or not _is_bearer(body.get("token_type")):
        raise LaunchRefused("The EHR gave no bearer token. Ask the EHR's integrator to check the launch.")
    if patient is None and not pending.standalone:
        raise LaunchRefused(NO_PATIENT)
    encounter = _read_encounter(body, pending.fhir_base)
    return GrantedTokens(
        access_token=access_token,
        refresh_token=_read_token(body.get("refresh_token")),
        expires_at=_read_expiry(body.get("expires_in"), now),
        scope=_read_scope(body.get("scope"), otherwise=pending.scope),
        patient=NOBODY if patient is None else f"Patient/{patient}",
        encounter=None if encounter is None or patient is None else f"Encounter/{encounter}",
        need_patient_banner=body.get("need_patient_banner") is not False,
        id_token=_read_token(body.get("id_token")),
    )


def read_refresh_answer(body: Mapping[str, object], *, granted: GrantedTokens, now: datetime) -> GrantedTokens:
    """Read the answer to a refresh: a new refresh token replaces the old one, none keeps it (RFC 6749, section 6).

    Launch context stays what the launch granted; SMART leaves it open whether it is said again. Raises RelaunchNeeded
    when there is no usable bearer token, AccessWithdrawn when the answer names another patient, or expressly none.
    """
    access_token = _read_token(body.get("access_token"))
    if access_token is None or not _is_bearer(body.get("token_type")):
        raise RelaunchNeeded("The EHR renewed no access. Open the scribe from the chart again.")
    if "patient" in body and f"Patient/{_read_id(body['patient'])}" != granted.patient:
        raise AccessWithdrawn("The EHR renewed access for another patient. Open the scribe from the chart again.")
    return replace(
        granted,
        access_token=access_token,
        refresh_token=_read_token(body.get("refresh_token")) or granted.refresh_token,
        expires_at=_read_expiry(body.get("expires_in"), now),
        scope=_read_scope(body.get("scope"), otherwise=granted.scope),
    )


def _read_token(value: object) -> str | None:
    return value if isinstance(value, str) and _TOKEN.fullmatch(value) else None


def _read_id(value: object) -> str | None:
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def _read_encounter(body: Mapping[str, object], fhir_base: str) -> str | None:
    if body.get("encounter") is not None:
        return _read_id(body["encounter"])
    return _read_id(find_encounter(body.get("fhirContext"), fhir_base=fhir_base))


def _read_scope(value: object, *, otherwise: str) -> str:
    return value if isinstance(value, str) and _SCOPE.fullmatch(value) else otherwise


def _is_bearer(value: object) -> bool:
    return isinstance(value, str) and value.lower() == "bearer"


def _read_expiry(value: object, now: datetime) -> datetime | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LONGEST_LIFE_S:
        return None
    return now + timedelta(seconds=value)
