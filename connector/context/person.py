"""Patient and Encounter to who is seen and why. In: one answer of the EHR each. Out: a Section of one item.

Never accepts another patient, or an encounter of another patient, for the one the EHR launched us with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.context.accessors import (
    as_object,
    as_objects,
    as_text,
    as_texts,
    has_code,
    read_codes,
    read_concept,
    read_day,
    read_instant,
    read_reference,
    read_source,
)
from connector.context.answer import FhirAnswer
from connector.context.searchset import judge_answer
from connector.context.section import ANOTHER_PATIENT, UNNAMED, read_patient
from connector.records import EncounterSummary, LeftOut, Participant, PersonSummary, Section, SectionState

NO_ENCOUNTER = "The EHR launched without an encounter."
MERGED = "The EHR has merged this record into another one: open the scribe again from the patient's current record."
_INTERPRETER = (
    "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired",
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-interpreter-needed",
)
_YES = frozenset({"373066001"})  # SNOMED CT: yes
_RECORD_NUMBER = frozenset({"MR"})
_NAME_USES = ("official", "usual", None, "temp", "nickname", "anonymous", "old", "maiden")


def read_person(
    answer: FhirAnswer, *, patient: str, base: str = "", merged: frozenset[str] = frozenset()
) -> Section[PersonSummary]:
    """The launch patient; failed where the EHR answers with another one.

    `merged` are the EHR's codes for a record that was merged into another: with a refusal, that is said.
    """
    state, detail = judge_answer(answer, wanted="Patient")
    if state is not SectionState.OK:
        return Section(state, detail=MERGED if _says_merged(answer, merged) else detail)
    body = as_object(answer.body)
    source = read_source(body)
    if source is None or source.reference != patient:
        told = "The EHR answered with another patient."
        replaces = any(link.get("type") == "replaces" for link in as_objects(body.get("link")))
        return _refuse(ANOTHER_PATIENT, f"{told} {MERGED}" if replaces else told)
    name, family, given = _read_name(body)
    contacts = (_read_name({"name": contact.get("name")})[0] for contact in as_objects(body.get("contact")))
    person = PersonSummary(
        source=source,
        name=name,
        family=family,
        given=given,
        birth_date=read_day(body.get("birthDate")),
        sex=as_text(body.get("gender")),
        identifier=_read_identifier(body),
        language=_read_language(body),
        interpreter=any(_needs_interpreter(extension) for extension in as_objects(body.get("extension"))),
        relatives=tuple(dict.fromkeys(contact for contact in contacts if contact != UNNAMED)),
        deceased=body.get("deceasedBoolean") is True or as_text(body.get("deceasedDateTime")) is not None,
        replaced_by=_read_successor(body, base),
    )
    if person.replaced_by is not None:
        return Section(SectionState.PARTIAL, (person,), detail=MERGED)
    if name == UNNAMED:
        return Section(SectionState.PARTIAL, (person,), detail="The patient's record has no readable name.")
    retired = body.get("active") is False
    return Section(
        SectionState.OK, (person,), detail="The EHR marks this patient's record as not in use." if retired else None
    )


def _refuse(reason: str, detail: str) -> Section[Any]:
    return Section(SectionState.FAILED, dropped=1, detail=detail, left_out=(LeftOut(reason, 1),))


def _says_merged(answer: FhirAnswer, merged: frozenset[str]) -> bool:
    issues = as_objects(as_object(answer.body).get("issue"))
    return any(code in merged for issue in issues for _, code in read_codes(issue.get("details")))


def _read_language(body: Mapping[str, Any]) -> str | None:
    """The language of the patient's communication, the preferred one first, as its code or its name."""
    spoken = sorted(as_objects(body.get("communication")), key=lambda one: one.get("preferred") is not True)
    language = spoken[0].get("language") if spoken else None
    codes = read_codes(language)
    return codes[0][1] if codes else read_concept(language)


