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
    read_source,
)
from connector.context.answer import FhirAnswer
from connector.context.searchset import judge_answer
from connector.context.section import UNNAMED, read_patient
from connector.records import EncounterSummary, PersonSummary, Section, SectionState

NO_ENCOUNTER = "The EHR launched without an encounter."
_RECORD_NUMBER = frozenset({"MR"})
_NAME_USES = ("official", "usual", None, "temp", "nickname", "anonymous", "old", "maiden")


def read_person(answer: FhirAnswer, *, patient: str) -> Section[PersonSummary]:
    """The launch patient; failed where the EHR answers with another one."""
    state, detail = judge_answer(answer, wanted="Patient")
    if state is not SectionState.OK:
        return Section(state, detail=detail)
    body = as_object(answer.body)
    source = read_source(body)
    if source is None or source.reference != patient:
        return Section(SectionState.FAILED, dropped=1, detail="The EHR answered with another patient.")
    name, family, given = _read_name(body)
    language = next(iter(as_objects(body.get("communication"))), {}).get("language")
    codes = read_codes(language)
    person = PersonSummary(
        source=source,
        name=name,
        family=family,
        given=given,
        birth_date=read_day(body.get("birthDate")),
        sex=as_text(body.get("gender")),
        identifier=_read_identifier(body),
        language=codes[0][1] if codes else read_concept(language),
    )
    if name == UNNAMED:
        return Section(SectionState.PARTIAL, (person,), detail="The patient's record has no readable name.")
    retired = body.get("active") is False
    return Section(
        SectionState.OK, (person,), detail="The EHR marks this patient's record as not in use." if retired else None
    )


def read_encounter(answer: FhirAnswer, *, patient: str, base: str) -> Section[EncounterSummary]:
    """The launch encounter; failed where its subject is not the launch patient or it was entered in error."""
    state, detail = judge_answer(answer, wanted="Encounter")
    if state is not SectionState.OK:
        return Section(state, detail=detail)
    body = as_object(answer.body)
    source = read_source(body)
    if source is None or read_patient(body, base=base) != patient:
        return Section(SectionState.FAILED, dropped=1, detail="The encounter names another patient, or none.")
    status = as_text(body.get("status")) or "unknown"
    if status == "entered-in-error":
        return Section(SectionState.FAILED, dropped=1, detail="The EHR marks this encounter as entered in error.")
    kinds = (read_concept(kind) for kind in as_objects(body.get("type")))
    reasons = (read_concept(reason) for reason in as_objects(body.get("reasonCode")))
    encounter = EncounterSummary(
        source=source,
        status=status,
        class_code=as_text(next(iter(as_objects(body.get("class"))), {}).get("code")),
        kind=next((kind for kind in kinds if kind), None),
        reason="; ".join(reason for reason in reasons if reason) or None,
        started=read_instant(as_object(body.get("period")).get("start")),
    )
    return Section(SectionState.OK, (encounter,))


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
