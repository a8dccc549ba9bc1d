"""All that is known of one visit when its page is drawn. In: what the store holds. Out: one frozen VisitFacts.

A record that does not exist yet is None; nothing here reads or decides anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from connector.consent.mapping import Jurisdiction
from connector.consent.standing import Standing, read_standing
from connector.erasure.retention import RetentionTerms
from connector.launch.abilities import MissingAbility
from connector.records import (
    Consent,
    Erasure,
    Filing,
    Launch,
    PatientContext,
    Recording,
    RedactedTranscript,
    SignedNote,
    SpeechHints,
    Transcript,
)
from connector.store.costs import Cost
from connector.store.fetches import FetchProgress
from connector.store.visits import VisitRow
from connector.visit.note import ShownNote
from connector.web.sound_view import NO_SOUND, SoundFacts


@dataclass(frozen=True, slots=True)
class VisitFacts:
    """The row and the newest record of each kind, as they stand at `now`.

    `asking` is what is asked before a recording, `consents` every answer, newest first; `attestation` is what a signer
    declares, `csrf` goes into every form; `limits` is what this launch will not be able to do, `note` the draft with
    the text that would be signed, `erasure` what the deletion ledger says, `costs` what vendors were used
    for. `sent` are the lists of names that went to a recogniser, the last one first; `heard_less` says what will be
    recognised less well.
    """

    launch_id: str
    csrf: str
    now: datetime
    row: VisitRow
    launch: Launch
    asking: Jurisdiction
    attestation: str
    limits: tuple[MissingAbility, ...] = ()
    context: PatientContext | None = None
    hints: SpeechHints | None = None
    consents: tuple[Consent, ...] = ()
    recording: Recording | None = None
    transcript: Transcript | None = None
    note: ShownNote | None = None
    signed: SignedNote | None = None
    filing: Filing | None = None
    erasure: Erasure | None = None
    costs: tuple[Cost, ...] = ()
    retention: RetentionTerms | None = None
    sent: tuple[SpeechHints, ...] = ()
    heard_less: tuple[str, ...] = ()
    sound: SoundFacts = NO_SOUND
    fetch: FetchProgress | None = None
    may_fetch: bool = False
    redacted: RedactedTranscript | None = None

    @property
    def standing(self) -> Standing:
        """Where consent stands."""
        return read_standing(self.consents)

    @property
    def consent(self) -> Consent | None:
        """The patient's newest answer."""
        return self.standing.patient