def _needs_interpreter(extension: Mapping[str, Any]) -> bool:
    """Whether an extension of the Patient says so: patient-interpreterRequired, or US Core's interpreter-needed."""
    if extension.get("url") not in _INTERPRETER:
        return False
    coding = as_object(extension.get("valueCoding"))
    concept = extension.get("valueCodeableConcept") or {"coding": [coding]}
    return extension.get("valueBoolean") is True or has_code(concept, _YES)


def _read_successor(body: Mapping[str, Any], base: str) -> str | None:
    """The record this one was merged into (Patient.link of type replaced-by), if only its label."""
    links = [link for link in as_objects(body.get("link")) if link.get("type") == "replaced-by"]
    if not links:
        return None
    other = as_object(links[0].get("other"))
    return read_reference(other, base=base) or as_text(other.get("display")) or "another record"


def read_encounter(answer: FhirAnswer, *, patient: str, base: str) -> Section[EncounterSummary]:
    """The launch encounter; failed where its subject is not the launch patient or it was entered in error."""
    state, detail = judge_answer(answer, wanted="Encounter")
    if state is not SectionState.OK:
        return Section(state, detail=detail)
    body = as_object(answer.body)
    source = read_source(body)
    if source is None or read_patient(body, base=base) != patient:
        return _refuse(ANOTHER_PATIENT, "The encounter names another patient, or none.")
    status = as_text(body.get("status")) or "unknown"
    if status == "entered-in-error":
        return _refuse("entered-in-error", "The EHR marks this encounter as entered in error.")
    kinds = (read_concept(kind) for kind in as_objects(body.get("type")))
    reasons = (read_concept(reason) for reason in as_objects(body.get("reasonCode")))
    encounter = EncounterSummary(
        source=source,
        status=status,
        class_code=as_text(next(iter(as_objects(body.get("class"))), {}).get("code")),
        kind=next((kind for kind in kinds if kind), None),
        reason="; ".join(reason for reason in reasons if reason) or None,
        started=read_instant(as_object(body.get("period")).get("start")),
        participants=_read_participants(body, base),
    )
    return Section(SectionState.OK, (encounter,))


def _read_participants(body: Mapping[str, Any], base: str) -> tuple[Participant, ...]:
    """Who takes part, by the names the encounter shows; somebody without one cannot be said."""
    found: dict[Participant, None] = {}
    for one in as_objects(body.get("participant")):
        individual = as_object(one.get("individual"))
        name = as_text(individual.get("display"))
        roles = (read_concept(role) for role in as_objects(one.get("type")))
        if name is not None:
            reference = read_reference(individual, base=base)
            found[Participant(name, next((role for role in roles if role), None), reference)] = None
    return tuple(found)


def _read_name(body: Mapping[str, Any]) -> tuple[str, str, tuple[str, ...]]:
    """Name as shown, family and given names of the name in use: official, else usual, else the first."""
    names = as_objects(body.get("name"))
    uses = {use: place for place, use in enumerate(_NAME_USES)}
    ranked = sorted(names, key=lambda name: uses.get(_as_use(name), len(uses)))
    chosen = ranked[0] if ranked else {}
    family, given = as_text(chosen.get("family")) or "", as_texts(chosen.get("given"))
    spelt = " ".join((*given, family)).strip() or as_text(chosen.get("text"))
    return spelt or UNNAMED, family, given


def _as_use(name: Mapping[str, Any]) -> str | None:
    use = name.get("use")
    return use if isinstance(use, str) else None


def _read_identifier(body: Mapping[str, Any]) -> str | None:
    """The medical record number (v2-0203 `MR`) in use; no other number, least of all a social security one."""
    identifiers = as_objects(body.get("identifier"))
    numbers = (
        entry for entry in identifiers if has_code(entry.get("type"), _RECORD_NUMBER) and entry.get("use") != "old"
    )
    return next((value for entry in numbers if (value := as_text(entry.get("value")))), None)
