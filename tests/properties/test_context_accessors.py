"""Whatever JSON an EHR answers with, reading the chart never raises and lets nothing unclean or foreign through."""

from __future__ import annotations

import asyncio
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.context import accessors
from connector.context.answer import ChartReader, FhirAnswer
from connector.context.chart import SECTIONS, Subject, complete_context, find_pending, read_context
from connector.context.mapping import ContextMapping
from connector.context.measurements import read_value
from connector.context.notes import read_attachment
from connector.context.together import read_batch
from connector.records import PatientContext, SectionState
from tests.fixtures.charts import later_parts

ROOT = Path(__file__).parents[2]
BASE = "https://ehr.example.org/fhir"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
MAPPING = ContextMapping.from_dict(yaml.safe_load((ROOT / "mappings" / "context.yaml").read_text(encoding="utf-8")))

KEYS_TEXT = """
    resourceType id meta versionId text coding code display system userSelected reference value unit comparator status
    subject patient name family given use birthDate identifier type communication language active class period start end
    reasonCode medicationCodeableConcept medicationReference contained ingredient itemCodeableConcept dosageInstruction
    doseAndRate doseQuantity timing repeat frequency periodUnit asNeededBoolean reaction manifestation
    substance category clinicalStatus verificationStatus onsetDateTime effectiveDateTime effectivePeriod issued
    component valueQuantity valueRange low high valueRatio valueBoolean entry resource link relation
    url issue severity details participant actor member role individual docStatus content attachment contentType data
    date author vaccineCode occurrenceDateTime lifecycleStatus activity detail description title response outcome
    extension valueCode contact link other deceasedDateTime dosage requester authoredOn
"""
WORDS_TEXT = """
    Patient Encounter MedicationRequest Medication AllergyIntolerance Condition Observation Bundle OperationOutcome
    Patient/p Encounter/e Medication/m #m p e active confirmed refuted 2026-11-21 2026-11-21T10:00:00Z 0000-00-00 4101
    MedicationStatement Immunization Procedure CareTeam Appointment Goal CarePlan ServiceRequest DocumentReference
    Binary Binary/b final text/plain text/html PGI+eA== replaced-by Practitioner/1 batch-response 200 403
    716186003 8480-6 8462-4 next MR official mm[Hg]
"""
KEYS, WORDS = KEYS_TEXT.split(), WORDS_TEXT.split()

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(WORDS)
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=6)
    ),
    max_leaves=25,
)
ACCESSORS = [
    getattr(accessors, name)
    for name in sorted(vars(accessors))
    if name.startswith(("as_", "read_")) and name != "read_reference"
]


@given(value=anything)
@settings(max_examples=300, deadline=None)
def test_accessors_take_any_json(value: Any) -> None:
    for accessor in ACCESSORS:
        accessor(value)
    accessors.has_code(value, frozenset({"716186003"}))
    accessors.read_reference(value, base=BASE)
    read_value(accessors.as_object(value))


def test_every_accessor_is_under_test() -> None:
    assert len(ACCESSORS) >= 15


@given(text=st.text(st.characters(), max_size=300))
def test_text_is_clean_whole_and_settled(text: str) -> None:
    clean = accessors.as_text(text)
    if clean is None:
        assert not any(char.isalnum() for char in text)
        return
    clean.encode("utf-8")
    assert clean == " ".join(clean.split())
    assert all(unicodedata.category(char) not in ("Cc", "Cf", "Cs") for char in clean)
    assert accessors.as_text(clean) == clean
    assert [char for char in text if char.isalnum()] == [char for char in clean if char.isalnum()]


@given(
    moment=st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.timezones()),  # noqa: DTZ001
    spec=st.sampled_from(["seconds", "milliseconds", "microseconds"]),
)
def test_instants_are_read_as_they_were_written(moment: datetime, spec: str) -> None:
    moment = moment.astimezone(UTC)
    written = moment.isoformat(timespec=spec)
    assert accessors.read_instant(written) == datetime.fromisoformat(written)
    assert accessors.read_instant(written.replace("+00:00", "Z")) == datetime.fromisoformat(written)


@given(day=st.dates())
def test_days_are_read_as_they_were_written(day: date) -> None:
    assert accessors.read_day(day.isoformat()) == day
    assert accessors.read_day(day.isoformat()[:7]) is None


@given(value=st.floats(min_value=1e-9, max_value=1e12) | st.integers(-(10**12), 10**12) | st.just(0.0))
def test_numbers_keep_every_digit(value: float) -> None:
    shown = accessors.as_number(json.loads(json.dumps(value)))
    assert shown is not None
    assert float(shown) == value
    assert "e" not in shown


