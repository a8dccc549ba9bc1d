"""What became of a visit's sound, in words. In: SoundFacts. Out: a view: until when it plays, what is asked or waits.

Never offers to play what is destroyed, and never hides that something spoke against a recording.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from connector.records import (
    Doubt,
    Doubts,
    DoubtsAnswer,
    Recording,
    Refusal,
    SoundGone,
    Transcript,
)
from connector.store.visits import Newest
from connector.visit.doubting import AGAIN, REFUSED, Question, find_languages, pair_up
from connector.visit.earlier import list_earlier
from connector.visit.parts import Parts
from connector.visit.refusing import LITTLE, refusal_of
from connector.visit.states import UNSIGNED, State
from connector.web.moments import Moment, count, show_moment
from connector.web.note_view import TurnView, build_transcript

# Doubts about whose visit it is; the others are about how it was recorded.
_WHOSE = frozenset({"name", "drugs", "length"})
_WHEN = {
    "filed": ", when the note was filed.",
    "transcribed": ", when it had been transcribed, as this site has decided.",
    "discarded": ": you discarded it.",
    "not-this-patient": ": it was not this patient's.",
    "consent-withdrawn": ", when consent was withdrawn.",
    "visit-over": ", when the visit was given up.",
}
_UNTIL = {
    "until-filed": "You can play it until the note is filed; then it is destroyed.",
    "until-transcribed": "You can play it until it is transcribed; then it is destroyed.",
}
_SIGNED = "You can play it until the note is in the EHR; then it is destroyed."
_WAITS = "You can play it here until you decide what becomes of it."
_KEEPING = (State.PRIMED, State.CAPTURING)
_OVER = (State.FILED, State.AMENDED, State.DISCARDED, State.EXPIRED, State.ERASED)


@dataclass(frozen=True, slots=True)
class SoundFacts:
    """What the store holds of it: the newest records, the site's policy, how many recordings still have files, and the
    recordings that a later one took the place of. `languages`: what it can be transcribed in again, code to name."""

    gone: SoundGone | None = None
    refusal: Refusal | None = None
    question: Question | None = None
    answered: DoubtsAnswer | None = None
    kept: str = "until-filed"
    waiting: int = 0
    earlier: tuple[Recording, ...] = ()
    languages: Mapping[str, str] = field(default_factory=dict)

    @property
    def asks(self) -> bool:
        """Whether a question is open."""
        return self.question is not None and self.question.is_open


NO_SOUND = SoundFacts()


async def gather_sound(parts: Parts, visit_id: str, newest: Newest) -> SoundFacts:
    """The facts of one visit, out of its newest records."""
    gone, answered = newest.get(SoundGone), newest.get(DoubtsAnswer)
    recording = newest.get(Recording)
    question = pair_up(newest.get(Transcript), newest.get(Doubts), answered)
    return SoundFacts(
        gone=gone,
        refusal=refusal_of(recording, newest.get(Refusal)) if recording is not None else None,
        question=question,
        answered=answered,
        kept=parts.policy.audio_kept,
        waiting=await parts.shredder.count_waiting(visit_id) if gone is not None else 0,
        earlier=await list_earlier(parts, visit_id) if recording is not None else (),
        languages=find_languages(parts, question, recording),
    )


@dataclass(frozen=True, slots=True)
class ReasonView:
    """One reason of a question, with the turns that show it."""

    text: str
    quotes: tuple[TurnView, ...]


@dataclass(frozen=True, slots=True)
class QuestionView:
    """The question before the draft; `yes` and `answer` are the words and the value of its first button. `languages`:
    codes and names of what it can be transcribed in again, `likely` the code to begin with."""

    title: str
    reasons: tuple[ReasonView, ...]
    yes: str
    answer: str
    languages: tuple[tuple[str, str], ...] = ()
    likely: str | None = None


@dataclass(frozen=True, slots=True)
class KeptView:
    """A recording that waits for a decision; `may_draft`: there is some speech in it, `heard` is what was printed.

    `beside`: another recording is under way, and nothing can be decided before that has ended.
    """

    may_draft: bool
    heard: str | None
    beside: bool = False


@dataclass(frozen=True, slots=True)
class EarlierView:
    """A recording that a later one took the place of, still to be played and discarded."""

    recording_id: str
    length: str | None
    at: Moment


@dataclass(frozen=True, slots=True)
class GoneView:
    """A destroyed recording: the sentence around the moment; `files`: sealed files that nobody can open still lie
    there."""

    at: Moment
    why: str
    files: bool


@dataclass(frozen=True, slots=True)
class ConfirmedView:
    """What the clinician answered: who, when, and the reasons it was asked for."""

    by: str
    at: Moment
    words: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SoundView:
    """Everything a visit's page says of its recording. `playable`: there is sound; `until` says how long."""

    playable: bool
    until: str | None
    length: str | None
    gone: GoneView | None
    question: QuestionView | None
    kept: KeptView | None
    confirmed: ConfirmedView | None
    caution: str | None
    earlier: tuple[EarlierView, ...] = ()


