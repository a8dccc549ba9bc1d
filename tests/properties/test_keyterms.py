"""Whatever a chart says: names are total, and hints keep every limit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from connector.assets.catalogue import load_mapping
from connector.clinical.drug_names import spoken_names
from connector.clinical.person_names import spoken_people
from connector.clinical.problem_names import spoken_problems, spoken_substances
from connector.clinical.quantities import find_quantities, in_figures, settle_corrections
from connector.hints.keyterms import derive_hints
from connector.hints.mapping import KINDS, KeytermMapping
from connector.records import Allergy, Medication, PatientContext, Problem, Section, SectionState, Source, Stamp

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
SHIPPED = KeytermMapping.from_dict(load_mapping("keyterms.yaml"))
PIECES = st.sampled_from(
    [
        "metoprolol",
        "Acetaminophen",
        "25",
        "MG",
        "/",
        " / ",
        "[Tylenol]",
        "(disorder)",
        "24 HR",
        "ER",
        ",",
        "{",
        "}",
        "V",
    ]
)
names = st.lists(PIECES, max_size=12).map(" ".join) | st.text(max_size=80)
numbers = st.sampled_from(["25", "twenty-five", "fifty", "one twenty-eight over eighty-two", "2.5", "a hundred", "one"])
joints = st.sampled_from(
    [", no, ", " mg, sorry, ", " ", " mg twice a day ", " over ", " to ", "? No, ", " and a half ", ". "]
)
spoken = st.lists(st.tuples(numbers, joints), max_size=8).map(lambda parts: "".join(a + b for a, b in parts)) | st.text(
    max_size=80
)


@given(names)
def test_names_are_distinct_whatever_the_string(name: str) -> None:
    for speak in (spoken_names, spoken_problems, spoken_substances, spoken_people):
        found = speak(name)
        folded = [one.casefold() for one in found]
        assert len(set(folded)) == len(folded)
        assert all(one == one.strip() and any(character.isalpha() for character in one) for one in found)


@given(names)
def test_a_spoken_drug_name_carries_no_strength(name: str) -> None:
    assert not any(quantity.unit == "mg" for one in spoken_names(name) for quantity in find_quantities(one))


@given(spoken)
def test_quantities_lie_where_they_say_and_settling_settles(text: str) -> None:
    for quantity in find_quantities(text):
        assert text[quantity.start : quantity.end] == quantity.text
        assert quantity.values
    settled = settle_corrections(text)
    assert len(settled) <= len(text) + 8
    assert in_figures(text).count("\n") == text.count("\n")


sections = st.lists(names, max_size=6)


def context_of(drugs: list[str], allergens: list[str], problems: list[str]) -> PatientContext:
    empty: Section[object] = Section(SectionState.EMPTY)
    return PatientContext(
        patient=empty,  # type: ignore[arg-type]
        encounter=empty,  # type: ignore[arg-type]
        medications=Section(
            SectionState.OK,
            tuple(Medication(Source(f"MedicationRequest/{n}"), name, "active") for n, name in enumerate(drugs)),
        ),
        allergies=Section(
            SectionState.PARTIAL,
            tuple(Allergy(Source(f"AllergyIntolerance/{n}"), name) for n, name in enumerate(allergens)),
        ),
        problems=Section(
            SectionState.OK, tuple(Problem(Source(f"Condition/{n}"), name) for n, name in enumerate(problems))
        ),
        vitals=empty,  # type: ignore[arg-type]
        labs=empty,  # type: ignore[arg-type]
        stamp=Stamp("context@1", NOW),
    )


@given(sections, sections, sections, st.integers(0, 60), st.lists(names, max_size=3), st.integers(1, 6))
def test_hints_keep_every_limit(drugs, allergens, problems, limit, people, max_words) -> None:
    mapping = replace(SHIPPED, max_words=max_words)
    hints = derive_hints(
        context_of(drugs, allergens, problems), mapping=mapping, limit=limit, people=tuple(people), now=NOW
    )
    texts = [keyterm.text for keyterm in hints.keyterms]
    assert len(texts) <= limit
    assert len({text.casefold() for text in texts}) == len(texts)
    assert all(1 <= len(text.split()) <= max_words for text in texts)
    assert not {text.casefold() for text in texts} & mapping.drop
    ranks = [KINDS.index(keyterm.kind) for keyterm in hints.keyterms]
    assert ranks == sorted(ranks)
    assert all(keyterm.sources or keyterm.kind in ("person", "vocabulary") for keyterm in hints.keyterms)


@given(sections, st.integers(0, 40))
def test_a_smaller_limit_only_cuts_the_end(drugs, limit) -> None:
    context = context_of(drugs, [], [])
    whole = derive_hints(context, mapping=SHIPPED, limit=10_000, people=(), now=NOW)
    cut = derive_hints(context, mapping=SHIPPED, limit=limit, people=(), now=NOW)
    assert cut.keyterms == whole.keyterms[:limit]
    assert cut.left_out == len(whole.keyterms) - len(cut.keyterms)
