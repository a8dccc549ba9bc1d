"""6. Transcript: what was said. In: nothing. Out: frozen records. Never refers to a later one."""

from __future__ import annotations

from dataclasses import dataclass

from connector.records.capture import Mark
from connector.records.stamps import Stamp


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
