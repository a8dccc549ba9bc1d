"""Is there enough speech to write a note from? In: a Transcript and thresholds. Out: nothing, or NothingSaid.

Our own rule, never the recogniser's silence: recognisers write words over noise, and a note from noise is invented.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from connector.errors import NothingSaid
from connector.records import Transcript, Word

_WHAT_TO_DO = "Record again nearer to the microphone, upload another recording, or type the visit."
_LONGEST_WORD_MS = 2000


@dataclass(frozen=True, slots=True)
class SpeechThresholds:
    """The least a recording must hold. The defaults are chosen so that a visit of four short sentences passes.

    `speech_s`: seconds in which words were heard, overlaps once, a word at most two seconds.
    `words`: how many were heard. `words_per_minute`: over the whole recording; conversation has 100 to 180, and a
    visit with long silences still more than 10; not asked of a recording with `enough_words`, since a recorder left
    running after a visit is common. `confidence`: mean of all words; clear speech is recognised above 0.8.
    """

    speech_s: float = 4.0
    words: int = 12
    words_per_minute: float = 8.0
    enough_words: int = 150
    confidence: float = 0.5


def judge_speech(transcript: Transcript, *, thresholds: SpeechThresholds | None = None, recording_ms: int = 0) -> None:
    """Pass a transcript a note may be written from; raise NothingSaid, saying what to do, otherwise.

    `recording_ms` is the recording's own duration where known, since a recogniser may state a shorter one. Rules on
    times and confidence are left out where the transcript states none. A typed transcript only has to have words.
    """
    least = thresholds or SpeechThresholds()
    count = sum(len(turn.text.split()) for turn in transcript.turns)
    if count == 0:
        raise NothingSaid(f"No speech was found in the recording. {_WHAT_TO_DO}")
    if transcript.origin == "typed":
        return
    seconds = _speech_ms(transcript) / 1000
    if count < least.words or (0 < seconds < least.speech_s):
        raise NothingSaid(f"Only a few words could be heard, too few for a note. {_WHAT_TO_DO}")
    minutes = max(recording_ms, transcript.duration_ms) / 60_000
    if count < least.enough_words and minutes > 0 and count / minutes < least.words_per_minute:
        raise NothingSaid(f"Most of the recording holds no speech that could be made out. {_WHAT_TO_DO}")
    confidence = _confidence(transcript)
    if 0 < confidence < least.confidence:
        raise NothingSaid(f"The speech is too unclear to be relied on. {_WHAT_TO_DO}")


def _speech_ms(transcript: Transcript) -> int:
    """Return the milliseconds in which words were heard; of turns without words, the turn's own span."""
    spans: list[tuple[int, int]] = []
    for turn in transcript.turns:
        timed = [(word.start_ms, min(word.end_ms, word.start_ms + _LONGEST_WORD_MS)) for word in turn.words]
        longest = len(turn.text.split()) * _LONGEST_WORD_MS
        spans += timed or [(turn.start_ms, min(turn.end_ms, turn.start_ms + longest))]
    return _covered(spans)


def _covered(spans: Iterable[tuple[int, int]]) -> int:
    """Return the length of the union of spans."""
    total, reached = 0, 0
    for start, end in sorted(spans):
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total


def _confidence(transcript: Transcript) -> float:
    """Return the mean confidence over all words, a turn without words counting as often as it has words."""
    heard = 0.0
    count = 0
    for turn in transcript.turns:
        words: tuple[Word, ...] = turn.words
        weight = len(words) or len(turn.text.split())
        heard += sum(word.confidence for word in words) if words else turn.confidence * weight
        count += weight
    return heard / count if count else 0.0
