"""Chart entries as lines. In: a PatientContext. Out: for each section its lines, one per entry, each with its label.

A line is `Type/id v1 (marks) | name | fields`: label, marks and field names are ours, the rest is quoted chart text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from connector.drafting.quoting import label, quote
from connector.drafting.withheld import WITHHELD, Withholding
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
    Source,
)

NO_KNOWN = "no known allergies"
"""The mark of an explicit statement; chart text never stands where marks stand."""
UNNAMED = "unnamed"
_LONG, _SHORT = 200, 60
_MOST_REACTIONS = 12
_OLDEST_SHOWN = 89
_MONTHS_UNTIL = 2
_DIAGNOSIS = "encounter-diagnosis"
_PEOPLE = ("Patient/", "RelatedPerson/")


@dataclass(frozen=True, slots=True)
class EntryWriter:
    """Writes the entries of one chart; `clinicians` are references of those who take part in the encounter."""

    withholding: Withholding
    clinicians: frozenset[str]
    birth: date | None
    today: date

    @classmethod
    def of(cls, context: PatientContext) -> EntryWriter:
        """A writer that knows whose chart it is and who sees the patient today."""
        person = context.patient.items[0] if context.patient.items else None
        people = (one for encounter in context.encounter.items for one in encounter.participants)
        clinicians = frozenset(one.reference for one in people if one.reference)
        birth = person.birth_date if person else None
        return cls(Withholding.of(person), clinicians, birth, context.stamp.at.date())

    def lines(self, context: PatientContext, section: str) -> list[str]:
        """The lines of a section, named as the record names it, in the record's order."""
        write = _WRITERS[section]
        return [write(self, item) for item in getattr(context, section).items]

    def person(self, item: PersonSummary) -> str:
        """Age class, sex, language, interpreter; nothing that names the person, and no reference."""
        shown = [
            "patient",
            f"age: {_age(item.birth_date, self.today)}",
            f"sex: {quote(item.sex, _SHORT) if item.sex else 'not recorded'}",
        ]
        shown += [f"language: {self._short(item.language)}"] if item.language else []
        shown += ["interpreter: needed"] if item.interpreter else []
        shown += ["recorded as deceased"] if item.deceased else []
        return " | ".join(shown)

    def encounter(self, item: EncounterSummary) -> str:
        """Kind, class, reason, day."""
        fields = {
            "class": self._short(item.class_code),
            "reason": self._prose(item.reason),
            "": self._day(item.started),
        }
        return _line(item.source, self._name(item.kind), fields)

    def medication(self, item: Medication) -> str:
        """A drug; `active` is left unsaid, and who ordered it is told as this visit's clinician or another."""
        marks = ["as needed"] if item.as_needed else []
        marks += ["statement, not an order"] if item.statement else []
        marks += ["patient-reported"] if item.reported else []
        fields = {
            "status": self._unless(item.status, "active"),
            "dosage": self._prose(item.dosage),
            "ordered": " ".join(part for part in (self._day(item.authored), self._requester(item.requester)) if part),
        }
        return _line(item.source, self._name(item.name), fields, marks=marks)

    def allergy(self, item: Allergy) -> str:
        """An allergen with reactions and criticality, or the statement that none is known; `confirmed` is unsaid."""
        reactions = "; ".join(self._prose(one) for one in item.reactions[:_MOST_REACTIONS])
        fields = {
            "reactions": reactions,
            "criticality": self._short(item.criticality),
            "verification": self._unless(item.verification, "confirmed"),
        }
        return _line(item.source, self._name(item.substance), fields, marks=[NO_KNOWN] if item.none_known else [])

    def problem(self, item: Problem) -> str:
        """A condition; `active` and `problem-list-item` are left unsaid, `encounter-diagnosis` is a mark."""
        fields = {
            "status": self._unless(item.clinical_status, "active"),
            "category": self._unless(item.category, "problem-list-item", _DIAGNOSIS),
            "since": self._day(item.onset),
        }
        marks = ["visit diagnosis"] if item.category == _DIAGNOSIS else []
        return _line(item.source, self._name(item.name), fields, marks=marks)

    def measurement(self, item: Measurement) -> str:
        """Name, value with unit, day."""
        return _line(item.source, self._name(item.name), {"": self._prose(item.value), " ": self._day(item.taken)})

    def entry(self, item: ChartEntry) -> str:
        """Name, status, detail, day; `completed` and `active` are left unsaid."""
        status = self._unless(item.status, "completed", "active")
        fields = {"status": status, "detail": self._prose(item.detail), "": self._day(item.when)}
        return _line(item.source, quote(self.withholding.from_prose(item.name), _LONG), fields)

    def member(self, item: CareTeamMember) -> str:
        """Role and name; a name that is the patient's or a relative's is left out."""
        name = self.withholding.from_prose(item.name)
        shown = WITHHELD if WITHHELD in name else quote(name, _LONG)
        return _line(item.source, shown, {"role": self._short(item.role)})

    def note(self, item: PriorNote) -> str:
        """Title and day; neither author nor text."""
        return _line(item.source, quote(self.withholding.from_prose(item.title), _LONG), {"": self._day(item.written)})

    def _name(self, text: str | None) -> str:
        return quote(self.withholding.from_name(text), _LONG) if text else ""

    def _prose(self, text: str | None) -> str:
        return quote(self.withholding.from_prose(text), _LONG) if text else ""

    def _short(self, text: str | None) -> str:
        return quote(self.withholding.from_name(text), _SHORT) if text else ""

    def _day(self, when: date | None) -> str:
        """The day; of the day of birth only that it was that day."""
        told = f"{when:%Y-%m-%d}" if when else ""
        return "at birth" if self.birth and told == self.birth.isoformat() else told

    def _unless(self, code: str | None, *usual: str) -> str:
        return "" if code in usual else self._short(code)

    def _requester(self, reference: str | None) -> str:
        if reference is None:
            return ""
        if reference.startswith(_PEOPLE):
            return "by the patient or a relative"
        if not self.clinicians:
            return f"by {label(Source(reference))}"
        return "by a clinician of this visit" if reference in self.clinicians else "by another clinician"


