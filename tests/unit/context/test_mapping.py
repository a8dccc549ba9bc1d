"""The context mapping: the shipped file loads, and a slip in it is named."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from connector.context.mapping import ContextMapping
from connector.errors import Misconfigured


def test_the_shipped_mapping_reads_five_searches(mapping: ContextMapping) -> None:
    assert set(mapping.searches) == {"medications", "allergies", "problems", "vitals", "labs"}
    assert mapping.searches["medications"].parameters["status"] == "active"
    assert mapping.searches["vitals"].newest_first
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
        (_set("searches.labs.page", 1), "searches.labs.page is not a known key"),
        (_set("outcome_codes.none", []), "outcome_codes.none is not a known key"),
        (_set("none_known.code", []), "none_known.code is not a known key"),
        (lambda raw: raw.pop("at_once"), "at_once is missing"),
        (lambda raw: raw["searches"].pop("labs"), "searches.labs is missing"),
        (_set("at_once", 0), "at_once has to be a whole number, 1 or more"),
        (_set("searches.labs.pages", True), "searches.labs.pages has to be a whole number"),
        (_set("searches.labs.resource", "Observation?x"), "searches.labs.resource has to be a FHIR resource type"),
        (_set("searches.labs.parameters", "x"), "searches.labs.parameters has to be a table"),
        (_set("searches.labs.parameters.category", ["a"]), "searches.labs.parameters.category has to be a text"),
        (_set("searches.labs.optional", ["_total"]), "searches.labs.optional names _total"),
        (_set("searches.labs.newest_first", "yes"), "searches.labs.newest_first has to be true or false"),
        (_set("outcome_codes.empty", [4101]), "outcome_codes.empty has to be a list of quoted texts"),
        (_set("searches", []), "searches has to be a table of keys"),
        (_set("searches.labs", 3), "searches.labs has to be a table of keys"),
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
