"""In: a form or JSON asking for a launch. Out: an open launch with the address that starts the app.
Never opens a launch for a patient, clinician or encounter the FHIR server does not hold."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import Request

from .clinicians import Clinician
from .encounters import open_encounter
from .interactions import ID
from .launches import Launch
from .mischief import MischiefRefused, parse_mischief
from .parts import EhrParts
from .refusals import Refusal

_EXTRAS = {"tenant": str, "intent": str, "fhirContext": list, "smart_style_url": (str, bool)}
_FIELDS = ("patient", "practitioner", "client_id", "encounter", "need_patient_banner", "mischief", *_EXTRAS)


NO_PATIENT = "none"


@dataclass(frozen=True)
class OpenedLaunch:
    """An open launch and where to send the browser."""

    launch: Launch
    iss: str
    launch_url: str

    def describe(self) -> dict[str, Any]:
        """The JSON answer of POST /launches."""
        return {
            "launch": self.launch.launch_id,
            "iss": self.iss,
            "launch_url": self.launch_url,
            "patient": self.launch.patient or None,
            "encounter": self.launch.encounter,
        }


async def read_launch_fields(request: Request) -> dict[str, Any]:
    """The fields of a JSON object or of a form; empty values count as not sent. Raises Refusal 400."""
    body = await request.body()
    try:
        if "json" in request.headers.get("Content-Type", ""):
            fields = json.loads(body)
        else:
            fields = dict(parse_qsl(body.decode("utf-8")))
    except ValueError as error:
        raise Refusal(400, "structure", "the body is neither JSON nor a form.") from error
    if not isinstance(fields, dict) or set(fields) - set(_FIELDS):
        raise Refusal(400, "invalid", f"a launch takes {', '.join(_FIELDS)}.")
    return {name: value for name, value in fields.items() if value not in (None, "")}


async def open_launch(parts: EhrParts, fields: dict[str, Any]) -> OpenedLaunch:
    """Check the fields against the FHIR server, open the encounter and the launch. Raises Refusal 400, 404, 502."""
    client_id = str(fields.get("client_id") or next(iter(parts.oauth.clients)))
    client = parts.oauth.clients.get(client_id)
    if client is None:
        raise Refusal(400, "invalid", "there is no such app.")
    extras, mischief = _read_extras(parts, fields), _read_mischief(fields)
    patient = await _find_patient(parts, fields.get("patient"))
    clinician = None
    if fields.get("practitioner"):
        number = _plain_id(fields["practitioner"], "Practitioner")
        clinician = await parts.clinicians.find_clinician(f"Practitioner/{number}")
        if clinician is None:
            raise Refusal(400, "invalid", "there is no such clinician.")
    encounter = None
    if patient:
        encounter = await choose_encounter(parts, patient, fields.get("encounter"), clinician=clinician)
    launch = parts.oauth.launches.open_launch(
        Launch(
            client_id=client_id,
            patient=patient,
            encounter=encounter,
            practitioner=clinician.reference if clinician else None,
            need_patient_banner=fields.get("need_patient_banner", True) not in (False, "false"),
            extras=extras,
        )
    )
    parts.mischief.note_launch(launch.launch_id, client_id)
    parts.mischief.add(mischief, launch_id=launch.launch_id)
    iss = parts.config.fhir_base
    address = client.registration.launch_url
    separator = "&" if "?" in address else "?"
    return OpenedLaunch(launch, iss, f"{address}{separator}{urlencode({'iss': iss, 'launch': launch.launch_id})}")


def _read_extras(parts: EhrParts, fields: dict[str, Any]) -> dict[str, Any]:
    extras = {name: fields[name] for name in _EXTRAS if name in fields}
    for name, value in extras.items():
        if not isinstance(value, _EXTRAS[name]):
            raise Refusal(400, "invalid", f"{name} has the wrong type.")
    if extras.get("smart_style_url") is True:
        extras["smart_style_url"] = f"{parts.config.base_url}/static/smart-style.json"
    return {name: value for name, value in extras.items() if value is not False}


def _read_mischief(fields: dict[str, Any]) -> Any:
    raw = fields.get("mischief", [])
    try:
        parse_mischief(raw)
    except MischiefRefused as error:
        raise Refusal(400, "invalid", f"{error}.") from error
    return raw


async def _find_patient(parts: EhrParts, wanted: Any) -> str:
    if wanted == NO_PATIENT:
        return ""
    patient = _plain_id(wanted, "Patient")
    if await parts.upstream.read(f"Patient/{patient}") is None:
        raise Refusal(404, "not-found", "there is no such patient.")
    return patient


async def choose_encounter(parts: EhrParts, patient: str, wanted: Any, *, clinician: Clinician | None) -> str | None:
    """None for "none", a new in-progress Encounter for None, else the stored one. Raises Refusal 400, 502."""
    if wanted == "none":
        return None
    if wanted is None:
        return await open_encounter(parts.upstream, patient, clinician=clinician, now=parts.clock())
    encounter = _plain_id(wanted, "Encounter")
    stored = await parts.upstream.read(f"Encounter/{encounter}")
    subject = ((stored or {}).get("subject") or {}).get("reference", "")
    if stored is None or not f"/{subject}".endswith(f"/Patient/{patient}"):
        raise Refusal(400, "invalid", "there is no such encounter of this patient.")
    return encounter


def _plain_id(value: Any, resource_type: str) -> str:
    text = value.removeprefix(f"{resource_type}/") if isinstance(value, str) else ""
    if not ID.match(text):
        raise Refusal(400, "invalid", f"{resource_type.lower()} must be an id.")
    return text
