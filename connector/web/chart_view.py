"""What was read of the chart, in words. In: a PatientContext. Out: frozen views for the templates.

Never lets "could not be read" look like "nothing recorded", nor "nothing recorded" like "none known".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any

from connector.context.chart import LATER_SECTIONS
from connector.context.searchset import NOT_GRANTED, NOT_OFFERED
from connector.records import (
    Allergy,
    CareTeamMember,
    ChartEntry,
    EncounterSummary,
    Measurement,
    Medication,
    PatientContext,
    PersonSummary,
    PriorNote,
    Problem,
    Section,
    SectionState,
    Source,
)
from connector.web.moments import count, show_day, years_between


@dataclass(frozen=True, slots=True)
class PatientView:
    """The launch patient for the banner; `born` carries the age."""

    name: str
    born: str | None
    sex: str | None
    identifier: str | None


@dataclass(frozen=True, slots=True)
class EntryView:
    """One chart entry: `text` as the chart names it, `note` what belongs beside it; where it stands, which version."""

    text: str
    note: str | None
    reference: str
    version: str | None = None


@dataclass(frozen=True, slots=True)
class EncountersView:
    """The encounters a note may belong to; `chosen` is the reference of one, `now` its name. `unread`: not readable."""

    entries: tuple[EntryView, ...]
    chosen: str | None
    now: str | None
    unread: bool


@dataclass(frozen=True, slots=True)
class ChartSectionView:
    """One part of the chart. `summary` is true by itself and begins with `lead`, which says how the reading ended.

    `unread`: the part was not, or not wholly, read; `unasked`: it is not to be had in this EHR or launch.
    """

    key: str
    title: str
    state: str
    count: int
    lead: str
    summary: str
    unread: bool
    unasked: bool
    entries: tuple[EntryView, ...]
    left_out: str | None


@dataclass(frozen=True, slots=True)
class _Words:
    title: str
    one: str
    many: str
    empty: str
    beware: str


_SECTIONS: Mapping[str, _Words] = {
    "allergies": _Words(
        "Allergies",
        "allergy",
        "allergies",
        "None recorded in the chart. That does not mean there are none: ask.",
        "This does not mean there are none: ask.",
    ),
    "medications": _Words(
        "Medications", "active medication", "active medications", "None recorded as active.", "There may be some."
    ),
    "problems": _Words(
        "Problems", "active problem", "active problems", "None recorded as active.", "There may be some."
    ),
    "vitals": _Words("Vital signs", "value", "values", "None recorded.", "There may be some."),
    "labs": _Words("Laboratory", "result", "results", "None recorded.", "There may be some."),
    "assessments": _Words("Smoking and scores", "value", "values", "None recorded.", "There may be some."),
    "immunizations": _Words("Immunizations", "immunization", "immunizations", "None recorded.", "There may be some."),
    "procedures": _Words("Procedures", "procedure", "procedures", "None recorded.", "There may be some."),
    "appointments": _Words("Appointments", "appointment", "appointments", "None recorded.", "There may be some."),
    "orders": _Words("On order", "order", "orders", "None recorded.", "There may be some."),
    "goals": _Words("Goals", "goal", "goals", "None recorded.", "There may be some."),
    "care_plans": _Words("Care plans", "care plan", "care plans", "None recorded.", "There may be some."),
    "care_team": _Words("Care team", "person", "people", "None recorded.", "There may be some."),
    "notes": _Words("Earlier notes", "note", "notes", "None recorded.", "There may be some."),
    "encounter": _Words("This visit", "visit", "visits", "The EHR did not say which visit this is.", ""),
    "patient": _Words(
        "Patient", "patient", "patients", "The EHR did not say who the patient is.", "Check in the EHR who this is."
    ),
}
_UNREAD = (SectionState.PARTIAL, SectionState.FORBIDDEN, SectionState.FAILED)
_LEADS = (
    "Not read yet.",
    "Could not be read.",
    "The EHR did not allow this to be read.",
    "Read only in part",
    "None recorded",
)
_PREVIEW = 100
"""Characters of names shown of a section that is folded."""
_TAG = re.compile(r" \((?:finding|disorder|organism|substance|product|situation|procedure|person|event)\)$")
_KINDS: Mapping[str, tuple[str, str]] = {
    "medications": ("Medication", "name"),
    "allergies": ("Allergy", "substance"),
    "problems": ("Problem", "name"),
    "vitals": ("Vital sign", "name"),
    "labs": ("Laboratory", "name"),
    "assessments": ("Assessment", "name"),
    "immunizations": ("Immunization", "name"),
    "procedures": ("Procedure", "name"),
    "appointments": ("Appointment", "name"),
    "orders": ("Order", "name"),
    "goals": ("Goal", "name"),
    "care_plans": ("Care plan", "name"),
    "notes": ("Note", "title"),
}
_REASONS: Mapping[str, str] = {
    "entered-in-error": "entered in error",
    "refuted": "refuted",
    "inactive": "no longer active, or without a value",
    "another-patient": "of another patient, or of nobody named",
    "no-id": "without a usable id",
}
"""Why an entry of the chart was left out; also their order."""


def build_patient(context: PatientContext | None, today: date) -> PatientView | None:
    """The patient for the banner; None where the patient could not be read."""
    if context is None or not context.patient.items:
        return None
    return describe_person(context.patient.items[0], today)


def describe_person(person: PersonSummary, today: date) -> PatientView:
    """One patient as the banner and the search show them."""
    born = person.birth_date
    return PatientView(
        name=person.name,
        born=f"{show_day(born)} ({count(years_between(born, today), 'year')})" if born else None,
        sex=person.sex,
        identifier=person.identifier,
    )


def build_chart(context: PatientContext | None) -> tuple[ChartSectionView, ...]:
    """Every part of the chart in the order a clinician asks for them."""
    return () if context is None else tuple(_build_section(key, getattr(context, key)) for key in _SECTIONS)


def build_encounters(context: PatientContext | None, *, chosen: str | None, today: date) -> EncountersView | None:
    """The encounters to choose from; None where there is nothing to choose from or the launch named one."""
    section = context.encounters if context else None
    if section is None:
        return None
    entries = tuple(
        EntryView(_name_encounter(one), _join((_describe_start(one, today), one.status)), one.source.reference)
        for one in section.items
    )
    now = next((_join((entry.text, entry.note)) for entry in entries if entry.reference == chosen), None)
    return EncountersView(entries, chosen, now, section.state in (SectionState.FORBIDDEN, SectionState.FAILED))


def _name_encounter(one: EncounterSummary) -> str:
    return _join((_TAG.sub("", one.kind or "Visit"), one.reason)) or "Visit"


def _describe_start(one: EncounterSummary, today: date) -> str | None:
    if one.started is None:
        return None
    day = one.started.astimezone(UTC).date()
    return f"{'today' if day == today else show_day(day)}, {one.started.astimezone(UTC):%H:%M} UTC"


def name_sources(context: PatientContext | None) -> dict[str, str]:
    """Chart entries by relative reference, such as `MedicationRequest/12` to `Medication: lisinopril 10 MG`."""
    if context is None:
        return {}
    named: dict[str, str] = {}
    for key, (kind, attribute) in _KINDS.items():
        for item in getattr(context, key).items:
            value = f" {item.value}" if isinstance(item, Measurement) else ""
            named[item.source.reference] = f"{kind}: {getattr(item, attribute)}{value}"
    return named


def _build_section(key: str, section: Section[Any]) -> ChartSectionView:
    words = _SECTIONS[key]
    entries = tuple(_build_entry(item) for item in section.items if not _says_none(item))
    unasked = is_unasked(key, section)
    summary = _summarise(key, section, len(entries))
    return ChartSectionView(
        key=key,
        title=words.title,
        state=section.state.value,
        count=len(entries),
        lead=next((lead for lead in _LEADS if summary.startswith(lead)), summary.partition(":")[0]),
        summary=summary,
        unread=section.state in _UNREAD and not unasked,
        unasked=unasked,
        entries=entries,
        left_out=_count_left_out(section),
    )


def is_unasked(key: str, section: Section[Any]) -> bool:
    """Whether a part beyond the first page's was not to be had in this EHR or launch: nobody misses it."""
    return key in LATER_SECTIONS and section.detail in (NOT_GRANTED, NOT_OFFERED)


