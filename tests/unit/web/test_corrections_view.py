"""What can be corrected is offered, and nothing else; what a correction means for the note is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.errors import NotFound
from connector.records import DoubtfulSpan, Speaker, Transcript, TranscriptEdit
from connector.visit.states import State
from connector.web.corrections_view import (
    build_corrections,
    build_redraft,
    build_speakers,
    build_turn_form,
)
from connector.web.note_view import build_note, build_transcript
from tests.unit.web import samples


def said(**changes: object) -> Transcript:
    return replace(samples.transcript(), **changes)  # type: ignore[arg-type]


def test_two_speakers_of_one_role_can_be_told_apart_and_little_speech_is_said() -> None:
    speakers = (
        Speaker("A", "Patient", "vendor", None, 61_000),
        Speaker("B", "Patient", "guess", None, 2_000, low_trust=True),
        Speaker("C", "Partner", "clinician", "Ada Lin"),
    )
    shown = build_speakers(said(speakers=speakers))
    assert [one.title for one in shown] == ["Patient – voice A", "Patient – voice B", "Partner (Ada Lin)"]
    assert [one.doubtful for one in shown] == [False, True, False]
    assert [one.low_trust for one in shown] == [False, True, False]
    assert [one.spoken for one in shown] == ["1 min 1 s", "2 s", None]
    assert shown[2].decided == "set by you"


@pytest.mark.parametrize(
    ("state", "waiting", "offered"),
    [
        (State.DRAFTED, True, True),
        (State.TRANSCRIBED, False, True),
        (State.TRANSCRIBED, True, False),
        (State.SIGNED, False, False),
        (State.FILED, False, False),
        (State.PRIMED, False, False),
    ],
)
def test_corrections_are_offered_where_the_service_takes_them(state: State, waiting: bool, offered: bool) -> None:
    assert (build_corrections(samples.transcript(), state, waiting=waiting) is not None) is offered
    assert build_corrections(samples.transcript("typed"), state, waiting=waiting) is None
    assert build_corrections(None, state, waiting=waiting) is None


def test_the_last_correction_is_named_without_its_words() -> None:
    edit = TranscriptEdit("e1", "correct", "Practitioner/8", samples.NOW, {"turn": "t2", "text": "Secret"})
    view = build_corrections(said(edits=(edit,)), State.DRAFTED, waiting=False)
    assert view is not None and (view.undo, view.made, view.shown) == ("words corrected", 1, "transcript-1")


def test_a_turn_offers_each_word_it_can_be_cut_before() -> None:
    form = build_turn_form(samples.transcript(), "t2")
    assert [(cut.word, cut.before, cut.after) for cut in form.cuts] == [
        (1, "Take", "lisinopril twenty."),
        (2, "Take lisinopril", "twenty."),
    ]
    assert build_turn_form(samples.transcript(), "t1").cuts == ()
    with pytest.raises(NotFound):
        build_turn_form(samples.transcript(), "t9")
    with pytest.raises(NotFound):
        build_turn_form(None, "t1")


def test_a_note_of_another_version_is_behind_and_of_this_one_is_not() -> None:
    row, draft = samples.facts("DRAFTED").row, samples.draft()
    corrected = said(transcript_id="e1", based_on="transcript-1", version=2)
    view = build_redraft(draft, corrected, row)
    assert view is not None and view.behind and not view.edited and not view.under_way
    assert build_redraft(replace(draft, transcript_id="e1"), corrected, row) is None
    assert build_redraft(draft, samples.transcript(), row) is None
    assert build_redraft(draft, corrected, samples.facts("SIGNED").row) is None
    again = build_redraft(replace(draft, revision=2, instead_of=1, transcript_id="e1"), corrected, row)
    assert again is not None and again.back and not again.behind
    busy = build_redraft(draft, corrected, replace(row, step="drafting"))
    assert busy is not None and busy.under_way
    failed = replace(row, step="drafting", attention="draft-unusable", attention_action="draft-again")
    stalled = build_redraft(draft, corrected, failed)
    assert stalled is not None and stalled.behind and not stalled.under_way


def test_what_was_hardly_heard_is_marked_with_what_it_is() -> None:
    view = build_transcript(said(spans=(DoubtfulSpan("t2", 1, 2, "dose", 0.7),)))
    assert view is not None
    assert [(one.text, one.unsure, one.kind) for one in view.turns[1].pieces] == [
        ("Take ", False, None),
        ("lisinopril", True, "dose"),
        (" ", False, None),
        ("twenty.", True, "dose"),
    ]


def test_the_evidence_of_a_note_is_found_in_a_transcript_whose_turns_were_cut_since() -> None:
    first, second = samples.transcript().turns
    parts = (
        replace(second, text="Take", words=second.words[:1]),
        replace(second, turn_id="t2.1", words=second.words[1:]),
    )
    corrected = said(transcript_id="e1", based_on="transcript-1", version=2, turns=(first, *parts))
    view = build_note(samples.shown(), transcript=corrected, chart={})
    assert view is not None
    assert view.sections[0].sentences[1].turn_ids == ("t2", "t2.1")
    fresh = replace(samples.shown(), draft=replace(samples.draft(), transcript_id="e1"))
    exact = build_note(fresh, transcript=corrected, chart={})
    assert exact is not None and exact.sections[0].sentences[1].turn_ids == ("t2",)
