"""The words of the product, in the order a visit makes them: Launch to Erasure. In: nothing. Out: frozen records.

Records are appended and never changed; each carries a Stamp saying what made it. No behaviour lives here beyond
trivial look-ups, and no record ever refers to a later one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What made a record: `maker` is stage and version of mapping or template, e.g. `hints/keyterms.yaml@1`."""

    maker: str
    at: datetime
    who: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One version of one FHIR resource: `reference` is relative (`Condition/12`), `version` its meta.versionId."""

    reference: str
    version: str | None = None


# 1. Launch -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Launch:
    """What one SMART App Launch granted. `patient`, `encounter`, `practitioner` are relative references.

    `renewable`: the EHR gave a refresh token.
    """

    launch_id: str
    visit_id: str
    tenant: str
    fhir_base: str
    patient: str
    encounter: str | None
    practitioner: str | None
    practitioner_name: str | None
    need_patient_banner: bool
    granted_scope: str
    stamp: Stamp
    renewable: bool = False


# 2. PatientContext ---------------------------------------------------------------------------------------------


class SectionState(StrEnum):
    """How the reading of one part of the chart ended; `empty` is not "none known", `failed` is not `empty`."""

    OK = "ok"
    EMPTY = "empty"
    PARTIAL = "partial"
    FORBIDDEN = "forbidden"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class PersonSummary:
    """The launch patient. `identifier` is the medical record number as the EHR shows it, `sex` as in FHIR gender."""

    source: Source
    name: str
    family: str
    given: tuple[str, ...]
    birth_date: date | None
    sex: str | None
    identifier: str | None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class EncounterSummary:
    """The launch encounter: `kind` and `reason` as text, `class_code` of v3-ActCode."""

    source: Source
    status: str
    class_code: str | None
    kind: str | None
    reason: str | None
    started: datetime | None


@dataclass(frozen=True, slots=True)
class Medication:
    """One active drug. `name` is the string the chart shows; `dosage` its free text, where given."""

    source: Source
    name: str
    status: str
    dosage: str | None = None
    as_needed: bool = False
    reported: bool = False
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Allergy:
    """One allergy or intolerance; `none_known` marks an explicit "no known allergies" statement."""

    source: Source
    substance: str
    reactions: tuple[str, ...] = ()
    criticality: str | None = None
    verification: str | None = None
    none_known: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """One condition; `category` is `problem-list-item` or `encounter-diagnosis` as FHIR codes them."""

    source: Source
    name: str
    clinical_status: str | None = None
    category: str | None = None
    onset: date | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """The latest value of one vital sign or laboratory test: `value` already with its UCUM unit, as text."""

    source: Source
    name: str
    value: str
    taken: datetime | None = None


@dataclass(frozen=True, slots=True)
class Section(Generic[Item]):
    """One part of the chart. `dropped` counts resources left out: wrong patient, entered in error, inactive."""

    state: SectionState
    items: tuple[Item, ...] = ()
    dropped: int = 0
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class PatientContext:
    """What the chart says at launch. A section that could not be read says so and is never read as "none"."""

    patient: Section[PersonSummary]
    encounter: Section[EncounterSummary]
    medications: Section[Medication]
    allergies: Section[Allergy]
    problems: Section[Problem]
    vitals: Section[Measurement]
    labs: Section[Measurement]
    stamp: Stamp


# 3. SpeechHints ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Keyterm:
    """A name people say, at most six words. `kind`: drug, allergen, problem, person or vocabulary."""

    text: str
    kind: str
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class SpeechHints:
    """Keyterms best first, cut to `limit`; `left_out` counts those that did not fit."""

    keyterms: tuple[Keyterm, ...]
    limit: int
    left_out: int
    stamp: Stamp


# 4. Consent ----------------------------------------------------------------------------------------------------


class ConsentAnswer(StrEnum):
    """The patient's answer to being recorded."""

    GIVEN = "given"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Consent:
    """Who was asked, how and by whom; `wording` names the version of the text read out."""

    consent_id: str
    answer: ConsentAnswer
    method: str
    asked_by: str
    wording: str
    stamp: Stamp


# 5. Recording --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Recording:
    """A sealed recording: `size` in bytes, `sha256` in hex over the plain bytes, `duration_ms` by demuxing.

    `truncated` says that the file breaks off: its end is missing.
    """

    recording_id: str
    container: str
    size: int
    sha256: str
    chunks: int
    duration_ms: int
    stamp: Stamp
    truncated: bool = False


# 6. Transcript -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Word:
    """One word; times in ms from the start of the recording, `confidence` 0 to 1."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Turn:
    """One speaker's turn. `role_from` says how the role was decided: channel, vendor, guess or clinician."""

    turn_id: str
    speaker: str
    role: str
    role_from: str
    text: str
    start_ms: int
    end_ms: int
    confidence: float
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said. `origin` is `recogniser`, `playback` (a sandbox) or `typed`; warnings are shown as they are."""

    transcript_id: str
    origin: str
    language: str | None
    duration_ms: int
    turns: tuple[Turn, ...]
    warnings: tuple[str, ...]
    stamp: Stamp


# 7. DraftNote --------------------------------------------------------------------------------------------------


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
    """A draft under one `revision`; an edit or redraft is a new one with the next. `origin`: `model` or `sandbox`."""

    draft_id: str
    revision: int
    note_type: str
    title: str
    sections: tuple[NoteSection, ...]
    origin: str
    stamp: Stamp


# 8. Findings ---------------------------------------------------------------------------------------------------


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


# 9. SignedNote -------------------------------------------------------------------------------------------------


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


# 10. Filing ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Filing:
    """Where the signed note stands in the EHR; `read_back` is `identical` or `different`."""

    document_reference: str
    composition: str | None
    provenance: str | None
    stored_sha256: str
    read_back: str
    stamp: Stamp


# 11. Erasure ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VendorCopy:
    """A copy a vendor holds. `state`: `held`, `asked`, `answered` or `verified`; times are None until reached."""

    copy_id: str
    kind: str
    vendor_id: str
    state: str
    made_at: datetime
    asked_at: datetime | None = None
    answered_at: datetime | None = None
    verified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was deleted and how far that is proven; `complete` when no copy is merely asked for or held."""

    copies: tuple[VendorCopy, ...]
    complete: bool
    stamp: Stamp
