"""What the context mapping may say. In: the parsed YAML of mappings/context.yaml. Out: a ContextMapping.

Never lets an unknown key pass: a misspelt cap would silently read too little of the chart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from connector.context.plans import Keys, SearchPlan, read_change, read_plan

__all__ = ["FIRST", "SEARCHES", "Caps", "ContextMapping", "NoneKnown", "OutcomeCodes", "SearchPlan"]

FILE = "mappings/context.yaml"
FIRST = ("medications", "allergies", "problems", "observations")
"""Searches made before the first page, beside the Patient and the Encounter."""
BACKGROUND = (
    "statements",
    "diagnoses",
    "assessments",
    "immunizations",
    "procedures",
    "care_team",
    "appointments",
    "goals",
    "care_plans",
    "orders",
    "notes",
)
"""Searches made behind the first page."""
SEARCHES = (*FIRST, *BACKGROUND)
_CODES = ("empty", "partial", "forbidden", "merged")
_MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class OutcomeCodes:
    """Vendors' OperationOutcome codes: no results, more may exist, refused by policy, or a patient's merged record."""

    empty: frozenset[str]
    partial: frozenset[str]
    forbidden: frozenset[str]
    merged: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class NoneKnown:
    """How a chart says "no known allergies": codes (SNOMED CT) and lower-case texts."""

    codes: frozenset[str]
    texts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Caps:
    """Over one stage of the reading: requests, seconds after which none is begun, bytes after which none is begun."""

    requests: int
    seconds: int
    bytes: int


@dataclass(frozen=True, slots=True)
class ContextMapping:
    """Which parts of the chart are read and how far; `at_once` and `medication_reads` are caps on requests.

    `first` and `background` cap the two stages; `batch` sends the first one as a single request; `note_bytes` is the
    most that is taken of an earlier note; `assessment_codes` are those of smoking status and scored questionnaires.
    """

    version: int
    at_once: int
    medication_reads: int
    searches: Mapping[str, SearchPlan]
    outcome_codes: OutcomeCodes
    none_known: NoneKnown
    first: Caps
    background: Caps
    note_bytes: int
    assessment_codes: frozenset[str]
    batch: bool = False
    profile: str | None = None

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> ContextMapping:
        """Read the mapping. Raises Misconfigured, naming the key that is unknown, missing or of a wrong kind."""
        keys = Keys(FILE)
        top = ("version", "at_once", "medication_reads", "caps", "note_kilobytes", "searches")
        keys.table(raw, "", needed=(*top, "assessment_codes", "outcome_codes", "none_known"))
        searches = keys.table(raw["searches"], "searches", needed=SEARCHES)
        caps = keys.table(raw["caps"], "caps", needed=("first", "background"))
        codes = keys.table(raw["outcome_codes"], "outcome_codes", needed=_CODES)
        none_known = keys.table(raw["none_known"], "none_known", needed=("codes", "texts"))
        return cls(
            version=keys.count(raw["version"], "version"),
            at_once=keys.count(raw["at_once"], "at_once"),
            medication_reads=keys.count(raw["medication_reads"], "medication_reads", least=0),
            searches={name: read_plan(searches[name], where=f"searches.{name}", file=FILE) for name in SEARCHES},
            outcome_codes=OutcomeCodes(*(frozenset(keys.texts(codes[key], f"outcome_codes.{key}")) for key in _CODES)),
            none_known=NoneKnown(
                codes=frozenset(keys.texts(none_known["codes"], "none_known.codes")),
                texts=frozenset(text.casefold() for text in keys.texts(none_known["texts"], "none_known.texts")),
            ),
            first=_read_caps(keys, caps["first"], "caps.first"),
            background=_read_caps(keys, caps["background"], "caps.background"),
            note_bytes=keys.count(raw["note_kilobytes"], "note_kilobytes") * 1024,
            assessment_codes=frozenset(keys.texts(raw["assessment_codes"], "assessment_codes")),
        )

    @property
    def maker(self) -> str:
        """What a PatientContext read by it is stamped with."""
        return f"context/context.yaml@{self.version}" + (f"+{self.profile}" if self.profile else "")


@dataclass(frozen=True, slots=True)
class VendorReading:
    """How one kind of EHR is read: what of the mapping is different there, by the name of the search."""

    name: str
    batch: bool = False
    medication_reads: int | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> VendorReading:
        """Read `name`, `version` and the table `reading` of a mappings/ehr file. Raises Misconfigured."""
        keys = Keys("mappings/ehr")
        if "reading" not in raw:
            return cls(str(raw["name"]))
        reading = keys.table(raw["reading"], "reading", may=("batch", "medication_reads", "searches"))
        reads = reading.get("medication_reads")
        changes = keys.table(reading.get("searches", {}), "reading.searches", may=SEARCHES)
        for name, change in changes.items():
            read_change(change, SearchPlan("Any", {}, 1), where=f"reading.searches.{name}", file="mappings/ehr")
        return cls(
            name=f"{raw['name']}@{raw['version']}",
            batch=keys.flag(reading.get("batch", False), "reading.batch"),
            medication_reads=None
            if "medication_reads" not in reading
            else keys.count(reads, "reading.medication_reads", least=0),
            changes=changes,
        )

    def apply(self, mapping: ContextMapping) -> ContextMapping:
        """The mapping as it is for this kind of EHR."""
        changed = {
            name: read_change(change, mapping.searches[name], where=f"reading.searches.{name}", file="mappings/ehr")
            for name, change in self.changes.items()
        }
        reads = mapping.medication_reads if self.medication_reads is None else self.medication_reads
        profile = self.name if self.batch or changed or reads != mapping.medication_reads else None
        searches = {**mapping.searches, **changed}
        return replace(mapping, batch=self.batch, medication_reads=reads, searches=searches, profile=profile)


def _read_caps(keys: Keys, raw: object, where: str) -> Caps:
    named = ("requests", "seconds", "megabytes")
    table = keys.table(raw, where, needed=named)
    requests, seconds, megabytes = (keys.count(table[key], f"{where}.{key}") for key in named)
    return Caps(requests, seconds, megabytes * _MEGABYTE)
