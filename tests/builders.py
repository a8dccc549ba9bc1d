"""Things tests are made with: patients of one's own, recordings and what is wrong with them. In: names. Out: values.

Nothing here talks to a server.
"""

from __future__ import annotations

import json
import uuid
from functools import cache
from typing import Any

from connector_sandbox import hapi
from connector_sandbox.recordings import load_recording

# Resources that several patients share keep their ids: loading them again changes nothing.
_SHARED = frozenset({"Organization", "Location", "Practitioner", "Medication"})
_NEEDLESS = frozenset({"Immunization"})


@cache
def _bundle_text(name: str) -> str:
    return (hapi.PATIENTS / f"{name}.json").read_text(encoding="utf-8")


def copy_patient(name: str, *, family: str | None = None, allergy: str | None = None) -> tuple[str, dict[str, Any]]:
    """A bundled patient under new ids: the patient's id, and a transaction Bundle to load.

    `family` replaces the family name, `allergy` is written as text into one more allergy.
    """
    text = _bundle_text(name)
    for entry in json.loads(text)["entry"]:
        resource = entry["resource"]
        if resource["resourceType"] not in _SHARED:
            text = text.replace(resource["id"], str(uuid.uuid4()))
    bundle = json.loads(text)
    bundle["entry"] = [entry for entry in bundle["entry"] if entry["resource"]["resourceType"] not in _NEEDLESS]
    patient = next(entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == "Patient")
    if family is not None:
        patient["name"][0]["family"] = family
        patient["name"][0].pop("text", None)
    if allergy is not None:
        bundle["entry"].append(_allergy_entry(patient["id"], allergy))
    return patient["id"], bundle


def _allergy_entry(patient_id: str, substance: str) -> dict[str, Any]:
    identity = str(uuid.uuid4())
    system = "http://terminology.hl7.org/CodeSystem/allergyintolerance"
    resource = {
        "resourceType": "AllergyIntolerance",
        "id": identity,
        "clinicalStatus": {"coding": [{"system": f"{system}-clinical", "code": "active"}]},
        "verificationStatus": {"coding": [{"system": f"{system}-verification", "code": "confirmed"}]},
        "code": {"text": substance},
        "patient": {"reference": f"Patient/{patient_id}"},
    }
    return {
        "fullUrl": f"http://sandbox.invalid/AllergyIntolerance/{identity}",
        "resource": resource,
        "request": {"method": "PUT", "url": f"AllergyIntolerance/{identity}"},
    }


def recording_bytes(name: str) -> bytes:
    """The sound file of a bundled visit."""
    return load_recording(name).audio.read_bytes()


def split(data: bytes, pieces: int) -> list[bytes]:
    """`data` in so many parts of about the same size."""
    size = -(-len(data) // pieces)
    return [data[start : start + size] for start in range(0, len(data), size)]
