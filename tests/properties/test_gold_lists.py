"""The keyterms of 20 charts hold what their gold lists ask for, and little else; the charts are read from memory."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bench.charts import Bundled
from bench.gold import ROOT, fold, gold_lists, judge
from bench.hints import hints_of
from connector.app import load_keyterm_rules
from connector.records import Keyterm, SpeechHints, Stamp

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
LISTS = gold_lists()
RULES = load_keyterm_rules()


def hints_for(gold: dict[str, Any]) -> SpeechHints:
    return hints_of(Bundled.load(ROOT / gold["file"]).read(now=NOW), RULES)


def test_there_are_lists_for_all_20_charts() -> None:
    charts = [
        *Path(ROOT, "smart-launch/patients").glob("*.json"),
        *Path(ROOT, "tests/fixtures/patients").glob("*.json"),
    ]
    assert len(charts) == 20
    assert {Path(gold["file"]).stem for gold in LISTS.values()} == {chart.stem for chart in charts}


@pytest.mark.parametrize("name", LISTS)
def test_every_drug_brand_allergen_and_problem_of_a_chart_is_among_its_keyterms(name: str) -> None:
    found = judge(hints_for(LISTS[name]), LISTS[name])
    assert found.missed == {"drugs": (), "allergens": (), "problems": ()}


def test_of_the_terms_taken_from_the_charts_nearly_all_are_right() -> None:
    judged = [judge(hints_for(gold), gold) for gold in LISTS.values()]
    terms = sum(one.judged for one in judged)
    assert terms > 400
    assert 1 - sum(len(one.wrong) for one in judged) / terms >= 0.98


def test_a_list_tells_what_is_missing_and_what_is_wrong() -> None:
    """The control: of two terms one is of no entry, and nothing that is asked for stands in them but metoprolol."""
    terms = (Keyterm("Metoprolols", "drug"), Keyterm("zanamivir", "drug"))
    found = judge(SpeechHints(terms, 10, 0, Stamp("test", NOW)), LISTS["clement"])
    assert "metoprolol" not in found.missed["drugs"] and "carvedilol" in found.missed["drugs"]
    assert found.missed["problems"] and found.wrong == ("zanamivir",)


def test_case_hyphens_apostrophes_and_a_plural_make_no_difference() -> None:
    assert fold("Type-2 Diabetics") == fold("type 2 diabetic")
    assert fold("Alzheimer's") == fold("alzheimers")
