"""6. Transcript: what was said. In: nothing. Out: frozen records. Never refers to a later one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from connector.records.capture import Mark
from connector.records.stamps import Stamp

MARK_SLACK_MS = 400
"""A turn may begin so much before the place of a mark and still be what followed it."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word; times in ms from the start of the recording, `confidence` 0 to 1. `speaker` is the recogniser's label
    where it gives one for the word itself."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float
    speaker: str | None = None


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
class Speaker:
    """One voice of a transcript: the recogniser's label, the role shown and who decided it (as in Turn), the name where
    one was told apart by name, how much they said in ms, and whether that is too little to trust the label."""

    label: str
    role: str
    role_from: str
    name: str | None = None
    speech_ms: int = 0
    low_trust: bool = False


@dataclass(frozen=True, slots=True)
class DoubtfulSpan:
    """Words of one turn to look at twice: `first` and `last` count its words from 0, `kind` is drug, dose, negation or
    word, `confidence` the lowest of them."""

    turn_id: str
    first: int
    last: int
    kind: str
    confidence: float


@dataclass(frozen=True, slots=True)
class SpokenEntity:
    """Something the recogniser found in what was said; its type as the vendor names it, times in ms."""

    entity_type: str
    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class TranscriptEdit:
    """One correction by a clinician; `action` is rename, swap, merge, split, move, cut or correct, `detail` says of
    what."""

    edit_id: str
    action: str
    by: str
    at: datetime
    detail: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said. `origin` is `recogniser`, `playback` or `sandbox-recogniser` (sandboxes) or `typed`; warnings are
    shown as they are.

    `marks` are places where something was not captured, in ms from the start of the recording. `little_speech`: our
    own rule would not have let it pass, and the clinician had it drafted all the same. `reported_ms` is what the vendor
    says it heard, `captured_ms` what we recorded, 0 where nobody measured it. `sent_language` is the code the recording
    was sent as, None where its language was to be found out; `between` are the languages it was listened for in, where
    one was interpreted into the other. A corrected transcript has an id of its
    own, the next `version`, the id it began with in `based_on`, and its `edits`, oldest first.
    """

    transcript_id: str
    origin: str
    language: str | None
    duration_ms: int
    turns: tuple[Turn, ...]
    warnings: tuple[str, ...]
    stamp: Stamp
    marks: tuple[Mark, ...] = ()
    little_speech: bool = False
    speakers: tuple[Speaker, ...] = ()
    spans: tuple[DoubtfulSpan, ...] = ()
    entities: tuple[SpokenEntity, ...] = ()
    language_confidence: float | None = None
    domain_used: str | None = None
    reported_ms: int = 0
    captured_ms: int = 0
    sent_language: str | None = None
    between: tuple[str, ...] = ()
    version: int = 1
    based_on: str | None = None
    edits: tuple[TranscriptEdit, ...] = ()

    @property
    def stem(self) -> str:
        """The id it began with: the same for every version of what one recording said."""
        return self.based_on or self.transcript_id

    def turns_for(self, turn_id: str, *, earlier: bool = False) -> tuple[Turn, ...]:
        """What an id of a turn stands for: that turn, or, where a later correction was taken back, the one it had been
        cut from. An id of an `earlier` version also stands for what has been cut from the turn since."""
        within = turn_id.partition(".")[0]
        whole = [turn for turn in self.turns if turn.turn_id.partition(".")[0] == within]
        exact = [turn for turn in whole if turn.turn_id == turn_id]
        if earlier and turn_id == within:
            return tuple(whole)
        return tuple(exact or [turn for turn in whole if turn.turn_id == within])

    def marks_before(self, place: int) -> tuple[Mark, ...]:
        """What was not captured between the turn before `place` and that turn; after the last one for their number."""
        begins = [turn.start_ms + MARK_SLACK_MS for turn in self.turns]
        least = begins[place - 1] if place else -1
        most = begins[place] if place < len(begins) else None
        return tuple(mark for mark in self.marks if mark.at_ms > least and (most is None or mark.at_ms <= most))
