"""Transcript and note side by side. In: Transcript, ShownNote, chart entries by reference. Out: frozen views.

Never shows a sentence without saying what it rests on, and never a doubtful word as a certain one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from connector.records import Finding, Mark, NoteSection, Sentence, Transcript, Turn
from connector.visit.note import ShownNote
from connector.visit.redrafting import is_behind
from connector.web.corrections_view import SpeakerView, build_speakers
from connector.web.moments import describe_length, show_offset

UNSURE_BELOW = 0.6
"""Words the recogniser was less sure of than this are marked."""


@dataclass(frozen=True, slots=True)
class PieceView:
    """A stretch of a turn's text; `unsure` marks a word the recogniser doubted, `kind` what it is where that matters
    more than other words."""

    text: str
    unsure: bool
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class TurnView:
    """One turn; `start` and `end` in seconds, None where there is no sound behind it.

    `before` says what was not captured just before it.
    """

    turn_id: str
    role: str
    side: str
    at: str | None
    start: float | None
    end: float | None
    pieces: tuple[PieceView, ...]
    before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TranscriptView:
    """What was said, or typed: `title` tells which. `label` says where it comes from when that is not a recogniser.

    `after` says what was not captured after the last turn.
    """

    label: str | None
    played_back: bool
    turns: tuple[TurnView, ...]
    speakers: tuple[SpeakerView, ...]
    warnings: tuple[str, ...]
    length: str | None
    unsure: int
    after: tuple[str, ...] = ()
    title: str = "What was said"

    @property
    def typed(self) -> bool:
        """Whether nothing of it was ever sound."""
        return self.title == _TYPED


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """What a sentence rests on: a turn (`turn_id` set) or a chart entry, and how to name it."""

    label: str
    turn_id: str | None
    reference: str | None


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding beside its sentence: `label` in two or three words, `text` in full."""

    label: str
    text: str
    grave: bool


@dataclass(frozen=True, slots=True)
class CheckView:
    """One thing to check before signing; `places` are pairs of a sentence id and the title of its section."""

    label: str
    text: str
    grave: bool
    places: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SentenceView:
    """One sentence with its evidence, its findings and who wrote it."""

    sentence_id: str
    text: str
    turn_ids: tuple[str, ...]
    said: tuple[EvidenceView, ...]
    charted: tuple[EvidenceView, ...]
    unsupported: bool
    written_by: str | None
    findings: tuple[FindingView, ...]


@dataclass(frozen=True, slots=True)
class NoteSectionView:
    """One section of the note."""

    key: str
    title: str
    sentences: tuple[SentenceView, ...]


@dataclass(frozen=True, slots=True)
class NoteView:
    """The draft under review. `checks`: what to look at, grave things first, the same thing in two places once.

    `label` says who wrote the draft when that was no language model.
    """

    title: str
    label: str | None
    revision: int
    sections: tuple[NoteSectionView, ...]
    checks: tuple[CheckView, ...]


NO_EVIDENCE = "no-evidence"
_ORIGINS: Mapping[str, str] = {
    "playback": "Sandbox playback: a bundled script, not speech recognition",
    "sandbox-recogniser": "SANDBOX RECOGNISER, low accuracy: many words are wrong",
    "typed": "Typed by the clinician: nothing was recorded",
}
_DRAFTERS: Mapping[str, str] = {
    "sandbox": "Sandbox draft: written by an offline stand-in, not by a language model",
}
_TYPED = "What was typed"
_OWN_WARNINGS = ("Sandbox playback", "Sandbox recogniser")
"""The sandbox warns of itself in these words; the label says the same and stands on every page."""
_DOUBTED: Mapping[str, str] = {"drug": "drug name", "dose": "dose", "negation": "yes or no"}
_FINDINGS: Mapping[str, tuple[str, bool]] = {
    "allergy": ("Allergy", True),
    "dose-differs": ("Dose differs", True),
    NO_EVIDENCE: ("No evidence", False),
    "across-a-gap": ("Something missing between", True),
    "chart-unread": ("Chart not read", False),
}
_OTHER_FINDING = ("Check this", False)
_WRITTEN: Mapping[str, str] = {"edited": "Edited by you", "clinician": "Written by you"}


