"""From resources found to a section: strangers, nameless and idless entries are counted and never pass unseen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from connector.context.searchset import Found
from connector.context.section import UNNAMED, name_entry, sift
from connector.records import LeftOut, Problem, Section, SectionState, Source

BASE = "https://ehr.example.org/fhir"


def entry(number: int, subject: object = "Patient/p", **more: Any) -> dict[str, Any]:
    about = {"subject": {"reference": subject}} if subject else {}
    return {"resourceType": "Condition", "id": str(number), "code": {"text": f"c{number}"}, **about, **more}


def sifted(
    *resources: dict[str, Any], state: SectionState = SectionState.OK, detail: str | None = None
) -> Section[Any]:
    def read(resource: Mapping[str, Any], source: Source) -> Problem | None:
        return None if resource.get("old") else Problem(source, name_entry(resource.get("code")))

    found = Found(state, resources, detail=detail)
    return sift(found, patient="Patient/p", base=BASE, read=read, name=lambda problem: problem.name)


def test_entries_of_the_patient_are_kept_in_their_order() -> None:
    section = sifted(entry(1), entry(2, f"{BASE}/Patient/p"), entry(3, "Patient/p/_history/2"))
    assert [item.name for item in section.items] == ["c1", "c2", "c3"]
    assert (section.state, section.dropped, section.detail) == (SectionState.OK, 0, None)


@pytest.mark.parametrize("subject", ["Patient/q", "https://other.example.org/fhir/Patient/p", "Group/p", None])
def test_an_entry_of_another_patient_is_left_out_and_said(subject: object) -> None:
    section = sifted(entry(1), entry(2, subject))
    assert [item.name for item in section.items] == ["c1"]
    assert (section.state, section.dropped) == (SectionState.PARTIAL, 1)
    assert "another patient" in (section.detail or "")


def test_an_allergy_names_its_patient_by_patient() -> None:
    section = sifted({"resourceType": "AllergyIntolerance", "id": "1", "patient": {"reference": "Patient/p"}})
    assert len(section.items) == 1


def test_what_is_not_in_force_is_dropped_without_making_the_list_partial() -> None:
    section = sifted(entry(1), entry(2, old=True))
    assert (section.state, len(section.items), section.dropped) == (SectionState.OK, 1, 1)


def test_nothing_in_force_is_empty() -> None:
    assert sifted(entry(1, old=True)).state is SectionState.EMPTY
    assert sifted().state is SectionState.EMPTY


def test_an_entry_without_a_usable_id_makes_the_list_partial() -> None:
    section = sifted(entry(1), {**entry(2), "id": "../2"})
    assert (section.state, len(section.items), section.dropped) == (SectionState.PARTIAL, 1, 1)


def test_an_entry_without_a_name_keeps_its_place_and_is_said() -> None:
    section = sifted(entry(1), {**entry(2), "code": {"coding": [{"code": "38341003"}]}}, {**entry(3), "code": {}})
    assert [item.name for item in section.items] == ["c1", f"{UNNAMED} (code 38341003)", UNNAMED]
    assert (section.state, section.dropped) == (SectionState.PARTIAL, 0)


@pytest.mark.parametrize("state", [SectionState.FAILED, SectionState.FORBIDDEN])
def test_a_search_that_failed_stays_failed(state: SectionState) -> None:
    assert sifted(state=state, detail="why") == Section(state, detail="why")


def test_a_partial_search_stays_partial() -> None:
    assert sifted(entry(1), state=SectionState.PARTIAL, detail="more").state is SectionState.PARTIAL


def coded(code: str) -> dict[str, Any]:
    return {"coding": [{"code": code}]}


def test_why_each_was_left_out_is_counted() -> None:
    section = sifted(
        entry(1),
        entry(2, old=True, verificationStatus=coded("entered-in-error")),
        entry(3, old=True, status="entered-in-error"),
        entry(4, old=True, docStatus="entered-in-error"),
        entry(5, old=True, verificationStatus=coded("refuted")),
        entry(6, old=True, clinicalStatus=coded("resolved")),
        entry(7, old=True, status={"not": "a code"}),
        entry(8, "Patient/q", old=True, status="entered-in-error"),
        {**entry(9), "id": "../9"},
    )
    assert section.left_out == (
        LeftOut("another-patient", 1),
        LeftOut("entered-in-error", 3),
        LeftOut("inactive", 2),
        LeftOut("no-id", 1),
        LeftOut("refuted", 1),
    )
    assert section.dropped == sum(one.count for one in section.left_out) == 8
    assert sifted(entry(1)).left_out == ()
