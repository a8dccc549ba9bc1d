"""What a mock consultation speaks of, and the chart its note implies, from a folder laid out like PriMock57."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.consultations import Consultation, read_consultations
from bench.report import NotMeasured
from connector.app import load_keyterm_rules

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
NOTE = """3/7 hx of cough. Allergic to penicillin.
PMH: Asthma, HTN
DH: ramipril, regular metformin and nil OTC
Imp: chest infection
Plan: amoxicillin"""


@pytest.fixture
def consultation(tmp_path: Path) -> Consultation:
    """One consultation, its doctor and patient in a tier each."""
    for name in ("notes", "transcripts"):
        (tmp_path / name).mkdir()
    (tmp_path / "notes" / "day1_consultation01.json").write_text(json.dumps({"note": NOTE}), encoding="utf-8")
    for who, said in (("doctor", "Do you take <UNSURE>ramipril</UNSURE>?"), ("patient", "Yes. I have asthma.")):
        tier = tmp_path / "transcripts" / f"day1_consultation01_{who}.TextGrid"
        tier.write_text(f'xmin = 0\ntext = "{said}"\n', encoding="utf-8")
    (found,) = read_consultations(tmp_path, load_keyterm_rules(), now=NOW)
    return found


def test_the_chart_holds_what_the_note_knew_before_and_not_what_it_concludes(consultation: Consultation) -> None:
    chart = consultation.chart
    assert [one.name for one in chart.medications.items] == ["ramipril", "metformin"]
    assert [one.name for one in chart.problems.items] == ["Asthma", "HTN"]
    assert [one.substance for one in chart.allergies.items] == ["penicillin"]


def test_names_are_found_in_what_either_speaker_says(consultation: Consultation) -> None:
    assert consultation.drugs == {"ramipril"}
    assert consultation.conditions == {"asthma"}


def test_a_folder_without_consultations_is_not_a_figure(tmp_path: Path) -> None:
    with pytest.raises(NotMeasured, match="CONNECTOR_SHARED"):
        read_consultations(tmp_path, load_keyterm_rules(), now=NOW)
