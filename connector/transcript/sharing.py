"""A redacted copy in the form in which it leaves the house. In: the copy, a stretch of it. Out: JSON values and text.

Holds no id of an EHR, no date and no name; times count from the beginning of the recording.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from connector.errors import InputRefused
from connector.records import RedactedTranscript, Turn

_CLOCK = re.compile(r"(?:(\d{1,2}):)?(\d{1,3}):([0-5]\d)")
SILENCE_PAD_MS = 100
"""So much before and after a word that was taken out is silent too: recognisers are no more exact than that."""
ORIGINS = {
    "recogniser": "Written by a speech recogniser.",
    "playback": "Sandbox: a bundled script played back, no speech was recognised. Synthetic.",
    "sandbox-recogniser": "Sandbox: an offline recogniser of low accuracy. Synthetic data only.",
}
CAUTION = (
    "A machine wrote this and a machine took parts out. Neither is without error: somebody has to read and hear it "
    "before it is passed on. It holds no correction of a clinician, and is no record of care."
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """From and to, in ms from the beginning of the recording."""

    begin_ms: int
    end_ms: int


def read_stretch(begin: str | None, end: str | None, *, duration_ms: int) -> Stretch | None:
    """The stretch two texts such as `12:30` name, None without either. Raises InputRefused for one that is none."""
    if begin is None and end is None:
        return None
    stretch = Stretch(_read_ms(begin) if begin else 0, _read_ms(end) if end else duration_ms)
    if stretch.begin_ms >= duration_ms:
        raise InputRefused(f"The recording ends at {show_clock(duration_ms)}: the clip would begin after it.")
    if stretch.begin_ms >= stretch.end_ms:
        raise InputRefused("A clip has to begin before it ends: give --from and --to as MM:SS.")
    return replace(stretch, end_ms=min(stretch.end_ms, duration_ms))


def _read_ms(text: str) -> int:
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        raise InputRefused("Times are written MM:SS, such as 12:30, or H:MM:SS.")
    hours, minutes, seconds = found.groups()
    return (int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)) * 1000


def show_clock(ms: int) -> str:
    """`12:30`."""
    return f"{ms // 60_000:02}:{ms // 1000 % 60:02}"


def cut_copy(copy: RedactedTranscript, stretch: Stretch | None) -> RedactedTranscript:
    """What of a copy is said in a stretch, word by word; a turn without words of its own only where it lies within."""
    if stretch is None:
        return copy
    turns = tuple(kept for turn in copy.turns if (kept := _cut_turn(turn, stretch)) is not None)
    return replace(copy, turns=turns)


def _cut_turn(turn: Turn, stretch: Stretch) -> Turn | None:
    if stretch.begin_ms <= turn.start_ms and turn.end_ms <= stretch.end_ms:
        return turn
    words = tuple(w for w in turn.words if w.start_ms < stretch.end_ms and w.end_ms > stretch.begin_ms)
    if not words:
        return None
    text = " ".join(word.text for word in words)
    return replace(turn, text=text, words=words, start_ms=words[0].start_ms, end_ms=words[-1].end_ms)


def describe_copy(copy: RedactedTranscript) -> dict[str, Any]:
    """The words as JSON."""
    return {
        "origin": ORIGINS.get(copy.origin, ORIGINS["recogniser"]),
        "caution": CAUTION,
        "language": copy.language,
        "turns": [
            {
                "turn": turn.turn_id,
                "speaker": turn.speaker,
                "role": turn.role,
                "role_decided_by": turn.role_from,
                "start_ms": turn.start_ms,
                "end_ms": turn.end_ms,
                "text": turn.text,
                "words": [
                    {
                        "text": word.text,
                        "start_ms": word.start_ms,
                        "end_ms": word.end_ms,
                        "confidence": round(word.confidence, 3),
                    }
                    for word in turn.words
                ],
            }
            for turn in copy.turns
        ],
    }


def write_copy(copy: RedactedTranscript) -> str:
    """The words as text, a turn a line."""
    lines = [f"[{show_clock(turn.start_ms)}] {turn.role}: {turn.text}" for turn in copy.turns]
    return "\n".join([ORIGINS.get(copy.origin, ORIGINS["recogniser"]), CAUTION, "", *lines, ""])


def silent_times(copy: RedactedTranscript) -> list[tuple[int, int]]:
    """When the sound of the whole copy has to be silent, in ms."""
    return [(max(0, begin - SILENCE_PAD_MS), end + SILENCE_PAD_MS) for begin, end in copy.silences]
