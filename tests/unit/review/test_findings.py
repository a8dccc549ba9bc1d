"""What the checks say about one revision of a draft."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from connector.records import (
    Allergy,
    DraftNote,
    Finding,
    Mark,
    PatientContext,
    SectionState,
    Sentence,
    Source,
    Transcript,
)
from connector.review.findings import check_draft

MakeContext = Callable[..., PatientContext]
LOSARTAN = "losartan potassium 50 MG Oral Tablet"


def with_plan(draft: DraftNote, *sentences: Sentence) -> DraftNote:
    *others, plan = draft.sections
    return replace(draft, sections=(*others, replace(plan, sentences=sentences)))


def kinds(items: tuple[Finding, ...]) -> list[tuple[str, str | None]]:
    return [(finding.kind, finding.sentence_id) for finding in items]


def test_a_draft_that_rests_on_its_turns_has_no_findings(
    draft: DraftNote, transcript: Transcript, make_context: MakeContext, now: datetime
) -> None:
    findings = check_draft(draft, transcript=transcript, context=make_context((LOSARTAN,)), now=now)
    assert (findings.items, findings.revision, findings.stamp.at) == ((), 3, now)


def test_each_kind_once_in_the_order_of_the_note(
    draft: DraftNote, transcript: Transcript, make_context: MakeContext, now: datetime
) -> None:
    noted = with_plan(
        draft,
        Sentence("p1", "Start lisinopril 10 mg.", ("t3",)),
        Sentence("p2", "Losartan 100 mg daily.", ("t3",)),
        Sentence("p3", "Return in a month."),
    )
    allergies = (Allergy(Source("AllergyIntolerance/1"), "Lisinopril"),)
    context = make_context((LOSARTAN,), allergies, medications=SectionState.PARTIAL)
    findings = check_draft(noted, transcript=transcript, context=context, now=now)
    assert kinds(findings.items) == [
        ("chart-unread", None),
        ("allergy", "p1"),
        ("dose-differs", "p2"),
        ("no-evidence", "p3"),
    ]


@pytest.mark.parametrize(
    ("sentence", "supported"),
    [
        (Sentence("p1", "x", ("t1",)), True),
        (Sentence("p1", "x", ("t1", "gone")), True),
        (Sentence("p1", "x", ("gone",)), False),
        (Sentence("p1", "x", (), (Source("Condition/1"),)), True),
        (Sentence("p1", "x", origin="clinician"), True),
        (Sentence("p1", "x", origin="edited"), False),
        (Sentence("p1", "x"), False),
    ],
)
def test_evidence_is_a_turn_there_is_a_chart_entry_or_the_clinician(
    draft: DraftNote,
    transcript: Transcript,
    make_context: MakeContext,
    now: datetime,
    sentence: Sentence,
    supported: bool,
) -> None:
    findings = check_draft(with_plan(draft, sentence), transcript=transcript, context=make_context(), now=now)
    assert (kinds(findings.items) == []) is supported


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ({"allergies": SectionState.FAILED}, ["Allergies could not be read"]),
        ({"allergies": SectionState.PENDING}, ["Allergies could not be read"]),
        ({"medications": SectionState.FORBIDDEN}, ["Medications could not be read"]),
        ({"allergies": SectionState.PARTIAL}, ["Allergies could only be read in part"]),
        ({"allergies": SectionState.FAILED, "medications": SectionState.FAILED}, ["Allergies", "Medications"]),
        ({"problems": SectionState.FAILED, "allergies": SectionState.EMPTY}, []),
    ],
)
def test_what_could_not_be_read_is_said(
    draft: DraftNote,
    transcript: Transcript,
    make_context: MakeContext,
    now: datetime,
    states: dict[str, SectionState],
    said: list[str],
) -> None:
    findings = check_draft(draft, transcript=transcript, context=make_context(**states), now=now)
    assert [finding.kind for finding in findings.items] == ["chart-unread"] * len(said)
    assert all(finding.text.startswith(words) for finding, words in zip(findings.items, said, strict=True))


def test_no_chart_and_no_transcript_are_said_and_not_passed_over(draft: DraftNote, now: datetime) -> None:
    findings = check_draft(draft, transcript=None, context=None, now=now)
    assert kinds(findings.items) == [("chart-unread", None), ("no-evidence", "s1"), ("no-evidence", "p1")]


def test_a_sentence_that_rests_on_both_sides_of_a_gap_is_to_be_checked(
    draft: DraftNote, transcript: Transcript, make_context: MakeContext, now: datetime
) -> None:
    first, *others, last = transcript.turns
    noted = with_plan(
        draft,
        Sentence("p1", "x", (first.turn_id, last.turn_id)),
        Sentence("p2", "y", (last.turn_id,)),
    )
    assert others
    broken = replace(transcript, marks=(Mark("off-record", last.start_ms, 60_000),))
    found = check_draft(noted, transcript=broken, context=make_context((LOSARTAN,)), now=now).items
    assert [one.sentence_id for one in found if one.kind == "across-a-gap"] == ["p1"]
    whole = check_draft(noted, transcript=transcript, context=make_context((LOSARTAN,)), now=now).items
    assert "across-a-gap" not in {one.kind for one in whole}
