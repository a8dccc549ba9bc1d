"""Charts read from bundles without a server: every section as a launch would get it, references made relative."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.charts import Bundled
from connector.records import SectionState

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
PATIENT = {"resourceType": "Patient", "id": "p", "name": [{"family": "Doe"}]}


def _bundle(folder: Path, *resources: dict[str, Any]) -> Bundled:
    entries = [{"fullUrl": f"urn:uuid:{one['id']}", "resource": one} for one in (PATIENT, *resources)]
    file = folder / "chart.json"
    file.write_text(json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}), encoding="utf-8")
    return Bundled.load(file)


def _observed(number: str, category: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": number,
        "status": "final",
        "subject": {"reference": "urn:uuid:p"},
        "category": [{"coding": [{"code": category}]}],
        "code": {"text": f"test {number}"},
        "valueQuantity": {"value": 1, "unit": "mg"},
        "effectiveDateTime": "2026-11-20T09:00:00Z",
    }


def test_references_between_resources_become_relative(tmp_path: Path) -> None:
    chart = _bundle(tmp_path, _observed("o", "laboratory"))
    assert chart.resources["Observation/o"]["subject"] == {"reference": "Patient/p"}


def test_observations_are_answered_by_category_and_a_drug_by_its_medication(tmp_path: Path) -> None:
    ordered = {
        "resourceType": "MedicationRequest",
        "id": "r",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "urn:uuid:p"},
        "medicationReference": {"reference": "urn:uuid:m"},
    }
    drug = {"resourceType": "Medication", "id": "m", "code": {"text": "metformin 500 MG Oral Tablet"}}
    observed = [_observed("v", "vital-signs"), _observed("l", "laboratory"), _observed("s", "survey")]
    context = _bundle(tmp_path, ordered, drug, *observed).read(now=NOW)
    assert [one.name for one in context.medications.items] == ["metformin 500 MG Oral Tablet"]
    assert [one.name for one in context.vitals.items] == ["test v"]
    assert [one.name for one in context.labs.items] == ["test l"]


def test_what_a_bundle_does_not_hold_is_empty_and_nothing_stays_pending(tmp_path: Path) -> None:
    context = _bundle(tmp_path).read(now=NOW)
    assert context.allergies.state is context.goals.state is SectionState.EMPTY
    assert context.patient.items[0].family == "Doe"
