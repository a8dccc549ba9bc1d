"""Strengths the note says against those the chart lists."""

from __future__ import annotations

import pytest

from connector.records import Medication, Sentence, Source
from connector.review.dose_differences import find_dose_differences

CHART = (
    "24 HR metoprolol succinate 25 MG Extended Release Oral Tablet",
    "losartan potassium 50 MG Oral Tablet",
    "levothyroxine sodium 0.075 MG Oral Tablet",
    "120 ACTUAT fluticasone propionate 0.044 MG/ACTUAT Metered Dose Inhaler [Flovent]",
    "Hydrochlorothiazide 12.5 MG / Lisinopril 10 MG Oral Tablet",
    "potassium chloride 20 MEQ Extended Release Oral Tablet",
)


def found(text: str, *chart: str) -> list[str]:
    drugs = [Medication(Source(f"MedicationRequest/{n}"), name, "active") for n, name in enumerate(chart or CHART)]
    return [finding.text for finding in find_dose_differences(Sentence("s", text), drugs)]


def test_the_finding_says_both_values() -> None:
    drug = Medication(Source("MedicationRequest/1"), CHART[0], "active")
    (finding,) = find_dose_differences(Sentence("p1", "Increase metoprolol succinate to 50 mg daily."), [drug])
    assert (finding.kind, finding.sentence_id) == ("dose-differs", "p1")
    assert finding.text == f"The note says metoprolol succinate 50 mg; the chart lists {CHART[0]}."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Losartan 100 mg daily.", "Losartan 100 mg"),
        ("Take 100 mg of losartan.", "losartan 100 mg"),
        ("losartan one hundred milligrams", "losartan one hundred milligrams"),
        ("25 mg metoprolol and 100 mg of losartan", "losartan 100 mg"),
        ("metoprolol and 100 mg losartan", "losartan 100 mg"),
        ("levothyroxine 50 mcg", "levothyroxine 50 mcg"),
        ("lisinopril 20 mg", "lisinopril 20 mg"),
        ("potassium chloride 40 mEq", "potassium chloride 40 mEq"),
    ],
)
def test_a_strength_the_chart_does_not_list(text: str, said: str) -> None:
    (finding,) = found(text)
    assert f"The note says {said};" in finding


@pytest.mark.parametrize(
    "text",
    [
        "Metoprolol 25 mg daily.",
        "losartan fifty milligrams",
        "losartan 0.05 g",
        "levothyroxine 75 mcg",
        "Increase losartan from 50 to 100 mg.",
        "Increase losartan from 50 mg to 100 mg.",
        "metoprolol 25 mg, losartan 50 mg",
        "metoprolol 25 mg losartan 50 mg",
        "Continue losartan. Aspirin 81 mg.",
        "Flovent 2 puffs, 88 mcg",
        "lisinopril 10 mg",
        "metoprolol for 2 weeks",
        "metoprolol twice a day",
        "warfarin 5 mg",
        "losartan 2 tablets",
    ],
)
def test_nothing_is_said_where_nothing_differs_or_compares(text: str) -> None:
    assert found(text) == []


def test_two_strengths_in_the_chart_are_both_right() -> None:
    chart = ("losartan potassium 50 MG Oral Tablet", "losartan potassium 100 MG Oral Tablet")
    assert found("losartan 100 mg", *chart) == []
    (finding,) = found("losartan 25 mg", *chart)
    assert "50 MG Oral Tablet or losartan potassium 100 MG" in finding