def build_transcript(transcript: Transcript | None) -> TranscriptView | None:
    """The transcript as the page shows it."""
    if transcript is None:
        return None
    timed = transcript.origin != "typed"
    sides: dict[str, str] = {}
    doubted = _place_spans(transcript)
    turns = tuple(
        _build_turn(turn, doubted.get(turn.turn_id, {}), timed=timed, side=_side(turn, sides))
        for turn in transcript.turns
    )
    before, after = _place_marks(transcript)
    turns = tuple(replace(turn, before=before.get(turn.turn_id, ())) for turn in turns)
    label = _ORIGINS.get(transcript.origin)
    return TranscriptView(
        label=label,
        played_back=transcript.origin in ("playback", "sandbox-recogniser"),
        turns=turns,
        speakers=build_speakers(transcript) if timed else (),
        warnings=tuple(warning for warning in transcript.warnings if not (label and warning.startswith(_OWN_WARNINGS))),
        length=show_offset(transcript.duration_ms) if timed and transcript.duration_ms else None,
        unsure=sum(piece.unsure for turn in turns for piece in turn.pieces),
        after=after,
        title="What was said" if timed else _TYPED,
    )


_MARKS: Mapping[str, tuple[str, str]] = {
    "gap": ("{length} missing here: nothing was recorded", "Something is missing here: nothing was recorded"),
    "paused": ("Paused for {length}", "Paused"),
    "off-record": ("Off the record for {length}: not recorded, on purpose", "Off the record: not recorded, on purpose"),
}


def _place_marks(transcript: Transcript) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Each mark before the first turn that begins at it or later (by turn id), and those after the last."""
    turns = transcript.turns
    before = {turn.turn_id: _tell_marks(transcript.marks_before(place)) for place, turn in enumerate(turns)}
    return before, _tell_marks(transcript.marks_before(len(turns)))


def _tell_marks(marks: Iterable[Mark]) -> tuple[str, ...]:
    told = []
    for mark in marks:
        known, unknown = _MARKS.get(mark.kind, _MARKS["gap"])
        told.append(known.format(length=describe_length(mark.missing_ms / 1000)) if mark.missing_ms else unknown)
    return tuple(told)


def build_note(note: ShownNote | None, *, transcript: Transcript | None, chart: Mapping[str, str]) -> NoteView | None:
    """The draft as the page shows it; `chart` names chart entries by relative reference."""
    if note is None:
        return None
    timed = transcript is not None and transcript.origin != "typed"
    behind = transcript is not None and is_behind(note.draft, transcript)
    evidence = _Evidence(transcript, behind, chart, timed, note.findings.items)
    return NoteView(
        title=note.draft.title,
        label=_DRAFTERS.get(note.draft.origin),
        revision=note.draft.revision,
        sections=tuple(_build_section(section, evidence) for section in note.draft.sections),
        checks=_build_checks(note),
    )


@dataclass(frozen=True, slots=True)
class _Evidence:
    transcript: Transcript | None
    behind: bool
    chart: Mapping[str, str]
    timed: bool
    findings: tuple[Finding, ...]

    def turns(self, turn_ids: Iterable[str]) -> list[Turn]:
        """The turns that ids stand for in the transcript as it is now, each once."""
        if self.transcript is None:
            return []
        found = (turn for one in turn_ids for turn in self.transcript.turns_for(one, earlier=self.behind))
        return list({turn.turn_id: turn for turn in found}.values())


def _side(turn: Turn, sides: dict[str, str]) -> str:
    """A colour per speaker in order of appearance: `a` to `d`, then `a` again."""
    return sides.setdefault(turn.speaker, "abcd"[len(sides) % 4])


def _place_spans(transcript: Transcript) -> dict[str, dict[int, str]]:
    """By turn and word the kind of what was hardly heard there."""
    placed: dict[str, dict[int, str]] = {}
    for span in transcript.spans:
        placed.setdefault(span.turn_id, {}).update(dict.fromkeys(range(span.first, span.last + 1), span.kind))
    return placed


def _build_turn(turn: Turn, doubted: Mapping[int, str], *, timed: bool, side: str) -> TurnView:
    return TurnView(
        turn_id=turn.turn_id,
        role=turn.role if timed else "Typed",
        side=side,
        at=show_offset(turn.start_ms) if timed else None,
        start=turn.start_ms / 1000 if timed else None,
        end=turn.end_ms / 1000 if timed else None,
        pieces=tuple(_split_turn(turn, doubted)) if timed else (PieceView(turn.text, False),),
    )


def _split_turn(turn: Turn, doubted: Mapping[int, str]) -> Iterable[PieceView]:
    """The turn's text cut around doubtful words; a word the text does not hold is passed over."""
    at = told = 0
    for place, word in enumerate(turn.words):
        found = turn.text.find(word.text, at)
        if found < 0 or not word.text:
            continue
        at = found + len(word.text)
        if word.confidence < UNSURE_BELOW or place in doubted:
            if found > told:
                yield PieceView(turn.text[told:found], False)
            yield PieceView(word.text, True, _DOUBTED.get(doubted.get(place, "")))
            told = at
    if told < len(turn.text):
        yield PieceView(turn.text[told:], False)


