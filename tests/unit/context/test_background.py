"""What is read behind the first page: one request each, every part by itself, joined to what was read before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from connector.context.answer import ChartReader, FhirAnswer
from connector.context.chart import (
    FIRST_SECTIONS,
    LATER_SECTIONS,
    Subject,
    complete_context,
    find_pending,
    give_up,
    may_mend,
    read_context,
    reopen,
)
from connector.context.mapping import ContextMapping
from connector.records import PatientContext, Section, SectionState
from tests.fixtures.charts import NOTE, later_parts, resource

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
SUBJECT = Subject("Patient/p", None)
Complete = Callable[..., Any]


@pytest.fixture
def complete(chart: Any, mapping: ContextMapping) -> Complete:
    async def run(*, filled: bool = True, first: PatientContext | None = None, reader: Any = None) -> PatientContext:
        chart.add({"resourceType": "Patient", "id": "p", "name": [{"family": "Pat"}]})
        chart.add(*(later_parts("p") if filled else []))
        read = reader or chart.reader()
        context = first or await read_context(read, patient="Patient/p", encounter=None, mapping=mapping, now=NOW)
        assert set(find_pending(context)) == set(LATER_SECTIONS) or first is not None
        chart.requests.clear()
        return await complete_context(read, context, subject=SUBJECT, mapping=mapping, now=NOW)

    return run


async def test_every_later_part_is_read_by_one_request(chart: Any, complete: Complete) -> None:
    context = await complete()
    assert find_pending(context) == ()
    asked = Counter(path for path, _ in chart.requests)
    assert asked.pop("Observation") == asked.pop("Condition") == 1
    assert set(asked.values()) == {1} and len(asked) == 9
    for name in LATER_SECTIONS:
        assert getattr(context, name).state is SectionState.OK, name


async def test_what_each_entry_says(complete: Complete) -> None:
    context = await complete()
    said = {name: [(one.name, one.status, one.when, one.detail) for one in getattr(context, name).items] for name in (
        "immunizations", "procedures", "appointments", "goals", "care_plans", "orders"
    )}  # fmt: skip
    assert said == {
        "immunizations": [("influenza, seasonal", "completed", date(2026, 10, 2), None)],
        "procedures": [("Colonoscopy", "completed", date(2025, 3, 4), "Screening")],
        "appointments": [("Blood pressure check", "booked", date(2026, 12, 1), None)],
        "goals": [("Walk 30 minutes a day", "active", date(2026, 5, 1), "In progress")],
        "care_plans": [("Hypertension plan", "active", date(2026, 5, 1), "Low sodium diet")],
        "orders": [("Hemoglobin A1c", "active", date(2026, 11, 20), "Laboratory procedure")],
    }
    assert context.immunizations.dropped == context.appointments.dropped == 1
    assert context.procedures.items[0].source.version == "3"


async def test_the_care_team_without_the_patient_and_the_nameless(complete: Complete) -> None:
    assert [(one.name, one.role) for one in (await complete()).care_team.items] == [("Ada Okafor", "Care manager")]


async def test_smoking_and_scores_and_nothing_else_that_was_asked(complete: Complete) -> None:
    found = {one.name: one.value for one in (await complete()).assessments.items}
    assert found == {"Tobacco smoking status": "Former smoker", "PHQ-9 total score": "14", "GAD-7 total score": "9"}


async def test_titles_of_notes_and_the_text_of_the_last_signed_one(complete: Complete) -> None:
    notes = (await complete()).notes.items
    assert [(one.title, one.written.day, one.text is not None) for one in notes] == [
        ("Progress note", 20, False),
        ("Progress note", 1, True),
        ("Progress note", 1, False),
    ]
    assert (notes[1].text, notes[1].author) == (NOTE, "Dr. Ines Duarte")


async def test_what_somebody_said_to_take_joins_the_medications(complete: Complete) -> None:
    (drug,) = (await complete()).medications.items
    assert (drug.name, drug.statement, drug.reported) == ("melatonin", True, True)


async def test_a_statement_of_an_ordered_drug_is_not_listed_twice(chart: Any, complete: Complete) -> None:
    melatonin = {"medicationCodeableConcept": {"text": "Melatonin"}}
    chart.add(resource("MedicationRequest", "m", "p", status="active", **melatonin))
    (drug,) = (await complete()).medications.items
    assert (drug.source.reference, drug.statement) == ("MedicationRequest/m", False)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (FhirAnswer(404), SectionState.EMPTY),
        (FhirAnswer(500), SectionState.PARTIAL),
        (FhirAnswer(200, None, "not-json"), SectionState.PARTIAL),
        (FhirAnswer(403), SectionState.PARTIAL),
    ],
)
async def test_statements_that_could_not_be_read_are_missed_and_those_not_offered_are_not(
    chart: Any, complete: Complete, answer: FhirAnswer, state: SectionState
) -> None:
    chart.script("MedicationStatement", answer)
    medications = (await complete(filled=False)).medications
    assert medications.state is state
    assert ("nobody ordered" in (medications.detail or "")) is (state is SectionState.PARTIAL)


async def test_an_encounter_diagnosis_without_a_status_joins_the_problems(
    chart: Any, complete: Complete, mapping: ContextMapping
) -> None:
    first = await read_context(chart.reader(), patient="Patient/p", encounter=None, mapping=mapping, now=NOW)
    category = [{"coding": [{"code": "encounter-diagnosis"}]}]
    chart.add(resource("Condition", "c", "p", code={"text": "Otitis media"}, category=category))
    joined = await complete(filled=False, first=first)
    assert [(one.name, one.category) for one in joined.problems.items] == [("Otitis media", "encounter-diagnosis")]
    assert (first.problems.state, joined.problems.state) == (SectionState.EMPTY, SectionState.OK)


async def test_nothing_is_asked_beyond_what_was_granted(chart: Any, mapping: ContextMapping) -> None:
    granted = {("Patient", None), ("Observation", "laboratory"), ("Observation", None)}
    reader = replace(chart.reader(), allowed=lambda kind, letter, category: (kind, category) in granted)
    chart.add({"resourceType": "Patient", "id": "p", "name": [{"family": "Pat"}]})
    context = await read_context(reader, patient="Patient/p", encounter="Encounter/e", mapping=mapping, now=NOW)
    whole = await complete_context(reader, context, subject=SUBJECT, mapping=mapping, now=NOW)
    assert {path.partition("/")[0] for path, _ in chart.requests} == {"Patient", "Observation"}
    assert chart.asked("Observation")[0]["category"] == "laboratory"
    refused = (whole.encounter, whole.medications, whole.allergies, whole.problems, whole.vitals, whole.notes)
    assert {(one.state, one.detail) for one in refused} == {
        (SectionState.FORBIDDEN, "The EHR did not grant this to be read.")
    }
    assert whole.labs.state is SectionState.EMPTY


async def test_a_search_this_ehr_does_not_offer_is_not_sent_and_not_none(
    chart: Any, mapping: ContextMapping, complete: Complete
) -> None:
    plans = {**mapping.searches, "goals": replace(mapping.searches["goals"], skipped=True)}
    context = await read_context(chart.reader(), patient="Patient/p", encounter=None, mapping=mapping, now=NOW)
    skipping = replace(mapping, searches=plans)
    whole = await complete_context(chart.reader(), context, subject=SUBJECT, mapping=skipping, now=NOW)
    assert chart.asked("Goal") == []
    assert (whole.goals.state, whole.goals.detail) == (
        SectionState.FAILED,
        "This EHR does not offer this part of the chart.",
    )


async def test_the_first_stage_asks_for_a_year_and_says_so(chart: Any, mapping: ContextMapping) -> None:
    context = await read_context(chart.reader(), patient="Patient/p", encounter=None, mapping=mapping, now=NOW)
    assert chart.asked("Observation")[0]["date"] == "ge2025-11-27"
    assert context.labs.detail == "Only the last 365 days were read."
    assert {getattr(context, name).state for name in LATER_SECTIONS} == {SectionState.PENDING}


async def test_what_has_failed_can_be_read_again_and_nothing_else_is(chart: Any, complete: Complete) -> None:
    chart.script("Goal", FhirAnswer(0, None, "timeout")).script("CareTeam", FhirAnswer(403))
    failed = await complete()
    assert (failed.goals.state, failed.care_team.state) == (SectionState.FAILED, SectionState.FORBIDDEN)
    again = await complete(first=reopen(failed))
    assert again.goals.state is SectionState.OK
    assert {path for path, _ in chart.requests} == {"Goal", "MedicationStatement", "Condition"}


def _order(number: str) -> dict[str, Any]:
    drug = {"reference": f"Medication/{number}"}
    subject = {"reference": "Patient/p"}
    kind = "MedicationRequest"
    return {"resourceType": kind, "id": number, "status": "active", "subject": subject, "medicationReference": drug}


async def test_drugs_whose_names_could_not_be_read_are_read_again_and_stay_until_they_are(
    chart: Any, mapping: ContextMapping, complete: Complete
) -> None:
    named = {"resourceType": "Medication", "id": "m", "code": {"text": "metformin 500 MG"}}
    chart.add(_order("m")).script("Medication/m", FhirAnswer(503))
    before = await read_context(chart.reader(), patient="Patient/p", encounter=None, mapping=mapping, now=NOW)
    before = await complete_context(chart.reader(), before, subject=SUBJECT, mapping=mapping, now=NOW)
    assert before.medications.state is SectionState.PARTIAL and may_mend(before.medications)
    chart.script("MedicationRequest", FhirAnswer(503))
    lost = await complete_context(chart.reader(), reopen(before), subject=SUBJECT, mapping=mapping, now=NOW)
    assert (lost.medications.state, lost.medications.items) == (SectionState.PARTIAL, before.medications.items)
    assert give_up(reopen(before), "Interrupted.").medications.items == before.medications.items
    chart.add(named)
    again = await complete_context(chart.reader(), reopen(lost), subject=SUBJECT, mapping=mapping, now=NOW)
    assert [drug.name for drug in again.medications.items] == ["metformin 500 MG"]
    assert again.medications.state is SectionState.OK and not may_mend(again.medications)


@pytest.mark.parametrize(
    ("section", "mends"),
    [
        (Section(SectionState.PARTIAL, detail="The EHR holds more entries than were read."), False),
        (Section(SectionState.PARTIAL, detail="The EHR did not answer in time."), True),
        (Section(SectionState.PARTIAL, detail="The EHR answered with an error (HTTP 503)."), True),
        (Section(SectionState.PARTIAL, detail="The diagnoses of earlier visits could not be read."), True),
        (Section(SectionState.PARTIAL, detail="The text of the last signed note could not be read."), True),
        (Section(SectionState.FORBIDDEN, detail="The EHR did not allow this to be read (HTTP 403)."), False),
        (Section(SectionState.FAILED), True),
        (Section(SectionState.OK), False),
    ],
)
def test_a_part_is_read_again_only_where_that_may_help(section: Section[Any], mends: bool) -> None:
    assert may_mend(section) is mends


async def test_a_reading_that_was_given_up_leaves_nothing_pending(chart: Any, mapping: ContextMapping) -> None:
    context = await read_context(chart.reader(), patient="Patient/p", encounter=None, mapping=mapping, now=NOW)
    left = give_up(context, "Interrupted.")
    assert find_pending(left) == ()
    assert {getattr(left, name).detail for name in LATER_SECTIONS} == {"Interrupted."}
    assert {name: getattr(left, name) for name in FIRST_SECTIONS} == {
        name: getattr(context, name) for name in FIRST_SECTIONS
    }


async def test_a_stage_begins_no_request_beyond_its_caps(chart: Any, mapping: ContextMapping) -> None:
    chart.page_size = 1
    chart.add(*(resource("AllergyIntolerance", str(n), "p", code={"text": f"thing {n}"}) for n in range(9)))
    few = replace(mapping, first=replace(mapping.first, requests=8))
    context = await read_context(chart.reader(), patient="Patient/p", encounter=None, mapping=few, now=NOW)
    assert len(chart.requests) == 8
    assert context.allergies.state is SectionState.PARTIAL
    assert context.allergies.detail == "Reading the chart had taken too much or too long by then."


async def test_a_stage_that_takes_too_long_or_too_much_begins_no_more(chart: Any, mapping: ContextMapping) -> None:
    heavy = replace(mapping, at_once=1, first=replace(mapping.first, bytes=10))
    read = chart.reader().read

    async def weigh(path: str, parameters: Any) -> FhirAnswer:
        return replace(await read(path, parameters), size=11)

    reader: ChartReader = replace(chart.reader(), read=weigh)
    context = await read_context(reader, patient="Patient/p", encounter=None, mapping=heavy, now=NOW)
    assert len(chart.requests) == 1
    assert context.allergies.state is SectionState.FAILED
    late = replace(mapping, first=replace(mapping.first, seconds=0))
    context = await read_context(chart.reader(), patient="Patient/p", encounter=None, mapping=late, now=NOW)
    assert len(chart.requests) == 1
    assert context.patient.detail == "Reading the chart had taken too much or too long by then."
