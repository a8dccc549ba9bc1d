"""The transaction: what is posted how, and that building it again changes nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from connector.errors import Misconfigured
from connector.records import Launch, SignedNote
from connector.writeback.bundle import FilingFacts, build_transaction, name_document
from connector.writeback.naming import name_provenance
from connector.writeback.profile import WriteProfile


def types(bundle: dict[str, Any]) -> list[str]:
    return [entry["resource"]["resourceType"] for entry in bundle["entry"]]


def test_creates_are_conditional_and_the_provenance_is_put(
    signed: SignedNote, launch: Launch, profile: WriteProfile, facts: FilingFacts
) -> None:
    bundle = build_transaction(signed, launch=launch, profile=profile, facts=facts)
    assert types(bundle) == ["DocumentReference", "Composition", "Provenance"]
    condition = f"identifier=urn:ietf:rfc:3986|{name_document('note-1', 1)}"
    document, composition, provenance = bundle["entry"]
    assert document["request"] == {"method": "POST", "url": "DocumentReference", "ifNoneExist": condition}
    assert composition["request"] == {"method": "POST", "url": "Composition", "ifNoneExist": condition}
    place = f"Provenance/{name_provenance('note-1', 1)}"
    assert provenance["request"] == {"method": "PUT", "url": place}
    assert f"Provenance/{provenance['resource']['id']}" == place
    targets = [target["reference"] for target in provenance["resource"]["target"]]
    assert targets == [document["fullUrl"], composition["fullUrl"]]


def test_building_it_again_gives_the_same_bytes(
    signed: SignedNote, launch: Launch, profile: WriteProfile, facts: FilingFacts
) -> None:
    first = build_transaction(signed, launch=launch, profile=profile, facts=facts)
    again = build_transaction(signed, launch=replace(launch, launch_id="l2"), profile=profile, facts=facts)
    assert json.dumps(first) == json.dumps(again)


def test_another_version_is_another_document(
    signed: SignedNote, launch: Launch, profile: WriteProfile, facts: FilingFacts
) -> None:
    first = build_transaction(signed, launch=launch, profile=profile, facts=facts)
    second = build_transaction(replace(signed, version=2), launch=launch, profile=profile, facts=facts)
    named = [{entry["fullUrl"] for entry in bundle["entry"]} for bundle in (first, second)]
    assert not named[0] & named[1]
    assert first["entry"][0]["request"]["ifNoneExist"] != second["entry"][0]["request"]["ifNoneExist"]


def test_the_profile_decides_what_is_sent(
    signed: SignedNote, launch: Launch, profile: WriteProfile, facts: FilingFacts
) -> None:
    least = replace(profile, composition=False, provenance=False, conditional_create=False)
    bundle = build_transaction(signed, launch=launch, profile=least, facts=facts)
    assert types(bundle) == ["DocumentReference"]
    assert bundle["entry"][0]["request"] == {"method": "POST", "url": "DocumentReference"}
    bundle = build_transaction(signed, launch=launch, profile=replace(profile, composition=False), facts=facts)
    assert [target["reference"] for target in bundle["entry"][1]["resource"]["target"]] == [
        bundle["entry"][0]["fullUrl"]
    ]


@pytest.mark.parametrize(
    ("wrong", "path"),
    [({"patient": "Encounter/SECRET"}, "DocumentReference"), ({"encounter": "Patient/SECRET"}, "encounter")],
)
def test_what_would_not_be_fhir_is_refused_by_path_and_without_values(
    signed: SignedNote, launch: Launch, profile: WriteProfile, facts: FilingFacts, wrong: dict[str, str], path: str
) -> None:
    with pytest.raises(Misconfigured) as refused:
        build_transaction(signed, launch=replace(launch, **wrong), profile=profile, facts=facts)  # type: ignore[arg-type]
    assert path in refused.value.detail
    assert "SECRET" not in refused.value.detail
