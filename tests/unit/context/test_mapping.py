"""The context mapping: the shipped file loads, and a slip in it is named."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from connector.context.mapping import SEARCHES, ContextMapping, VendorReading
from connector.errors import Misconfigured


def test_the_shipped_mapping_names_every_search(mapping: ContextMapping) -> None:
    assert set(mapping.searches) == set(SEARCHES)
    assert mapping.searches["medications"].parameters["status"] == "active"
    assert mapping.searches["observations"].since == {"date": 365}
    assert mapping.searches["observations"].categories == ("vital-signs", "laboratory")
    assert mapping.at_once == 4
    assert "716186003" in mapping.none_known.codes
    assert mapping.outcome_codes.empty == {"4101"}


def _set(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(raw: dict[str, Any]) -> None:
        *keys, last = path.split(".")
        for key in keys:
            raw = raw[key]
        raw[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (_set("atonce", 4), "atonce is not a known key"),
        (_set("searches.meds", {}), "searches.meds is not a known key"),
        (_set("searches.observations.page", 1), "searches.observations.page is not a known key"),
        (_set("outcome_codes.none", []), "outcome_codes.none is not a known key"),
        (_set("none_known.code", []), "none_known.code is not a known key"),
        (lambda raw: raw.pop("at_once"), "at_once is missing"),
        (lambda raw: raw["searches"].pop("observations"), "searches.observations is missing"),
        (_set("at_once", 0), "at_once has to be a whole number, 1 or more"),
        (_set("searches.observations.pages", True), "searches.observations.pages has to be a whole number"),
        (
            _set("searches.observations.resource", "Observation?x"),
            "observations.resource has to be a FHIR resource type",
        ),
        (_set("searches.observations.parameters", "x"), "searches.observations.parameters has to be a table"),
        (
            _set("searches.observations.parameters.category", ["a"]),
            "observations.parameters.category has to be a text",
        ),
        (_set("searches.observations.optional", ["_total"]), "searches.observations.optional names _total"),
        (
            _set("searches.observations.newest_first", "yes"),
            "observations.newest_first has to be true or false",
        ),
        (_set("outcome_codes.empty", [4101]), "outcome_codes.empty has to be a list of quoted texts"),
        (_set("searches.observations.since", ["date"]), "searches.observations.since has to be a table"),
        (_set("searches.observations.since", {"date": 0}), "searches.observations.since.date has to be a whole number"),
        (_set("caps.first.seconds", 0), "caps.first.seconds has to be a whole number, 1 or more"),
        (_set("caps.later", {}), "caps.later is not a known key"),
        (_set("note_kilobytes", "many"), "note_kilobytes has to be a whole number"),
        (_set("searches", []), "searches has to be a table of keys"),
        (_set("searches.observations", 3), "searches.observations has to be a table of keys"),
    ],
)
def test_a_slip_is_refused_by_its_name(
    raw_mapping: dict[str, Any], change: Callable[[dict[str, Any]], None], named: str
) -> None:
    raw = copy.deepcopy(raw_mapping)
    change(raw)
    with pytest.raises(Misconfigured) as refused:
        ContextMapping.from_dict(raw)
    assert named in refused.value.detail


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(Misconfigured, match="has to be a table"):
        ContextMapping.from_dict(["version"])  # type: ignore[arg-type]


EHR = {"name": "some-ehr", "version": 3}


def test_a_vendor_changes_what_it_names_and_nothing_else(mapping: ContextMapping) -> None:
    reading = {"batch": True, "medication_reads": 0, "searches": {"statements": "skip", "goals": {"pages": 7}}}
    changed = VendorReading.from_dict({**EHR, "reading": reading}).apply(mapping)
    assert (changed.batch, changed.medication_reads) == (True, 0)
    assert changed.searches["statements"].skipped
    assert (changed.searches["goals"].pages, changed.searches["goals"].resource) == (7, "Goal")
    assert changed.searches["notes"] == mapping.searches["notes"]
    assert changed.maker == f"{mapping.maker}+some-ehr@3"


def test_a_vendor_without_a_reading_changes_nothing(mapping: ContextMapping) -> None:
    assert VendorReading.from_dict(EHR).apply(mapping) == mapping


def test_new_parameters_bring_their_own_optional_ones(mapping: ContextMapping) -> None:
    reading = {"searches": {"medications": {"parameters": {"status": "active"}}}}
    plan = VendorReading.from_dict({**EHR, "reading": reading}).apply(mapping).searches["medications"]
    assert (plan.parameters, plan.optional) == ({"status": "active"}, ())


@pytest.mark.parametrize(
    ("reading", "named"),
    [
        ([], "reading has to be a table"),
        ({"bulk": True}, "reading.bulk is not a known key"),
        ({"batch": "yes"}, "reading.batch has to be true or false"),
        ({"medication_reads": -1}, "reading.medication_reads has to be a whole number"),
        ({"searches": {"labs": "skip"}}, "reading.searches.labs is not a known key"),
        ({"searches": {"goals": "none"}}, "reading.searches.goals has to be a table"),
        ({"searches": {"goals": {"resource": "Goal"}}}, "reading.searches.goals.resource is not a known key"),
        ({"searches": {"goals": {"optional": ["_count"]}}}, "reading.searches.goals.parameters is missing"),
        ({"searches": {"goals": {"parameters": {"a": "b"}, "optional": ["c"]}}}, "names c, which is not among"),
    ],
)
def test_a_slip_in_a_vendors_reading_is_named(reading: Any, named: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        VendorReading.from_dict({**EHR, "reading": reading})
    assert named in refused.value.detail
