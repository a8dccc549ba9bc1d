"""The names told to the recogniser, for people: in groups, each under its source, nothing that was held back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.records import Keyterm, KeytermEdit, Source, SpeechHints, Withheld
from connector.web.terms_view import SourceView, TermGroupView, build_keyterms, build_sent
from tests.unit.web.samples import LISINOPRIL, NOW, ago, context, hints

GOUT = Source("Condition/77", "4")
EVERY_KIND = (
    Keyterm("Lakeside Heart", "own", (), "clinician"),
    Keyterm("lisinopril", "drug", (LISINOPRIL,)),
    Keyterm("Zestril", "drug", (LISINOPRIL,), "neighbour"),
    Keyterm("Fish", "allergen", (Source("AllergyIntolerance/3"),)),
    Keyterm("hives", "reaction", (Source("AllergyIntolerance/3"),)),
    Keyterm("gout", "problem", (GOUT,)),
    Keyterm("chest film", "order"),
    Keyterm("colonoscopy", "procedure"),
    Keyterm("Dr. Lin", "person", (), "person"),
    Keyterm("bundle branch", "vocabulary", (), "list"),
    Keyterm("systolic", "vocabulary", (), "vocabulary"),
    Keyterm("mystery", "something new"),
)


def names(group: TermGroupView) -> list[str]:
    """The terms of a group as they stand."""
    return [text for one in group.sets for text in one.terms]


def test_names_stand_in_groups_by_where_they_come_from_and_none_is_lost() -> None:
    view = build_keyterms(replace(hints(), keyterms=EVERY_KIND), context())
    assert view is not None and view.total == len(EVERY_KIND)
    assert [(group.key, names(group)) for group in view.groups] == [
        ("own", ["Lakeside Heart"]),
        ("drug", ["lisinopril"]),
        ("allergen", ["Fish"]),
        ("reaction", ["hives"]),
        ("problem", ["gout"]),
        ("order", ["chest film"]),
        ("procedure", ["colonoscopy"]),
        ("person", ["Dr. Lin"]),
        ("list", ["bundle branch"]),
        ("neighbour", ["Zestril"]),
        ("vocabulary", ["systolic"]),
        ("other", ["mystery"]),
    ]


def test_each_name_says_which_version_of_which_resource_it_comes_from() -> None:
    view = build_keyterms(replace(hints(), keyterms=EVERY_KIND), context())
    assert view is not None
    sources = {text: one.sources for group in view.groups for one in group.sets for text in one.terms}
    assert sources["lisinopril"] == (
        SourceView("Medication: lisinopril 10 MG Oral Tablet", "MedicationRequest/11", "1"),
    )
    assert sources["gout"] == (SourceView(None, "Condition/77", "4"),), "an entry that is not in the chart any more"
    assert sources["systolic"] == ()


def test_what_did_not_fit_and_what_was_held_back_is_counted_and_not_named() -> None:
    view = build_keyterms(replace(hints(), withheld=(Withheld("hiv", 2), Withheld("psychiatric", 3))), context())
    assert view is not None
    assert (view.left_out, view.withheld) == ("2 more names did not fit.", "Held back by policy: 5.")
    assert "hiv" not in repr(view) and "psychiatric" not in repr(view)
    assert build_keyterms(None, context()) is None
    whole = build_keyterms(replace(hints(), left_out=0), None)
    assert whole is not None and (whole.left_out, whole.withheld, whole.undo) == (None, None, None)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (KeytermEdit("add", "Zyrtec", "Practitioner/8", NOW), "“Zyrtec” added"),
        (KeytermEdit("remove", "gout", "Practitioner/8", NOW), "“gout” removed"),
        (KeytermEdit("add", "Zyrtec", "Practitioner/8", NOW, "Zirtec"), "“Zirtec” changed to “Zyrtec”"),
    ],
)
def test_what_would_be_undone_is_said(edit: KeytermEdit, said: str) -> None:
    view = build_keyterms(replace(hints(), edits=(edit,)), context())
    assert view is not None and view.undo == said


def test_what_was_sent_is_shown_word_for_word_and_nothing_else() -> None:
    listed = hints()
    sent = replace(listed, keyterms=listed.keyterms[:2], sent=ago(60))
    lists: tuple[SpeechHints, ...] = (listed, sent)
    (view,) = build_sent(lists, context(), NOW)
    assert (view.total, view.at.age) == (2, "1 minute ago")
    assert [text for group in view.groups for text in names(group)] == ["lisinopril", "Waters"]
    assert build_sent((listed,), context(), NOW) == ()


def test_names_that_rest_on_the_same_resources_stand_together_and_the_best_first() -> None:
    terms = (
        Keyterm("lisinopril", "drug", (LISINOPRIL,)),
        Keyterm("aspirin", "drug", (GOUT,)),
        Keyterm("Zestril", "drug", (LISINOPRIL,)),
        Keyterm("both", "drug", (LISINOPRIL, GOUT)),
    )
    view = build_keyterms(replace(hints(), keyterms=terms), context())
    assert view is not None
    (group,) = view.groups
    assert [one.terms for one in group.sets] == [("lisinopril", "Zestril"), ("aspirin",), ("both",)]
    assert [len(one.sources) for one in group.sets] == [1, 1, 2] and group.total == 4
