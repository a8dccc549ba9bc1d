"""The reading of the chart, in two stages. In: a ChartReader and whose chart it is. Out: a PatientContext.

Never writes, never guesses: a part that could not be read says so and is not read as "none".
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from connector.context.allergies import read_allergies
from connector.context.answer import ChartReader
from connector.context.caps import confine
from connector.context.care_team import read_care_team
from connector.context.entries import ENTRIES, read_entries
from connector.context.joining import join_sections
from connector.context.mapping import FIRST, ContextMapping
from connector.context.measurements import pick_category, pick_codes, read_measurements
from connector.context.medications import read_medications
from connector.context.notes import TEXT_UNREAD, read_notes
from connector.context.person import NO_ENCOUNTER, read_encounter, read_person
from connector.context.problems import read_problems
from connector.context.searchset import NOT_GRANTED, PASSING, Found, first_request, search_chart
from connector.context.section import UNNAMED
from connector.context.together import Request, ask_together
from connector.records import (
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

FIRST_SECTIONS = ("patient", "encounter", "medications", "allergies", "problems", "vitals", "labs")
"""Read before the first page."""
LATER_SECTIONS = ("assessments", *ENTRIES, "care_team", "notes")
"""Read behind the first page, like what joins the medications and the problems."""
SECTIONS = (*FIRST_SECTIONS, *LATER_SECTIONS)
_LONGEST_FIRST = ("medications", "problems", "allergies")
"""The order of the first searches behind that for observations, by how long they take an EHR."""
_VITALS, _LABS = "vital-signs", "laboratory"
_STATEMENTS_LACK = "Medications that nobody ordered here, such as those the patient reported, could not be read."
_DIAGNOSES_LACK = "The diagnoses of earlier visits could not be read."
_PASSING = (*PASSING, TEXT_UNREAD, _STATEMENTS_LACK, _DIAGNOSES_LACK)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose chart it is: relative references, `encounter` None where the launch named none."""

    patient: str
    encounter: str | None


async def read_context(
    chart: ChartReader, *, patient: str, encounter: str | None, mapping: ContextMapping, now: datetime
) -> PatientContext:
    """The first stage: what the first page shows; the other sections are pending.

    `patient` and `encounter` are relative references. Always answers: a section that could not be read is failed or
    forbidden, the patient's own included, and the caller decides. What the callables raise (no token left) passes.
    """
    pending: Section[Any] = Section(SectionState.PENDING)
    unread = PatientContext(**dict.fromkeys(FIRST_SECTIONS, pending), stamp=Stamp(mapping.maker, now))
    subject = Subject(patient, encounter)
    confined = confine(chart, mapping.first, at_once=mapping.at_once)
    if mapping.batch:
        confined = await ask_together(confined, plan_first(confined, subject, mapping, now=now))
    return await _read_sections(_Reading(confined, subject, mapping, now), unread, FIRST_SECTIONS)


async def complete_context(
    chart: ChartReader, context: PatientContext, *, subject: Subject, mapping: ContextMapping, now: datetime
) -> PatientContext:
    """The second stage: whatever is pending in `context`, and what joins the medications and the problems."""
    pending = find_pending(context)
    if not pending:
        return context
    reading = _Reading(confine(chart, mapping.background, at_once=mapping.at_once), subject, mapping, now)
    read = await _read_sections(reading, context, pending)
    kept: dict[str, Any] = {name: _put_back(context, name, getattr(read, name)) for name in pending}
    read = replace(read, **kept)
    return await _join_later(reading, read)


def find_pending(context: PatientContext) -> tuple[str, ...]:
    """The names of the sections that have not been read yet."""
    return tuple(name for name in SECTIONS if getattr(context, name).state is SectionState.PENDING)


def may_mend(section: Section[Any]) -> bool:
    """Whether reading a section again may bring more: it failed, or it is incomplete for a cause that passes."""
    if section.state is SectionState.PARTIAL:
        unnamed = any(getattr(item, "name", None) == UNNAMED for item in section.items)
        return unnamed or any(cause in (section.detail or "") for cause in _PASSING)
    return section.state is SectionState.FAILED


def reopen(context: PatientContext) -> PatientContext:
    """The same with every section pending again that `may_mend`; what was read of it stays until more is."""
    sections = {name: getattr(context, name) for name in SECTIONS}
    nothing: Section[Any] = Section(SectionState.PENDING)
    mendable: dict[str, Any] = {
        name: replace(one, state=SectionState.PENDING) if one.items else nothing
        for name, one in sections.items()
        if may_mend(one)
    }
    return replace(context, **mendable)


def give_up(context: PatientContext, reason: str) -> PatientContext:
    """The same with nothing pending: what has items from before is partial again, all else failed for this reason."""
    failed: Section[Any] = Section(SectionState.FAILED, detail=reason)
    left: dict[str, Any] = {name: _put_back(context, name, failed) for name in find_pending(context)}
    return replace(context, **left)


def _put_back(before: PatientContext, name: str, read: Section[Any]) -> Section[Any]:
    """`read`, or the section as it was before where this could not be read and that holds items."""
    held: Section[Any] = getattr(before, name)
    if read.state not in (SectionState.FAILED, SectionState.FORBIDDEN) or not held.items:
        return read
    return replace(held, state=SectionState.PARTIAL)


def plan_first(chart: ChartReader, subject: Subject, mapping: ContextMapping, *, now: datetime) -> tuple[Request, ...]:
    """The requests the first stage begins with, as far as the launch was granted them."""
    asked = [Request(subject.patient, {})] if chart.allowed("Patient", "r", None) else []
    if subject.encounter is not None and chart.allowed("Encounter", "r", None):
        asked.append(Request(subject.encounter, {}))
    patient_id = subject.patient.partition("/")[2]
    plans = (mapping.searches[name] for name in FIRST)
    found = (first_request(chart, plan, patient_id=patient_id, today=now.date()) for plan in plans)
    return (*asked, *(request for request in found if request is not None))


