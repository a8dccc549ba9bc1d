"""A signed note, its launch, the shipped write profile and the facts around it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from connector.records import Launch, NoteSection, Sentence, SignedNote, Stamp
from connector.writeback.bundle import FilingFacts
from connector.writeback.profile import WriteProfile

ROOT = Path(__file__).parents[3]
SIGNED_AT = datetime(2026, 11, 21, 9, 30, 12, 345678, tzinfo=UTC)
STAMP = Stamp("review/attestation@1", SIGNED_AT, who="Practitioner/9")
TEXT = "Progress note\n\nPatient: A\nNote: note-1, version 1\n\nPlan\nRest & fluids.\n\nSigned by K.\nConsent given.\n"


@pytest.fixture
def signed() -> SignedNote:
    sections = (
        NoteSection("plan", "Plan", "18776-5", (Sentence("p1", "Rest & fluids.", ("t1",)),)),
        NoteSection("other", "Other", None, ()),
    )
    return SignedNote(
        note_id="note-1",
        version=1,
        revision=4,
        note_type="soap",
        title="Progress note",
        sections=sections,
        text=TEXT,
        sha256=hashlib.sha256(TEXT.encode()).hexdigest(),
        signer="Practitioner/9",
        signer_name="Dr. Kai Mann",
        attestation="I have read it.",
        signed_at=SIGNED_AT,
        stamp=STAMP,
    )


@pytest.fixture
def launch() -> Launch:
    return Launch(
        launch_id="l1",
        visit_id="v1",
        tenant="clinic",
        fhir_base="https://ehr.example.org/fhir",
        patient="Patient/p",
        encounter="Encounter/e",
        practitioner="Practitioner/9",
        practitioner_name="Dr. Kai Mann",
        need_patient_banner=True,
        granted_scope="launch",
        stamp=STAMP,
    )


@pytest.fixture(scope="session")
def raw_profile() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "mappings" / "ehr" / "generic.yaml").read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def profile(raw_profile: dict[str, Any]) -> WriteProfile:
    return WriteProfile.from_dict(raw_profile)


@pytest.fixture
def facts() -> FilingFacts:
    return FilingFacts(
        note_type_loinc="11506-3",
        note_type_display="Progress note",
        xhtml='<div xmlns="http://www.w3.org/1999/xhtml"><p>Rest &amp; fluids.</p></div>',
        period_start=SIGNED_AT - timedelta(minutes=20),
        period_end=SIGNED_AT,
        device_name="SMART Scribe Connector",
        device_version="soap@1",
        model="a-model",
        consent_id="c1",
    )
