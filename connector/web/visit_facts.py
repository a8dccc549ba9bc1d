"""All that is known of one visit when its page is drawn. In: what the store holds. Out: one frozen VisitFacts.

A record that does not exist yet is None; nothing here reads or decides anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from connector.records import (
    Consent,
    Erasure,
    Filing,
    Launch,
    PatientContext,
    Recording,
    SignedNote,
    SpeechHints,
    Transcript,
)
from connector.store.visits import VisitRow
from connector.visit.note import ShownNote


@dataclass(frozen=True, slots=True)
class VisitFacts:
    """The row and the newest record of each kind.

    `first_draft_at` is when the first revision was drafted (an edit is a later one), `note` the draft with the text
    that would be signed, `erasure` what the deletion ledger says now.
    """

    row: VisitRow
    launch: Launch
    context: PatientContext | None = None
    hints: SpeechHints | None = None
    consent: Consent | None = None
    recording: Recording | None = None
    transcript: Transcript | None = None
    first_draft_at: datetime | None = None
    note: ShownNote | None = None
    signed: SignedNote | None = None
    filing: Filing | None = None
    erasure: Erasure | None = None
