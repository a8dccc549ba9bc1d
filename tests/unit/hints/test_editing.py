"""A clinician's changes: validated, undone, and kept through a later reading of the chart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.errors import InputRefused
from connector.hints.editing import MOST_ADDED, Editor, add_term, remove_term, undo_edit
from connector.hints.keyterms import derive_hints
from connector.hints.limits import TermLimits
from connector.records import Medication, Section, SectionState, Source
from tests.unit.hints.conftest import NOW

LIMITS = TermLimits(1000, 6)
BY = "Practitioner/1"
EDITOR = Editor(BY, NOW, LIMITS)


@pytest.fixture
def derive(chart, rules, make_setting):
    """The list of the chart with these edits; `context` for a later reading of it."""

    def make(edits=(), context=None):
        return derive_hints(context or chart, rules, setting=make_setting(edits=edits), now=NOW)

    return make


def texts(hints) -> list[str]:
    return [one.text for one in hints.keyterms]


def test_a_term_added_stands_first_and_is_the_clinicians(derive) -> None:
    edits = add_term(derive(), "  Lakeside   Heart ", EDITOR)
    first = derive(edits).keyterms[0]
    assert (first.text, first.kind, first.origin, first.sources) == ("Lakeside Heart", "own", "clinician", ())
    assert derive(edits).edits[0].by == BY


def test_a_term_removed_stays_away_when_the_chart_is_read_again(derive, chart) -> None:
    edits = remove_term(derive(), "Metoprolol", EDITOR)
    again = Medication(Source("MedicationRequest/9"), "METOPROLOL 50 MG Oral Tablet", "active")
    later = replace(chart, medications=Section(SectionState.OK, (*chart.medications.items, again)))
    assert "metoprolol" not in texts(derive(edits, later))
    assert "metoprolol succinate" in texts(derive(edits, later))


def test_an_edit_is_undone_the_last_one_first(derive) -> None:
    edits = remove_term(derive(), "metoprolol", EDITOR)
    edits = add_term(derive(edits), "Zyrtec", EDITOR)
    edits = undo_edit(derive(edits))
    assert "Zyrtec" not in texts(derive(edits)) and "metoprolol" not in texts(derive(edits))
    assert texts(derive(undo_edit(derive(edits)))) == texts(derive())
    with pytest.raises(InputRefused, match="nothing to undo"):
        undo_edit(derive())


def test_what_was_added_can_be_removed_and_what_was_removed_added(derive) -> None:
    edits = add_term(derive(), "Zyrtec", EDITOR)
    edits = remove_term(derive(edits), "zyrtec", EDITOR)
    assert "Zyrtec" not in texts(derive(edits))
    edits = remove_term(derive(edits), "metoprolol", EDITOR)
    edits = add_term(derive(edits), "metoprolol", EDITOR)
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
        add_term(derive(), text, EDITOR)


def test_a_term_that_is_not_there_cannot_be_removed(derive) -> None:
    with pytest.raises(InputRefused, match="not in the list"):
        remove_term(derive(), "zanamivir", EDITOR)


def test_no_more_are_added_than_a_page_can_show(derive) -> None:
    edits = ()
    for number in range(MOST_ADDED):
        edits = add_term(derive(edits), f"name {'abcdefghij'[number % 10]}{number}", EDITOR)
    with pytest.raises(InputRefused, match="No more"):
        add_term(derive(edits), "one more", EDITOR)


def test_a_term_put_in_the_place_of_another_is_one_change(derive) -> None:
    edits = add_term(derive(), "metoprolol tartrate", EDITOR, instead="METOPROLOL")
    listed = texts(derive(edits))
    assert listed[0] == "metoprolol tartrate" and "metoprolol" not in listed
    edits = add_term(derive(edits), "Lopressor", EDITOR, instead="metoprolol tartrate")
    assert texts(derive(edits))[0] == "Lopressor"
    assert not {"metoprolol tartrate", "metoprolol"} & set(texts(derive(edits)))
    assert texts(derive(undo_edit(derive(edits)))) == listed


def test_a_spelling_is_put_right_by_the_same_term_spelt_otherwise(derive) -> None:
    edits = add_term(derive(), "Metoprolol", EDITOR, instead="metoprolol")
    assert texts(derive(edits))[0] == "Metoprolol" and "metoprolol" not in texts(derive(edits))
    with pytest.raises(InputRefused, match="already"):
        add_term(derive(edits), "Metoprolol", EDITOR, instead="metoprolol")


def test_nothing_takes_the_place_of_a_term_that_is_not_there_or_of_another_listed_one(derive) -> None:
    with pytest.raises(InputRefused, match="not in the list"):
        add_term(derive(), "Zyrtec", EDITOR, instead="zanamivir")
    other = next(text for text in texts(derive()) if text != "metoprolol")
    with pytest.raises(InputRefused, match="already"):
        add_term(derive(), other, EDITOR, instead="metoprolol")


def test_a_change_in_a_full_list_of_added_terms_needs_no_room(derive) -> None:
    edits = ()
    for number in range(MOST_ADDED):
        edits = add_term(derive(edits), f"name {'abcdefghij'[number % 10]}{number}", EDITOR)
    edits = add_term(derive(edits), "name b1 again", EDITOR, instead="name b1")
    assert "name b1 again" in texts(derive(edits)) and "name b1" not in texts(derive(edits))


def test_a_term_that_policy_holds_back_is_sent_where_the_clinician_adds_it(make_context, shipped, make_setting) -> None:
    held = replace(shipped, mapping=replace(shipped.mapping, withhold=("hiv",)))
    drug = Medication(Source("MedicationRequest/1"), "dolutegravir 50 MG Oral Tablet", "active")
    context = make_context(medications=Section(SectionState.OK, (drug,)))

    def listed(edits=()):
        return derive_hints(context, held, setting=make_setting(edits=edits), now=NOW)

    before = listed()
    assert "dolutegravir" not in texts(before) and before.withheld[0].category == "hiv"
    after = listed(add_term(before, "dolutegravir", EDITOR))
    first = after.keyterms[0]
    assert (first.text, first.origin, first.sources) == ("dolutegravir", "clinician", ())
    counts = [sum(one.count for one in hints.withheld) for hints in (before, after)]
    assert counts[1] == counts[0] - 1, "what is sent is not called held back"
