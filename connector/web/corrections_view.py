"""What can be corrected of a transcript, and what a correction offers. In: records. Out: frozen views.

Never says that a role is sure which nobody has confirmed, nor offers what the service would refuse.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from connector.errors import NotFound
from connector.records import DraftNote, Speaker, Transcript, Turn
from connector.store.visits import VisitRow
from connector.transcript.correcting import LONGEST_NAME, LONGEST_ROLE, LONGEST_TURN, speakers_of
from connector.transcript.rewording import places_to_cut
from connector.visit.correcting import CORRECTABLE
from connector.visit.redrafting import can_bring_back, is_behind, is_edited, is_redrafting
from connector.visit.states import State
from connector.web.moments import describe_length, show_offset

ROLES = ("Clinician", "Patient", "Partner", "Parent", "Child", "Relative", "Friend", "Carer", "Interpreter", "Student")
"""Offered for who somebody is; any other word will do as well."""
DECIDED: Mapping[str, tuple[str, bool]] = {
    "channel": ("own microphone channel", False),
    "vendor": ("recognised from what was said", False),
    "guess": ("not decided: check who spoke", True),
    "clinician": ("set by you", False),
}
_EDITS: Mapping[str, str] = {
    "rename": "who a speaker is",
    "swap": "two speakers swapped",
    "merge": "two speakers made one",
    "split": "turns of somebody else",
    "move": "turns of another speaker",
    "cut": "a turn cut in two",
    "correct": "words corrected",
}
_CONTEXT = 3
"""Words shown on either side of where a turn may be cut."""


@dataclass(frozen=True, slots=True)
class SpeakerView:
    """One speaker: the role shown and how it was decided; `doubtful` when nobody has confirmed it.

    `title` tells this speaker from every other one; `spoken` is how long they were heard, None where nothing was timed.
    """

    label: str
    title: str
    role: str
    name: str
    decided: str
    doubtful: bool
    spoken: str | None
    low_trust: bool


@dataclass(frozen=True, slots=True)
class CorrectionsView:
    """The forms of a transcript that can be corrected. `shown` names the version they belong to; `undo` is the last
    correction in a few words; `roles` are offered."""

    shown: str
    made: int
    undo: str | None
    roles: tuple[str, ...] = ROLES
    longest_role: int = LONGEST_ROLE
    longest_name: int = LONGEST_NAME


@dataclass(frozen=True, slots=True)
class CutView:
    """A word a turn can be cut before, and the words around it."""

    word: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class TurnFormView:
    """The forms of one turn."""

    turn_id: str
    speaker: str
    role: str
    at: str
    text: str
    cuts: tuple[CutView, ...]
    longest: int = LONGEST_TURN


@dataclass(frozen=True, slots=True)
class RedraftView:
    """What a correction means for the note: `behind` it was made from an earlier transcript, `edited` it holds changes
    by hand, `under_way` it is being drafted again, `back` the note before the redraft can be brought back."""

    revision: int
    behind: bool
    edited: bool
    under_way: bool
    back: bool


def build_speakers(transcript: Transcript) -> tuple[SpeakerView, ...]:
    """Everybody who speaks, in the order they first do."""
    speakers = speakers_of(transcript)
    same = Counter(_name(one) for one in speakers)
    return tuple(_build_speaker(one, alone=same[_name(one)] == 1) for one in speakers)


def build_corrections(transcript: Transcript | None, state: State, *, waiting: bool) -> CorrectionsView | None:
    """The forms; None where nothing can be corrected, or where the draft is under way (`waiting`) and the page is drawn
    anew in a moment."""
    if transcript is None or transcript.origin == "typed" or state not in CORRECTABLE or not transcript.turns:
        return None
    if state is State.TRANSCRIBED and waiting:
        return None
    last = transcript.edits[-1] if transcript.edits else None
    undo = _EDITS.get(last.action, last.action) if last else None
    return CorrectionsView(transcript.transcript_id, len(transcript.edits), undo)


def build_turn_form(transcript: Transcript | None, turn_id: str) -> TurnFormView:
    """One turn to be corrected; raises NotFound for one there is not."""
    turns = transcript.turns if transcript is not None else ()
    turn = next((one for one in turns if one.turn_id == turn_id), None)
    if turn is None:
        raise NotFound("This turn is not in the transcript any more: reload the page.")
    cuts = tuple(_build_cut(turn, word) for word in places_to_cut(turn))
    return TurnFormView(turn.turn_id, turn.speaker, turn.role, show_offset(turn.start_ms), turn.text, cuts)


def build_redraft(draft: DraftNote | None, transcript: Transcript | None, row: VisitRow) -> RedraftView | None:
    """What is to be said above a note under review; None where there is nothing."""
    if draft is None or transcript is None or row.state != State.DRAFTED:
        return None
    view = RedraftView(
        revision=draft.revision,
        behind=is_behind(draft, transcript),
        edited=is_edited(draft),
        under_way=is_redrafting(row),
        back=can_bring_back(draft),
    )
    return view if view.behind or view.under_way or view.back else None


def _name(one: Speaker) -> str:
    return f"{one.role} ({one.name})" if one.name else one.role


def _build_speaker(one: Speaker, *, alone: bool) -> SpeakerView:
    decided, doubtful = DECIDED.get(one.role_from, (one.role_from, True))
    return SpeakerView(
        label=one.label,
        title=_name(one) if alone else f"{_name(one)} – voice {one.label}",
        role=one.role,
        name=one.name or "",
        decided=decided,
        doubtful=doubtful,
        spoken=describe_length(one.speech_ms / 1000) if one.speech_ms else None,
        low_trust=one.low_trust,
    )


def _build_cut(turn: Turn, word: int) -> CutView:
    before = [one.text for one in turn.words[:word] if one.text][-_CONTEXT:]
    after = [one.text for one in turn.words[word:] if one.text][:_CONTEXT]
    return CutView(word, " ".join(before), " ".join(after))