async def _read_sections(reading: _Reading, context: PatientContext, names: tuple[str, ...]) -> PatientContext:
    """`context` with these sections read; vital signs and laboratory tests come in one search.

    With a few requests under way at once, the stage takes as long as the search that is last to begin: those that take
    an EHR longest go first, and the two reads of a single resource last.
    """
    wanted: dict[str, Coroutine[Any, Any, Any]] = {}
    if {"vitals", "labs"} & set(names):
        wanted["observations"] = reading.search("observations")
    wanted |= {name: reading.read(name) for name in _LONGEST_FIRST if name in names}
    wanted |= {name: reading.read(name) for name in names if name not in ("vitals", "labs", *_LONGEST_FIRST)}
    read = await _gather(wanted)
    if "observations" in read:
        found = read.pop("observations")
        read |= {name: reading.measure(found, name) for name in ("vitals", "labs") if name in names}
    return replace(context, **read)


async def _join_later(reading: _Reading, context: PatientContext) -> PatientContext:
    read = await _gather({"statements": reading.search("statements"), "diagnoses": reading.search("diagnoses")})
    statements, diagnoses = read["statements"], read["diagnoses"]
    told = await reading.medicate(statements)
    ordered = tuple(drug for drug in context.medications.items if not drug.statement)
    medications = join_sections(
        replace(context.medications, items=ordered),
        told,
        found=statements,
        name=_name_drug,
        lacking=_STATEMENTS_LACK,
    )
    problems = join_sections(
        context.problems, reading.list_problems(diagnoses), found=diagnoses, name=_name_problem, lacking=_DIAGNOSES_LACK
    )
    return replace(context, medications=medications, problems=problems)


def _name_drug(drug: Medication) -> str:
    return drug.name


def _name_problem(problem: Problem) -> str:
    return problem.name


async def _gather(wanted: Mapping[str, Coroutine[Any, Any, Any]]) -> dict[str, Any]:
    """What all of them return; what one of them raises is raised alone, so that its cause stays with it."""
    raised: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            tasks = {name: group.create_task(one) for name, one in wanted.items()}
    except BaseExceptionGroup as together:
        raised = together.exceptions[0]
    if raised is not None:
        raise raised
    return {name: task.result() for name, task in tasks.items()}


class _Reading:
    """One stage of reading one chart; what is refused by the granted scopes is not asked for."""

    def __init__(self, chart: ChartReader, subject: Subject, mapping: ContextMapping, now: datetime) -> None:
        self._chart = chart
        self._subject = subject
        self._mapping = mapping
        self._now = now
        self._own = {"patient": subject.patient, "base": chart.base}

    async def search(self, name: str) -> Found:
        """What one search of the mapping brings."""
        return await search_chart(
            self._chart,
            self._mapping.searches[name],
            patient_id=self._subject.patient.partition("/")[2],
            codes=self._mapping.outcome_codes,
            today=self._now.date(),
        )

    async def read(self, name: str) -> Section[Any]:
        """One section, vital signs and laboratory tests excepted."""
        if name == "patient":
            return await self._read_person()
        if name == "encounter":
            return await self._read_encounter()
        found = await self.search(name)
        if name in ENTRIES:
            return read_entries(found, name, **self._own)
        match name:
            case "medications":
                return await self.medicate(found)
            case "allergies":
                return read_allergies(found, **self._own, none_known=self._mapping.none_known)
            case "problems":
                return self.list_problems(found)
            case "assessments":
                return read_measurements(pick_codes(found, self._mapping.assessment_codes), **self._own)
            case "care_team":
                return read_care_team(found, **self._own)
            case "notes":
                most = self._mapping.note_bytes
                return await read_notes(self._chart, found, patient=self._subject.patient, most=most)
            case _:
                raise KeyError(name)

    async def medicate(self, found: Found) -> Section[Medication]:
        """The drugs of a search for requests or statements."""
        reads = self._mapping.medication_reads
        return await read_medications(self._chart, found, patient=self._subject.patient, reads=reads)

    def list_problems(self, found: Found) -> Section[Problem]:
        """The problems of a search for conditions."""
        return read_problems(found, **self._own)

    def measure(self, found: Found, name: str) -> Section[Measurement]:
        """The vital signs or the laboratory tests of the one search for both."""
        category = _VITALS if name == "vitals" else _LABS
        if not self._chart.allowed("Observation", "s", category):
            return Section(SectionState.FORBIDDEN, detail=NOT_GRANTED)
        kinds = [one for one in (_VITALS, _LABS) if self._chart.allowed("Observation", "s", one)]
        return read_measurements(pick_category(found, category, among=tuple(kinds)), **self._own)

    async def _read_person(self) -> Section[PersonSummary]:
        if not self._chart.allowed("Patient", "r", None):
            return Section(SectionState.FORBIDDEN, detail=NOT_GRANTED)
        answer = await self._chart.read(self._subject.patient, {})
        return read_person(answer, **self._own, merged=self._mapping.outcome_codes.merged)

    async def _read_encounter(self) -> Section[EncounterSummary]:
        if self._subject.encounter is None:
            return Section(SectionState.EMPTY, detail=NO_ENCOUNTER)
        if not self._chart.allowed("Encounter", "r", None):
            return Section(SectionState.FORBIDDEN, detail=NOT_GRANTED)
        return read_encounter(await self._chart.read(self._subject.encounter, {}), **self._own)