def _build_checks(note: ShownNote) -> tuple[CheckView, ...]:
    """Findings of the same words become one check with several places."""
    homes = {
        sentence.sentence_id: (section.title, sentence.text)
        for section in note.draft.sections
        for sentence in section.sentences
    }
    checks: dict[tuple[str, str], CheckView] = {}
    for finding in note.findings.items:
        label, grave = _FINDINGS.get(finding.kind, _OTHER_FINDING)
        title, sentence = homes.get(finding.sentence_id or "", ("", ""))
        text = f"“{sentence}”" if finding.kind == NO_EVIDENCE and sentence else finding.text
        before = checks.get((label, text))
        places = (*(before.places if before else ()), *([(finding.sentence_id, title)] if finding.sentence_id else []))
        checks[label, text] = CheckView(label, text, grave, places)
    return tuple(sorted(checks.values(), key=lambda check: not check.grave))


def _build_section(section: NoteSection, evidence: _Evidence) -> NoteSectionView:
    sentences = tuple(_build_sentence(sentence, evidence) for sentence in section.sentences)
    return NoteSectionView(section.key, section.title, sentences)


def _build_sentence(sentence: Sentence, evidence: _Evidence) -> SentenceView:
    said = evidence.turns(sentence.turn_ids)
    charted = tuple(
        EvidenceView(evidence.chart.get(source.reference, "Chart entry"), None, source.reference)
        for source in sentence.chart
    )
    own = [finding for finding in evidence.findings if finding.sentence_id == sentence.sentence_id]
    return SentenceView(
        sentence_id=sentence.sentence_id,
        text=sentence.text,
        turn_ids=tuple(turn.turn_id for turn in said),
        said=tuple(EvidenceView(_name_turn(turn, evidence.timed), turn.turn_id, None) for turn in said),
        charted=charted,
        unsupported=not said and not charted and sentence.origin != "clinician",
        written_by=_WRITTEN.get(sentence.origin),
        # "No evidence" is said once, by the mark that stands in the evidence's place.
        findings=tuple(_build_finding(finding) for finding in own if finding.kind != NO_EVIDENCE),
    )


def _build_finding(finding: Finding) -> FindingView:
    label, grave = _FINDINGS.get(finding.kind, _OTHER_FINDING)
    return FindingView(label, finding.text, grave)


def _name_turn(turn: Turn, timed: bool) -> str:
    return f"{turn.role} {show_offset(turn.start_ms)}" if timed else f"Line {turn.turn_id.removeprefix('t')}"
