"""7. DraftNote, 8. Findings and 9. SignedNote. In: nothing. Out: frozen records. Never refers to a later one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from connector.records.stamps import Source, Stamp


@dataclass(frozen=True, slots=True)
class Sentence:
    """One statement of the note and what it rests on. `origin`: `model`, `edited` or `clinician`."""

    sentence_id: str
    text: str
    turn_ids: tuple[str, ...] = ()
    chart: tuple[Source, ...] = ()
    origin: str = "model"


@dataclass(frozen=True, slots=True)
class NoteSection:
    """One section of a note type; `loinc` is its document section code, where one exists."""

    key: str
    title: str
    loinc: str | None
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class DraftNote:
    """A draft under one `revision`; an edit or redraft is a new one with the next. `origin`: `model` or `sandbox`.

    `transcript_id` is the version of the transcript it was made from, None in drafts of before there were versions;
    `instead_of` the revision that a redraft took the place of.
    """

    draft_id: str
    revision: int
    note_type: str
    title: str
    sections: tuple[NoteSection, ...]
    origin: str
    stamp: Stamp
    transcript_id: str | None = None
    instead_of: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the clinician should look at; `kind` is a slug such as `no-evidence`, `text` says it in words."""

    kind: str
    text: str
    sentence_id: str | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """What the checks found in one revision of the draft."""

    revision: int
    items: tuple[Finding, ...]
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class SignedNote:
    """The note as signed: `text` is the rendition shown, `sha256` the hex digest of its UTF-8 bytes."""

    note_id: str
    version: int
    revision: int
    note_type: str
    title: str
    sections: tuple[NoteSection, ...]
    text: str
    sha256: str
    signer: str
    signer_name: str
    attestation: str
    signed_at: datetime
    stamp: Stamp
