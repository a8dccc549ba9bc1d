"""Patient and Encounter: who is seen, and that it is nobody else."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from connector.context.answer import FhirAnswer
from connector.context.person import MERGED, read_encounter, read_person
from connector.records import EncounterSummary, Participant, Section, SectionState

BASE = "https://ehr.example.org/fhir"


def patient(**more: Any) -> FhirAnswer:
    name = [{"use": "official", "family": "Núñez", "given": ["Julio", "M"]}]
    body = {"resourceType": "Patient", "id": "p", "meta": {"versionId": "2"}, "name": name, **more}
    return FhirAnswer(200, {key: value for key, value in body.items() if value is not None})


def encounter(**more: Any) -> Section[EncounterSummary]:
    body = {"resourceType": "Encounter", "id": "e", "status": "in-progress", "subject": {"reference": "Patient/p"}}
    return read_encounter(FhirAnswer(200, {**body, **more}), patient="Patient/p", base=BASE)


def test_the_patient_as_the_chart_names_them() -> None:
    number = {"type": {"coding": [{"code": "MR"}]}, "value": "MRN-7"}
    social = {"type": {"coding": [{"code": "SS"}]}, "value": "999-11-2222"}
    language = {"language": {"coding": [{"code": "es"}], "text": "Spanish"}}
    section = read_person(
        patient(birthDate="1958-11-28", gender="male", identifier=[social, number], communication=[language]),
        patient="Patient/p",
    )
    person = section.items[0]
    assert (section.state, person.name, person.family, person.given) == (
        SectionState.OK,
        "Julio M Núñez",
        "Núñez",
        ("Julio", "M"),
    )
    assert (person.birth_date, person.sex, person.identifier) == (date(1958, 11, 28), "male", "MRN-7")
    assert (person.language, person.source.version) == ("es", "2")


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ([{"use": "old", "family": "Before"}, {"use": "usual", "family": "Now"}], "Now"),
        ([{"use": "maiden", "family": "Born"}, {"family": "Plain"}], "Plain"),
        ([{"text": "Only Text"}], "Only Text"),
        ([{"use": ["junk"], "family": "Odd"}], "Odd"),
    ],
)
def test_the_name_in_use_is_shown(names: list[dict[str, Any]], shown: str) -> None:
    assert read_person(patient(name=names), patient="Patient/p").items[0].name == shown


def test_a_social_security_number_is_never_the_identifier() -> None:
    social = {"type": {"coding": [{"code": "SS"}]}, "value": "999-11-2222"}
    assert read_person(patient(identifier=[social]), patient="Patient/p").items[0].identifier is None


def test_another_patient_in_the_answer_is_refused() -> None:
    section = read_person(patient(id="q"), patient="Patient/p")
    assert (section.state, section.items, section.dropped) == (SectionState.FAILED, (), 1)


def test_a_patient_without_a_name_is_partial() -> None:
    section = read_person(patient(name=None), patient="Patient/p")
    assert (section.state, len(section.items)) == (SectionState.PARTIAL, 1)


def test_a_record_out_of_use_is_said() -> None:
    section = read_person(patient(active=False), patient="Patient/p")
    assert section.state is SectionState.OK
    assert "not in use" in (section.detail or "")


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (FhirAnswer(403), SectionState.FORBIDDEN),
        (FhirAnswer(404), SectionState.FAILED),
        (FhirAnswer(0, None, "timeout"), SectionState.FAILED),
    ],
)
def test_a_patient_or_encounter_that_cannot_be_read(answer: FhirAnswer, state: SectionState) -> None:
    assert read_person(answer, patient="Patient/p").state is state
    assert read_encounter(answer, patient="Patient/p", base=BASE).state is state


def test_the_encounter_says_why_and_when() -> None:
    section = encounter(
        **{"class": {"code": "AMB"}},
        type=[{"text": "Follow-up"}],
        reasonCode=[{"text": "cough"}, {"coding": [{"display": "fever"}]}],
        period={"start": "2026-11-20T09:00:00Z"},
    )
    seen = section.items[0]
    assert section.state is SectionState.OK
    assert (seen.status, seen.class_code, seen.kind, seen.reason) == ("in-progress", "AMB", "Follow-up", "cough; fever")
    assert seen.started == datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "more", [{"subject": {"reference": "Patient/q"}}, {"subject": None}, {"status": "entered-in-error"}, {"id": None}]
)
def test_an_encounter_of_another_patient_or_in_error_is_refused(more: dict[str, Any]) -> None:
    section = encounter(**more)
    assert (section.state, section.items, section.dropped) == (SectionState.FAILED, (), 1)


def test_language_interpreter_relatives_and_death() -> None:
    url = "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired"
    answer = patient(
        communication=[
            {"language": {"text": "English"}},
            {"language": {"coding": [{"code": "es"}]}, "preferred": True},
        ],
        extension=[{"url": url, "valueBoolean": True}],
        contact=[{"name": {"family": "Vega", "given": ["Luz"]}}, {"name": {"text": "Rui"}}, {"name": 3}, {}],
        deceasedDateTime="2026-01-01",
    )
    (found,) = read_person(answer, patient="Patient/p").items
    assert (found.language, found.interpreter, found.deceased) == ("es", True, True)
    assert found.relatives == ("Luz Vega", "Rui")
    (plain,) = read_person(patient(), patient="Patient/p").items
    assert (plain.interpreter, plain.deceased, plain.replaced_by) == (False, False, None)


def test_a_merged_record_says_what_to_do() -> None:
    link = {"type": "replaced-by", "other": {"reference": "Patient/new"}}
    section = read_person(patient(link=[link]), patient="Patient/p")
    assert (section.state, section.items[0].replaced_by) == (SectionState.PARTIAL, "Patient/new")
    assert section.detail == MERGED and "open the scribe again" in MERGED


def test_a_merged_record_that_is_refused_says_so_too() -> None:
    issue = {"severity": "error", "code": "not-found", "details": {"coding": [{"code": "4107"}]}}
    refused = FhirAnswer(404, {"resourceType": "OperationOutcome", "issue": [issue]})
    assert read_person(refused, patient="Patient/p", merged=frozenset({"4107"})).detail == MERGED
    assert read_person(refused, patient="Patient/p").detail != MERGED


def test_who_takes_part_in_the_encounter() -> None:
    people = [
        {"type": [{"text": "attender"}], "individual": {"reference": "Practitioner/1", "display": "Dr. Duarte"}},
        {"individual": {"reference": "Practitioner/2"}},
        {"individual": "x"},
    ]
    (found,) = encounter(participant=people).items
    assert found.participants == (Participant("Dr. Duarte", "attender", "Practitioner/1"),)
