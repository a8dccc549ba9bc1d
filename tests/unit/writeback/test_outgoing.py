"""The last look: what the models let through is caught here."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from connector.records import Launch, SignedNote
from connector.writeback.bundle import FilingFacts, build_transaction
from connector.writeback.outgoing import find_faults
from connector.writeback.profile import WriteProfile


@pytest.fixture
def bundle(signed: SignedNote, launch: Launch, profile: WriteProfile, facts: FilingFacts) -> dict[str, Any]:
    return build_transaction(signed, launch=launch, profile=profile, facts=facts)


def put(entry: int, path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(bundle: dict[str, Any]) -> None:
        holder: Any = bundle["entry"][entry]
        *keys, last = path.split(".")
        for key in keys:
            holder = holder[int(key)] if key.isdigit() else holder[key]
        holder[int(last) if last.isdigit() else last] = value

    return change


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (put(0, "resource.status", "SECRET"), "DocumentReference.status: not one of the codes"),
        (put(0, "resource.docStatus", "zzz"), "docStatus: not one of the codes"),
        (put(1, "resource.attester.0.mode", "official-ish"), "attester.mode: not one of the codes"),
        (put(0, "request.method", "PUSH"), "request.method: not one of the codes"),
        (put(0, "resource.subject.reference", "Encounter/1"), "subject: may not refer to Encounter"),
        (
            put(0, "resource.subject.reference", "https://x.example/fhir/Organization/1"),
            "may not refer to Organization",
        ),
        (put(0, "resource.subject", {"display": "somebody"}), "subject: refers to nothing"),
        (put(2, "resource.target.0.reference", "urn:uuid:none"), "target: refers to nothing"),
        (put(2, "resource.agent.1.who.reference", "#gone"), "who: refers to nothing"),
        (put(2, "resource.agent.1.who.reference", "Encounter/1"), "who: may not refer to Encounter"),
        (put(0, "resource.content", []), "content: empty"),
        (put(0, "resource.description", ""), "description"),
        (put(1, "resource.section.0.text", {}), "text"),
        (put(0, "resource.SECRET", 1), "extra_forbidden"),
        (put(0, "resource.date", "2026-11-21"), "DocumentReference.date"),
        (put(0, "resource.date", "2026-11-21T09:30:12.5Z"), "otherwise than it was built"),
        (put(1, "resource.author", None), "author"),
    ],
)
def test_each_fault_is_named(bundle: dict[str, Any], change: Callable[[dict[str, Any]], None], fault: str) -> None:
    changed = copy.deepcopy(bundle)
    change(changed)
    faults = find_faults(changed)
    assert any(fault in found for found in faults), faults
    assert "SECRET" not in " ".join(faults).replace("DocumentReference.SECRET:", "")


def test_a_sound_bundle_has_no_faults(bundle: dict[str, Any]) -> None:
    assert find_faults(bundle) == ()
