"""The whole chart: every section by itself, at most four requests at a time, bundled patients as charted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.context.answer import ChartReader, FhirAnswer
from connector.context.chart import read_context
from connector.context.mapping import ContextMapping
from connector.errors import RelaunchNeeded
from connector.records import PatientContext, SectionState

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
SECTIONS = ("patient", "encounter", "medications", "allergies", "problems", "vitals", "labs")

Open = Callable[..., Any]


@pytest.fixture
def open_chart(chart: Any, mapping: ContextMapping, bundled: Callable[[str], list[dict[str, Any]]]) -> Open:
    async def run(name: str = "chasidy", *, encounter: bool = True) -> PatientContext:
        resources = bundled(name)
        chart.add(*resources)
        first = {kind: next(f"{kind}/{r['id']}" for r in resources if r["resourceType"] == kind) for kind in _NAMED}
        return await read_context(
            chart.reader(),
            patient=first["Patient"],
            encounter=first["Encounter"] if encounter else None,
            mapping=mapping,
            now=NOW,
        )

    return run


_NAMED = ("Patient", "Encounter")


def states(context: PatientContext) -> dict[str, SectionState]:
    return {name: getattr(context, name).state for name in SECTIONS}


async def test_chasidys_chart(open_chart: Open) -> None:
    context = await open_chart()
    assert context.patient.items[0].family == "Prosacco716"
    assert (len(context.medications.items), context.medications.dropped) == (11, 4)
    assert len(context.allergies.items) == 8
    assert "Lisinopril" in {allergy.substance for allergy in context.allergies.items}
    assert "losartan potassium 50 MG Oral Tablet" in {drug.name for drug in context.medications.items}
    assert context.vitals.state is SectionState.EMPTY
    assert context.stamp.maker == "context/context.yaml@2"
    assert context.stamp.at == NOW


@pytest.mark.parametrize(
    ("name", "drugs", "allergies"),
    [
        ("billie", 6, 8),
        ("edmundo", 14, 0),
        ("ezekiel", 7, 1),
        ("jacquelyne", 5, 3),
        ("jenni", 3, 4),
        ("julio", 9, 0),
        ("valda", 2, 7),
    ],
)
async def test_the_other_bundled_charts(open_chart: Open, name: str, drugs: int, allergies: int) -> None:
    context = await open_chart(name)
    assert (len(context.medications.items), len(context.allergies.items)) == (drugs, allergies)
    assert context.patient.state is SectionState.OK
    assert SectionState.FAILED not in states(context).values()


async def test_blood_pressure_reads_as_clinicians_write_it(open_chart: Open) -> None:
    context = await open_chart("jenni")
    assert {item.name: item.value for item in context.vitals.items}["Blood pressure"] == "120/69 mmHg"


async def test_no_more_requests_at_once_than_the_mapping_allows(chart: Any, open_chart: Open) -> None:
    chart.page_size, chart.delay = 5, 0.001
    await open_chart()
    assert chart.most_under_way == 4


async def test_what_takes_an_ehr_longest_is_asked_for_first(chart: Any, open_chart: Open) -> None:
    await open_chart("chasidy")
    assert [path.partition("/")[0] for path, _ in chart.requests[:6]] == [
        "Observation",
        "MedicationRequest",
        "Condition",
        "AllergyIntolerance",
        "Patient",
        "Encounter",
    ]


async def test_a_launch_without_an_encounter(chart: Any, open_chart: Open) -> None:
    context = await open_chart(encounter=False)
    assert context.encounter.state is SectionState.EMPTY
    assert not any(path.startswith("Encounter") for path, _ in chart.requests)


async def test_each_section_fails_by_itself(chart: Any, open_chart: Open) -> None:
    chart.script("AllergyIntolerance", FhirAnswer(403))
    chart.script("Condition", FhirAnswer(0, None, "timeout"))
    context = await open_chart()
    assert context.allergies.state is SectionState.FORBIDDEN
    assert context.problems.state is SectionState.FAILED
    assert context.medications.state is SectionState.OK


async def test_a_chart_that_is_wholly_shut_still_answers(mapping: ContextMapping) -> None:
    async def refuse(path: str, parameters: Any = None) -> FhirAnswer:
        return FhirAnswer(403)

    shut = ChartReader("https://x.example", refuse, refuse)
    context = await read_context(shut, patient="Patient/p", encounter="Encounter/e", mapping=mapping, now=NOW)
    assert set(states(context).values()) == {SectionState.FORBIDDEN}


async def test_another_patients_drug_never_shows(chart: Any, open_chart: Open) -> None:
    chart.add(
        {
            "resourceType": "MedicationRequest",
            "id": "stranger",
            "status": "active",
            "medicationCodeableConcept": {"text": "warfarin"},
            "subject": {"reference": "Patient/somebody-else"},
        }
    )
    context = await open_chart()
    assert "warfarin" not in {drug.name for drug in context.medications.items}
    assert (context.medications.state, context.medications.dropped) == (SectionState.PARTIAL, 5)


async def test_no_section_detail_repeats_what_the_ehr_wrote(chart: Any, open_chart: Open) -> None:
    issue = {"severity": "error", "code": "exception", "diagnostics": "CANARY Prosacco", "details": {"text": "CANARY"}}
    outcome = {"resourceType": "OperationOutcome", "issue": [issue]}
    chart.script("Observation", FhirAnswer(500, outcome))
    chart.script("Condition", FhirAnswer(200, {**outcome, "id": "CANARY"}))
    context = await open_chart()
    assert context.vitals.state is context.labs.state is SectionState.FAILED
    assert context.problems.state is SectionState.FAILED
    assert "CANARY" not in f"{context.vitals.detail}{context.labs.detail}{context.problems.detail}"


async def test_what_the_callables_raise_comes_through_as_it_is(mapping: ContextMapping) -> None:
    cause = ValueError("cause")

    async def refuse(path: str, parameters: Any = None) -> FhirAnswer:
        if path == "Condition":
            raise RelaunchNeeded("again") from cause
        await asyncio.sleep(30)
        return FhirAnswer(200)

    reader = ChartReader("https://x.example", refuse, refuse)
    wide = replace(mapping, at_once=10)
    with pytest.raises(RelaunchNeeded) as raised:
        await read_context(reader, patient="Patient/p", encounter=None, mapping=wide, now=NOW)
    assert raised.value.__cause__ is cause