@given(literal=st.text(max_size=40) | st.sampled_from(WORDS).map(lambda word: f"{BASE}/{word}"))
def test_a_reference_read_is_safe_in_a_path(literal: str) -> None:
    found = accessors.read_reference({"reference": literal}, base=BASE)
    if found is not None:
        kind, identity = found.split("/")
        assert kind.isalpha()
        assert kind.isascii()
        assert identity.strip(".") != ""
        assert not set(identity) & set("/\\?#%&@:; ")


named = st.fixed_dictionaries({"text": st.sampled_from(WORDS)})
measured = st.fixed_dictionaries({"value": st.integers(0, 300)}, optional={"unit": scalars})
concepts = named | st.fixed_dictionaries({}, optional={"text": scalars, "coding": anything}) | anything
quantities = (
    measured | st.fixed_dictionaries({"value": scalars}, optional={"unit": scalars, "code": scalars}) | anything
)
pointers = st.fixed_dictionaries({"reference": scalars}, optional={"display": scalars}) | anything
ELEMENTS: dict[str, st.SearchStrategy[Any]] = {
    "status": st.sampled_from(["active", "active", "active", "entered-in-error"]) | anything,
    "code": concepts,
    "clinicalStatus": concepts,
    "medicationCodeableConcept": concepts,
    "medicationReference": pointers,
    "valueQuantity": quantities,
    "component": st.lists(st.fixed_dictionaries({"code": concepts, "valueQuantity": quantities}), max_size=3),
    "effectiveDateTime": scalars,
    "reaction": anything,
    "name": anything,
    "participant": anything,
    "content": st.lists(st.fixed_dictionaries({"attachment": anything}), max_size=2) | anything,
    "docStatus": st.sampled_from(["final", "preliminary"]) | anything,
    "lifecycleStatus": scalars,
    "description": concepts,
    "activity": anything,
    "date": scalars,
}


def resources(kind: str, identity: str | None = None) -> st.SearchStrategy[dict[str, Any]]:
    """Objects that claim to be of the type and mostly of the patient, with anything in their other elements."""
    mine = st.just({"reference": "Patient/p"})
    about = st.one_of(mine, mine, mine, anything)
    ids = st.just(identity) if identity else st.sampled_from(["1", "2", "3"])
    fixed = {"resourceType": st.just(kind), "id": ids, "subject": about, "patient": about}
    shaped = st.fixed_dictionaries(fixed, optional=ELEMENTS) | st.fixed_dictionaries(fixed | ELEMENTS)
    return st.tuples(st.dictionaries(st.sampled_from(KEYS), anything, max_size=4), shaped).map(
        lambda two: two[0] | two[1]
    )


def answers(kind: str) -> st.SearchStrategy[FhirAnswer]:
    own = resources(kind).map(lambda resource: {"resource": resource})
    entries = st.lists(st.one_of(own, own, own, anything), max_size=4)
    links = st.one_of(st.just([]), st.just([{"relation": "next", "url": f"{BASE}/again"}]), anything)
    bundles = st.fixed_dictionaries({"resourceType": st.just("Bundle"), "entry": entries, "link": links})
    junk = st.dictionaries(st.sampled_from(KEYS), anything, max_size=5) | st.none()
    refusals = st.builds(FhirAnswer, st.sampled_from([200, 401, 403, 404, 500, 0]), junk)
    read = st.builds(FhirAnswer, st.just(200), bundles)
    return st.one_of(read, read, read, refusals)


FIRST_KINDS = ("MedicationRequest", "AllergyIntolerance", "Condition", "Observation")
LATER_KINDS = (
    "MedicationStatement",
    "Immunization",
    "Procedure",
    "CareTeam",
    "Appointment",
    "Goal",
    "CarePlan",
    "ServiceRequest",
    "DocumentReference",
)
KINDS = (*FIRST_KINDS, *LATER_KINDS)


