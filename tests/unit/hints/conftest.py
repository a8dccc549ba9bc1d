"""A chart with one entry of each kind, and the shipped mapping."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.assets.catalogue import load_mapping
from connector.hints.mapping import KeytermMapping
from connector.records import Allergy, Medication, PatientContext, Problem, Section, SectionState, Source, Stamp

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
NOTHING: Section[Any] = Section(SectionState.EMPTY)


@pytest.fixture
def mapping() -> KeytermMapping:
    """The shipped mapping, without vocabulary, so that a test sees the chart's terms alone."""
    return replace(KeytermMapping.from_dict(load_mapping("keyterms.yaml")), vocabulary=())


@pytest.fixture
def make_context() -> Callable[..., PatientContext]:
    """A chart with the sections given, the others empty."""

    def make(**sections: Section[Any]) -> PatientContext:
        names = ("patient", "encounter", "medications", "allergies", "problems", "vitals", "labs")
        return PatientContext(**{name: sections.get(name, NOTHING) for name in names}, stamp=Stamp("context@1", NOW))

    return make


@pytest.fixture
def chart(make_context: Callable[..., PatientContext]) -> PatientContext:
    """Metoprolol, an allergy to lisinopril, hypertension."""
    metoprolol = Medication(
        Source("MedicationRequest/1", "3"), "24 HR metoprolol succinate 25 MG Extended Release Oral Tablet", "active"
    )
    return make_context(
        medications=Section(SectionState.OK, (metoprolol,)),
        allergies=Section(SectionState.OK, (Allergy(Source("AllergyIntolerance/2", "1"), "Lisinopril"),)),
        problems=Section(SectionState.OK, (Problem(Source("Condition/3", "2"), "Essential hypertension (disorder)"),)),
    )
