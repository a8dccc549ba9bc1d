"""Keyterms: ranked, distinct, within the limits, never without a source."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connector.hints.keyterms import derive_hints
from connector.hints.mapping import KeytermMapping
from connector.records import Allergy, Medication, PatientContext, Problem, Section, SectionState, Source, SpeechHints

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def texts(hints: SpeechHints) -> list[str]:
    return [keyterm.text for keyterm in hints.keyterms]


def hints_of(
    context: PatientContext, mapping: KeytermMapping, *, limit: int = 1000, people: tuple[str, ...] = ()
) -> SpeechHints:
    return derive_hints(context, mapping=mapping, limit=limit, people=people, now=NOW)


def test_drugs_come_before_allergens_problems_people_and_vocabulary(chart, mapping) -> None:
    hints = hints_of(chart, replace(mapping, vocabulary=("edema",)), people=("Dr. Ann Lee",))
    assert texts(hints) == [
        "metoprolol succinate",
        "metoprolol",
        "lisinopril",
        "essential hypertension",
        "hypertension",
        "high blood pressure",
        "Ann Lee",
        "Lee",
        "edema",
    ]


def test_every_chart_term_names_the_entry_it_comes_from(chart, mapping) -> None:
    sources = {keyterm.text: keyterm.sources for keyterm in hints_of(chart, mapping).keyterms}
    assert sources["metoprolol"] == (Source("MedicationRequest/1", "3"),)
    assert sources["lisinopril"] == (Source("AllergyIntolerance/2", "1"),)
    assert sources["hypertension"] == (Source("Condition/3", "2"),)


def test_one_term_of_two_entries_stands_once_with_both_sources(make_context, mapping) -> None:
    context = make_context(
        medications=Section(
            SectionState.OK,
            (
                Medication(Source("MedicationRequest/1"), "lisinopril 10 MG Oral Tablet", "active"),
                Medication(Source("MedicationRequest/2"), "LISINOPRIL 20 MG Oral Tablet", "active"),
            ),
        ),
        allergies=Section(SectionState.OK, (Allergy(Source("AllergyIntolerance/3"), "Lisinopril"),)),
    )
    (term,) = hints_of(context, mapping).keyterms
    assert (term.text, term.kind) == ("lisinopril", "drug")
    assert [source.reference for source in term.sources] == [
        "MedicationRequest/1",
        "MedicationRequest/2",
        "AllergyIntolerance/3",
    ]


def test_the_best_name_of_each_drug_comes_before_any_second_name(make_context, mapping) -> None:
    drugs = ("24 HR metoprolol succinate 25 MG Tablet", "Acetaminophen 325 MG Oral Tablet [Tylenol]")
    context = make_context(
        medications=Section(
            SectionState.OK,
            tuple(Medication(Source(f"MedicationRequest/{n}"), drug, "active") for n, drug in enumerate(drugs)),
        )
    )
    assert texts(hints_of(context, mapping)) == ["metoprolol succinate", "acetaminophen", "metoprolol", "Tylenol"]


def test_what_does_not_fit_is_cut_from_the_end_and_counted(chart, mapping) -> None:
    hints = hints_of(chart, mapping, limit=3)
    assert texts(hints) == ["metoprolol succinate", "metoprolol", "lisinopril"]
    assert (hints.limit, hints.left_out) == (3, 3)


@pytest.mark.parametrize("limit", [0, -1])
def test_no_room_leaves_everything_out(chart, mapping, limit) -> None:
    hints = hints_of(chart, mapping, limit=limit)
    assert (hints.keyterms, hints.limit, hints.left_out) == ((), 0, 6)


@pytest.mark.parametrize("state", [SectionState.FAILED, SectionState.FORBIDDEN, SectionState.EMPTY])
def test_a_section_without_entries_yields_nothing(make_context, mapping, state) -> None:
    assert hints_of(make_context(medications=Section(state)), mapping).keyterms == ()


def test_no_known_allergies_and_refuted_allergies_are_no_terms(
    make_context: Callable[..., PatientContext], mapping
) -> None:
    none = Allergy(Source("AllergyIntolerance/1"), "No known allergies", none_known=True)
    refuted = Allergy(Source("AllergyIntolerance/2"), "Aspirin", verification="refuted")
    context = make_context(allergies=Section(SectionState.OK, (none, refuted)))
    assert hints_of(context, mapping).keyterms == ()


def test_names_nobody_says_and_names_too_long_are_left_out(make_context, mapping) -> None:
    long = "Abnormal findings diagnostic imaging heart and coronary circulation"
    problems = tuple(
        Problem(Source(f"Condition/{n}"), name)
        for n, name in enumerate(("Full-time employment (finding)", f"{long} (finding)", "Anemia (disorder)"))
    )
    context = make_context(problems=Section(SectionState.OK, problems))
    assert texts(hints_of(context, mapping)) == ["anemia"]


def test_the_order_of_kinds_is_the_mappings(chart, mapping) -> None:
    turned = replace(mapping, order=("problem", "allergen", "drug", "person", "vocabulary"))
    assert next(keyterm.kind for keyterm in hints_of(chart, turned).keyterms) == "problem"


def test_the_stamp_names_the_mapping_and_the_time_given(chart, mapping) -> None:
    stamp = hints_of(chart, mapping).stamp
    assert (stamp.maker, stamp.at) == ("hints/keyterms.yaml@1", NOW)
