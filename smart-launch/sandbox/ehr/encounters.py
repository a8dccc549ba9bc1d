"""In: a patient and perhaps a clinician. Out: an in-progress Encounter of today in the FHIR server.
Never changes an encounter it did not open, except to name the clinician who was picked at authorization."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from .clinicians import TAG, Clinician
from .refusals import Refusal
from .upstream import FhirUpstream

SYSTEM = "urn:sandbox-ehr:encounter"
_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"


async def open_encounter(upstream: FhirUpstream, patient: str, *, clinician: Clinician | None, now: float) -> str:
    """Create the Encounter (class AMB, in-progress, period.start `now`) and return its id. Raises Refusal 502."""
    number = str(uuid4())
    body: dict[str, Any] = {
        "resourceType": "Encounter",
        "meta": {"tag": [TAG]},
        "identifier": [{"system": SYSTEM, "value": number}],
        "status": "in-progress",
        "class": {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
            "code": "AMB",
            "display": "ambulatory",
        },
        "type": [{"text": "Office visit"}],
        "subject": {"reference": f"Patient/{patient}"},
        "period": {"start": datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")},
    }
    if clinician:
        body["participant"] = [_participant(clinician)]
    reply = await upstream.send("POST", "Encounter", body=body)
    location = reply.headers.get("location", "")
    stored = reply.resource if isinstance(reply.resource, dict) else {}
    found = stored.get("id") if stored.get("resourceType") == "Encounter" else None
    found = found or location.partition("Encounter/")[2].split("/")[0]
    if reply.status != 201 or not found:
        raise Refusal(502, "transient", f"the FHIR server takes no Encounter (status {reply.status}).")
    return str(found)


async def name_clinician(upstream: FhirUpstream, encounter: str, *, clinician: Clinician) -> None:
    """Add the picked clinician to an encounter this sandbox opened without one. Raises Refusal 502."""
    stored = await upstream.read(f"Encounter/{encounter}")
    systems = [item.get("system") for item in (stored or {}).get("identifier") or []]
    if stored is None or SYSTEM not in systems or stored.get("participant"):
        return
    reply = await upstream.send(
        "PUT", f"Encounter/{encounter}", body={**stored, "participant": [_participant(clinician)]}
    )
    if reply.status not in (200, 201):
        raise Refusal(502, "transient", f"the FHIR server does not update the Encounter (status {reply.status}).")


def _participant(clinician: Clinician) -> dict[str, Any]:
    coding = {"system": _PARTICIPATION, "code": "PPRF", "display": "primary performer"}
    return {
        "type": [{"coding": [coding]}],
        "individual": {"reference": clinician.reference, "display": clinician.name},
    }
