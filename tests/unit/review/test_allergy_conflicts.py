"""Drugs the note gives against the chart's allergies."""

from __future__ import annotations

import pytest

from connector.records import Allergy, Sentence, Source
from connector.review.allergy_conflicts import find_allergy_conflicts

LISINOPRIL = Allergy(Source("AllergyIntolerance/1"), "Lisinopril", ("Angioedema", "Cough"))
PENICILLIN = Allergy(Source("AllergyIntolerance/2"), "Allergy to penicillin")
NONE = Allergy(Source("AllergyIntolerance/3"), "Lisinopril", none_known=True)


def found(text: str, *allergies: Allergy, in_plan: bool = False) -> list[str]:
    sentence = Sentence("s", text)
    return [finding.text for finding in find_allergy_conflicts(sentence, allergies or (LISINOPRIL,), in_plan=in_plan)]


def test_the_finding_names_drug_substance_and_reaction() -> None:
    sentence = Sentence("p9", "Start lisinopril 10 mg daily.")
    (finding,) = find_allergy_conflicts(sentence, (LISINOPRIL,), in_plan=True)
    assert (finding.kind, finding.sentence_id) == ("allergy", "p9")
    assert "gives lisinopril" in finding.text
    assert "allergy to Lisinopril (reaction: Angioedema, Cough)" in finding.text


@pytest.mark.parametrize(
    "text",
    [
        "Start lisinopril 10 mg daily.",
        "We will begin LISINOPRIL.",
        "She takes lisinopril at home.",
        "Stop smoking and start lisinopril.",
        "No changes today; continue lisinopril.",
        "Avoid lisinopril? No: prescribe lisinopril.",
        "Stop losartan and switch to lisinopril.",
    ],
)
def test_a_sentence_that_gives_the_drug_is_found_anywhere(text: str) -> None:
    assert len(found(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "Avoid lisinopril.",
        "Do not start lisinopril.",
        "She is allergic to lisinopril; use losartan.",
        "Discontinue her lisinopril, start losartan.",
        "Losartan instead of lisinopril: start 50 mg.",
        "Start lisinoprilat.",
        "Continue losartan.",
    ],
)
def test_avoiding_or_stopping_the_drug_is_no_conflict(text: str) -> None:
    assert found(text, in_plan=True) == []


def test_in_the_plan_every_mention_counts() -> None:
    assert len(found("Lisinopril 10 mg daily.", in_plan=True)) == 1
    assert len(found("Pill: lisinopril, 10 mg.")) == 1
    assert found("Lisinopril was talked about.") == []


def test_a_drug_that_is_ruled_out_is_no_conflict() -> None:
    assert found("No more lisinopril, and no other drug of its kind.", in_plan=True) == []


def test_an_allergy_is_matched_by_the_name_people_say() -> None:
    assert len(found("Prescribe penicillin 500 mg.", PENICILLIN)) == 1


def test_no_known_allergies_conflicts_with_nothing() -> None:
    assert found("Start lisinopril.", NONE) == []
