"""What is kept between visits: what is said of coded names, and of nothing that somebody wrote in their own words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from connector.hints.candidates import HintSetting
from connector.hints.keyterms import derive_hints
from connector.hints.rules import KeytermRules
from connector.records import PatientContext, Problem, Section, SectionState, Source

from .conftest import NOW

SOURCE = Source("Condition/1", "1")
CODED = Problem(SOURCE, "Essential hypertension (disorder)", code="http://snomed.info/sct|59621000")
TYPED = Problem(SOURCE, "Worry about the sister in Lewes")


def _derive(rules: KeytermRules, context: PatientContext, setting: HintSetting) -> tuple[str, ...]:
    return tuple(one.text for one in derive_hints(context, rules, setting=setting, now=NOW).keyterms)


def test_a_coded_name_is_worked_out_once_and_said_alike_again(
    rules: KeytermRules, make_context: Callable[..., PatientContext], make_setting: Callable[..., HintSetting]
) -> None:
    context = make_context(problems=Section(SectionState.OK, (CODED,)))
    first, second = (_derive(rules, context, make_setting()) for _ in range(2))
    kept = rules.say_known.cache_info()
    assert first == second == ("hypertension", "high blood pressure")
    assert (kept.misses, kept.hits) == (1, 1)


def test_what_is_kept_is_kept_of_coded_names_alone(
    rules: KeytermRules, make_context: Callable[..., PatientContext], make_setting: Callable[..., HintSetting]
) -> None:
    context = make_context(problems=Section(SectionState.OK, (CODED, TYPED)))
    assert "worry about the sister in lewes" in _derive(rules, context, make_setting())
    assert rules.say_known.cache_info().currsize == 1


def test_what_is_kept_has_a_bound(rules: KeytermRules) -> None:
    bound = rules.say_known.cache_info().maxsize
    assert bound is not None
    for number in range(bound + 10):
        rules.say_known("order", f"order {number}")
    assert rules.say_known.cache_info().currsize == bound


@pytest.mark.parametrize("kind", ["drug", "problem", "allergen", "reaction", "order", "procedure"])
def test_what_is_kept_is_what_would_be_said(rules: KeytermRules, kind: str) -> None:
    for name in (
        "Lisinopril 10 MG Oral Tablet",
        "Acute bronchitis (disorder)",
        "Penicillin V",
        "Housing unsatisfactory",
    ):
        assert rules.say_known(kind, name) == rules.say(kind, name)


def test_two_sets_of_rules_keep_apart_what_they_say(rules: KeytermRules) -> None:
    other = replace(rules, mapping=replace(rules.mapping, drop_words=("hypertension",)))
    assert rules.say_known("problem", CODED.name).forms
    assert not other.say_known("problem", CODED.name).forms
