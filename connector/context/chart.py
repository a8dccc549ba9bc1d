"""The reading of the chart. In: a ChartReader and the launch's patient and encounter. Out: a PatientContext.

Never writes, never guesses: a part that could not be read says so and is not read as "none".
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime

from connector.context.allergies import read_allergies
from connector.context.answer import ChartReader, FhirAnswer
from connector.context.mapping import ContextMapping
from connector.context.measurements import read_measurements
from connector.context.medications import read_medications
from connector.context.person import NO_ENCOUNTER, read_encounter, read_person
from connector.context.problems import read_problems
from connector.context.searchset import Found, search_chart
from connector.records import (
    Allergy,
    EncounterSummary,
    Measurement,
    Medication,
    PatientContext,
    PersonSummary,
    Problem,
    Section,
    SectionState,
    Stamp,
)


async def read_context(
    chart: ChartReader, *, patient: str, encounter: str | None, mapping: ContextMapping, now: datetime
) -> PatientContext:
    """Read every section of the chart, at most `mapping.at_once` requests at a time.

    `patient` and `encounter` are relative references. Always answers: a section that could not be read is failed or
    forbidden, the patient's own included, and the caller decides. What the callables raise (no token left) passes.
    """
    reading = _Reading(_throttle(chart, mapping.at_once), patient, mapping)
    raised: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            person = group.create_task(reading.read_person())
            visit = group.create_task(reading.read_encounter(encounter))
            medications = group.create_task(reading.read_medications())
            allergies = group.create_task(reading.read_allergies())
            problems = group.create_task(reading.read_problems())
            vitals = group.create_task(reading.read_measurements("vitals"))
            labs = group.create_task(reading.read_measurements("labs"))
    except BaseExceptionGroup as together:
        raised = together.exceptions[0]
    if raised is not None:
        raise raised  # alone, as the callable raised it, so that its cause stays with it
    return PatientContext(
        patient=person.result(),
        encounter=visit.result(),
        medications=medications.result(),
        allergies=allergies.result(),
        problems=problems.result(),
        vitals=vitals.result(),
        labs=labs.result(),
        stamp=Stamp(maker=f"context/context.yaml@{mapping.version}", at=now),
    )


def _throttle(chart: ChartReader, at_once: int) -> ChartReader:
    """The same reader with at most `at_once` requests under way."""
    gate = asyncio.Semaphore(at_once)

    async def read(path: str, parameters: Mapping[str, str]) -> FhirAnswer:
        async with gate:
            return await chart.read(path, parameters)

    async def follow(link: str) -> FhirAnswer:
        async with gate:
            return await chart.follow(link)

    return ChartReader(base=chart.base, read=read, follow=follow)


class _Reading:
    """One reading of one chart: each method is one section."""

    def __init__(self, chart: ChartReader, patient: str, mapping: ContextMapping) -> None:
        self._chart = chart
        self._patient = patient
        self._mapping = mapping

    async def _search(self, name: str) -> Found:
        plan, codes = self._mapping.searches[name], self._mapping.outcome_codes
        return await search_chart(self._chart, plan, patient_id=self._patient.partition("/")[2], codes=codes)

    async def read_person(self) -> Section[PersonSummary]:
        return read_person(await self._chart.read(self._patient, {}), patient=self._patient)

    async def read_encounter(self, encounter: str | None) -> Section[EncounterSummary]:
        if encounter is None:
            return Section(SectionState.EMPTY, detail=NO_ENCOUNTER)
        answer = await self._chart.read(encounter, {})
        return read_encounter(answer, patient=self._patient, base=self._chart.base)

    async def read_medications(self) -> Section[Medication]:
        found = await self._search("medications")
        return await read_medications(self._chart, found, patient=self._patient, reads=self._mapping.medication_reads)

    async def read_allergies(self) -> Section[Allergy]:
        found = await self._search("allergies")
        none_known = self._mapping.none_known
        return read_allergies(found, patient=self._patient, base=self._chart.base, none_known=none_known)

    async def read_problems(self) -> Section[Problem]:
        return read_problems(await self._search("problems"), patient=self._patient, base=self._chart.base)

    async def read_measurements(self, name: str) -> Section[Measurement]:
        return read_measurements(await self._search(name), patient=self._patient, base=self._chart.base)
