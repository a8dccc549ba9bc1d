"""Allergies: what is in force, what is refuted, and what says that there are none."""

from __future__ import annotations

from typing import Any

import pytest

from connector.context.allergies import read_allergies
from connector.context.mapping import ContextMapping
from connector.context.searchset import Found
from connector.records import Allergy, Section, SectionState

SNOMED = "http://snomed.info/sct"


def allergy(code: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "AllergyIntolerance",
        "id": "1",
        "code": code,
        "patient": {"reference": "Patient/p"},
        **more,
    }


def status(code: str) -> dict[str, Any]:
    return {"coding": [{"code": code}]}


def read(mapping: ContextMapping, *resources: dict[str, Any]) -> Section[Allergy]:
    found = Found(SectionState.OK, resources)
    return read_allergies(found, patient="Patient/p", base="https://x.example", none_known=mapping.none_known)


def test_an_allergy_with_its_reactions(mapping: ContextMapping) -> None:
    reactions = [{"manifestation": [{"text": "Wheal"}, {"text": "Vomiting"}]}, {"manifestation": [{"text": "Wheal"}]}]
    more = {"criticality": "high", "verificationStatus": status("unconfirmed"), "clinicalStatus": status("active")}
    item = read(mapping, allergy({"text": "Peanut"}, reaction=reactions, **more)).items[0]
    assert (item.substance, item.reactions, item.criticality) == ("Peanut", ("Wheal", "Vomiting"), "high")
    assert (item.verification, item.none_known) == ("unconfirmed", False)


def test_an_allergy_without_a_status_is_in_force(mapping: ContextMapping) -> None:
    assert len(read(mapping, allergy({"text": "Latex"})).items) == 1


@pytest.mark.parametrize(
    "more",
    [
        {"clinicalStatus": status("inactive")},
        {"clinicalStatus": status("resolved")},
        {"verificationStatus": status("refuted")},
        {"verificationStatus": status("entered-in-error")},
    ],
)
def test_what_is_over_or_untrue_is_dropped(mapping: ContextMapping, more: dict[str, Any]) -> None:
    section = read(mapping, allergy({"text": "Latex"}, **more))
    assert (section.state, section.dropped) == (SectionState.EMPTY, 1)


@pytest.mark.parametrize(
    "code",
    [
        {"coding": [{"system": SNOMED, "code": "716186003", "display": "No known allergy (situation)"}]},
        {"coding": [{"system": SNOMED, "code": "409137002"}], "text": "NKDA on file"},
        {"text": "No Known Allergies."},
        {"text": "NKDA"},
    ],
)
def test_no_known_allergies_is_a_statement_not_an_allergen(mapping: ContextMapping, code: dict[str, Any]) -> None:
    section = read(mapping, allergy(code))
    assert section.state is SectionState.OK
    assert section.items[0].none_known


def test_the_substance_of_the_reaction_names_an_allergy_without_a_code(mapping: ContextMapping) -> None:
    section = read(mapping, allergy({}, reaction=[{"substance": {"text": "Amoxicillin"}}]))
    assert [item.substance for item in section.items] == ["Amoxicillin"]
