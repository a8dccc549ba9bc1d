"""Is there enough speech to write a note from? In: a Transcript and rules. Out: what was heard, or NothingSaid.

Our own rule, never the recogniser's silence: recognisers write words over noise, and a note from noise is invented.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connector.errors import NothingSaid
from connector.records import Transcript, Turn, Word
from connector.transcript.rules import SpeechRules, SpeechThresholds, fold_words

__all__ = ["Heard", "SpeechThresholds", "judge_speech", "may_draft", "measure_ms", "measure_speech"]

_WHAT_TO_DO = "Record again nearer to the microphone, upload another recording, or type the visit."
_LONGEST_WORD_MS = 2000
_LONGEST_LOOP = 12
_FEWEST_ROUNDS = 3
_MOSTLY = 0.5


@dataclass(frozen=True, slots=True)
class Heard:
    """What a transcript holds: `words` as printed, `told` of them without what recognisers invent over noise.

    `seconds` in which words were heard, `minutes` of the recording; 0 where nobody stated any. `confidence` is the
    mean over all words, 0 where none is stated. `commonest` is the largest share of one word.
    """

    words: int
    told: int
    seconds: float
    minutes: float
    confidence: float
    commonest: float


def measure_speech(transcript: Transcript, *, rules: SpeechRules | None = None, recording_ms: int = 0) -> Heard:
    """Measures a transcript. `recording_ms` is the recording's own duration where known, since a recogniser may state
    a shorter one."""
    said = [word for turn in transcript.turns for word in fold_words(turn.text)]
    told = _without_loops(_without_invented(said, (rules or SpeechRules()).invented))
    commonest = max(Counter(said).values(), default=0) / len(said) if said else 0.0
    return Heard(
        words=sum(len(turn.text.split()) for turn in transcript.turns),
        told=len(told),
        seconds=measure_ms(transcript.turns) / 1000,
        minutes=max(recording_ms, transcript.duration_ms) / 60_000,
        confidence=_confidence(transcript),
        commonest=commonest,
    )


def judge_speech(transcript: Transcript, *, rules: SpeechRules | None = None, recording_ms: int = 0) -> Heard:
    """Pass a transcript a note may be written from; raise NothingSaid, saying what to do, otherwise.

    Rules on times and confidence are left out where the transcript states none. A typed transcript only has to have
    words.
    """
    least = (rules or SpeechRules()).least
    heard = measure_speech(transcript, rules=rules, recording_ms=recording_ms)
    if heard.words == 0:
        raise NothingSaid(f"No speech was found in the recording. {_WHAT_TO_DO}")
    if transcript.origin == "typed":
        return heard
    if heard.told < heard.words * _MOSTLY and heard.told < least.enough_words:
        raise NothingSaid(f"Only noise or music seems to be in the recording: no talk could be heard. {_WHAT_TO_DO}")
    if heard.told < least.words or (0 < heard.seconds < least.speech_s):
        raise NothingSaid(f"Only a few words could be heard, too few for a note. {_WHAT_TO_DO}")
    few = heard.told < least.enough_words
    if few and heard.minutes > 0 and heard.told / heard.minutes < least.words_per_minute:
        raise NothingSaid(f"Most of the recording holds no speech that could be made out. {_WHAT_TO_DO}")
    if heard.commonest > least.one_word:
        raise NothingSaid(f"One word was heard over and over, as over noise. {_WHAT_TO_DO}")
    if 0 < heard.confidence < least.confidence:
        raise NothingSaid(f"The speech is too unclear to be relied on. {_WHAT_TO_DO}")
    return heard


def may_draft(heard: Heard, *, rules: SpeechRules) -> bool:
    """Whether there is at least some speech, so that a clinician may have a note drafted all the same."""
    enough = heard.seconds == 0 or heard.seconds >= rules.draft.speech_s
    return enough and heard.told >= rules.draft.words


def _without_invented(words: Sequence[str], phrases: Sequence[Sequence[str]]) -> list[str]:
    """Drops phrases recognisers print over noise; the longest that fits first."""
    begun_by: dict[str, list[tuple[str, ...]]] = {}
    for phrase in phrases:
        if phrase:
            begun_by.setdefault(phrase[0], []).append(tuple(phrase))
    kept: list[str] = []
    place = 0
    while place < len(words):
        begun = begun_by.get(words[place], ())
        length = next((len(one) for one in begun if tuple(words[place : place + len(one)]) == one), 0)
        if not length:
            kept.append(words[place])
        place += length or 1
    return kept


def _without_loops(words: Sequence[str]) -> list[str]:
    """Keeps the first of three or more repetitions of the same words one after the other."""
    kept = list(words)
    for length in range(1, _LONGEST_LOOP + 1):
        found: list[str] = []
        place = 0
        while place < len(kept):
            loop = kept[place : place + length]
            rounds = 1
            while len(loop) == length and kept[place + rounds * length : place + (rounds + 1) * length] == loop:
                rounds += 1
            if rounds >= _FEWEST_ROUNDS:
                found += loop
                place += rounds * length
            else:
                found.append(kept[place])
                place += 1
        kept = found
    return kept


def measure_ms(turns: Iterable[Turn]) -> int:
    """Return the milliseconds in which words were heard; of turns without words, the turn's own span."""
    spans: list[tuple[int, int]] = []
    for turn in turns:
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
