"""In: Patient and Practitioner resources. Out: the words an EHR shows about a person.
Never fails on a missing element; what is not there is shown as a dash."""

from datetime import date
from typing import Any

DASH = "–"


def format_name(resource: dict[str, Any]) -> str:
    """The official or first name: prefix, given, family, suffix."""
    names = [name for name in resource.get("name") or [] if isinstance(name, dict)]
    if not names:
        return f"{resource.get('resourceType', 'Person')} {resource.get('id', '')}".strip()
    name = next((n for n in names if n.get("use") == "official"), names[0])
    if name.get("text"):
        return str(name["text"])
    parts = [*(name.get("prefix") or []), *(name.get("given") or []), name.get("family"), *(name.get("suffix") or [])]
    return " ".join(str(part) for part in parts if part)


def find_mrn(patient: dict[str, Any]) -> str:
    """The medical record number (identifier type MR), else the first identifier, else a dash."""
    identifiers = [item for item in patient.get("identifier") or [] if isinstance(item, dict) and item.get("value")]
    for item in identifiers:
        codes = [coding.get("code") for coding in (item.get("type") or {}).get("coding") or []]
        if "MR" in codes:
            return str(item["value"])
    return str(identifiers[0]["value"]) if identifiers else DASH


def format_age(patient: dict[str, Any], today: date) -> str:
    """Whole years, or a dash when the birth date is missing or incomplete."""
    try:
        born = date.fromisoformat(str(patient.get("birthDate")))
        died = patient.get("deceasedDateTime")
        end = date.fromisoformat(str(died)[:10]) if died else today
    except ValueError:
        return DASH
    return f"{end.year - born.year - ((end.month, end.day) < (born.month, born.day))} y"


def format_concept(concept: Any) -> str:
    """A CodeableConcept as text: its text, else the first display, else the first code."""
    if not isinstance(concept, dict):
        return DASH
    codings = concept.get("coding") or []
    shown = concept.get("text") or next((c["display"] for c in codings if c.get("display")), None)
    return str(shown or next((c["code"] for c in codings if c.get("code")), DASH))


def first_code(concept: Any) -> str:
    """The first code of a CodeableConcept, or an empty text."""
    codings = concept.get("coding") or [] if isinstance(concept, dict) else []
    return str(next((c["code"] for c in codings if c.get("code")), ""))


def format_day(value: Any) -> str:
    """The day of a FHIR date or dateTime, or a dash."""
    return str(value)[:10] if value else DASH
