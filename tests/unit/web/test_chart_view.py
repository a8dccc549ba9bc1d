"""What was read of the chart: "could not be read", "nothing recorded" and "none known" are three things."""

from dataclasses import replace
from datetime import date

import pytest

from connector.context.searchset import NOT_GRANTED
from connector.records import (
    Allergy,
    ChartEntry,
    LeftOut,
    Medication,
    PatientContext,
    Section,
    SectionState,
    Source,
)
from connector.web.chart_view import ChartSectionView, build_chart, build_patient, name_sources
from tests.unit.web.samples import NOW, context

NKA = Allergy(Source("AllergyIntolerance/1"), "No known allergies", none_known=True)
FISH = Allergy(Source("AllergyIntolerance/3"), "Fish", ("hives",), "high", "unconfirmed")


def allergies(section: Section[Allergy]) -> ChartSectionView:
    """The view of one allergies section."""
    views = build_chart(replace(context(), allergies=section))
    return next(view for view in views if view.key == "allergies")


def test_allergies_that_could_not_be_read_are_not_none() -> None:
    view = allergies(Section(SectionState.FAILED, detail="The EHR did not answer in time."))
    assert view.unread
    assert view.summary == (
        "Could not be read. The EHR did not answer in time. This does not mean there are none: ask."
    )


def test_allergies_that_may_not_be_read_are_not_none() -> None:
    view = allergies(Section(SectionState.FORBIDDEN, detail="HTTP 403"))
    assert view.unread
    assert view.summary == "The EHR did not allow this to be read. This does not mean there are none: ask."


def test_an_empty_list_of_allergies_is_not_none_known() -> None:
    view = allergies(Section(SectionState.EMPTY))
    assert not view.unread
    assert "None recorded" in view.summary and "does not mean" in view.summary


def test_only_the_charts_own_statement_is_none_known() -> None:
    view = allergies(Section(SectionState.OK, (NKA,)))
    assert view.summary == "No known allergies, as stated in the chart."
    assert view.entries == () and view.count == 0


def test_a_chart_that_says_none_known_beside_an_allergy_is_shown_as_a_contradiction() -> None:
    view = allergies(Section(SectionState.OK, (NKA, FISH)))
    assert view.summary == '1 allergy: Fish. The chart also says "no known allergies": ask.'
    assert [(entry.text, entry.note) for entry in view.entries] == [("Fish", "hives, high criticality, unconfirmed")]


def test_none_known_in_a_list_read_in_part_is_not_called_none_known() -> None:
    view = allergies(Section(SectionState.PARTIAL, (NKA,), detail="More exist."))
    assert view.unread
    assert view.summary == "Read only in part, nothing. There may be more. More exist."


def test_a_list_read_in_part_says_what_was_found_and_that_there_is_more() -> None:
    view = allergies(Section(SectionState.PARTIAL, (FISH,), detail="The EHR holds more entries than were read."))
    assert view.summary.startswith("Read only in part, 1 allergy: Fish. There may be more.")


def test_what_was_left_out_is_counted() -> None:
    assert allergies(Section(SectionState.OK, (FISH,), dropped=2)).left_out == (
        "2 entries left out: not active, entered in error, or another patient's."
    )
    assert allergies(Section(SectionState.OK, (FISH,))).left_out is None


def test_why_something_was_left_out_is_said_in_words() -> None:
    reasons = ("another-patient", "entered-in-error", "inactive", "no-id", "refuted")
    left_out = tuple(LeftOut(reason, number) for number, reason in enumerate(reasons, start=1))
    assert allergies(Section(SectionState.PARTIAL, (FISH,), dropped=15, left_out=left_out)).left_out == (
        "15 entries left out: 2 entered in error, 5 refuted, 3 no longer active, or without a value, "
        "1 of another patient, or of nobody named, 4 without a usable id."
    )


LEADS = {
    "ok": (Section(SectionState.OK, (FISH,)), "1 allergy"),
    "none known": (Section(SectionState.OK, (NKA,)), "No known allergies, as stated in the chart."),
    "empty": (Section(SectionState.EMPTY), "None recorded"),
    "partial": (Section(SectionState.PARTIAL, (FISH,), detail="Cut."), "Read only in part"),
    "forbidden": (Section(SectionState.FORBIDDEN), "The EHR did not allow this to be read."),
    "failed": (Section(SectionState.FAILED, detail="HTTP 500."), "Could not be read."),
    "pending": (Section(SectionState.PENDING), "Not read yet."),
}


