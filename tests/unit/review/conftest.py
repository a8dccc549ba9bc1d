"""A draft, a heading and a chart to review it against."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from connector.records import (
    Allergy,
    DraftNote,
    Medication,
    NoteSection,
    PatientContext,
    Section,
    SectionState,
    Sentence,
    Source,
    Stamp,
    Transcript,
    Turn,
)
from connector.review.rendition import Heading

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
STAMP = Stamp("drafting/soap@1", NOW, model="a-model")


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def draft() -> DraftNote:
    """Three sections, the second empty; every sentence of the model rests on a turn."""
    return DraftNote(
        draft_id="d1",
        revision=3,
        note_type="soap",
        title="Progress note",
        sections=(
            NoteSection(
                "subjective",
                "Subjective",
                "61150-9",
                (
                    Sentence("s1", "She has had a cough for 2 weeks.", ("t1",)),
                    Sentence("s2", "No fever.", ("t2",), (Source("Observation/7", "1"),)),
                ),
            ),
            NoteSection("objective", "Objective", "61149-1", ()),
            NoteSection("plan", "Plan", "18776-5", (Sentence("p1", "Continue losartan 50 mg daily.", ("t3",)),)),
        ),
        origin="model",
        stamp=STAMP,
    )


@pytest.fixture
def heading() -> Heading:
    return Heading(
        patient_name="Chasidy Prosacco",
        birth_date=date(1958, 11, 28),
        patient_identifier="MRN-7",
        encounter_date=date(2026, 11, 21),
        author="Dr. Kai Mann",
        consent="The patient gave verbal consent to recording on 2026-11-21.",
        transcript_origin="recogniser",
        signed_on=date(2026, 11, 21),
        note_id="note-1",
        version=1,
    )


@pytest.fixture
def transcript() -> Transcript:
    turns = tuple(Turn(f"t{n}", "A", "patient", "vendor", "words", n * 1000, n * 1000 + 900, 0.9) for n in (1, 2, 3))
    return Transcript("x", "recogniser", "en", 4000, turns, (), STAMP)


@pytest.fixture
def make_context() -> Callable[..., PatientContext]:
    """A chart with these drugs and allergies; `states` sets section states by name."""

    def make(drugs: tuple[str, ...] = (), allergic: tuple[Allergy, ...] = (), **states: SectionState) -> PatientContext:
        def section(name: str, items: tuple[Any, ...] = ()) -> Section[Any]:
            return Section(states.get(name, SectionState.OK if items else SectionState.EMPTY), items)

        medications = tuple(
            Medication(Source(f"MedicationRequest/{n}"), drug, "active") for n, drug in enumerate(drugs)
        )
        return PatientContext(
            patient=section("patient"),
            encounter=section("encounter"),
            medications=section("medications", medications),
            allergies=section("allergies", allergic),
            problems=section("problems"),
            vitals=section("vitals"),
            labs=section("labs"),
            stamp=STAMP,
        )

    return make