_WRITERS: Mapping[str, Callable[..., str]] = {
    "patient": EntryWriter.person,
    "encounter": EntryWriter.encounter,
    "medications": EntryWriter.medication,
    "allergies": EntryWriter.allergy,
    "problems": EntryWriter.problem,
    "vitals": EntryWriter.measurement,
    "labs": EntryWriter.measurement,
    "assessments": EntryWriter.measurement,
    "immunizations": EntryWriter.entry,
    "procedures": EntryWriter.entry,
    "care_team": EntryWriter.member,
    "appointments": EntryWriter.entry,
    "goals": EntryWriter.entry,
    "care_plans": EntryWriter.entry,
    "orders": EntryWriter.entry,
    "notes": EntryWriter.note,
}


def _line(source: Source, name: str, fields: Mapping[str, str], *, marks: Iterable[str] = ()) -> str:
    """One line; a field under a blank name goes in without one, an empty field stays out."""
    marked = ", ".join(marks)
    head = f"{label(source)} ({marked})" if marked else label(source)
    told = [f"{key}: {value}" if key.strip() else value for key, value in fields.items() if value]
    return " | ".join([head, name or UNNAMED, *told])


def _age(birth: date | None, today: date) -> str:
    """Whole years, months for the youngest; from 90 one class, as 45 CFR 164.514(b)(2)(i)(C) aggregates ages."""
    if birth is None or birth > today:
        return "unknown"
    months = (today.year - birth.year) * 12 + today.month - birth.month - (today.day < birth.day)
    if months < _MONTHS_UNTIL * 12:
        return f"{months} months"
    return f"{months // 12} years" if months // 12 <= _OLDEST_SHOWN else "90 years or older"
