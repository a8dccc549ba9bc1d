"""2. PatientContext: what the chart says. In: nothing. Out: frozen records. Never tells unread from none by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from connector.records.stamps import Source, Stamp

Item = TypeVar("Item")


class SectionState(StrEnum):
    """How the reading of one part of the chart ended; `empty` is not "none known", `failed` is not `empty`.

    `pending`: it has not been read yet, and says nothing.
    """

    OK = "ok"
    EMPTY = "empty"
    PARTIAL = "partial"
    FORBIDDEN = "forbidden"
    FAILED = "failed"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class PersonSummary:
    """The launch patient. `identifier` is the medical record number as the EHR shows it, `sex` as in FHIR gender.

    `relatives` are names of the contacts on record; `replaced_by` is the record this one was merged into.
    """

    source: Source
    name: str
    family: str
    given: tuple[str, ...]
    birth_date: date | None
    sex: str | None
    identifier: str | None
    language: str | None = None
    interpreter: bool = False
    relatives: tuple[str, ...] = ()
    deceased: bool = False
    replaced_by: str | None = None


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody who takes part in an encounter: name as shown, role as text, relative reference where there is one."""

    name: str
    role: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class EncounterSummary:
    """The launch encounter: `kind` and `reason` as text, `class_code` of v3-ActCode."""

    source: Source
    status: str
    class_code: str | None
    kind: str | None
    reason: str | None
    started: datetime | None
    participants: tuple[Participant, ...] = ()


@dataclass(frozen=True, slots=True)
class Medication:
    """One active drug. `name` is the string the chart shows; `dosage` its free text, where given.

    `requester` is a relative reference, `statement` marks a MedicationStatement: somebody said so, nobody ordered it.
    """

    source: Source
    name: str
    status: str
    dosage: str | None = None
    as_needed: bool = False
    reported: bool = False
    code: str | None = None
    requester: str | None = None
    authored: date | None = None
    statement: bool = False


@dataclass(frozen=True, slots=True)
class Allergy:
    """One allergy or intolerance; `none_known` marks an explicit "no known allergies" statement."""

    source: Source
    substance: str
    reactions: tuple[str, ...] = ()
    criticality: str | None = None
    verification: str | None = None
    none_known: bool = False
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One condition; `category` is `problem-list-item` or `encounter-diagnosis` as FHIR codes them."""

    source: Source
    name: str
    clinical_status: str | None = None
    category: str | None = None
    onset: date | None = None
    code: str | None = None
    recorded: date | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """The latest value of one vital sign or laboratory test: `value` already with its UCUM unit, as text."""

    source: Source
    name: str
    value: str
    taken: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChartEntry:
    """One immunization, procedure, appointment, goal, care plan or order: its name, `status` in FHIR's word, and when.

    `detail` is what else the chart says of it in a line, such as the reason of an appointment.
    """

    source: Source
    name: str
    status: str | None = None
    when: date | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class CareTeamMember:
    """Somebody who looks after the patient; `name` as shown, `role` as text."""

    source: Source
    name: str
    role: str | None = None


@dataclass(frozen=True, slots=True)
class PriorNote:
    """An earlier note. `text` is there only for the last signed one, plain, and None where it was not read."""

    source: Source
    title: str
    written: datetime | None
    author: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How many resources of a part were left out for one reason: `entered-in-error`, `refuted`, `inactive` (over, or
    without a value), `another-patient` (or none named), `no-id`."""

    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Section(Generic[Item]):
    """One part of the chart. `dropped` counts resources left out, `left_out` says why, as far as that is known."""

    state: SectionState
    items: tuple[Item, ...] = ()
    dropped: int = 0
    detail: str | None = None
    left_out: tuple[LeftOut, ...] = ()


def _unread() -> Section[Any]:
    return Section(SectionState.PENDING)


@dataclass(frozen=True, slots=True)
class PatientContext:
    """What the chart says at launch. A section that could not be read says so and is never read as "none".

    The first seven sections are read before the first page, the others behind it: a later PatientContext holds them.
    `assessments` are smoking status and scored questionnaires, `orders` what is on order (ServiceRequest).
    `encounters` are those to choose from, where the launch named none and they may be read; else None.
    """

    patient: Section[PersonSummary]
    encounter: Section[EncounterSummary]
    medications: Section[Medication]
    allergies: Section[Allergy]
    problems: Section[Problem]
    vitals: Section[Measurement]
    labs: Section[Measurement]
    stamp: Stamp
    encounters: Section[EncounterSummary] | None = None
    assessments: Section[Measurement] = field(default_factory=_unread)
    immunizations: Section[ChartEntry] = field(default_factory=_unread)
    procedures: Section[ChartEntry] = field(default_factory=_unread)
    care_team: Section[CareTeamMember] = field(default_factory=_unread)
    appointments: Section[ChartEntry] = field(default_factory=_unread)
    goals: Section[ChartEntry] = field(default_factory=_unread)
    care_plans: Section[ChartEntry] = field(default_factory=_unread)
    orders: Section[ChartEntry] = field(default_factory=_unread)
    notes: Section[PriorNote] = field(default_factory=_unread)
