"""A chart with one entry of each kind, and the shipped rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.app import load_keyterm_rules
from connector.hints.candidates import HintSetting
from connector.hints.limits import TermLimits
from connector.hints.rules import KeytermRules
from connector.records import Allergy, Medication, PatientContext, Problem, Section, SectionState, Source, Stamp

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
NOTHING: Section[Any] = Section(SectionState.EMPTY)


@pytest.fixture(scope="session")
def shipped() -> KeytermRules:
    """The shipped mappings, as the service starts with them."""
    return load_keyterm_rules()


@pytest.fixture
def rules(shipped: KeytermRules) -> KeytermRules:
    """The shipped rules without vocabularies and neighbours, so that a test sees the chart's terms alone."""
    return replace(shipped, vocabularies=(), lists=(), mapping=replace(shipped.mapping, most_neighbours=0))


@pytest.fixture
def make_setting() -> Callable[..., HintSetting]:
    """A visit without anything beside its chart, and room for `terms`."""

    def make(terms: int = 1000, **values: Any) -> HintSetting:
        return HintSetting(TermLimits(terms, 6), target="prerecorded/universal-3-5-pro", **values)

    return make


@pytest.fixture
def make_context() -> Callable[..., PatientContext]:
    """A chart with the sections given, the others empty."""

    def make(**sections: Section[Any]) -> PatientContext:
        names = ("patient", "encounter", "medications", "allergies", "problems", "vitals", "labs")
        first = {name: sections.pop(name, NOTHING) for name in names}
        return PatientContext(**first, stamp=Stamp("context@1", NOW), **sections)

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
