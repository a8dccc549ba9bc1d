"""A chart of a few resources and one of thousands, put into a FHIR server. In: its base. Out: nothing.

Shaped like Synthea's long lives: what is active stays small, what was observed does not. No word of it is anybody's.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

Resource = dict[str, Any]
SMALL, LARGE = "bench-small", "bench-large"
# Active and over drugs, allergies, active and over problems, observations, procedures, immunizations, orders, notes.
_SIZES = {SMALL: (6, 2, 3, 6, 3, 20, 3, 3, 1, 1), LARGE: (20, 480, 10, 25, 275, 5380, 700, 300, 100, 208)}
_AT_ONCE = 400
_YEARS = 12


def load(base: str, *, now: datetime) -> dict[str, int]:
    """Writes both charts; how many resources each has."""
    counts = {}
    with httpx.Client(trust_env=False, timeout=300.0) as client:
        for patient in (SMALL, LARGE):
            resources = _make_chart(patient, now)
            for start in range(0, len(resources), _AT_ONCE):
                entries = [_put(one) for one in resources[start : start + _AT_ONCE]]
                bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
                headers = {"Content-Type": "application/fhir+json"}
                client.post(base, json=bundle, headers=headers).raise_for_status()
            counts[patient] = len(resources)
    return counts


def _put(resource: Resource) -> Resource:
    url = f"{resource['resourceType']}/{resource['id']}"
    return {"resource": resource, "request": {"method": "PUT", "url": url}}


def _make_chart(patient: str, now: datetime) -> list[Resource]:
    active, over, allergies, problems, resolved, observed, done, given, ordered, noted = _SIZES[patient]
    name = [{"family": patient.title(), "given": ["Bench"]}]
    made: list[Resource] = [{"resourceType": "Patient", "id": patient, "name": name, "birthDate": "1950-01-01"}]
    made.append(
        {
            "resourceType": "Encounter",
            "id": f"{patient}-visit",
            "status": "in-progress",
            "class": {"code": "AMB"},
            "subject": {"reference": f"Patient/{patient}"},
            "period": {"start": now.isoformat()},
        }
    )

    def add(kind: str, number: int, days_ago: float, **more: Any) -> None:
        about = "patient" if kind in ("AllergyIntolerance", "Immunization") else "subject"
        text = {key: value(_stamp(now, days_ago)) if callable(value) else value for key, value in more.items()}
        made.append(
            {"resourceType": kind, "id": f"{patient}-{kind.lower()}-{number}", about: made[1]["subject"], **text}
        )

    for number in range(active + over):
        status = "active" if number < active else "stopped"
        add("MedicationRequest", number, number * 3, status=status, intent="order", authoredOn=str,
            medicationCodeableConcept={"text": f"drug {number} 10 MG Oral Tablet"})  # fmt: skip
    for number in range(allergies):
        add("AllergyIntolerance", number, 900, code={"text": f"substance {number}"}, clinicalStatus=_status("active"))
    for number in range(problems + resolved):
        add("Condition", number, number * 10, code={"text": f"problem {number}"}, recordedDate=str,
            clinicalStatus=_status("active" if number < problems else "resolved"))  # fmt: skip
    for number in range(observed):
        add("Observation", number, number * 365 * _YEARS / observed, status="final", effectiveDateTime=str,
            category=[{"coding": [{"system": _CATEGORY, "code": ("vital-signs", "laboratory")[number % 2]}]}],
            code={"coding": [{"system": "http://loinc.org", "code": f"{number % 40}-0", "display": "test"}]},
            valueQuantity={"value": number % 90 + 10, "unit": "mg/dL"})  # fmt: skip
    for number in range(done):
        add("Procedure", number, number * 5, status="completed", code={"text": f"procedure {number}"},
            performedDateTime=str)  # fmt: skip
    for number in range(given):
        add("Immunization", number, number * 10, status="completed", vaccineCode={"text": f"vaccine {number}"},
            occurrenceDateTime=str)  # fmt: skip
    for number in range(ordered):
        add("ServiceRequest", number, number, status="active", intent="order", code={"text": f"order {number}"},
            authoredOn=str)  # fmt: skip
    for number in range(noted):
        add("DocumentReference", number, number * 20, status="current", docStatus="final", date=str,
            category=[{"coding": [{"system": _NOTE_CATEGORY, "code": "clinical-note"}]}],
            content=[{"attachment": {"contentType": "text/plain", "data": "UHJvZ3Jlc3M="}}])  # fmt: skip
    return made


_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_NOTE_CATEGORY = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"


def _status(code: str) -> Resource:
    return {"coding": [{"system": _CLINICAL, "code": code}]}


def _stamp(now: datetime, days_ago: float) -> str:
    return (now - timedelta(days=days_ago)).astimezone(UTC).isoformat(timespec="seconds")
