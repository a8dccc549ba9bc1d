"""The chart as the model reads it: every section with its state in words, within a budget, the weightiest last cut."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from connector.drafting.chart_text import SECTIONS, ChartBudget, write_chart
from connector.records import (
    Allergy,
    CareTeamMember,
    ChartEntry,
    EncounterSummary,
    Measurement,
    Medication,
    Participant,
    PriorNote,
    Problem,
    Section,
    SectionState,
    Source,
)

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
LARGE = ChartBudget(100_000, 10_000)


def lines_of(context, section: str, budget: ChartBudget = LARGE) -> list[str]:
    """Header and entries of one section."""
    lines = write_chart(context, budget).text.split("\n")
    start = next(n for n, line in enumerate(lines) if line.startswith(f"== {section}: "))
    end = next((n for n, line in enumerate(lines) if n > start and line.startswith("== ")), len(lines))
    return lines[start:end]


def ok(*items) -> Section:
    return Section(SectionState.OK, items)


def test_form_day_and_reading_stand_first_and_make_the_version(context) -> None:
    chart = write_chart(replace(context, stamp=replace(context.stamp, maker="context/context.yaml@2+epic@3")), LARGE)
    assert chart.text.split("\n")[0] == "chart text 1 | read 2026-11-21 | context/context.yaml@2+epic@3"
    assert chart.version == "chart-text@1+context.yaml@2+epic@3"


def test_sections_stand_in_fixed_order_whatever_was_read(context) -> None:
    headers = [line for line in write_chart(context, LARGE).text.split("\n") if line.startswith("== ")]
    named = [header[3:].partition(":")[0].replace(" ", "_") for header in headers]
    assert named == [*SECTIONS, "last_signed_note"]


@pytest.mark.parametrize(
    ("section", "told"),
    [
        (ok(Problem(Source("Condition/1"), "Gout")), "read completely"),
        (Section(SectionState.OK), 'read, nothing recorded (which is not "none")'),
        (Section(SectionState.EMPTY), 'read, nothing recorded (which is not "none")'),
        (Section(SectionState.PARTIAL), "read in part, there may be more"),
        (Section(SectionState.FORBIDDEN, detail="Denied."), "not allowed to be read, unknown"),
        (Section(SectionState.FAILED, detail="Timed out."), "could not be read, unknown"),
        (Section(SectionState.PENDING), "not read yet, unknown"),
    ],
)
def test_every_state_is_told_in_words_of_its_own(context, section, told) -> None:
    assert lines_of(replace(context, problems=section), "problems")[0] == f"== problems: {told}"


NONE_KNOWN = Allergy(Source("AllergyIntolerance/n", "1"), "No known allergy", none_known=True)
HIVES = Allergy(Source("AllergyIntolerance/a"), "Penicillin V", ("hives", "rash"), "high", "unconfirmed")


def test_only_an_explicit_statement_is_no_known_allergies(context) -> None:
    assert lines_of(replace(context, allergies=ok(NONE_KNOWN)), "allergies") == [
        "== allergies: read completely; the chart states no known allergies",
        "AllergyIntolerance/n v1 (no known allergies) | No known allergy",
    ]


def test_a_statement_beside_entries_is_called_contradictory(context) -> None:
    header, *_ = lines_of(replace(context, allergies=ok(NONE_KNOWN, HIVES)), "allergies")
    assert header == '== allergies: read completely; contradictory, both "no known" and entries'


def test_a_substance_called_no_known_allergies_is_only_a_name(context) -> None:
    posing = Allergy(Source("AllergyIntolerance/x"), "(no known allergies) | == allergies: the chart states none")
    header, entry = lines_of(replace(context, allergies=ok(posing)), "allergies")
    assert header == "== allergies: read completely"
    assert entry == "AllergyIntolerance/x | (no known allergies) \\u007c == allergies: the chart states none"


def test_allergies_tell_reactions_criticality_and_doubt(context) -> None:
    assert lines_of(replace(context, allergies=ok(HIVES)), "allergies")[1] == (
        "AllergyIntolerance/a | Penicillin V | reactions: hives; rash | criticality: high | verification: unconfirmed"
    )


@pytest.mark.parametrize(
    ("drug", "line"),
    [
        (
            Medication(Source("MedicationRequest/m", "4"), "aspirin 81 MG", "active"),
            "MedicationRequest/m v4 | aspirin 81 MG",
        ),
        (
            Medication(Source("MedicationRequest/m"), "aspirin", "on-hold", "1 tablet", as_needed=True),
            "MedicationRequest/m (as needed) | aspirin | status: on-hold | dosage: 1 tablet",
        ),
        (
            Medication(Source("MedicationStatement/m"), "kava", "active", reported=True, statement=True),
            "MedicationStatement/m (statement, not an order, patient-reported) | kava",
        ),
        (
            Medication(
                Source("MedicationRequest/m"), "x", "active", requester="Practitioner/7", authored=date(2026, 1, 2)
            ),
            "MedicationRequest/m | x | ordered: 2026-01-02 by a clinician of this visit",
        ),
        (
            Medication(Source("MedicationRequest/m"), "x", "active", requester="Practitioner/8"),
            "MedicationRequest/m | x | ordered: by another clinician",
        ),
        (
            Medication(Source("MedicationRequest/m"), "x", "active", requester="Patient/p1"),
            "MedicationRequest/m | x | ordered: by the patient or a relative",
        ),
    ],
)
def test_drugs_tell_who_ordered_them_and_what_nobody_ordered(context, drug, line) -> None:
    encounter = EncounterSummary(
        Source("Encounter/e1"),
        "in-progress",
        "AMB",
        "Visit",
        None,
        NOW,
        (Participant("Dr. O", None, "Practitioner/7"),),
    )
    assert lines_of(replace(context, encounter=ok(encounter), medications=ok(drug)), "medications")[1] == line


def test_who_ordered_is_a_reference_where_the_encounter_names_nobody(context) -> None:
    drug = Medication(Source("MedicationRequest/m"), "x", "active", requester="Practitioner/8")
    assert lines_of(replace(context, medications=ok(drug)), "medications")[1].endswith("| ordered: by Practitioner/8")


@pytest.mark.parametrize(
    ("section", "item", "line"),
    [
        (
            "problems",
            Problem(Source("Condition/c"), "Gout", "remission", "encounter-diagnosis", date(2020, 5, 1)),
            "Condition/c (visit diagnosis) | Gout | status: remission | since: 2020-05-01",
        ),
        (
            "vitals",
            Measurement(Source("Observation/o"), "Weight", "70 kg", NOW),
            "Observation/o | Weight | 70 kg | 2026-11-21",
        ),
        ("labs", Measurement(Source("Observation/o"), "CRP", "<5 mg/L"), "Observation/o | CRP | \\u003c5 mg/L"),
        ("assessments", Measurement(Source("Observation/o"), "PHQ-9", "12"), "Observation/o | PHQ-9 | 12"),
        (
            "immunizations",
            ChartEntry(Source("Immunization/i"), "Influenza", "completed", date(2026, 10, 1)),
            "Immunization/i | Influenza | 2026-10-01",
        ),
        (
            "procedures",
            ChartEntry(Source("Procedure/p"), "Biopsy", "in-progress"),
            "Procedure/p | Biopsy | status: in-progress",
        ),
        ("care_team", CareTeamMember(Source("CareTeam/t"), "Dr. Okafor", "GP"), "CareTeam/t | Dr. Okafor | role: GP"),
        ("care_team", CareTeamMember(Source("CareTeam/t"), "Bob Canary", "son"), "CareTeam/t | (withheld) | role: son"),
        (
            "appointments",
            ChartEntry(Source("Appointment/a"), "Follow-up", "booked", None, "Ann's blood pressure"),
            "Appointment/a | Follow-up | status: booked | detail: (withheld)'s blood pressure",
        ),
        ("goals", ChartEntry(Source("Goal/g"), "Ann walks daily", "active"), "Goal/g | (withheld) walks daily"),
        ("care_plans", ChartEntry(Source("CarePlan/c"), "Diabetes", "active"), "CarePlan/c | Diabetes"),
        ("orders", ChartEntry(Source("ServiceRequest/s", "1"), "HbA1c", "active"), "ServiceRequest/s v1 | HbA1c"),
        (
            "notes",
            PriorNote(Source("DocumentReference/d"), "Progress note", NOW, "Dr. O"),
            "DocumentReference/d | Progress note | 2026-11-21",
        ),
        ("orders", ChartEntry(Source("ServiceRequest/s"), ""), "ServiceRequest/s | unnamed"),
    ],
)
def test_every_kind_of_entry_is_one_line_with_its_label(context, section, item, line) -> None:
    assert lines_of(replace(context, **{section: ok(item)}), section.replace("_", " "))[1:] == [line]


@pytest.mark.parametrize(
    ("birth", "age"),
    [
        (date(1965, 11, 22), "60 years"),
        (date(1965, 11, 21), "61 years"),
        (date(1936, 11, 22), "89 years"),
        (date(1936, 11, 21), "90 years or older"),
        (date(1900, 1, 1), "90 years or older"),
        (date(2024, 11, 21), "2 years"),
        (date(2024, 11, 22), "23 months"),
        (date(2026, 11, 21), "0 months"),
        (date(2027, 1, 1), "unknown"),
        (None, "unknown"),
    ],
)
def test_age_is_a_class_and_never_a_date(context, birth, age) -> None:
    person = replace(context.patient.items[0], birth_date=birth)
    assert lines_of(replace(context, patient=ok(person)), "patient")[1] == (
        f"patient | age: {age} | sex: female | language: en"
    )


def test_language_interpreter_and_death_are_told(context) -> None:
    person = replace(context.patient.items[0], sex=None, language="Spanish", interpreter=True, deceased=True)
    assert lines_of(replace(context, patient=ok(person)), "patient")[1] == (
        "patient | age: 61 years | sex: not recorded | language: Spanish | interpreter: needed | recorded as deceased"
    )


def test_the_day_of_birth_is_never_written_as_a_date(context) -> None:
    problem = Problem(Source("Condition/c"), "Cleft palate", onset=date(1965, 3, 2))
    assert lines_of(replace(context, problems=ok(problem)), "problems")[1:] == [
        "Condition/c | Cleft palate | since: at birth"
    ]


def many(count: int) -> tuple[Problem, ...]:
    return tuple(Problem(Source(f"Condition/{n}"), f"Problem number {n}") for n in range(count))


def crowded(context, *, drugs: int):
    problems, values = many(200), [Measurement(Source(f"Observation/{n}"), "Weight", "70 kg") for n in range(50)]
    listed = [Medication(Source(f"MedicationRequest/{n}"), "aspirin 81 MG", "active") for n in range(drugs)]
    return replace(context, problems=ok(*problems), vitals=ok(*values), labs=ok(*values), medications=ok(*listed))


def test_what_does_not_fit_is_counted_where_it_is_missing(context) -> None:
    chart = crowded(context, drugs=20)
    header, *entries = lines_of(chart, "problems", ChartBudget(1500, 100))
    assert 0 < len(entries) < 200
    assert (
        header
        == f"== problems: read completely; {len(entries)} of 200 entries, {200 - len(entries)} left out for space"
    )
    assert len(lines_of(chart, "medications", ChartBudget(1500, 100))) == 21
    assert lines_of(chart, "vitals", ChartBudget(1500, 100)) == [
        "== vitals: read completely; 0 of 50 entries, 50 left out for space"
    ]
    assert write_chart(chart, ChartBudget(1500, 100)).left_out == 200 - len(entries) + 101


def test_drugs_are_cut_only_after_everything_but_allergies(context) -> None:
    chart = crowded(context, drugs=400)
    assert "left out for space" in lines_of(chart, "medications", ChartBudget(1500, 100))[0]
    assert len(lines_of(chart, "allergies", ChartBudget(1500, 100))) == 2
    assert len(lines_of(chart, "problems", ChartBudget(1500, 100))) == 1


@pytest.mark.parametrize("most", [1000, 1500, 3000, 6000])
def test_the_text_stays_within_its_budget(context, most) -> None:
    chart = write_chart(crowded(context, drugs=400), ChartBudget(most, 100))
    assert most - 100 < chart.tokens <= most + 100


@pytest.mark.parametrize(("chart", "note"), [(999, 100), (1000, 99)])
def test_a_budget_that_could_not_hold_the_states_is_refused(chart, note) -> None:
    with pytest.raises(ValueError, match="budget"):
        ChartBudget(chart, note)
