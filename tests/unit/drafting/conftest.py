"""The shipped note type and prompts, a chart, and transcripts made from (role, text) pairs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from connector.assets.catalogue import load_mapping, load_template
from connector.drafting.chart_text import ChartBudget, write_chart
from connector.drafting.note_type import NoteType, read_note_types
from connector.drafting.offline import draft_from_messages
from connector.drafting.prompt import PromptTemplates, build_messages
from connector.drafting.schema import answer_schema
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
    Source,
    Stamp,
    Transcript,
    Turn,
)

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
STAMP = Stamp("test", NOW)


@pytest.fixture(scope="session")
def soap() -> NoteType:
    return read_note_types(load_mapping("note-types.yaml"))["soap"]


@pytest.fixture(scope="session")
def templates() -> PromptTemplates:
    return PromptTemplates.from_sources(
        load_template("prompts/soap.system.j2"), load_template("prompts/soap.user.j2"), "soap"
    )


@pytest.fixture(scope="session")
def context() -> PatientContext:
    """A 61-year-old woman: metoprolol, an allergy to lisinopril, hypertension, one vital sign; labs unreadable."""
    person = PersonSummary(
        Source("Patient/p1"), "Ann Canary", "Canary", ("Ann",), date(1965, 3, 2), "female", "MRN-4711", "en"
    )
    encounter = EncounterSummary(Source("Encounter/e1"), "in-progress", "AMB", "Office visit", "Blood pressure", NOW)
    metoprolol = Medication(
        Source("MedicationRequest/m1", "2"), "24 HR metoprolol succinate 25 MG Extended Release Oral Tablet", "active"
    )
    return PatientContext(
        patient=Section(SectionState.OK, (person,)),
        encounter=Section(SectionState.OK, (encounter,)),
        medications=Section(SectionState.OK, (metoprolol,)),
        allergies=Section(SectionState.PARTIAL, (Allergy(Source("AllergyIntolerance/a1", "1"), "Lisinopril"),)),
        problems=Section(SectionState.OK, (Problem(Source("Condition/c1", "5"), "Essential hypertension (disorder)"),)),
        vitals=Section(SectionState.OK, (Measurement(Source("Observation/o1"), "Heart rate", "72 /min", NOW),)),
        labs=Section(SectionState.FAILED),
        stamp=STAMP,
    )


@pytest.fixture(scope="session")
def transcribe() -> Callable[..., Transcript]:
    """`transcribe(("clinician", "Any pain?"), ("patient", "No."))` → turns t1, t2 …"""

    def make(*said: tuple[str, str]) -> Transcript:
        turns = tuple(Turn(f"t{n}", role, role, "vendor", text, 0, 0, 1.0) for n, (role, text) in enumerate(said, 1))
        return Transcript("tr1", "playback", "en", 60_000, turns, (), STAMP)

    return make


@pytest.fixture(scope="session")
def ask(soap: NoteType, templates: PromptTemplates, context: PatientContext) -> Callable[..., list[dict[str, str]]]:
    """The messages for a transcript; the chart may be another."""

    def make(transcript: Transcript, chart: PatientContext | None = None) -> list[dict[str, str]]:
        return build_messages(
            note_type=soap,
            transcript=transcript,
            chart=write_chart(chart or context, ChartBudget()),
            consent_line="The patient agreed to be recorded.",
            templates=templates,
        )

    return make


@pytest.fixture(scope="session")
def draft(
    ask: Callable[..., list[dict[str, str]]], soap: NoteType, transcribe: Callable[..., Transcript]
) -> Callable[..., Any]:
    """The offline drafter's answer to what was said."""

    def make(*said: tuple[str, str]) -> Any:
        return draft_from_messages(ask(transcribe(*said)), answer_schema(soap))

    return make
