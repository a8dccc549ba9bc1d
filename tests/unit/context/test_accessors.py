"""Single facts out of raw FHIR: what each accessor says to the shapes real EHRs send."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from connector.context import accessors
from connector.records import Source

BASE = "https://ehr.example.org/fhir/"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("  Zoë\tNuñez \n", "Zoë Nuñez"),
        ("a\u202eb\u200bc\x00d", "abcd"),
        ("\ud800x", "x"),
        ("", None),
        (" \u200b ", None),
        (7, None),
        (["x"], None),
    ],
)
def test_text_is_one_clean_line_or_nothing(raw: object, text: str | None) -> None:
    assert accessors.as_text(raw) == text


def test_text_is_cut_at_its_longest() -> None:
    assert accessors.as_text("x" * 5000) == "x" * accessors.LONGEST_TEXT


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        (128, "128"),
        (82.0, "82"),
        (140.26, "140.26"),
        (0.044, "0.044"),
        (0.00005, "0.00005"),
        (-1.5, "-1.5"),
        (0, "0"),
        (0.0, "0"),
        (float("nan"), None),
        (float("inf"), None),
        (10**20, None),
        (True, None),
        ("12", None),
    ],
)
def test_numbers_are_shown_as_written(raw: object, number: str | None) -> None:
    assert accessors.as_number(raw) == number


@pytest.mark.parametrize(
    ("raw", "day"),
    [
        ("1958-11-28", date(1958, 11, 28)),
        ("1977-01-21T16:36:40+00:00", date(1977, 1, 21)),
        ("1977-01", None),
        ("1977", None),
        ("2023-02-30", None),
        ("03/01/1950", None),
        (None, None),
    ],
)
def test_a_partial_date_is_no_date(raw: object, day: date | None) -> None:
    assert accessors.read_day(raw) == day


@pytest.mark.parametrize(
    ("raw", "moment"),
    [
        ("2026-11-13T15:38:29.092+00:00", datetime(2026, 11, 13, 15, 38, 29, 92000, tzinfo=UTC)),
        ("2026-11-13T15:38:29.123456789Z", datetime(2026, 11, 13, 15, 38, 29, 123456, tzinfo=UTC)),
        ("2026-11-13T15:38:29-0500", datetime(2026, 11, 13, 15, 38, 29, tzinfo=timezone(-timedelta(hours=5)))),
        ("2026-11-13T15:38Z", datetime(2026, 11, 13, 15, 38, tzinfo=UTC)),
        ("2026-11-13T15:38:29", datetime(2026, 11, 13, 15, 38, 29, tzinfo=UTC)),
        ("2026-11-13", datetime(2026, 11, 13, tzinfo=UTC)),
        ("2026-11-13T15:38:60Z", datetime(2026, 11, 13, 15, 38, 59, tzinfo=UTC)),
        ("2026-11", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("2026-11-13T15:38:29+99:99", None),
        ("2026-13-01T00:00:00Z", None),
    ],
)
def test_instants_of_many_spellings(raw: object, moment: datetime | None) -> None:
    assert accessors.read_instant(raw) == moment


@pytest.mark.parametrize(
    ("reference", "relative"),
    [
        ("Patient/123", "Patient/123"),
        ("Patient/123/_history/4", "Patient/123"),
        ("https://ehr.example.org/fhir/Patient/e.Q-3", "Patient/e.Q-3"),
        ("https://ehr.example.org/fhirPatient/1", None),
        ("https://elsewhere.example.org/fhir/Patient/123", None),
        ("https://ehr.example.org/fhir/../Patient/1", None),
        ("Patient/..", None),
        ("Patient/1?x=1", None),
        ("Patient/1/Observation/2", None),
        ("#drug", None),
        ("urn:uuid:4f0a", None),
        (12, None),
    ],
)
def test_only_references_to_the_same_server_are_read(reference: object, relative: str | None) -> None:
    assert accessors.read_reference({"reference": reference}, base=BASE) == relative


@pytest.mark.parametrize(
    ("resource", "source"),
    [
        ({"resourceType": "Condition", "id": "12", "meta": {"versionId": "3"}}, Source("Condition/12", "3")),
        ({"resourceType": "Condition", "id": "a_b|c"}, Source("Condition/a_b|c", None)),
        ({"resourceType": "Condition", "id": "../x"}, None),
        ({"resourceType": "Condition", "id": ".."}, None),
        ({"resourceType": "Condition"}, None),
        ([], None),
    ],
)
def test_a_source_needs_a_usable_type_and_id(resource: object, source: Source | None) -> None:
    assert accessors.read_source(resource) == source


def test_a_concept_says_its_text_before_any_display() -> None:
    codings = [{"display": "first"}, {"display": "picked", "userSelected": True}]
    assert accessors.read_concept({"text": "said", "coding": codings}) == "said"
    assert accessors.read_concept({"coding": codings}) == "picked"
    assert accessors.read_concept({"coding": [{"code": "1"}]}) is None


def test_a_token_is_of_the_preferred_system_where_there_is_one() -> None:
    concept = {"coding": [{"system": "urn:local", "code": "7"}, {"system": accessors.RXNORM, "code": "313782"}]}
    assert accessors.read_token(concept, prefer=accessors.RXNORM) == f"{accessors.RXNORM}|313782"
    assert accessors.read_token(concept) == "urn:local|7"
    assert accessors.read_token({"coding": [{"code": "7"}]}) == "|7"
    assert accessors.read_token({}) is None


@pytest.mark.parametrize(
    ("quantity", "text"),
    [
        ({"value": 128, "unit": "mm[Hg]"}, "128 mmHg"),
        ({"value": 0.5, "comparator": "<", "unit": "mg/dL"}, "<0.5 mg/dL"),
        ({"value": 35.277, "unit": "%"}, "35.277%"),
        ({"value": 4, "unit": "{score}"}, "4"),
        ({"value": 37.2, "code": "Cel"}, "37.2 °C"),
        ({"value": 5, "comparator": "about"}, "5"),
        ({"unit": "mg"}, None),
        (None, None),
    ],
)
def test_quantities_carry_their_unit(quantity: object, text: str | None) -> None:
    assert accessors.read_quantity(quantity) == text


def test_an_observation_is_dated_by_when_it_was_true() -> None:
    period = {"start": "2026-01-01T08:00:00Z", "end": "2026-01-01T09:00:00Z"}
    issued = "2026-02-02T00:00:00Z"
    assert accessors.read_taken({"effectivePeriod": period, "issued": issued}) == datetime(2026, 1, 1, 9, tzinfo=UTC)
    assert accessors.read_taken({"effectiveDateTime": "2026-01", "issued": issued}) == datetime(2026, 2, 2, tzinfo=UTC)
    assert accessors.read_taken({}) is None