@given(
    searched=st.fixed_dictionaries(
        {kind: answers(kind) for kind in FIRST_KINDS}, optional={kind: answers(kind) for kind in LATER_KINDS}
    ),
    person=resources("Patient", "p"),
    visit=resources("Encounter", "e"),
    followed=answers("Condition"),
)
@settings(max_examples=150, deadline=None)
def test_a_whole_chart_of_junk_still_gives_a_context(
    searched: Mapping[str, FhirAnswer], person: dict[str, Any], visit: dict[str, Any], followed: FhirAnswer
) -> None:
    async def read(path: str, parameters: Mapping[str, str]) -> FhirAnswer:
        single = {"Patient": FhirAnswer(200, person), "Encounter": FhirAnswer(200, visit)}
        kind = path.partition("/")[0]
        return single.get(kind) or searched.get(path) or FhirAnswer(404)

    async def follow(link: str) -> FhirAnswer:
        return followed

    chart = ChartReader(BASE, read, follow)
    _check_sections(asyncio.run(_read_whole(chart)))


async def _read_whole(chart: ChartReader, mapping: ContextMapping = MAPPING) -> PatientContext:
    subject = Subject("Patient/p", "Encounter/e")
    context = await read_context(chart, patient=subject.patient, encounter=subject.encounter, mapping=mapping, now=NOW)
    whole = await complete_context(chart, context, subject=subject, mapping=mapping, now=NOW)
    assert find_pending(whole) == ()
    return whole


def _check_sections(context: PatientContext) -> None:
    for section in (getattr(context, name) for name in SECTIONS):
        if section.state in (SectionState.EMPTY, SectionState.FAILED, SectionState.FORBIDDEN):
            assert section.items == ()
        if section.state in (SectionState.FAILED, SectionState.FORBIDDEN):
            assert section.detail
        if section.state is SectionState.OK:
            assert section.items
    assert all(person.source.reference == "Patient/p" for person in context.patient.items)


SOUND = {kind: [one for one in later_parts("p") if one["resourceType"] == kind] for kind in LATER_KINDS}
OF_SECTION = {
    "immunizations": "Immunization",
    "procedures": "Procedure",
    "care_team": "CareTeam",
    "appointments": "Appointment",
    "goals": "Goal",
    "care_plans": "CarePlan",
    "orders": "ServiceRequest",
    "notes": "DocumentReference",
}


@given(junk=st.lists(st.one_of(anything, *(resources(kind, "junk") for kind in LATER_KINDS)), max_size=4))
@settings(max_examples=60, deadline=None)
def test_a_sound_neighbour_of_junk_is_never_lost(junk: list[Any]) -> None:
    async def read(path: str, parameters: Mapping[str, str]) -> FhirAnswer:
        sound = [{"resource": one} for one in SOUND.get(path, [])]
        entries = [*({"resource": one} for one in junk), *sound, *junk]
        return FhirAnswer(200, {"resourceType": "Bundle", "entry": entries})

    async def follow(link: str) -> FhirAnswer:
        return FhirAnswer(404)

    whole = asyncio.run(_read_whole(ChartReader(BASE, read, follow)))
    alone = asyncio.run(_read_whole(ChartReader(BASE, _only_sound, follow)))
    for name in OF_SECTION:
        assert {one.source for one in getattr(alone, name).items} <= {one.source for one in getattr(whole, name).items}
    assert all(getattr(alone, name).items for name in OF_SECTION)


async def _only_sound(path: str, parameters: Mapping[str, str]) -> FhirAnswer:
    return FhirAnswer(200, {"resourceType": "Bundle", "entry": [{"resource": one} for one in SOUND.get(path, [])]})


response = st.fixed_dictionaries(
    {}, optional={"response": st.fixed_dictionaries({"status": scalars}) | anything, "resource": anything}
)


@given(
    body=st.fixed_dictionaries(
        {"resourceType": st.just("Bundle"), "type": st.just("batch-response")},
        optional={"entry": st.lists(response | anything, min_size=5, max_size=7)},
    )
    | anything,
    status=st.sampled_from([200, 200, 200, 404, 500]),
)
@settings(max_examples=60, deadline=None)
def test_whatever_answers_a_batch_the_chart_is_read(body: Any, status: int) -> None:
    read_batch(body)

    async def batch(bundle: Mapping[str, Any]) -> FhirAnswer:
        return FhirAnswer(status, accessors.as_object(body))

    async def follow(link: str) -> FhirAnswer:
        return FhirAnswer(404)

    chart = ChartReader(BASE, _only_sound, follow, batch)
    _check_sections(asyncio.run(_read_whole(chart, replace(MAPPING, batch=True))))


@given(data=anything, kind=scalars | st.just("text/html") | st.just("text/plain"), most=st.integers(1, 50))
def test_an_attachment_of_anything_is_text_or_nothing(data: Any, kind: Any, most: int) -> None:
    found = read_attachment(data, kind, most=most)
    assert found is None or (found.text.strip() and len(found.text) <= 2 * most)
