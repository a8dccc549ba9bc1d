"""A statement cites the chart entries it names, and no others."""

import pytest

from connector.drafting.blocks import Charted
from connector.drafting.charted import ChartNames

CHART = ChartNames.of(
    [
        Charted("MedicationRequest/1", "medications", "24 HR metoprolol succinate 25 MG Extended Release Oral Tablet"),
        Charted("MedicationRequest/2", "medications", "metoprolol tartrate 50 MG Oral Tablet"),
        Charted("MedicationRequest/3", "medications", "lisinopril 10 MG Oral Tablet"),
        Charted("AllergyIntolerance/4", "allergies", "Lisinopril"),
        Charted("Condition/5", "problems", "Stress (finding)"),
        Charted("Condition/6", "problems", "Essential hypertension (disorder)"),
        Charted("Observation/7", "vitals", "Heart rate"),
    ]
)


@pytest.mark.parametrize(
    ("text", "references"),
    [
        ("Take metoprolol tartrate 50 mg.", ["MedicationRequest/2"]),
        ("Stop the metoprolol succinate.", ["MedicationRequest/1"]),
        ("Takes metoprolol.", ["MedicationRequest/1", "MedicationRequest/2"]),
        ("Took LISINOPRIL.", ["AllergyIntolerance/4", "MedicationRequest/3"]),
        ("Hypertension is stable, on lisinopril.", ["Condition/6", "AllergyIntolerance/4", "MedicationRequest/3"]),
        ("Order a stress test.", []),
        ("Reports stress at work.", ["Condition/5"]),
        ("Heart rate 72.", []),
        ("Hypertensive retinopathy.", []),
        ("", []),
    ],
)
def test_named_entries_are_cited(text, references) -> None:
    assert CHART.references_in(text) == references
