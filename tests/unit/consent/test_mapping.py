"""mappings/consent.yaml: rules by jurisdiction, the stricter one where nothing is said."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from connector.assets.catalogue import load_mapping
from connector.consent.mapping import DEFAULT_JURISDICTION, ConsentRules
from connector.errors import Misconfigured

SHIPPED = load_mapping("consent.yaml")


def test_the_shipped_rules_know_both_kinds_of_jurisdiction() -> None:
    rules = ConsentRules.from_dict(SHIPPED)
    told = {key: one.rule for key, one in rules.jurisdictions.items()}
    assert told["us-federal"] == told["one-party"] == "one-party"
    assert told["us-ca"] == told["de"] == told[DEFAULT_JURISDICTION] == "all-party"
    assert rules.maker == f"consent.yaml@{SHIPPED['version']}"


@pytest.mark.parametrize("key", [None, "", "atlantis"])
def test_where_nothing_is_known_everybody_has_to_agree(key: str | None) -> None:
    assert ConsentRules.from_dict(SHIPPED).find(key).rule == "all-party"
    assert ConsentRules.from_dict(SHIPPED).find("us-ny").rule == "one-party"


def broken(*path: str, value: object = None) -> dict[str, Any]:
    body = copy.deepcopy(SHIPPED)
    place: Any = body
    for part in path[:-1]:
        place = place[part]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return body


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (broken("version"), "version"),
        (broken("version", value=True), "version"),
        (broken("jurisdictions", "all-party"), "all-party"),
        (broken("jurisdictions", "all-party", "rule", value="one-party"), "jurisdictions.all-party.rule"),
        (broken("jurisdictions", "de", "rule", value="two-party"), "jurisdictions.de.rule"),
        (broken("jurisdictions", "de", "wording", value="en-9"), "jurisdictions.de.wording"),
        (broken("jurisdictions", "de", "methods", value=["nod"]), "jurisdictions.de.methods"),
        (broken("jurisdictions", "de", "law", value="x"), "jurisdictions.de.law"),
        (broken("jurisdictions", "de", "title"), "jurisdictions.de.title"),
        (broken("wordings", "en-3", "text", value=" "), "wordings.en-3.text"),
        (broken("wordings", "en-3", "languages", "es", value=7), "wordings.en-3.languages.es"),
        (broken("wordings", "en 3", value={"text": "x"}), "wordings"),
    ],
)
def test_a_mistake_is_named(body: dict[str, Any], named: str) -> None:
    with pytest.raises(Misconfigured, match=named.replace(".", r"\.")):
        ConsentRules.from_dict(body)
