"""In: which stretches of an upload are from which bundled visit. Out: the words of the scripts that sound in them.

Never gives a word whose sound is not in the upload, and none twice for one sound.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from connector_sandbox.assemblyai.sound import FRAME_MS, Sound
from connector_sandbox.assemblyai.stretches import Stretch
from connector_sandbox.recordings import BundledRecording, Turn, Word

_MIDDLE_MS = 50  # of the 100 ms window a stretch begins or ends with
_LEAST_HEARD = 0.6  # of a word's length: of a word cut in two the longer part says which it was


@dataclass(frozen=True)
class HeardWord:
    """One word; times in milliseconds of the upload, confidence 0 to 1."""

    text: str
    start: int
    end: int
    confidence: float


@dataclass(frozen=True)
class HeardTurn:
    """One speaker's words; `role` is None where the sandbox cannot tell who speaks, `name` where no script says.

    `channel` is 1, or 2 where the turn is heard on the second of two channels; `language` is the script's.
    """

    role: str | None
    name: str | None
    words: tuple[HeardWord, ...]
    channel: int = 1
    language: str = "en"


def play_back(recordings: Sequence[BundledRecording], stretches: Sequence[Stretch], *, sound: Sound) -> list[HeardTurn]:
    """The turns heard in the stretches, in order; a turn that goes on behind a gap stays one."""
    turns: list[HeardTurn] = []
    last: tuple[int, int, int] | None = None
    for stretch in stretches:
        recording = recordings[stretch.number]
        for number, turn in enumerate(recording.turns):
            heard = _hear_turn(recording, turn, number=number, stretch=stretch)
            if not heard:
                continue
            positions, words = zip(*heard, strict=True)
            if last is not None and last[:2] == (stretch.number, number) and positions[0] > last[2]:
                turns[-1] = replace(turns[-1], words=turns[-1].words + words)
            else:
                name, language = recording.names.get(turn.role), recording.language
                channel = _louder(sound, words)
                turns.append(HeardTurn(turn.role, name, words=words, channel=channel, language=language))
            last = (stretch.number, number, positions[-1])
    return turns


def _hear_turn(
    recording: BundledRecording, turn: Turn, *, number: int, stretch: Stretch
) -> list[tuple[int, HeardWord]]:
    """The words of the turn that sound in the stretch, each with its position in the turn."""
    lag = stretch.lag * FRAME_MS
    return [
        (
            position,
            HeardWord(
                text=word.text,
                start=max(0, word.start + lag),
                end=max(1, word.end + lag),
                confidence=_confidence(recording, word.text, place=f"{number}:{position}"),
            ),
        )
        for position, word in enumerate(turn.words)
        if _is_heard(word, stretch)
    ]


def _is_heard(word: Word, stretch: Stretch) -> bool:
    first = (stretch.first - stretch.lag) * FRAME_MS + _MIDDLE_MS
    last = (stretch.last - stretch.lag) * FRAME_MS + _MIDDLE_MS
    return min(word.end, last) - max(word.start, first) >= _LEAST_HEARD * (word.end - word.start)


def _louder(sound: Sound, words: Sequence[HeardWord]) -> int:
    """The channel on which these words are louder; 1 where they are equally loud, or there is one channel."""
    if not sound.sides:
        return 1
    first, last = words[0].start // FRAME_MS, words[-1].end // FRAME_MS + 1
    left, right = (sum(10 ** (level / 10) for level in side.levels[0][first:last]) for side in sound.sides)
    return 2 if right > 2 * left else 1


def _confidence(recording: BundledRecording, text: str, *, place: str) -> float:
    """Between 0.86 and 0.99, lower for the words the script calls unsure; the same each time."""
    share = int.from_bytes(hashlib.sha256(f"{recording.id}:{place}".encode()).digest()[:4]) / 2**32
    unsure = recording.unsure.get(text.strip(".,?!;:").lower())
    return round(unsure + 0.04 * (share - 0.5) if unsure is not None else 0.86 + 0.13 * share, 5)
