"""Measurements: the latest of each code, with its unit, blood pressure as one value."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connector.context.measurements import read_measurements, read_value
from connector.context.searchset import Found
from connector.records import Measurement, Section, SectionState


def observation(number: int, code: str, day: int | None, **more: Any) -> dict[str, Any]:
    taken = {"effectiveDateTime": f"2026-11-{day:02}T08:00:00Z"} if day else {}
    named = {"code": {"text": f"test {code}", "coding": [{"system": "http://loinc.org", "code": code}]}}
    about = {"subject": {"reference": "Patient/p"}, "status": "final"}
    value = {} if "component" in more else {"valueQuantity": {"value": number, "unit": "mg"}}
    return {"resourceType": "Observation", "id": str(number)} | about | named | taken | value | more


def read(*resources: dict[str, Any]) -> Section[Measurement]:
    return read_measurements(Found(SectionState.OK, resources), patient="Patient/p", base="https://x.example")


def part(code: str, value: float, unit: str = "mm[Hg]") -> dict[str, Any]:
    quantity = {"value": value, "unit": unit}
    return {"code": {"text": f"part {code}", "coding": [{"code": code}]}, "valueQuantity": quantity}


def test_the_latest_of_each_code_in_whatever_order_they_come() -> None:
    section = read(observation(1, "a", 3), observation(2, "b", 9), observation(3, "a", 7), observation(4, "a", None))
    assert {item.name: item.value for item in section.items} == {"test a": "3 mg", "test b": "2 mg"}
    assert section.items[0].taken == datetime(2026, 11, 7, 8, tzinfo=UTC)


def test_blood_pressure_is_one_value() -> None:
    panel = observation(1, "85354-9", 3, component=[part("8462-4", 82), part("8480-6", 128.0)])
    assert [(item.name, item.value) for item in read(panel).items] == [("Blood pressure", "128/82 mmHg")]


def test_half_a_blood_pressure_is_shown_as_charted() -> None:
    assert read_value(observation(1, "85354-9", 3, component=[part("8480-6", 128)])) == "part 8480-6 128 mmHg"
    mixed = [part("8480-6", 128), part("8462-4", 10.9, "kPa")]
    assert read_value(observation(1, "x", 3, component=mixed)) == "part 8480-6 128 mmHg; part 8462-4 10.9 kPa"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"valueCodeableConcept": {"text": "Never smoked"}}, "Never smoked"),
        ({"valueString": "1+ protein"}, "1+ protein"),
        ({"valueInteger": 4}, "4"),
        ({"valueBoolean": False}, "no"),
        ({"valueBoolean": True}, "yes"),
        ({"valueRange": {"low": {"value": 1, "unit": "mg"}, "high": {"value": 2, "unit": "mg"}}}, "1 mg–2 mg"),
        ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 160}}}, "1 / 160"),
        ({"valueQuantity": {"unit": "mg"}}, None),
        ({"valueBoolean": ["junk"]}, None),
        ({}, None),
    ],
)
def test_values_of_every_kind(value: dict[str, Any], text: str | None) -> None:
    assert read_value(value) == text


@pytest.mark.parametrize("more", [{"status": "entered-in-error"}, {"status": "cancelled"}, {"valueQuantity": None}])
def test_what_is_untrue_or_has_no_value_is_dropped(more: dict[str, Any]) -> None:
    section = read(observation(1, "a", 3, **more))
    assert (section.state, section.dropped) == (SectionState.EMPTY, 1)


def test_tests_without_codes_are_told_apart_by_name() -> None:
    first, second = observation(1, "a", 3), observation(2, "a", 5)
    first["code"], second["code"] = {"text": "Sodium"}, {"text": "Potassium"}
    assert {item.name for item in read(first, second).items} == {"Sodium", "Potassium"}
