"""The benchmark of keyterms: charts grow without repeating a name, and the figures tell what is missed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bench.charts import Bundled
from bench.gold import ROOT, judge
from bench.grown import Pattern, rename
from bench.hints import hints_of
from connector.app import load_keyterm_rules
from connector.records import PatientContext, SpeechHints, Stamp

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
SHARES = {"medications": 0.4, "allergies": 0.1, "problems": 0.3, "orders": 0.1}


@pytest.fixture(scope="module")
def read() -> PatientContext:
    """The chart of one bundled patient."""
    return Bundled.load(ROOT / "smart-launch/patients/billie.json").read(now=NOW)


@pytest.fixture(scope="module")
def pattern(read: PatientContext) -> Pattern:
    """Charts like that patient's."""
    procedures = Bundled.load(ROOT / "tests/fixtures/patients/corey.json").read(now=NOW).procedures
    return Pattern.of({"billie": read, "corey": replace(read, procedures=procedures)}, SHARES)


def _names(context: PatientContext, section: str) -> list[str]:
    return [getattr(one, "substance", None) or one.name for one in getattr(context, section).items]


def test_a_grown_chart_has_the_entries_asked_for_and_no_name_twice(pattern: Pattern) -> None:
    grown = pattern.grow(1000, turn=1)
    assert {section: len(getattr(grown, section).items) for section in SHARES} == {
        "medications": 400,
        "allergies": 100,
        "problems": 300,
        "orders": 100,
    }
    for section in SHARES:
        assert len(set(_names(grown, section))) == len(_names(grown, section)), section
    sources = [one.source.reference for section in SHARES for one in getattr(grown, section).items]
    assert len(set(sources)) == len(sources)


def test_two_turns_share_no_new_name(pattern: Pattern) -> None:
    for section in SHARES:
        first, second = (set(_names(pattern.grow(1000, turn=turn), section)) for turn in (1, 2))
        assert first & second == set(_names(pattern.grow(1000, turn=3), section)) & first, section
        assert len(first & second) == len(pattern.entries[section])


def test_charts_of_unseen_names_share_none(pattern: Pattern) -> None:
    for section in SHARES:
        first, second = (set(_names(pattern.grow(1000, turn=turn, unseen=True), section)) for turn in (1, 2))
        read = {getattr(one, "substance", None) or one.name for one in pattern.entries[section]}
        assert not first & second and not first & read, section


def test_a_new_name_keeps_the_shape_of_the_old_one() -> None:
    assert rename("24 HR metoprolol succinate 25 MG Tablet", 71) == "24 HR metbebeoprolol succinate 25 MG Tablet"
    assert rename("Anemia (disorder)", 5) == "Anedamia (disorder)"
    assert rename("RBC", 5) == "RBC da"


def test_every_grown_name_is_worth_a_term(pattern: Pattern) -> None:
    """The control of the timing: what is timed is not a chart whose names fall away."""
    rules = load_keyterm_rules()
    small, large = (len(hints_of(pattern.grow(size, turn=1), rules).keyterms) for size in (100, 500))
    assert large > small + 300


def test_judging_counts_what_is_missed_and_what_stands_in_no_list(read: PatientContext) -> None:
    gold = {
        "drugs": [{"ingredients": ["zanamivir"], "brands": []}],
        "allergens": [],
        "problems": [{"spoken": "gout"}],
    }
    found = judge(hints_of(read, load_keyterm_rules()), gold)
    assert found.missed == {"drugs": ("zanamivir",), "allergens": (), "problems": ("gout",)}
    assert found.judged == len(found.wrong) > 0
    assert judge(SpeechHints((), 10, 0, Stamp("test", NOW)), gold).wrong == ()