def _says_none(item: object) -> bool:
    return isinstance(item, Allergy) and item.none_known


def _summarise(key: str, section: Section[Any], entries: int) -> str:
    words = _SECTIONS[key]
    detail = f" {section.detail}" if section.detail else ""
    if section.state is SectionState.PENDING:
        return "Not read yet."
    if section.state is SectionState.FORBIDDEN:
        return f"The EHR did not allow this to be read. {words.beware}"
    if section.state is SectionState.FAILED:
        return f"Could not be read.{detail} {words.beware}"
    said_none = any(_says_none(item) for item in section.items)
    if section.state is SectionState.PARTIAL and key == "patient":
        return section.detail or "Read only in part."
    if section.state is SectionState.PARTIAL:
        found = f"{count(entries, words.one, words.many)}: {_preview(section.items)}" if entries else "nothing"
        return f"Read only in part, {found}. There may be more.{detail}"
    if said_none and not entries:
        return "No known allergies, as stated in the chart."
    if not entries:
        return words.empty + (detail if section.state is SectionState.EMPTY and key != "encounter" else "")
    if key == "encounter":
        return _join((section.items[0].kind or "Visit", section.items[0].reason)) or words.title
    both = ' The chart also says "no known allergies": ask.' if said_none else ""
    return f"{count(entries, words.one, words.many)}: {_preview(section.items)}.{both}"


