"""6. Transcript: what was said. In: nothing. Out: frozen records. Never refers to a later one."""

from __future__ import annotations

from dataclasses import dataclass

from connector.records.capture import Mark
from connector.records.stamps import Stamp

MARK_SLACK_MS = 400
"""A turn may begin so much before the place of a mark and still be what followed it."""


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
    """What was said. `origin` is `recogniser`, `playback` (a sandbox) or `typed`; warnings are shown as they are.

    `marks` are places where something was not captured, in ms from the start of the recording. `little_speech`: our
    own rule would not have let it pass, and the clinician had it drafted all the same.
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

    def marks_before(self, place: int) -> tuple[Mark, ...]:
        """What was not captured between the turn before `place` and that turn; after the last one for their number."""
        begins = [turn.start_ms + MARK_SLACK_MS for turn in self.turns]
        least = begins[place - 1] if place else -1
        most = begins[place] if place < len(begins) else None
        return tuple(mark for mark in self.marks if mark.at_ms > least and (most is None or mark.at_ms <= most))
