"""The note as it is shown, signed and filed. In: a note and its heading. Out: plain text, or the same as XHTML.

Deterministic: the same note and heading give the same bytes for ever. Never shows what is not signed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from connector.records import DraftNote, SignedNote


@dataclass(frozen=True, slots=True)
class Heading:
    """The facts around a note that its rendition shows.

    `transcript_origin` is that of the Transcript (`recogniser`, `playback`, `typed`); `consent` is one line in plain
    words; `note_id` and `version` are those the note is (or will be) signed under.
    """

    patient_name: str
    birth_date: date | None
    patient_identifier: str | None
    encounter_date: date | None
    author: str
    consent: str
    transcript_origin: str
    signed_on: date
    note_id: str
    version: int


def render_text(note: DraftNote | SignedNote, heading: Heading) -> str:
    """The text/plain rendition: `\\n` line ends, one at the end, no trailing blanks."""
    raise NotImplementedError


def render_xhtml(note: DraftNote | SignedNote, heading: Heading) -> str:
    """The same content as one XHTML div fit for a FHIR Narrative (R4 txt-1, txt-2)."""
    raise NotImplementedError


def hash_text(text: str) -> str:
    """SHA-256 in hex of the UTF-8 bytes of a rendition: what is shown, signed, filed and read back are compared by it."""
    raise NotImplementedError
