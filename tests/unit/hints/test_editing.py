"""A clinician's changes: validated, undone, and kept through a later reading of the chart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.errors import InputRefused
from connector.hints.editing import MOST_ADDED, add_term, remove_term, undo_edit
from connector.hints.keyterms import derive_hints
from connector.hints.limits import TermLimits
from connector.records import Medication, Section, SectionState, Source
from tests.unit.hints.conftest import NOW

LIMITS = TermLimits(1000, 6)
BY = "Practitioner/1"


@pytest.fixture
def derive(chart, rules, make_setting):
    """The list of the chart with these edits; `context` for a later reading of it."""

    def make(edits=(), context=None):
        return derive_hints(context or chart, rules, setting=make_setting(edits=edits), now=NOW)

    return make


def texts(hints) -> list[str]:
    return [one.text for one in hints.keyterms]


def test_a_term_added_stands_first_and_is_the_clinicians(derive) -> None:
    edits = add_term(derive(), "  Lakeside   Heart ", limits=LIMITS, by=BY, at=NOW)
    first = derive(edits).keyterms[0]
    assert (first.text, first.kind, first.origin, first.sources) == ("Lakeside Heart", "own", "clinician", ())
    assert derive(edits).edits[0].by == BY


def test_a_term_removed_stays_away_when_the_chart_is_read_again(derive, chart) -> None:
    edits = remove_term(derive(), "Metoprolol", by=BY, at=NOW)
    again = Medication(Source("MedicationRequest/9"), "METOPROLOL 50 MG Oral Tablet", "active")
    later = replace(chart, medications=Section(SectionState.OK, (*chart.medications.items, again)))
    assert "metoprolol" not in texts(derive(edits, later))
    assert "metoprolol succinate" in texts(derive(edits, later))


def test_an_edit_is_undone_the_last_one_first(derive) -> None:
    edits = remove_term(derive(), "metoprolol", by=BY, at=NOW)
    edits = add_term(derive(edits), "Zyrtec", limits=LIMITS, by=BY, at=NOW)
    edits = undo_edit(derive(edits))
    assert "Zyrtec" not in texts(derive(edits)) and "metoprolol" not in texts(derive(edits))
    assert texts(derive(undo_edit(derive(edits)))) == texts(derive())
    with pytest.raises(InputRefused, match="nothing to undo"):
        undo_edit(derive())


def test_what_was_added_can_be_removed_and_what_was_removed_added(derive) -> None:
    edits = add_term(derive(), "Zyrtec", limits=LIMITS, by=BY, at=NOW)
    edits = remove_term(derive(edits), "zyrtec", by=BY, at=NOW)
    assert "Zyrtec" not in texts(derive(edits))
    edits = remove_term(derive(edits), "metoprolol", by=BY, at=NOW)
    edits = add_term(derive(edits), "metoprolol", limits=LIMITS, by=BY, at=NOW)
    assert texts(derive(edits))[0] == "metoprolol"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "letter"),
        ("12 34", "letter"),
        ("a\nb", "control"),
        ("Zyr\x07tec", "control"),
        ("Zyr\u2028tec", "control"),
        ("one two three four five six seven", "at most 6 words"),
        ("x" * 51, "50 characters"),
        ("METOPROLOL", "already"),
    ],
)
def test_a_term_that_cannot_be_sent_is_refused(derive, text, reason) -> None:
    with pytest.raises(InputRefused, match=reason):
        add_term(derive(), text, limits=LIMITS, by=BY, at=NOW)


def test_a_term_that_is_not_there_cannot_be_removed(derive) -> None:
    with pytest.raises(InputRefused, match="not in the list"):
        remove_term(derive(), "zanamivir", by=BY, at=NOW)


def test_no_more_are_added_than_a_page_can_show(derive) -> None:
    edits = ()
    for number in range(MOST_ADDED):
        edits = add_term(derive(edits), f"name {'abcdefghij'[number % 10]}{number}", limits=LIMITS, by=BY, at=NOW)
    with pytest.raises(InputRefused, match="No more"):
        add_term(derive(edits), "one more", limits=LIMITS, by=BY, at=NOW)
