"""Whatever a chart says: names are total, and hints keep every limit of every target."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.app import load_keyterm_rules
from connector.clinical.drug_names import spoken_names
from connector.clinical.order_names import said_orders
from connector.clinical.person_names import spoken_people
from connector.clinical.problem_names import spoken_problems, spoken_substances
from connector.clinical.quantities import find_quantities, in_figures, settle_corrections
from connector.clinical.said_names import said_drugs, said_problems, said_reactions, said_substances
from connector.hints.candidates import HintSetting
from connector.hints.editing import ADD, MOST_UNDONE, REMOVE, added_terms, fold_edits, removed_keys
from connector.hints.keyterms import derive_hints
from connector.hints.written import same_as
from connector.records import (
    Allergy,
    Keyterm,
    KeytermEdit,
    Medication,
    PatientContext,
    Problem,
    Section,
    SectionState,
    Source,
    Stamp,
)

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
RULES = load_keyterm_rules()
BOOK, PROBLEMS = RULES.drugs, RULES.problems
WORDS = (
    *"metoprolol Acetaminophen 25 MG / [Tylenol] (disorder) HR ER , { } V Chronic of disease hydrOXYzine HCl -".split(),  # noqa: SIM905
    *("(GLUCOPHAGE)", "mellitus", "dolutegravir", "Pack", "\x07", "\u2028", " / ", "history of", "due to", "24 HR"),
)
PIECES = st.sampled_from(WORDS)
names = st.lists(PIECES, max_size=12).map(" ".join) | st.text(max_size=80)
numbers = st.sampled_from(["25", "twenty-five", "fifty", "one twenty-eight over eighty-two", "2.5", "a hundred", "one"])
joints = st.sampled_from(
    [", no, ", " mg, sorry, ", " ", " mg twice a day ", " over ", " to ", "? No, ", " and a half ", ". "]
)
spoken = st.lists(st.tuples(numbers, joints), max_size=8).map(lambda parts: "".join(a + b for a, b in parts)) | st.text(
    max_size=80
)
SPEAKERS = (
    spoken_names,
    spoken_problems,
    spoken_substances,
    spoken_people,
    said_orders,
    lambda name: said_drugs(name, BOOK),
    lambda name: said_problems(name, PROBLEMS),
    lambda name: said_substances(name, BOOK, PROBLEMS),
    lambda name: said_reactions(name, PROBLEMS),
)


@given(names)
def test_names_are_distinct_whatever_the_string(name: str) -> None:
    for speak in SPEAKERS:
        found = speak(name)
        folded = [one.casefold() for one in found]
        assert len(set(folded)) == len(folded)
        assert all(one == one.strip() and any(character.isalpha() for character in one) for one in found)


@given(names)
def test_a_spoken_drug_name_carries_no_strength(name: str) -> None:
    said = (*spoken_names(name), *said_drugs(name, BOOK))
    assert not any(quantity.unit == "mg" for one in said for quantity in find_quantities(one))


@given(spoken)
def test_quantities_lie_where_they_say_and_settling_settles(text: str) -> None:
    for quantity in find_quantities(text):
        assert text[quantity.start : quantity.end] == quantity.text
        assert quantity.values
    settled = settle_corrections(text)
    assert len(settled) <= len(text) + 8
    assert in_figures(text).count("\n") == text.count("\n")


sections = st.lists(names, max_size=6)
TARGETS = sorted((use, model) for use, models in RULES.mapping.limits.items() for model in models)
REAL = sorted({one for group in BOOK.classes.values() for one in group})


def context_of(drugs: list[str], allergens: list[str], problems: list[str]) -> PatientContext:
    empty: Section[Any] = Section(SectionState.EMPTY)
    return PatientContext(
        patient=empty,
        encounter=empty,
        medications=Section(
            SectionState.OK,
            tuple(Medication(Source(f"MedicationRequest/{n}"), name, "active") for n, name in enumerate(drugs)),
        ),
        allergies=Section(
            SectionState.PARTIAL,
            tuple(Allergy(Source(f"AllergyIntolerance/{n}"), name, (name,)) for n, name in enumerate(allergens)),
        ),
        problems=Section(
            SectionState.OK, tuple(Problem(Source(f"Condition/{n}"), name) for n, name in enumerate(problems))
        ),
        vitals=empty,
        labs=empty,
        stamp=Stamp("context@1", NOW),
    )


def terms_of(context: PatientContext, use: str, model: str, **values: Any) -> tuple[Keyterm, ...]:
    setting = HintSetting(RULES.mapping.limits_for(use, model), f"{use}/{model}", **values)
    return derive_hints(context, RULES, setting=setting, now=NOW).keyterms


def assert_within(terms: tuple[Keyterm, ...], use: str, model: str) -> None:
    limits = RULES.mapping.limits_for(use, model)
    texts = [one.text for one in terms]
    assert len(texts) <= limits.terms
    assert all(1 <= len(text.split()) <= limits.words for text in texts)
    assert all(len(text) <= limits.characters for text in texts if limits.characters)
    assert not limits.characters_in_all or sum(map(len, texts)) <= limits.characters_in_all
    assert len({same_as(text) for text in texts}) == len(texts)
    assert all(text.isprintable() for text in texts)
    assert not {text.casefold() for text in texts} & RULES.mapping.drop
    assert all(one.sources or one.origin in ("person", "vocabulary", "list", "clinician") for one in terms)


CHARTS = 100


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), names)
def test_no_term_is_over_a_limit_for_any_target(seed, text) -> None:
    """100 examples of 100 charts: 10,000, each for one target, all targets in turn."""
    random = Random(seed)
    words = [*WORDS, text, *random.sample(REAL, 5)]

    def draw(most: int) -> list[str]:
        return [" ".join(random.choices(words, k=random.randint(1, 8))) for _ in range(random.randint(0, most))]

    for place in range(CHARTS):
        use, model = TARGETS[place % len(TARGETS)]
        clinician = next(iter(draw(1)), None)
        terms = terms_of(context_of(draw(4), draw(3), draw(4)), use, model, clinician=clinician)
        assert_within(terms, use, model)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.sampled_from(REAL), min_size=150, max_size=len(REAL), unique=True))
def test_a_chart_with_more_drugs_than_a_target_takes_is_cut(drugs) -> None:
    for use, model in TARGETS:
        terms = terms_of(context_of(drugs, [], []), use, model)
        assert_within(terms, use, model)
        assert len(terms) >= min(100, RULES.mapping.limits_for(use, model).terms)


@settings(deadline=None)
@given(sections, st.integers(1, 40))
def test_a_smaller_limit_only_cuts_the_end(drugs, limit) -> None:
    context = context_of(drugs, [], [])
    limits = RULES.mapping.limits_for("prerecorded", "universal-3-5-pro")
    whole = derive_hints(context, RULES, setting=HintSetting(replace(limits, terms=10_000)), now=NOW)
    cut = derive_hints(context, RULES, setting=HintSetting(replace(limits, terms=limit)), now=NOW)
    assert cut.keyterms == whole.keyterms[:limit]
    assert cut.left_out == len(whole.keyterms) - len(cut.keyterms)


_TERM = st.sampled_from(("Zyrtec", "zyrtec", "metoprolol", "HCTZ", "HCTZs", "Lakeside Heart", "iron"))
_EDIT = st.builds(
    lambda action, text, instead: KeytermEdit(action, text, "Practitioner/1", NOW, instead if action == ADD else None),
    st.sampled_from((ADD, REMOVE)),
    _TERM,
    st.none() | _TERM,
)


_LAST = tuple(KeytermEdit(ADD, f"name {number % 7}", "Practitioner/1", NOW) for number in range(MOST_UNDONE))


@given(st.lists(_EDIT, max_size=40).map(tuple))
@settings(max_examples=100, deadline=None)
def test_edits_folded_come_to_the_same_and_stay_few(older: tuple[KeytermEdit, ...]) -> None:
    edits = (*older, *_LAST)
    folded = fold_edits(edits)
    assert added_terms(folded) == added_terms(edits)
    assert removed_keys(folded) == removed_keys(edits)
    assert folded[-MOST_UNDONE:] == _LAST
    assert len(folded) <= MOST_UNDONE + 5
    assert fold_edits(older) == older
