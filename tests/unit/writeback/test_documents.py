"""The resources of a filed note: what each says, by the rules of US Core and R4."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from connector.records import Launch, SignedNote
from connector.writeback.documents import (
    FilingFacts,
    build_composition,
    build_document_reference,
    build_provenance,
    write_instant,
)
from connector.writeback.naming import name_document
from connector.writeback.profile import WriteProfile


def codes(codings: list[dict[str, str]]) -> list[str]:
    return [coding["code"] for coding in codings]


def test_the_document_reference_is_final_and_carries_the_signed_text(
    signed: SignedNote, launch: Launch, profile: WriteProfile, facts: FilingFacts
) -> None:
    document = build_document_reference(signed, launch=launch, profile=profile, facts=facts)
    assert (document["status"], document["docStatus"], document["date"]) == ("current", "final", "2026-11-21T09:30:12Z")
    assert document["identifier"] == [{"system": "urn:ietf:rfc:3986", "value": name_document("note-1", 1)}]
    assert codes(document["type"]["coding"]) == ["11506-3"]
    assert codes(document["category"][0]["coding"]) == ["clinical-note"]
    assert document["subject"] == {"reference": "Patient/p"}
    assert document["author"] == [{"reference": "Practitioner/9", "display": "Dr. Kai Mann"}]
    assert document["authenticator"] == document["author"][0]
    assert document["context"] == {
        "encounter": [{"reference": "Encounter/e"}],
        "period": {"start": "2026-11-21T09:10:12Z", "end": "2026-11-21T09:30:12Z"},
    }
    assert codes(document["meta"]["security"]) == ["AIAST", "CLINAST"]
    assert [codes(label["coding"]) for label in document["securityLabel"]] == [["AIAST"], ["CLINAST"]]


def test_text_comes_first_then_xhtml(
    signed: SignedNote, launch: Launch, profile: WriteProfile, facts: FilingFacts
) -> None:
    document = build_document_reference(signed, launch=launch, profile=profile, facts=facts)
    text, xhtml = (content["attachment"] for content in document["content"])
    raw = base64.b64decode(text["data"])
    assert raw == signed.text.encode()
    assert hashlib.sha256(raw).hexdigest() == signed.sha256
    assert (text["contentType"], text["size"]) == ("text/plain; charset=utf-8", len(raw))
    assert base64.b64decode(text["hash"]) == hashlib.sha1(raw).digest()
    assert (xhtml["contentType"], base64.b64decode(xhtml["data"])) == ("application/xhtml+xml", facts.xhtml.encode())


def test_the_profile_decides_formats_and_authenticator(
    signed: SignedNote, launch: Launch, profile: WriteProfile, facts: FilingFacts
) -> None:
    plain = replace(profile, formats=("text/plain",), authenticator=False)
    document = build_document_reference(signed, launch=launch, profile=plain, facts=facts)
    assert len(document["content"]) == 1
    assert "authenticator" not in document


def test_without_encounter_and_period_there_is_no_context(
    signed: SignedNote, launch: Launch, profile: WriteProfile, facts: FilingFacts
) -> None:
    bare = replace(facts, period_start=None, period_end=None)
    outside = replace(launch, encounter=None)
    assert "context" not in build_document_reference(signed, launch=outside, profile=profile, facts=bare)
    assert "encounter" not in build_composition(signed, launch=outside, facts=bare)


def test_a_period_never_ends_before_it_starts(
    signed: SignedNote, launch: Launch, profile: WriteProfile, facts: FilingFacts
) -> None:
    late = replace(facts, period_start=signed.signed_at + timedelta(hours=1))
    document = build_document_reference(signed, launch=launch, profile=profile, facts=late)
    assert document["context"]["period"] == {"end": "2026-11-21T09:30:12Z"}


def test_the_composition_is_legally_attested_section_by_section(
    signed: SignedNote, launch: Launch, facts: FilingFacts
) -> None:
    composition = build_composition(signed, launch=launch, facts=facts)
    assert (composition["status"], composition["title"]) == ("final", "Progress note")
    (attester,) = composition["attester"]
    assert (attester["mode"], attester["time"]) == ("legal", "2026-11-21T09:30:12Z")
    assert attester["party"]["reference"] == "Practitioner/9"
    plan, other = composition["section"]
    assert codes(plan["code"]["coding"]) == ["18776-5"]
    assert "<p>Rest &amp; fluids.</p>" in plan["text"]["div"]
    assert "emptyReason" not in plan
    assert "code" not in other
    assert codes(other["emptyReason"]["coding"]) == ["notasked"]
    assert other["text"]["div"]


def test_the_compositions_own_text_has_disclosure_and_facts_but_no_section(
    signed: SignedNote, launch: Launch, facts: FilingFacts
) -> None:
    div = build_composition(signed, launch=launch, facts=facts)["text"]["div"]
    assert "<p>Consent given.</p>" in div
    assert "<p>Note: note-1, version 1</p>" in div
    assert "fluids" not in div


def test_the_provenance_tells_the_verifier_from_the_software(
    signed: SignedNote, launch: Launch, facts: FilingFacts
) -> None:
    provenance = build_provenance(signed, launch=launch, targets=("urn:uuid:1", "urn:uuid:2"), facts=facts)
    clinician, software = provenance["agent"]
    assert codes(clinician["type"]["coding"]) == ["verifier"]
    assert clinician["who"]["reference"] == "Practitioner/9"
    assert codes(software["type"]["coding"]) == ["author"]
    assert software["who"]["reference"] == "#drafter"
    assert software["onBehalfOf"]["reference"] == "Practitioner/9"
    assert all("onBehalfOf" in agent for agent in provenance["agent"])  # US Core provenance-1
    (device,) = provenance["contained"]
    assert [version["value"] for version in device["version"]] == ["soap@1", "a-model"]
    assert codes(provenance["reason"][0]["coding"]) == ["AIAST"]
    assert [target["reference"] for target in provenance["target"]] == ["urn:uuid:1", "urn:uuid:2"]
    assert provenance["entity"][0]["what"]["identifier"] == {"value": "c1"}


def test_no_model_and_no_consent_leave_no_empty_elements(
    signed: SignedNote, launch: Launch, facts: FilingFacts
) -> None:
    bare = replace(facts, model=None, consent_id=None)
    provenance = build_provenance(signed, launch=launch, targets=("urn:uuid:1",), facts=bare)
    assert "entity" not in provenance
    assert len(provenance["contained"][0]["version"]) == 1


def test_whoever_opens_the_chart_later_is_not_the_author(
    signed: SignedNote, launch: Launch, profile: WriteProfile, facts: FilingFacts
) -> None:
    later = replace(launch, practitioner="Practitioner/other", practitioner_name="Dr. Other", launch_id="l2")
    for build in (build_composition, build_document_reference):
        more = {"profile": profile} if build is build_document_reference else {}
        assert build(signed, launch=later, facts=facts, **more) == build(signed, launch=launch, facts=facts, **more)


def test_instants_are_in_utc_and_need_a_zone() -> None:
    eastern = timezone(timedelta(hours=-5))
    assert write_instant(datetime(2026, 11, 21, 4, 30, 12, 999999, tzinfo=eastern)) == "2026-11-21T09:30:12Z"
    with pytest.raises(ValueError, match="time zone"):
        write_instant(datetime(2026, 11, 21))  # noqa: DTZ001
