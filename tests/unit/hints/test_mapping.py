"""mappings/keyterms.yaml is read strictly."""

from __future__ import annotations

import copy

import pytest

from connector.assets.catalogue import load_mapping
from connector.errors import Misconfigured
from connector.hints.limits import TermLimits
from connector.hints.mapping import KeytermMapping

SHIPPED = load_mapping("keyterms.yaml")


def changed(**values: object) -> dict[str, object]:
    return {**copy.deepcopy(SHIPPED), **values}


@pytest.mark.parametrize(
    ("use", "model", "limits"),
    [
        ("prerecorded", "universal-3-pro", TermLimits(1000, 6, exclusive=True)),
        ("prerecorded", "universal-3-5-pro", TermLimits(1000, 6)),
        ("prerecorded", "universal-2", TermLimits(200, 6, exclusive=True)),
        ("streaming", "universal-streaming-english", TermLimits(100, 6, characters=50, exclusive=True)),
        ("sync", "any", TermLimits(100, 6, characters_in_all=8000)),
        ("voice-agent", "any", TermLimits(100, 6)),
    ],
)
def test_the_shipped_file_holds_the_vendors_limits(use, model, limits) -> None:
    assert KeytermMapping.from_dict(SHIPPED).limits_for(use, model) == limits


def test_the_patients_name_stays_here_unless_the_file_says_otherwise() -> None:
    assert "patient" not in KeytermMapping.from_dict(SHIPPED).people
    allowed = changed(people={**SHIPPED["people"], "patient": True})
    assert "patient" in KeytermMapping.from_dict(allowed).people


def test_a_clinical_weight_falls_from_drug_to_vocabulary() -> None:
    weights = KeytermMapping.from_dict(SHIPPED).weights
    order = [weights[kind] for kind in ("drug", "allergen", "problem", "order", "person", "neighbour", "vocabulary")]
    assert order == sorted(order, reverse=True)


def test_an_unknown_key_is_named() -> None:
    with pytest.raises(Misconfigured, match="'vocabulary'"):
        KeytermMapping.from_dict(changed(vocabulary=["x"]))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("version", 0),
        ("version", True),
        ("version", None),
        ("limits", {}),
        ("limits", {"prerecorded": {}, "streaming": {}, "sync": {}, "voice-agent": {}}),
        ("weights", {"drug": 100}),
        ("adjust", {**SHIPPED["adjust"], "common": "-12"}),
        ("people", {**SHIPPED["people"], "patient": "no"}),
        ("withhold", "hiv"),
        ("withhold_for_tenants", ["hiv"]),
        ("most_neighbours", -1),
        ("drop", [""]),
        ("drop_words", [3]),
    ],
)
def test_a_wrong_value_is_named_by_its_key(key, value) -> None:
    with pytest.raises(Misconfigured, match=key):
        KeytermMapping.from_dict(changed(**{key: value}))


@pytest.mark.parametrize("data", [None, [], "text"])
def test_a_file_that_is_no_table_is_refused(data) -> None:
    with pytest.raises(Misconfigured):
        KeytermMapping.from_dict(data)


def test_a_model_without_limits_is_refused() -> None:
    with pytest.raises(Misconfigured, match="whisper"):
        KeytermMapping.from_dict(SHIPPED).limits_for("prerecorded", "whisper")