def build_sound(
    facts: SoundFacts, state: State, *, recording: Recording | None, transcript: Transcript | None, now: datetime
) -> SoundView:
    """The view of a visit in `state`."""
    playable = recording is not None and state not in _OVER
    return SoundView(
        playable=playable,
        until=_say_until(facts, state) if playable else None,
        length=_length(recording) if recording is not None else None,
        gone=_build_gone(facts, now) if recording is None else None,
        question=_build_question(facts, transcript) if state is State.TRANSCRIBED else None,
        kept=_build_kept(facts, state) if state in _KEEPING and recording is not None else None,
        confirmed=_build_confirmed(facts, now),
        caution=LITTLE if transcript is not None and transcript.little_speech else None,
        earlier=tuple(_build_earlier(one, now) for one in facts.earlier) if state in UNSIGNED else (),
    )


def _build_earlier(recording: Recording, now: datetime) -> EarlierView:
    return EarlierView(recording.recording_id, _length(recording), show_moment(recording.stamp.at, now))


def _say_until(facts: SoundFacts, state: State) -> str:
    if state in _KEEPING:
        return _WAITS
    return _SIGNED if state is State.SIGNED else _UNTIL[facts.kept]


def _length(recording: Recording) -> str | None:
    seconds = round(recording.duration_ms / 1000)
    return f"{seconds // 60}:{seconds % 60:02d}" if seconds else None


def _build_gone(facts: SoundFacts, now: datetime) -> GoneView | None:
    if facts.gone is None:
        return None
    return GoneView(show_moment(facts.gone.stamp.at, now), _WHEN.get(facts.gone.reason, "."), bool(facts.waiting))


def _build_question(facts: SoundFacts, transcript: Transcript | None) -> QuestionView | None:
    if not facts.asks or facts.question is None:
        return None
    doubts = facts.question.doubts.items
    shown = build_transcript(transcript)
    turns = {turn.turn_id: turn for turn in shown.turns} if shown else {}
    whose = any(doubt.kind in _WHOSE for doubt in doubts)
    return QuestionView(
        title="Is this recording this visit?" if whose else "Draft the note from this recording?",
        reasons=tuple(_build_reason(doubt, turns) for doubt in doubts),
        yes="It is this visit: draft the note" if whose else "Go on: draft the note",
        answer="this-visit" if whose else "go-on",
        languages=tuple(facts.languages.items()),
        likely=next((one.language for one in doubts if one.language in facts.languages), None),
    )


def _build_reason(doubt: Doubt, turns: dict[str, TurnView]) -> ReasonView:
    return ReasonView(doubt.text, tuple(turns[one] for one in doubt.turn_ids if one in turns))


def _build_kept(facts: SoundFacts, state: State) -> KeptView:
    refusal, beside = facts.refusal, state is State.CAPTURING
    if refusal is None:
        return KeptView(False, None, beside)
    words = sum(len(turn.text.split()) for turn in refusal.transcript.turns)
    heard = f"{count(words, 'word')} could be made out." if words else None
    return KeptView(refusal.may_draft, heard, beside)


def _build_confirmed(facts: SoundFacts, now: datetime) -> ConfirmedView | None:
    question = facts.question
    if question is None or question.answer is None or question.answer.answer in (REFUSED, AGAIN):
        return None
    answer = question.answer
    words = "confirmed that this recording is this visit"
    if answer.answer == "go-on":
        words = "had the note drafted from this recording"
    reasons = tuple(doubt.text for doubt in question.doubts.items)
    return ConfirmedView(answer.by, show_moment(answer.stamp.at, now), words, reasons)
