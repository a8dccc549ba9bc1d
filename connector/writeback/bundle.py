"""The transaction that files a note. In: a SignedNote, its launch and the facts around it. Out: one FHIR R4 Bundle.

Deterministic: building it again gives the same bytes, so that a replayed transaction changes nothing. Never sends.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.records import Launch, SignedNote
from connector.writeback.profile import WriteProfile


@dataclass(frozen=True, slots=True)
class FilingFacts:
    """What the document says beyond the note: type, XHTML rendition, period of care, and the software that drafted."""

    note_type_loinc: str
    note_type_display: str
    xhtml: str
    period_start: datetime | None
    period_end: datetime | None
    device_name: str
    device_version: str
    model: str | None
    consent_id: str | None = None


def build_transaction(
    signed: SignedNote, *, launch: Launch, profile: WriteProfile, facts: FilingFacts
) -> dict[str, Any]:
    """One transaction Bundle. Raises Misconfigured where the result would not be FHIR R4."""
    raise NotImplementedError


def name_document(note_id: str, version: int) -> str:
    """The document identifier of one version of a note: `urn:uuid:…` (system `urn:ietf:rfc:3986`), always the same."""
    raise NotImplementedError
