"""Edits: what is unchanged stays itself, what is reworded keeps its evidence, what is unknown is refused."""

from __future__ import annotations

from datetime import datetime

import pytest

from connector.errors import Conflict, InputRefused
from connector.records import DraftNote, Sentence, Source
from connector.review import edits
from connector.review.edits import EditedSections, apply_edit, copy_text


def edit(draft: DraftNote, sections: EditedSections, now: datetime) -> DraftNote:
    return apply_edit(draft, sections=sections, who="Practitioner/9", now=now)


def sentences(draft: DraftNote, key: str) -> tuple[Sentence, ...]:
    return next(section.sentences for section in draft.sections if section.key == key)


def test_an_edit_is_the_next_revision_by_whom_and_when(draft: DraftNote, now: datetime) -> None:
    edited = edit(draft, {}, now)
    assert (edited.revision, edited.draft_id, edited.sections) == (4, "d1", draft.sections)
    assert (edited.stamp.who, edited.stamp.at, edited.stamp.model) == ("Practitioner/9", now, "a-model")
    assert draft.revision == 3


def test_an_unchanged_sentence_stays_itself_whatever_its_blanks(draft: DraftNote, now: datetime) -> None:
    edited = edit(draft, {"subjective": [("s1", "She has  had a cough\tfor 2 weeks. "), ("s2", "No fever.")]}, now)
    assert sentences(edited, "subjective") == sentences(draft, "subjective")


def test_a_reworded_sentence_keeps_its_evidence(draft: DraftNote, now: datetime) -> None:
    edited = edit(draft, {"subjective": [("s2", "No fever or chills.")]}, now)
    assert sentences(edited, "subjective") == (
        Sentence("s2", "No fever or chills.", ("t2",), (Source("Observation/7", "1"),), "edited"),
    )


def test_a_new_sentence_is_the_clinicians_and_has_a_name_of_its_own(draft: DraftNote, now: datetime) -> None:
    added = [("s1", "She has had a cough for 2 weeks."), (None, "First."), (None, "Second.")]
    found = sentences(edit(draft, {"subjective": added}, now), "subjective")
    assert [(sentence.text, sentence.origin) for sentence in found[1:]] == [
        ("First.", "clinician"),
        ("Second.", "clinician"),
    ]
    assert len({sentence.sentence_id for sentence in found}) == 3
    assert found[1].turn_ids == ()


def test_a_clinicians_sentence_stays_the_clinicians_when_reworded(draft: DraftNote, now: datetime) -> None:
    once = edit(draft, {"objective": [(None, "Lungs clear.")]}, now)
    name = sentences(once, "objective")[0].sentence_id
    twice = edit(once, {"objective": [(name, "Lungs are clear."), (None, "No rales.")]}, now)
    first, second = sentences(twice, "objective")
    assert (first.origin, first.sentence_id, twice.revision) == ("clinician", name, 5)
    assert second.sentence_id != name


def test_order_and_section_are_the_clinicians_to_change(draft: DraftNote, now: datetime) -> None:
    moved = {"subjective": [("s2", "No fever.")], "objective": [("s1", "She has had a cough for 2 weeks.")]}
    edited = edit(draft, moved, now)
    assert sentences(edited, "objective")[0] == sentences(draft, "subjective")[0]


@pytest.mark.parametrize("empty", ["", "   ", "\n\u200b\u202e\x00"])
def test_an_empty_text_removes_the_sentence(draft: DraftNote, now: datetime, empty: str) -> None:
    assert sentences(edit(draft, {"plan": [("p1", empty), (None, empty)]}, now), "plan") == ()


def test_unseen_characters_do_not_get_in(draft: DraftNote, now: datetime) -> None:
    edited = edit(draft, {"plan": [("p1", "Stop\u202e losartan\u200b.\x07\n\nToday.")]}, now)
    assert sentences(edited, "plan")[0].text == "Stop losartan.\nToday."


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"objectiv": []}, "section the note does not have"),
        ({"plan": [("gone", "x")]}, "no longer in the note"),
        ({"plan": [("p1", "x"), ("p1", "y")]}, "twice"),
        ({"plan": [("s1", "x"), ("p1", "y")]}, "twice"),
        ({"plan": [(None, "x" * (edits.LONGEST_SENTENCE + 1))]}, "longer than 4000"),
        ({"plan": [(None, " " * 100_000)]}, "longer than 4000"),
        ({"plan": [(None, "x")] * (edits.MOST_SENTENCES + 1)}, "more than 400 sentences"),
        ({"plan": [(None, "x" * 4000)] * 16}, "longer than 60000"),
    ],
)
def test_what_does_not_fit_the_draft_is_refused(
    draft: DraftNote, now: datetime, sections: EditedSections, said: str
) -> None:
    with pytest.raises((Conflict, InputRefused)) as refused:
        edit(draft, sections, now)
    assert said in refused.value.detail


def test_a_copy_is_titles_and_sentences_only(draft: DraftNote) -> None:
    assert copy_text(draft) == (
        "Subjective\nShe has had a cough for 2 weeks.\nNo fever.\n\nPlan\nContinue losartan 50 mg daily.\n"
    )


def test_a_copy_of_nothing_is_nothing(draft: DraftNote, now: datetime) -> None:
    assert copy_text(edit(draft, {"subjective": [], "plan": []}, now)) == ""
