"""Codes that filed notes carry, with their systems. In: nothing. Out: FHIR codings, fresh on every call."""

from __future__ import annotations

from typing import Any

LOINC = "http://loinc.org"
_OBSERVATION_VALUE = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
_PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_CATEGORY = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"
_EMPTY = "http://terminology.hl7.org/CodeSystem/list-empty-reason"
_FORMAT = "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode"


def document_type(code: str, display: str) -> dict[str, Any]:
    """The LOINC code of a kind of document under LOINC's own name for it."""
    return {"coding": [{"system": LOINC, "code": code, "display": display}], "text": display}


def section_code(code: str, title: str) -> dict[str, Any]:
    """The LOINC code of a section; the note's own title is our text, not LOINC's display."""
    return {"coding": [{"system": LOINC, "code": code}], "text": title}


def ai_asserted() -> dict[str, Any]:
    """AIAST: what an AI drafted (HL7 AI Transparency on FHIR)."""
    return {"system": _OBSERVATION_VALUE, "code": "AIAST", "display": "Artificial Intelligence asserted"}


def clinician_asserted() -> dict[str, Any]:
    """CLINAST: what a clinician stands for."""
    return {"system": _OBSERVATION_VALUE, "code": "CLINAST", "display": "clinician asserted"}


def clinical_note() -> dict[str, Any]:
    """The US Core document category of all clinical notes."""
    return {"coding": [{"system": _CATEGORY, "code": "clinical-note", "display": "Clinical Note"}]}


def participant(code: str, display: str) -> dict[str, Any]:
    """The part an agent had in the making, as provenance-participant-type names it."""
    return {"coding": [{"system": _PARTICIPANT, "code": code, "display": display}]}


def not_asked() -> dict[str, Any]:
    """Why a section is empty: the visit did not come to it. Never `nilknown`, which would be a finding."""
    return {"coding": [{"system": _EMPTY, "code": "notasked", "display": "Not Asked"}]}


def plain_format() -> dict[str, Any]:
    """The IHE format code of documents whose media type says it all."""
    return {"system": _FORMAT, "code": "urn:ihe:iti:xds:2017:mimeTypeSufficient", "display": "mimeType Sufficient"}
