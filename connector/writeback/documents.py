"""The resources a filed note consists of. In: SignedNote, launch, profile, facts. Out: FHIR R4 resources as dicts.

Deterministic, and about the signer alone: whoever opens the chart later does not become the author.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connector.records import Launch, NoteSection, SignedNote
from connector.writeback import naming, terms
from connector.writeback.narrative import write_narrative
from connector.writeback.profile import SIGNED, TEXT, WriteProfile

NOTHING = "Nothing recorded in this visit."


@dataclass(frozen=True, slots=True)
class FilingFacts:
    """What the document says beyond the note: type, XHTML rendition, period of care, and the software that drafted.

    `device_version` names template and code, `model` the language model; `consent_id` the consent to being recorded.
    """

    note_type_loinc: str
    note_type_display: str
    xhtml: str
    period_start: datetime | None
    period_end: datetime | None
    device_name: str
    device_version: str
    model: str | None
    consent_id: str | None = None


def build_document_reference(
    signed: SignedNote, *, launch: Launch, profile: WriteProfile, facts: FilingFacts
) -> dict[str, Any]:
    """The DocumentReference (US Core shape): the renditions inline, the signed text first."""
    bodies = {TEXT: signed.text}
    renditions = [(form, bodies.get(form, facts.xhtml)) for form in profile.formats]
    encounter = {"encounter": [{"reference": launch.encounter}]} if launch.encounter else {}
    period = _write_period(facts)
    author = {"reference": signed.signer, "display": signed.signer_name}
    return {
        "resourceType": "DocumentReference",
        "meta": {"security": [terms.ai_asserted(), terms.clinician_asserted()]},
        "identifier": [_identify(signed)],
        "status": "current",
        "docStatus": SIGNED,
        "type": terms.document_type(facts.note_type_loinc, facts.note_type_display),
        "category": [terms.clinical_note()],
        "subject": {"reference": launch.patient},
        "date": write_instant(signed.signed_at),
        "author": [author],
        **({"authenticator": dict(author)} if profile.authenticator else {}),
        "description": signed.title,
        "securityLabel": [{"coding": [terms.ai_asserted()]}, {"coding": [terms.clinician_asserted()]}],
        "content": [
            {"attachment": _attach(body, form, signed), "format": terms.plain_format()} for form, body in renditions
        ],
        **({"context": {**encounter, **period}} if encounter or period else {}),
    }


def build_composition(signed: SignedNote, *, launch: Launch, facts: FilingFacts) -> dict[str, Any]:
    """The same note section by section, legally attested by its signer."""
    author = {"reference": signed.signer, "display": signed.signer_name}
    signed_at = write_instant(signed.signed_at)
    return {
        "resourceType": "Composition",
        "meta": {"security": [terms.ai_asserted(), terms.clinician_asserted()]},
        "text": write_narrative(_frame(signed)),
        "identifier": _identify(signed),
        "status": SIGNED,
        "type": terms.document_type(facts.note_type_loinc, facts.note_type_display),
        "category": [terms.clinical_note()],
        "subject": {"reference": launch.patient},
        **({"encounter": {"reference": launch.encounter}} if launch.encounter else {}),
        "date": signed_at,
        "author": [author],
        "title": signed.title,
        "attester": [{"mode": "legal", "time": signed_at, "party": dict(author)}],
        "section": [_build_section(section) for section in signed.sections],
    }


def build_provenance(
    signed: SignedNote, *, launch: Launch, targets: tuple[str, ...], facts: FilingFacts
) -> dict[str, Any]:
    """Who stands for the note and which software drafted it; PUT, so that a replay writes the same bytes again."""
    clinician = {"reference": signed.signer, "display": signed.signer_name}
    versions = [{"type": {"text": "template"}, "value": facts.device_version}]
    if facts.model is not None:
        versions.append({"type": {"text": "language model"}, "value": facts.model})
    consent = {"type": "Consent", "identifier": {"value": facts.consent_id}, "display": "Consent to being recorded"}
    return {
        "resourceType": "Provenance",
        "id": naming.name_provenance(signed.note_id, signed.version),
        "contained": [
            {
                "resourceType": "Device",
                "id": "drafter",
                "deviceName": [{"name": facts.device_name, "type": "user-friendly-name"}],
                "version": versions,
            }
        ],
        "target": [{"reference": target} for target in targets],
        "occurredDateTime": write_instant(signed.signed_at),
        "recorded": write_instant(signed.signed_at),
        "reason": [{"coding": [terms.ai_asserted()]}],
        "agent": [
            {
                "type": terms.participant("verifier", "Verifier"),
                "who": clinician,
                # US Core provenance-1 asks whom a practitioner acted for; the launch names no organisation's id.
                "onBehalfOf": {"type": "Organization", "display": launch.tenant},
            },
            {
                "type": terms.participant("author", "Author"),
                "who": {"reference": "#drafter", "display": facts.device_name},
                "onBehalfOf": dict(clinician),
            },
        ],
        **({"entity": [{"role": "source", "what": consent}]} if facts.consent_id else {}),
    }


def write_instant(moment: datetime) -> str:
    """A FHIR instant in UTC, to the second. Raises ValueError for a moment without a zone."""
    if moment.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _identify(signed: SignedNote) -> dict[str, Any]:
    return {"system": naming.URI_SYSTEM, "value": naming.name_document(signed.note_id, signed.version)}


def _attach(body: str, form: str, signed: SignedNote) -> dict[str, Any]:
    """An inline attachment; `hash` is SHA-1, as R4 defines it, and no proof of anything: ours is the SHA-256."""
    raw = body.encode("utf-8")
    return {
        "contentType": f"{form}; charset=utf-8" if form == TEXT else form,
        "data": base64.b64encode(raw).decode("ascii"),
        "size": len(raw),
        "hash": base64.b64encode(hashlib.sha1(raw, usedforsecurity=False).digest()).decode("ascii"),
        "title": signed.title,
        "creation": write_instant(signed.signed_at),
    }


def _write_period(facts: FilingFacts) -> dict[str, Any]:
    start, end = facts.period_start, facts.period_end
    if start is not None and end is not None and start > end:
        start = None
    told = {key: write_instant(moment) for key, moment in (("start", start), ("end", end)) if moment is not None}
    return {"period": told} if told else {}


def _frame(signed: SignedNote) -> list[str]:
    """What the signed text says around its sections: its first two blocks (title, facts) and its last (disclosure)."""
    blocks = signed.text.strip("\n").split("\n\n")
    return [*blocks[:2], *blocks[2:][-1:]]


def _build_section(section: NoteSection) -> dict[str, Any]:
    code = {"code": terms.section_code(section.loinc, section.title)} if section.loinc else {}
    texts = [sentence.text for sentence in section.sentences]
    if texts:
        return {"title": section.title, **code, "text": write_narrative(texts)}
    return {"title": section.title, **code, "text": write_narrative([NOTHING]), "emptyReason": terms.not_asked()}
