"""In: a patient id. Out: what the EHR's own pages show of the chart, read straight from the FHIR server.
Never hides a part that could not be read: it says so instead of showing an empty list."""

import asyncio
import base64
import binascii
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from .people import DASH, find_mrn, first_code, format_age, format_concept, format_day, format_name
from .refusals import Refusal
from .upstream import FhirUpstream

MAX_PATIENTS = 100
Resource = dict[str, Any]


@dataclass(frozen=True)
class PersonRow:
    """A patient in the list or the banner."""

    patient_id: str
    name: str
    birth_date: str
    age: str
    sex: str
    mrn: str


@dataclass(frozen=True)
class ChartRow:
    """One line of a chart section; `link` is the id of a document, else empty."""

    text: str
    note: str = ""
    day: str = ""
    link: str = ""


@dataclass(frozen=True)
class ChartSection:
    """A part of the chart; `rows` None means the FHIR server did not give it."""

    title: str
    empty: str
    rows: tuple[ChartRow, ...] | None


@dataclass(frozen=True)
class Rendition:
    """One inline attachment of a document: text, media type and SHA-256 of the stored bytes (hex)."""

    media_type: str
    text: str
    size: int
    sha256: str


@dataclass(frozen=True)
class StoredDocument:
    """A DocumentReference for reading."""

    document_id: str
    patient_id: str
    title: str
    status: str
    day: str
    author: str
    renditions: tuple[Rendition, ...] = field(default=())


def make_person(patient: Resource, today: date) -> PersonRow:
    """The row of one Patient."""
    sex = str(patient.get("gender") or DASH)
    return PersonRow(
        patient_id=str(patient.get("id", "")),
        name=format_name(patient),
        birth_date=format_day(patient.get("birthDate")),
        age=format_age(patient, today),
        sex=sex.capitalize(),
        mrn=find_mrn(patient),
    )


async def list_patients(upstream: FhirUpstream, search: str, *, today: date) -> list[PersonRow]:
    """Up to 100 patients by family name, all or with names starting with the words of `search`. Raises Refusal 502."""
    query = [("_count", str(MAX_PATIENTS)), ("_sort", "family")]
    query += [("name", word.replace(",", "")) for word in search.split()]
    found = await upstream.search("Patient", query=query)
    return [make_person(patient, today) for patient in found if patient.get("resourceType") == "Patient"]


async def read_sections(upstream: FhirUpstream, patient_id: str) -> list[ChartSection]:
    """Documents, problems, allergies, medications and encounters, read side by side."""
    own = ("patient", patient_id)
    plans: list[tuple[str, str, str, list[tuple[str, str]], Callable[[Resource], ChartRow]]] = [
        ("Documents", "No documents", "DocumentReference", [own, ("_sort", "-date"), ("_count", "20")], _document),
        ("Problems", "No problems on file", "Condition", [own, ("clinical-status", "active")], _problem),
        ("Allergies", "No allergies on file", "AllergyIntolerance", [own], _allergy),
        ("Medications", "No active medications", "MedicationRequest", [own, ("status", "active")], _medication),
        ("Recent encounters", "No encounters", "Encounter", [own, ("_sort", "-date"), ("_count", "8")], _encounter),
    ]

    async def read(title: str, empty: str, kind: str, *, rest: tuple[Any, Any]) -> ChartSection:
        query, shape = rest
        rows = await _attempt(upstream.search(kind, query=query))
        if rows is None:
            return ChartSection(title, empty, None)
        return ChartSection(title, empty, tuple(shape(row) for row in rows if row.get("resourceType") == kind))

    return list(await asyncio.gather(*(read(t, e, k, rest=(q, shape)) for t, e, k, q, shape in plans)))


async def read_document(upstream: FhirUpstream, patient_id: str, document_id: str) -> StoredDocument | None:
    """A stored document with its inline texts, or None when this patient has no such document."""
    resource = await upstream.read(f"DocumentReference/{document_id}")
    subject = ((resource or {}).get("subject") or {}).get("reference", "")
    if resource is None or not f"/{subject}".endswith(f"/Patient/{patient_id}"):
        return None
    attachments = [content.get("attachment") or {} for content in resource.get("content") or []]
    row = _document(resource)
    return StoredDocument(
        document_id=document_id,
        patient_id=patient_id,
        title=row.text,
        status=row.note,
        day=row.day,
        author=", ".join(str(a.get("display") or a.get("reference")) for a in resource.get("author") or []) or DASH,
        renditions=tuple(rendition for item in attachments if (rendition := _read_rendition(item))),
    )


async def _attempt(search: Awaitable[list[Resource]]) -> list[Resource] | None:
    try:
        return await search
    except Refusal:
        return None


def _read_rendition(attachment: Resource) -> Rendition | None:
    try:
        content = base64.b64decode(attachment.get("data") or "", validate=True)
    except binascii.Error:
        return None
    media_type = str(attachment.get("contentType") or "")
    if not content or not media_type.startswith(("text/", "application/xhtml")):
        return None
    return Rendition(media_type, content.decode("utf-8", "replace"), len(content), hashlib.sha256(content).hexdigest())


def _problem(condition: Resource) -> ChartRow:
    day = format_day(condition.get("onsetDateTime") or condition.get("recordedDate"))
    return ChartRow(format_concept(condition.get("code")), first_code(condition.get("verificationStatus")), day)


def _allergy(allergy: Resource) -> ChartRow:
    reactions = [format_concept(m) for r in allergy.get("reaction") or [] for m in r.get("manifestation") or []]
    note = ", ".join(reactions) or str(allergy.get("criticality") or "")
    return ChartRow(format_concept(allergy.get("code")), note, format_day(allergy.get("recordedDate")))


def _medication(order: Resource) -> ChartRow:
    reference = order.get("medicationReference") or {}
    concept = order.get("medicationCodeableConcept")
    name = format_concept(concept) if concept else str(reference.get("display") or "Medication by reference")
    dosage = next((d["text"] for d in order.get("dosageInstruction") or [] if d.get("text")), "")
    return ChartRow(name, dosage, format_day(order.get("authoredOn")))


def _encounter(encounter: Resource) -> ChartRow:
    kind = next((format_concept(item) for item in encounter.get("type") or []), DASH)
    return ChartRow(kind, str(encounter.get("status") or ""), format_day((encounter.get("period") or {}).get("start")))


def _document(document: Resource) -> ChartRow:
    titles = [(content.get("attachment") or {}).get("title") for content in document.get("content") or []]
    title = next((str(item) for item in titles if item), format_concept(document.get("type")))
    status = " · ".join(str(document[name]) for name in ("status", "docStatus") if document.get(name))
    return ChartRow(title, status, format_day(document.get("date")), str(document.get("id", "")))
