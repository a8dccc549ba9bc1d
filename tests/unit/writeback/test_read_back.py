"""Signed against stored: one changed byte, another patient or another status is "different"."""

from __future__ import annotations

import base64
import copy
from dataclasses import replace
from typing import Any

import pytest

from connector.records import Launch, SignedNote
from connector.writeback.documents import FilingFacts, build_document_reference
from connector.writeback.profile import WriteProfile
from connector.writeback.read_back import compare


@pytest.fixture
def stored(signed: SignedNote, launch: Launch, profile: WriteProfile, facts: FilingFacts) -> dict[str, Any]:
    return copy.deepcopy(build_document_reference(signed, launch=launch, profile=profile, facts=facts))


def store_text(document: dict[str, Any], raw: bytes) -> None:
    document["content"][0]["attachment"]["data"] = base64.b64encode(raw).decode()


def test_what_was_sent_is_identical(stored: dict[str, Any], signed: SignedNote, launch: Launch) -> None:
    result = compare(signed, stored, launch=launch)
    assert (result.verdict, result.stored_sha256, result.differs) == ("identical", signed.sha256, ())


def test_a_server_may_fold_base64_reorder_and_make_references_absolute(
    stored: dict[str, Any], signed: SignedNote, launch: Launch
) -> None:
    attachment = stored["content"][0]["attachment"]
    attachment["data"] = "\r\n".join(attachment["data"][place : place + 20] for place in range(0, 200, 20))
    attachment["contentType"] = "TEXT/plain;charset=UTF-8"
    stored["content"].reverse()
    stored["subject"]["reference"] = "https://ehr.example.org/fhir/Patient/p"
    stored["identifier"].insert(0, {"system": "urn:oid:1.2", "value": "vendor's own"})
    assert compare(signed, stored, launch=launch).verdict == "identical"


@pytest.mark.parametrize("change", [lambda raw: raw + b"\n", lambda raw: raw.replace(b"\n", b"\r\n"), lambda raw: b""])
def test_a_changed_byte_is_different(stored: dict[str, Any], signed: SignedNote, launch: Launch, change: Any) -> None:
    store_text(stored, change(signed.text.encode()))
    result = compare(signed, stored, launch=launch)
    assert (result.verdict, result.differs) == ("different", ("text",))
    assert result.stored_sha256 not in (None, signed.sha256)


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"subject": {"reference": "Patient/q"}}, "patient"),
        ({"subject": {"reference": "https://elsewhere.example/fhir/Patient/p"}}, "patient"),
        ({"context": {"encounter": [{"reference": "Encounter/other"}]}}, "encounter"),
        ({"context": {}}, "encounter"),
        ({"status": "superseded"}, "status"),
        ({"docStatus": "preliminary"}, "docStatus"),
        ({"docStatus": None}, "docStatus"),
        ({"identifier": []}, "identifier"),
        ({"identifier": [{"value": "urn:uuid:b57f"}]}, "identifier"),
        ({"content": []}, "text"),
        ({"content": [{"attachment": {"contentType": "text/html", "data": "eA=="}}]}, "text"),
        ({"content": [{"attachment": {"contentType": "text/plain", "url": "Binary/1"}}]}, "text"),
        ({"content": [{"attachment": {"contentType": "text/plain", "data": "é not base64"}}]}, "text"),
    ],
)
def test_each_fact_that_differs_is_named(
    stored: dict[str, Any], signed: SignedNote, launch: Launch, change: dict[str, Any], differs: str
) -> None:
    result = compare(signed, {**stored, **change}, launch=launch)
    assert (result.verdict, result.differs) == ("different", (differs,))


def test_a_launch_without_encounter_asks_for_none(stored: dict[str, Any], signed: SignedNote, launch: Launch) -> None:
    assert compare(signed, {**stored, "context": {}}, launch=replace(launch, encounter=None)).verdict == "identical"


def test_a_signed_note_whose_own_hash_is_wrong_is_never_identical(
    stored: dict[str, Any], signed: SignedNote, launch: Launch
) -> None:
    assert compare(replace(signed, sha256="0" * 64), stored, launch=launch).differs == ("text",)


@pytest.mark.parametrize("junk", [{}, {"content": "x"}, {"content": [3, {"attachment": []}]}, [], None])
def test_junk_is_different_and_never_raises(signed: SignedNote, launch: Launch, junk: Any) -> None:
    result = compare(signed, junk, launch=launch)
    assert (result.verdict, result.stored_sha256) == ("different", None)
    assert "text" in result.differs
