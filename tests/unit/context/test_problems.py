"""Problems: in force, once each, the problem list before encounter diagnoses."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from connector.context.problems import read_problems
from connector.context.searchset import Found
from connector.records import Problem, Section, SectionState


def condition(number: int, name: str, *, category: str | None = None, **more: Any) -> dict[str, Any]:
    filed = {"category": [{"coding": [{"code": category}]}]} if category else {}
    about = {"subject": {"reference": "Patient/p"}}
    return {"resourceType": "Condition", "id": str(number), "code": {"text": name}} | about | filed | more


def status(code: str) -> dict[str, Any]:
    return {"coding": [{"code": code}]}


def read(*resources: dict[str, Any]) -> Section[Problem]:
    return read_problems(Found(SectionState.OK, resources), patient="Patient/p", base="https://x.example")


def test_a_problem_with_its_onset_and_code() -> None:
    code = {"text": "Hypertension", "coding": [{"system": "http://snomed.info/sct", "code": "59621000"}]}
    more = {"clinicalStatus": status("active"), "onsetDateTime": "1990-04-06T10:00:00Z", "code": code}
    problem = read(condition(1, "", category="problem-list-item", **more)).items[0]
    assert (problem.name, problem.clinical_status, problem.category) == ("Hypertension", "active", "problem-list-item")
    assert (problem.onset, problem.code) == (date(1990, 4, 6), "http://snomed.info/sct|59621000")


@pytest.mark.parametrize("clinical", ["active", "recurrence", "relapse", None])
def test_problems_in_force_are_kept(clinical: str | None) -> None:
    more = {"clinicalStatus": status(clinical)} if clinical else {}
    assert len(read(condition(1, "Asthma", **more)).items) == 1


@pytest.mark.parametrize(
    "more",
    [
        {"clinicalStatus": status("resolved")},
        {"clinicalStatus": status("remission")},
        {"clinicalStatus": status("inactive")},
        {"verificationStatus": status("refuted")},
        {"verificationStatus": status("entered-in-error")},
    ],
)
def test_problems_over_or_untrue_are_dropped(more: dict[str, Any]) -> None:
    section = read(condition(1, "Asthma", **more))
    assert (section.state, section.dropped) == (SectionState.EMPTY, 1)


def test_the_same_problem_is_listed_once_from_the_problem_list() -> None:
    section = read(
        condition(1, "Prediabetes", category="encounter-diagnosis"),
        condition(2, "Anemia", category="encounter-diagnosis"),
        condition(3, "prediabetes", category="problem-list-item"),
    )
    assert [(item.source.reference, item.name) for item in section.items] == [
        ("Condition/3", "prediabetes"),
        ("Condition/2", "Anemia"),
    ]
    assert section.dropped == 0
