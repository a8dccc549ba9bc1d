"""The offline drafter reads the messages it is sent, and nothing that is not of their shape."""

import pytest

from connector.drafting.blocks import read_blocks


def test_visit_chart_and_transcript_are_read_back(ask, transcribe) -> None:
    data = read_blocks(ask(transcribe(("clinician", "Any <pain> & fever?"), ("patient", "No."))))
    assert data.sex == "female"
    assert [(turn.turn_id, turn.role, turn.text) for turn in data.turns] == [
        ("t1", "clinician", "Any <pain> & fever?"),
        ("t2", "patient", "No."),
    ]
    assert [(entry.kind, entry.reference) for entry in data.chart] == [
        ("encounter", "Encounter/e1"),
        ("medications", "MedicationRequest/m1"),
        ("allergies", "AllergyIntolerance/a1"),
        ("problems", "Condition/c1"),
        ("vitals", "Observation/o1"),
    ]


def user(content: object) -> list[dict[str, str]]:
    return [{"role": "system", "content": "x"}, {"role": "user", "content": content}]  # type: ignore[dict-item]


FIRST = "chart text 1 | read 2026-11-21 | test"


def page(visit: str = "{}", chart: str = FIRST, transcript: str = "[]") -> list[dict[str, str]]:
    return user(f"<visit>\n{visit}\n</visit>\n<chart>\n{chart}\n</chart>\n<transcript>\n{transcript}\n</transcript>")


def test_the_least_that_is_of_the_shape_is_read() -> None:
    assert read_blocks(page()).turns == ()


def test_names_are_read_back_as_charted_and_what_names_nothing_is_left_out() -> None:
    chart = [
        "== patient: read completely",
        "patient | age: 3 years | sex: not recorded",
        "== medications: read in part, there may be more",
        "MedicationRequest/m1 v2 (as needed, patient-reported) | a \\u003c b | status: on-hold",
        "MedicationRequest/m2 | unnamed",
        "(no id) | aspirin",
        "== allergies: read completely",
        "AllergyIntolerance/a1 (no known allergies) | No known allergy",
        "== care team: read completely",
        "CareTeam/t1 | Dr. Okafor | role: GP",
        "== last signed note: DocumentReference/n1",
        "| MedicationRequest/m9 v1 ",
    ]
    data = read_blocks(page(chart="\n".join([FIRST, *chart])))
    assert data.sex is None
    assert [(entry.kind, entry.reference, entry.name) for entry in data.chart] == [
        ("medications", "MedicationRequest/m1", "a < b"),
        ("care_team", "CareTeam/t1", "Dr. Okafor"),
    ]


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"role": "system", "content": "x"}],
        user(None),
        user("Write a note."),
        user("<visit>\n{}\n</visit>"),
        page(visit="{"),
        page(visit="[]"),
        page(chart="{}"),
        page(chart="chart text 2 | read 2026-11-21 | test"),
        page(chart=f"{FIRST}\nMedicationRequest/m1 | aspirin"),
        page(chart=f"{FIRST}\n== medications: read completely\naspirin"),
        page(chart=f"{FIRST}\n== medications: read completely\n\nMedicationRequest/m1 | aspirin"),
        page(transcript="{}"),
        page(transcript='[{"id": "t1"}]'),
        page(transcript='[{"id": 1, "role": "patient", "text": "x"}]'),
        page(transcript='["x"]'),
        page(transcript="[" * 50_000),
    ],
)
def test_messages_of_another_shape_are_refused(messages) -> None:
    with pytest.raises(ValueError, match=r"block|message|turn|section"):
        read_blocks(messages)