@pytest.mark.parametrize(("section", "lead"), LEADS.values(), ids=LEADS)
def test_every_state_says_what_it_is_in_its_first_words(section: Section[Allergy], lead: str) -> None:
    view = allergies(section)
    assert view.lead == lead
    assert view.summary.startswith(lead)


def test_a_part_that_is_not_to_be_had_here_is_nobodys_fault() -> None:
    goals: Section[ChartEntry] = Section(SectionState.FORBIDDEN, detail=NOT_GRANTED)
    view = next(view for view in build_chart(replace(context(), goals=goals)) if view.key == "goals")
    assert view.unasked and not view.unread
    lost = next(
        view for view in build_chart(replace(context(), goals=Section(SectionState.FAILED))) if view.key == "goals"
    )
    assert lost.unread and not lost.unasked
    assert not allergies(Section(SectionState.FORBIDDEN, detail=NOT_GRANTED)).unasked


def test_every_entry_stands_under_its_resource_and_version() -> None:
    view = next(view for view in build_chart(context()) if view.key == "medications")
    assert [(entry.reference, entry.version) for entry in view.entries] == [
        ("MedicationRequest/11", "1"),
        ("MedicationRequest/12", None),
    ]
    person = replace(context().patient.items[0], language="es", interpreter=True)
    listed = build_chart(replace(context(), patient=Section(SectionState.OK, (person,))))
    assert next(view for view in listed if view.key == "patient").entries[0].note == "language es, needs an interpreter"


def test_a_folded_section_names_the_first_entries_and_counts_the_rest() -> None:
    drugs = tuple(
        Medication(Source(f"MedicationRequest/{number}"), f"drug number {number} (substance)", "active")
        for number in range(12)
    )
    views = build_chart(replace(context(), medications=Section(SectionState.OK, drugs)))
    medications = next(view for view in views if view.key == "medications")
    assert medications.summary.startswith("12 active medications: drug number 0, drug number 1")
    assert medications.summary.endswith("and 5 more.")
    assert medications.entries[0].text == "drug number 0 (substance)"


@pytest.mark.parametrize("key", ["medications", "problems", "vitals", "labs"])
@pytest.mark.parametrize("state", [SectionState.FAILED, SectionState.FORBIDDEN, SectionState.PARTIAL])
def test_no_unread_section_looks_like_an_empty_one(key: str, state: SectionState) -> None:
    unread, empty = (
        next(view for view in build_chart(replace(context(), **{key: section})) if view.key == key)
        for section in (Section(state), Section(SectionState.EMPTY))
    )
    assert unread.unread and not empty.unread
    assert unread.summary != empty.summary
    assert "may be" in unread.summary


def test_a_patient_not_wholly_read_is_said() -> None:
    assert not next(view for view in build_chart(context()) if view.key == "patient").unread
    stranger = replace(context(), patient=Section(SectionState.FAILED, detail="The EHR answered with another patient."))
    view = next(view for view in build_chart(stranger) if view.key == "patient")
    assert "another patient" in view.summary and "Check in the EHR" in view.summary
    nameless = replace(context(), patient=replace(context().patient, state=SectionState.PARTIAL, detail="No name."))
    assert next(view for view in build_chart(nameless) if view.key == "patient").summary == "No name."


def test_the_banner_shows_who_the_patient_is() -> None:
    patient = build_patient(context(), NOW.date())
    assert patient is not None
    assert (patient.name, patient.born, patient.identifier) == ("Billie Waters", "22 Nov 1992 (33 years)", "MR-7")
    assert build_patient(None, NOW.date()) is None
    assert build_patient(replace(context(), patient=Section(SectionState.FAILED)), NOW.date()) is None


def test_a_birth_date_that_is_not_known_is_left_out() -> None:
    person = replace(context().patient.items[0], birth_date=None)
    patient = build_patient(replace(context(), patient=Section(SectionState.OK, (person,))), date(2026, 1, 1))
    assert patient is not None and patient.born is None


def test_chart_entries_have_names_for_the_evidence_of_sentences() -> None:
    named = name_sources(context())
    assert named["Observation/4"] == "Vital sign: Blood pressure 128/82 mmHg"
    assert named["AllergyIntolerance/3"] == "Allergy: Fish"
    assert name_sources(None) == {}


def test_every_part_of_the_chart_has_a_view() -> None:
    keys = {view.key for view in build_chart(context())} | {"stamp", "encounters"}
    assert keys == set(PatientContext.__dataclass_fields__)
    assert build_chart(None) == ()
