"""What was read of the chart, in words. In: PatientContext and SpeechHints. Out: frozen views for the templates.

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
    SpeechHints,
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
    """One chart entry: `text` as the chart names it, `note` what belongs beside it, `reference` where it stands."""

    text: str
    note: str | None
    reference: str


@dataclass(frozen=True, slots=True)
class EncountersView:
    """The encounters a note may belong to; `chosen` is the reference of one, `now` its name. `unread`: not readable."""

    entries: tuple[EntryView, ...]
    chosen: str | None
    now: str | None
    unread: bool


@dataclass(frozen=True, slots=True)
class ChartSectionView:
    """One part of the chart. `summary` is true by itself; `unread`: the part was not, or not wholly, read."""

    key: str
    title: str
    state: str
    count: int
    summary: str
    unread: bool
    entries: tuple[EntryView, ...]
    left_out: str | None


@dataclass(frozen=True, slots=True)
class KeytermView:
    """One term; `sources` name the chart entries it comes from, empty for people and general vocabulary."""

    text: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeytermsView:
    """Terms by kind in order of rank: pairs of a title and its terms. `left_out` says how many did not fit.

    `withheld` says how many a policy held back, of which category; `edited`: the clinician has changed the list.
    """

    total: int
    groups: tuple[tuple[str, tuple[KeytermView, ...]], ...]
    left_out: str | None
    withheld: str | None = None
    edited: bool = False


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
_TERM_GROUPS: Mapping[str, str] = {
    "own": "Added by you",
    "drug": "Drugs",
    "allergen": "Allergens",
    "reaction": "Reactions",
    "order": "Orders",
    "procedure": "Procedures",
    "problem": "Problems",
    "person": "People",
    "vocabulary": "General vocabulary",
}

_NEIGHBOURS = "Names that may come up"


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
    if context is None:
        return ()
    sections = [_build_section(key, getattr(context, key)) for key in _SECTIONS]
    return tuple(section for section in sections if section.key != "patient" or section.unread)


def build_encounters(context: PatientContext | None, *, chosen: str | None, today: date) -> EncountersView | None:
    """The encounters to choose from; None where there is nothing to choose from or the launch named one."""
    section = context.encounters if context else None
    if section is None:
        return None
    entries = tuple(
        EntryView(_name_encounter(one), _join((_describe_start(one, today), one.status)), one.source.reference)
        for one in section.items
    )
    now = next((entry.text for entry in entries if entry.reference == chosen), None)
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


def build_keyterms(hints: SpeechHints | None, context: PatientContext | None) -> KeytermsView | None:
    """The names the recogniser will listen for, grouped, each with the chart entries behind it."""
    if hints is None:
        return None
    named = name_sources(context)
    groups: dict[str, list[KeytermView]] = {}
    for term in hints.keyterms:
        sources = tuple(named.get(source.reference, source.reference) for source in term.sources)
        title = _NEIGHBOURS if term.origin == "neighbour" else _TERM_GROUPS.get(term.kind, "Others")
        groups.setdefault(title, []).append(KeytermView(term.text, sources))
    left_out = f"{count(hints.left_out, 'more term')} did not fit." if hints.left_out else None
    listed = tuple((title, tuple(terms)) for title, terms in groups.items())
    held = ", ".join(f"{one.count} {one.category}" for one in hints.withheld)
    withheld = f"Held back by policy: {held}." if held else None
    return KeytermsView(len(hints.keyterms), listed, left_out, withheld, bool(hints.edits))


def _build_section(key: str, section: Section[Any]) -> ChartSectionView:
    words = _SECTIONS[key]
    entries = tuple(_build_entry(item) for item in section.items if not _says_none(item))
    return ChartSectionView(
        key=key,
        title=words.title,
        state=section.state.value,
        count=len(entries),
        summary=_summarise(key, section, len(entries)),
        unread=section.state in _UNREAD and not _is_unasked(key, section),
        entries=entries,
        left_out=_count_left_out(section),
    )


def _is_unasked(key: str, section: Section[Any]) -> bool:
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
    return f"{count(section.dropped, 'entry', 'entries')} left out: not active, entered in error, or another patient's."


def _build_entry(item: object) -> EntryView:
    match item:
        case Medication():
            said = "as stated, not ordered" if item.statement else "as reported" if item.reported else None
            extras = (item.dosage, "as needed" if item.as_needed else None, said)
            return EntryView(item.name, _join(extras), item.source.reference)
        case Allergy():
            reactions = ", ".join(item.reactions) or None
            risk = f"{item.criticality} criticality" if item.criticality in ("high", "low") else None
            verification = item.verification if item.verification not in (None, "confirmed") else None
            return EntryView(item.substance, _join((reactions, risk, verification)), item.source.reference)
        case Problem():
            since = f"since {show_day(item.onset)}" if item.onset else None
            return EntryView(item.name, since, item.source.reference)
        case Measurement():
            taken = show_day(item.taken.date()) if item.taken else "undated"
            return EntryView(f"{item.name} {item.value}", taken, item.source.reference)
        case EncounterSummary():
            started = f"since {item.started:%H:%M} UTC" if item.started else None
            kind = item.kind or "Visit"
            return EntryView(kind, _join((item.reason, item.status, started)), item.source.reference)
        case ChartEntry():
            when = show_day(item.when) if item.when else None
            return EntryView(item.name, _join((item.status, when, item.detail)), item.source.reference)
        case CareTeamMember():
            return EntryView(item.name, item.role, item.source.reference)
        case PriorNote():
            written = show_day(item.written.date()) if item.written else "undated"
            return EntryView(item.title, _join((written, item.author)), item.source.reference)
        case PersonSummary():
            return EntryView(item.name, None, item.source.reference)
        case _:
            raise TypeError("the chart holds no such entry")


def _join(parts: tuple[str | None, ...]) -> str | None:
    return ", ".join(part for part in parts if part) or None