def _preview(items: tuple[Any, ...]) -> str:
    """The first few names, without the tags of the coding system, and how many more there are."""
    names = [_TAG.sub("", _build_entry(item).text) for item in items if not _says_none(item)]
    shown, length = 0, 0
    while shown < len(names) and (shown == 0 or length + len(names[shown]) <= _PREVIEW):
        length += len(names[shown])
        shown += 1
    more = f" and {len(names) - shown} more" if shown < len(names) else ""
    return ", ".join(names[:shown]) + more


def _count_left_out(section: Section[Any]) -> str | None:
    if not section.dropped:
        return None
    known = {one.reason: one.count for one in section.left_out}
    said = [f"{known[reason]} {words}" for reason, words in _REASONS.items() if reason in known]
    why = ", ".join(said) or "not active, entered in error, or another patient's"
    return f"{count(section.dropped, 'entry', 'entries')} left out: {why}."


def _build_entry(item: object) -> EntryView:
    match item:
        case Medication():
            said = "as stated, not ordered" if item.statement else "as reported" if item.reported else None
            extras = (item.dosage, "as needed" if item.as_needed else None, said)
            return _show(item.source, item.name, _join(extras))
        case Allergy():
            reactions = ", ".join(item.reactions) or None
            risk = f"{item.criticality} criticality" if item.criticality in ("high", "low") else None
            verification = item.verification if item.verification not in (None, "confirmed") else None
            return _show(item.source, item.substance, _join((reactions, risk, verification)))
        case Problem():
            since = f"since {show_day(item.onset)}" if item.onset else None
            return _show(item.source, item.name, since)
        case Measurement():
            taken = show_day(item.taken.date()) if item.taken else "undated"
            return _show(item.source, f"{item.name} {item.value}", taken)
        case EncounterSummary():
            started = f"since {item.started:%H:%M} UTC" if item.started else None
            kind = item.kind or "Visit"
            people = ", ".join(dict.fromkeys(one.name for one in item.participants))
            told = (item.reason, item.status, started, f"with {people}" if people else None)
            return _show(item.source, kind, _join(told))
        case ChartEntry():
            when = show_day(item.when) if item.when else None
            return _show(item.source, item.name, _join((item.status, when, item.detail)))
        case CareTeamMember():
            return _show(item.source, item.name, item.role)
        case PriorNote():
            written = show_day(item.written.date()) if item.written else "undated"
            return _show(
                item.source, item.title, _join((written, item.author, "its text was read" if item.text else None))
            )
        case PersonSummary():
            language = f"language {item.language}" if item.language else None
            return _show(
                item.source, item.name, _join((language, "needs an interpreter" if item.interpreter else None))
            )
        case _:
            raise TypeError("the chart holds no such entry")


def _show(source: Source, text: str, note: str | None) -> EntryView:
    return EntryView(text, note, source.reference, source.version)


def _join(parts: tuple[str | None, ...]) -> str | None:
    return ", ".join(part for part in parts if part) or None
