"""The words of the product, in the order a visit makes them: Launch to Erasure. In: nothing. Out: frozen records.

Records are appended and never changed; each carries a Stamp saying what made it. No behaviour lives here beyond
trivial look-ups, and no record ever refers to a later one.
"""

from __future__ import annotations

from connector.records.capture import Mark, Recording, Segment
from connector.records.chart import (
    Allergy,
    CareTeamMember,
    ChartEntry,
    EncounterSummary,
    LeftOut,
    Measurement,
    Medication,
    Participant,
    PatientContext,
    PersonSummary,
    PriorNote,
    Problem,
    Section,
    SectionState,
)
from connector.records.consent import PATIENT, Consent, ConsentAnswer, Interpreting, PersonAsked
from connector.records.doubts import Doubt, Doubts, DoubtsAnswer, Refusal
from connector.records.filing import Erasure, Filing, VendorCopy
from connector.records.hints import Keyterm, KeytermEdit, SpeechHints, Withheld
from connector.records.launch import Launch
from connector.records.note import DraftNote, Finding, Findings, NoteSection, Sentence, SignedNote
from connector.records.redacted import RedactedTranscript
from connector.records.sound import SoundGone
from connector.records.stamps import Source, Stamp
from connector.records.transcript import (
    DoubtfulSpan,
    Speaker,
    SpokenEntity,
    Transcript,
    TranscriptEdit,
    Turn,
    Word,
)

__all__ = [
    "PATIENT",
    "Allergy",
    "CareTeamMember",
    "ChartEntry",
    "Consent",
    "ConsentAnswer",
    "Doubt",
    "DoubtfulSpan",
    "Doubts",
    "DoubtsAnswer",
    "DraftNote",
    "EncounterSummary",
    "Erasure",
    "Filing",
    "Finding",
    "Findings",
    "Interpreting",
    "Keyterm",
    "KeytermEdit",
    "Launch",
    "LeftOut",
    "Mark",
    "Measurement",
    "Medication",
    "NoteSection",
    "Participant",
    "PatientContext",
    "PersonAsked",
    "PersonSummary",
    "PriorNote",
    "Problem",
    "Recording",
    "RedactedTranscript",
    "Refusal",
    "Section",
    "SectionState",
    "Segment",
    "Sentence",
    "SignedNote",
    "SoundGone",
    "Source",
    "Speaker",
    "SpeechHints",
    "SpokenEntity",
    "Stamp",
    "Transcript",
    "TranscriptEdit",
    "Turn",
    "VendorCopy",
    "Withheld",
    "Word",
]
