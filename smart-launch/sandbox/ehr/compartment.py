"""In: resources and references. Out: whether they belong to the patient of a launch (FHIR R4 Patient compartment), or,
for a token without a patient, to any patient.
Never trusts what a client says about a stored resource: references are looked up in the FHIR server."""

import re
from typing import Any

from .refusals import Refusal
from .upstream import FhirUpstream

SHARED_TYPES = frozenset(
    {"Practitioner", "PractitionerRole", "Organization", "Location", "Medication", "HealthcareService"}
)
PATIENT_TYPES = frozenset(
    (
        "AllergyIntolerance",
        "Appointment",
        "CarePlan",
        "CareTeam",
        "Communication",
        "Composition",
        "Condition",
        "Consent",
        "Coverage",
        "DetectedIssue",
        "DiagnosticReport",
        "DocumentReference",
        "Encounter",
        "EpisodeOfCare",
        "FamilyMemberHistory",
        "Flag",
        "Goal",
        "ImagingStudy",
        "Immunization",
        "List",
        "MedicationAdministration",
        "MedicationDispense",
        "MedicationRequest",
        "MedicationStatement",
        "NutritionOrder",
        "Observation",
        "Patient",
        "Procedure",
        "Provenance",
        "QuestionnaireResponse",
        "RelatedPerson",
        "RiskAssessment",
        "ServiceRequest",
        "Specimen",
    )
)
MAX_TARGETS = 20
_SUBJECT_FIELDS = ("subject", "patient", "beneficiary")
_REFERENCE = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?$")


class PatientCompartment:
    """The compartment of one patient for one request; `bases` are the FHIR bases that count as our own."""

    def __init__(self, patient: str, upstream: FhirUpstream, *, bases: tuple[str, ...]) -> None:
        self.patient = patient
        self._upstream = upstream
        self._bases = bases
        self._seen: dict[str, bool] = {}

    async def owns(self, resource: dict[str, Any]) -> bool:
        """True when the resource is of a shared type, or is about the patient."""
        resource_type = resource.get("resourceType")
        if resource_type in SHARED_TYPES:
            return True
        if resource_type == "Patient":
            return self.is_own(f"Patient/{resource.get('id')}")
        if resource_type == "Provenance":
            return await self.owns_all(_references(resource.get("target")))
        return self.names_patient(resource)

    def names_patient(self, resource: dict[str, Any]) -> bool:
        """True when subject, patient or beneficiary is the patient (Appointment: one participant is)."""
        if resource.get("resourceType") == "Appointment":
            actors = [p.get("actor") for p in resource.get("participant") or [] if isinstance(p, dict)]
            return any(self.is_own(self.local(reference)) for reference in _references(actors))
        named = [reference for field in _SUBJECT_FIELDS for reference in _references(resource.get(field))]
        return bool(named) and all(self.is_own(self.local(reference)) for reference in named)

    def is_own(self, path: str | None) -> bool:
        """True for the path `Patient/ID` of the patient."""
        return path == f"Patient/{self.patient}"

    def confine(self, _resource: dict[str, Any]) -> "PatientCompartment":
        """The compartment a resource that is to be stored must keep to: this one."""
        return self

    async def owns_all(self, references: list[str]) -> bool:
        """True when there is at least one reference and each leads to something of the patient."""
        if not references or len(references) > MAX_TARGETS:
            return False
        for reference in references:
            if not await self.owns_reference(reference):
                return False
        return True

    async def owns_reference(self, reference: str) -> bool:
        """True when the reference is the patient, or a stored resource of the patient."""
        path = self.local(reference)
        if path is None or path.startswith("Provenance/"):
            return False
        if self.is_own(path):
            return True
        if path not in self._seen:
            try:
                stored = await self._upstream.read(path)
            except Refusal:
                stored = None
            self._seen[path] = stored is not None and await self.owns(stored)
        return self._seen[path]

    def local(self, reference: str) -> str | None:
        """`Type/id` of a relative reference or of an absolute one on our own bases, without version; None otherwise."""
        found = _REFERENCE.search(reference)
        if not found:
            return None
        head = reference[: found.start(1)].rstrip("/")
        if head and head not in self._bases:
            return None
        return f"{found.group(1)}/{found.group(2)}"


class UserCompartment(PatientCompartment):
    """What a clinician may reach of all patients: for a token without a patient, whose scopes are `user/` ones."""

    def __init__(self, upstream: FhirUpstream, *, bases: tuple[str, ...]) -> None:
        super().__init__("", upstream, bases=bases)

    def is_own(self, path: str | None) -> bool:
        """True for any patient."""
        return path is not None and path.startswith("Patient/")

    def confine(self, resource: dict[str, Any]) -> PatientCompartment:
        """The compartment of the one patient a resource names; one that nothing is in where it names none or two."""
        if resource.get("resourceType") in ("Patient", "Provenance"):
            return self
        named = {self.local(one) for field in _SUBJECT_FIELDS for one in _references(resource.get(field))}
        patient = next(iter(named)) if len(named) == 1 else None
        number = (patient or "").removeprefix("Patient/") if self.is_own(patient) else ""
        return PatientCompartment(number, self._upstream, bases=self._bases)


def _references(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [item["reference"] for item in listed if isinstance(item, dict) and isinstance(item.get("reference"), str)]


def referenced_encounters(resource: dict[str, Any]) -> list[str]:
    """The encounters a note, composition or other record says it belongs to."""
    context = resource.get("context")
    inside = context.get("encounter") if isinstance(context, dict) else None
    return _references(resource.get("encounter")) + _references(inside)


def provenance_targets(resource: dict[str, Any]) -> list[str]:
    """The targets of a Provenance."""
    return _references(resource.get("target"))
