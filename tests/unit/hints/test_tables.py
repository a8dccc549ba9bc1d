"""The tables beside keyterms.yaml: categories, limits of several models, word lists, and how they hang together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.errors import Misconfigured
from connector.hints.limits import TermLimits, strictest
from connector.hints.sensitive import Withholding
from connector.hints.word_tables import Vocabulary, WordList
from connector.hints.written import same_as, tidy


def test_several_models_leave_what_all_of_them_take() -> None:
    both = strictest((TermLimits(1000, 6, characters_in_all=8000), TermLimits(200, 6, characters=50, exclusive=True)))
    assert both == TermLimits(200, 6, 50, 8000, exclusive=True)


@pytest.mark.parametrize(
    ("name", "code", "category"),
    [
        ("dolutegravir 50 MG Oral Tablet", None, "hiv"),
        ("emtricitabine 200 MG / tenofovir disoproxil fumarate 300 MG Oral Tablet", None, "hiv"),
        ("Low mood", "F32.1", "psychiatric"),
        ("Opioid abuse (disorder)", None, "substance-use"),
        ("buprenorphine 2 MG / naloxone 0.5 MG", None, "substance-use"),
        ("Archive of F3", None, None),
        ("lisinopril 10 MG", "29046", None),
    ],
)
def test_a_name_belongs_to_a_category_by_drug_word_or_code(shipped, name, code, category) -> None:
    held = Withholding.of(shipped.sensitive, shipped.drugs, held=tuple(shipped.sensitive))
    assert held.category_of(name, code) == category


def test_a_category_nobody_defined_is_refused(shipped) -> None:
    with pytest.raises(Misconfigured, match="gossip"):
        shipped.withholding(("gossip",))
    broken = {"hiv": replace(shipped.sensitive["hiv"], classes=("no such class",))}
    with pytest.raises(Misconfigured, match="no such class"):
        Withholding.of(broken, shipped.drugs, held=("hiv",))


def test_a_list_may_be_for_some_tenants_and_its_terms_are_short() -> None:
    body = {"version": 1, "title": "Words", "tenants": ["lakeside"], "terms": ["Lakeside Heart"]}
    assert WordList.from_dict(body).tenants == {"lakeside"}
    with pytest.raises(Misconfigured, match="terms"):
        WordList.from_dict({**body, "terms": ["one two three four five six seven"]})


def test_a_vocabulary_fits_by_note_type_or_specialty() -> None:
    heart = Vocabulary("Heart", frozenset(), frozenset({"cardiology"}), ("BNP",))
    assert heart.fits("soap", "Cardiology follow-up") and not heart.fits("soap", "Podiatry")


@pytest.mark.parametrize(
    ("one", "other"),
    [("Type-2 Diabetes", "type 2 diabetes"), ("Alzheimer’s", "alzheimers"), ("Allergies", "allergy"),
     ("hydroxyzine hydrochloride", "Hydroxyzine"), ("tree nuts", "tree nut")],
)  # fmt: skip
def test_two_spellings_are_one_term(one, other) -> None:
    assert same_as(one) == same_as(other)


def test_salts_that_are_said_stay_apart_and_nothing_unprintable_stays() -> None:
    assert same_as("metoprolol succinate") != same_as("metoprolol tartrate")
    assert same_as("potassium chloride") != same_as("potassium")
    assert (tidy(" a\x07 b\u2028c "), tidy("12 3")) == ("a b c", "")
