"""The synthetic charts as the model gets them: complete where it matters, smaller than JSON, and nobody named."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connector.assets.catalogue import load_mapping
from connector.context.chart import Subject, complete_context, read_context
from connector.context.mapping import ContextMapping
from connector.drafting.blocks import read_blocks
from connector.drafting.chart_text import SECTIONS, ChartBudget, write_chart
from connector.records import PatientContext
from tests.unit.context.conftest import Chart

ROOT = Path(__file__).parents[3]
SHIPPED = sorted((ROOT / "smart-launch" / "patients").glob("*.json"))
FILES = [*SHIPPED, *sorted((ROOT / "tests" / "fixtures" / "patients").glob("*.json"))]
MAPPING = ContextMapping.from_dict(load_mapping("context.yaml"))
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
FIVE = ("medications", "allergies", "problems", "vitals", "labs")


@dataclass(frozen=True)
class Read:
    """A bundle's chart as the connector reads it, and the raw Patient."""

    context: PatientContext
    patient: dict[str, Any]


def read_bundle(path: Path) -> Read:
    """Reads the whole chart out of a transaction Bundle, with version 1 of everything, around its last encounter."""
    bundle = json.loads(path.read_text(encoding="utf-8").replace("urn:uuid:", ""))
    chart = Chart()
    for entry in bundle["entry"]:
        entry["resource"].setdefault("meta", {})["versionId"] = "1"
        chart.add(entry["resource"])
    encounters = [one for one in chart.resources.values() if one["resourceType"] == "Encounter"]
    last = max(encounters, key=lambda one: one["period"]["start"])
    patient = next(one for one in chart.resources.values() if one["resourceType"] == "Patient")
    subject = Subject(f"Patient/{patient['id']}", f"Encounter/{last['id']}")

    async def reading() -> PatientContext:
        first = await read_context(
            chart.reader(), patient=subject.patient, encounter=subject.encounter, mapping=MAPPING, now=NOW
        )
        return await complete_context(chart.reader(), first, subject=subject, mapping=MAPPING, now=NOW)

    return Read(asyncio.run(reading()), patient)


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.stem)
def read(request) -> Read:
    return read_bundle(request.param)


def test_there_are_charts_to_read() -> None:
    assert len(SHIPPED) == 8
    assert len(FILES) >= 20


def test_drugs_allergies_and_problems_all_stand_in_the_default_text_and_lead_back_to_their_resources(
    read, ask, transcribe
) -> None:
    chart = read_blocks(ask(transcribe(("patient", "Hello.")), read.context)).chart
    for section in ("medications", "allergies", "problems"):
        items = [item for item in getattr(read.context, section).items if not getattr(item, "none_known", False)]
        found = [(entry.reference, entry.name) for entry in chart if entry.kind == section]
        assert found == [(item.source.reference, getattr(item, "name", None) or item.substance) for item in items]
        assert all(item.source.version == "1" for item in items)


def test_the_text_names_nobody_and_gives_no_birth_date_or_contact(read) -> None:
    text = write_chart(read.context, ChartBudget()).text
    held = [value for name in read.patient["name"] for value in (name["family"], *name["given"])]
    held += [read.patient["birthDate"], read.patient["id"], *(one["value"] for one in read.patient["telecom"])]
    held += [one["value"] for one in read.patient["identifier"]]
    held += [line for one in read.patient["address"] for line in one["line"]]
    assert [value for value in held if value in text] == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_whole_text_with_all_sections_takes_three_quarters_of_the_json_of_five(path) -> None:
    context = read_bundle(path).context
    chart = write_chart(context, ChartBudget())
    assert chart.left_out == 0
    assert chart.text.count("\n== ") == len(SECTIONS) + 1
    five = {name: [_without_nothing(asdict(item)) for item in getattr(context, name).items] for name in FIVE}
    assert five["medications"] and five["problems"] and (five["vitals"] or five["labs"])
    assert len(chart.text) < 0.75 * len(json.dumps(five, default=str))


def _without_nothing(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if value not in (None, False, ())}
