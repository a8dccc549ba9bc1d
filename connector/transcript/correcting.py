"""A clinician's corrections of a transcript. In: a version and one correction. Out: the next version.

Speakers are renamed, swapped, merged and split, turns given to somebody else or cut in two, words corrected. Turns keep
their ids and order, words their places and times; nothing is ever lost that cannot be had back from the first version.
A mark says what the recogniser was unsure of: it ends where a word below it is corrected, and none is ever added.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial, reduce

from connector.errors import InputRefused
from connector.records import DoubtfulSpan, Speaker, Stamp, Transcript, TranscriptEdit, Turn
from connector.transcript.cleaning import clean_text
from connector.transcript.rewording import cut_turn, reword
from connector.transcript.seating import list_speakers

CLINICIAN, GUESS = "clinician", "guess"
MOST_EDITS = 200
LONGEST_ROLE = 40
LONGEST_NAME = 80
LONGEST_TURN = 20_000
LITTLE_MS = 30_000
"""Voices with less speech than this are not trusted, where mappings/speech.yaml says nothing else."""
_NOBODY = "This speaker is not in the transcript: reload the page."
_NO_TURN = "This turn is not in the transcript: reload the page."


def apply_edit(transcript: Transcript, edit: TranscriptEdit, *, low_trust_ms: int = LITTLE_MS) -> Transcript:
    """The next version of a transcript. It takes the edit's id as its own, which so names what it holds.

    `edit.detail` holds, by action: rename `speaker` `role` and perhaps `name`; swap `speaker` `other`; merge `speaker`
    `into`; split `turns` `role` and perhaps `name`; move `turns` `speaker`; cut `turn` `word` and perhaps `speaker`;
    correct `turn` `text`. `turns` are ids with spaces between, `word` counts from 0. Raises InputRefused, with what to
    do, for what cannot be done.
    """
    action = _ACTIONS.get(edit.action)
    if action is None:
        raise InputRefused(f"A correction is one of {', '.join(_ACTIONS)}: reload the page.")
    if len(transcript.edits) >= MOST_EDITS:
        raise InputRefused("No more corrections can be made to this transcript: correct the note itself.")
    before = replace(transcript, speakers=speakers_of(transcript, low_trust_ms=low_trust_ms))
    changed = action(before, edit)
    if (changed.turns, changed.speakers) == (before.turns, before.speakers):
        raise InputRefused("This is what the transcript says already.")
    names = {one.label: one.name for one in changed.speakers if one.name is not None}
    return replace(
        changed,
        transcript_id=edit.edit_id,
        based_on=transcript.stem,
        version=transcript.version + 1,
        edits=(*transcript.edits, edit),
        speakers=list_speakers(changed.turns, low_trust_ms=low_trust_ms, names=names),
        stamp=Stamp(maker="transcript/correcting@1", at=edit.at, who=edit.by, model=transcript.stamp.model),
    )


def undo(original: Transcript, transcript: Transcript, *, low_trust_ms: int = LITTLE_MS) -> Transcript:
    """The next version, without the last correction: all but that one, applied anew to the version they began with.

    Its id is that of the version it equals. Raises InputRefused where there is nothing to undo, ValueError for the
    original of another transcript.
    """
    if original.edits or original.transcript_id != transcript.stem:
        raise ValueError("these corrections began with another transcript")
    if not transcript.edits:
        raise InputRefused("There is nothing to undo.")
    apply = partial(apply_edit, low_trust_ms=low_trust_ms)
    return replace(reduce(apply, transcript.edits[:-1], original), version=transcript.version + 1)


def speakers_of(transcript: Transcript, *, low_trust_ms: int = LITTLE_MS) -> tuple[Speaker, ...]:
    """Who speaks; made from the turns where a transcript of an earlier release does not list them."""
    return transcript.speakers or list_speakers(transcript.turns, low_trust_ms=low_trust_ms)


def _rename(transcript: Transcript, edit: TranscriptEdit) -> Transcript:
    one = _speaker(transcript, edit, "speaker")
    named = replace(one, role=_role(edit), role_from=CLINICIAN)
    if "name" in edit.detail:
        named = replace(named, name=_name(edit))
    return _seat(transcript, {one.label: named})


def _swap(transcript: Transcript, edit: TranscriptEdit) -> Transcript:
    one, other = _speaker(transcript, edit, "speaker"), _speaker(transcript, edit, "other")
    if one.label == other.label:
        raise InputRefused("Choose two different speakers to swap.")
    return _seat(
        transcript,
        {
            one.label: replace(one, role=other.role, name=other.name, role_from=CLINICIAN),
            other.label: replace(other, role=one.role, name=one.name, role_from=CLINICIAN),
        },
    )


def _merge(transcript: Transcript, edit: TranscriptEdit) -> Transcript:
    one, into = _speaker(transcript, edit, "speaker"), _speaker(transcript, edit, "into")
    if one.label == into.label:
        raise InputRefused("Choose two different speakers to merge.")
    return _give(transcript, {turn.turn_id for turn in transcript.turns if turn.speaker == one.label}, into)


def _split(transcript: Transcript, edit: TranscriptEdit) -> Transcript:
    taken = {turn.speaker for turn in transcript.turns} | {one.label for one in transcript.speakers}
    label = next(name for name in (f"new{number}" for number in range(1, len(taken) + 2)) if name not in taken)
    somebody = Speaker(label, _role(edit), CLINICIAN, _name(edit))
    given = _give(transcript, _turns(transcript, edit), somebody)
    return replace(given, speakers=(*transcript.speakers, somebody))


def _move(transcript: Transcript, edit: TranscriptEdit) -> Transcript:
    return _give(transcript, _turns(transcript, edit), _speaker(transcript, edit, "speaker"))


def _cut(transcript: Transcript, edit: TranscriptEdit) -> Transcript:
    turn, word = _turn(transcript, edit), edit.detail.get("word")
    if not isinstance(word, int):
        raise InputRefused("Choose the word where the next turn begins.")
    begin, taken = turn.turn_id.partition(".")[0], {one.turn_id for one in transcript.turns}
    fresh = next(name for name in (f"{begin}.{number}" for number in range(1, len(taken) + 1)) if name not in taken)
    parts = cut_turn(turn, word, turn_id=fresh)
    turns = tuple(part for one in transcript.turns for part in (parts if one is turn else (one,)))
    spans = tuple(part for span in transcript.spans for part in _cut_span(span, turn.turn_id, fresh, at=word))
    cut = replace(transcript, turns=turns, spans=spans)
    return _give(cut, {fresh}, _speaker(transcript, edit, "speaker")) if edit.detail.get("speaker") else cut


def _cut_span(span: DoubtfulSpan, turn_id: str, fresh: str, *, at: int) -> tuple[DoubtfulSpan, ...]:
    """A mark follows its words into the new turn, and into both where it lies across the cut."""
    if span.turn_id != turn_id or span.last < at:
        return (span,)
    moved = replace(span, turn_id=fresh, first=max(0, span.first - at), last=span.last - at)
    return (moved,) if span.first >= at else (replace(span, last=at - 1), moved)


def _correct(transcript: Transcript, edit: TranscriptEdit) -> Transcript:
    turn, text = _turn(transcript, edit), clean_text(edit.detail.get("text"))
    if not text:
        raise InputRefused("A turn cannot be without words: leave at least one.")
    if len(text) > LONGEST_TURN:
        raise InputRefused(f"A turn can have at most {LONGEST_TURN} characters.")
    reworded, touched = reword(turn, text)
    turns = tuple(reworded if one is turn else one for one in transcript.turns)
    # A corrected word is the clinician's own. Whoever puts one word of a marked dose right has looked at all of it.
    kept = tuple(
        span
        for span in transcript.spans
        if span.turn_id != turn.turn_id or touched.isdisjoint(range(span.first, span.last + 1))
    )
    return replace(transcript, turns=turns, spans=kept)


def _seat(transcript: Transcript, named: dict[str, Speaker]) -> Transcript:
    """Speakers under the roles they have now."""
    turns = tuple(
        replace(turn, role=named[turn.speaker].role, role_from=CLINICIAN) if turn.speaker in named else turn
        for turn in transcript.turns
    )
    return replace(transcript, turns=turns, speakers=tuple(named.get(one.label, one) for one in transcript.speakers))


def _give(transcript: Transcript, turn_ids: set[str], to: Speaker) -> Transcript:
    """Turns of another speaker. Whose they are was decided by the clinician; what a guessed role is worth was not."""
    decided = GUESS if to.role_from == GUESS else CLINICIAN
    turns = tuple(
        replace(turn, speaker=to.label, role=to.role, role_from=decided)
        if turn.turn_id in turn_ids and turn.speaker != to.label
        else turn
        for turn in transcript.turns
    )
    return replace(transcript, turns=turns)


def _speaker(transcript: Transcript, edit: TranscriptEdit, key: str) -> Speaker:
    found = next((one for one in transcript.speakers if one.label == edit.detail.get(key)), None)
    if found is None:
        raise InputRefused(_NOBODY)
    return found


def _turn(transcript: Transcript, edit: TranscriptEdit) -> Turn:
    found = next((one for one in transcript.turns if one.turn_id == edit.detail.get("turn")), None)
    if found is None:
        raise InputRefused(_NO_TURN)
    return found


def _turns(transcript: Transcript, edit: TranscriptEdit) -> set[str]:
    named = set(str(edit.detail.get("turns", "")).split())
    if not named:
        raise InputRefused("Choose at least one turn.")
    if not named <= {turn.turn_id for turn in transcript.turns}:
        raise InputRefused(_NO_TURN)
    return named


def _role(edit: TranscriptEdit) -> str:
    role = clean_text(edit.detail.get("role"))
    if not role or len(role) > LONGEST_ROLE:
        raise InputRefused(f"Say who this is, in at most {LONGEST_ROLE} characters: Patient, Partner, Interpreter …")
    return role


def _name(edit: TranscriptEdit) -> str | None:
    name = clean_text(edit.detail.get("name"))
    if len(name) > LONGEST_NAME:
        raise InputRefused(f"A name can have at most {LONGEST_NAME} characters.")
    return name or None


_ACTIONS: dict[str, Callable[[Transcript, TranscriptEdit], Transcript]] = {
    "rename": _rename,
    "swap": _swap,
    "merge": _merge,
    "split": _split,
    "move": _move,
    "cut": _cut,
    "correct": _correct,
}
ACTIONS = tuple(_ACTIONS)
