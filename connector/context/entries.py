"""Immunizations, procedures, appointments, goals, care plans and orders. In: what a search found. Out: a Section.

Never lists what was refused, cancelled or a mistake, and never loses an entry because its name could not be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from connector.context.accessors import as_object, as_objects, as_text, read_concept, read_day
from connector.context.searchset import Found
from connector.context.section import name_entry, sift
from connector.records import ChartEntry, Section, Source


@dataclass(frozen=True, slots=True)
class _Kind:
    """Where a resource type says what it is, when, and what else; `over` are the statuses not in force."""

    over: tuple[str, ...]
    names: tuple[str, ...] = ("code",)
    when: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    status: str = "status"


_MISTAKE = "entered-in-error"
_KINDS: Mapping[str, _Kind] = {
    "immunizations": _Kind((_MISTAKE, "not-done"), ("vaccineCode",), ("occurrenceDateTime",)),
    "procedures": _Kind((_MISTAKE, "not-done"), when=("performedDateTime", "performedPeriod"), details=("reasonCode",)),
    "appointments": _Kind(
        (_MISTAKE, "cancelled", "noshow"),
        ("serviceType", "appointmentType", "description", "reasonCode"),
        ("start",),
        ("reasonCode", "reasonReference", "description", "comment"),
    ),
    "goals": _Kind(
        (_MISTAKE, "rejected", "cancelled", "completed"),
        ("description",),
        ("startDate",),
        ("achievementStatus",),
        status="lifecycleStatus",
    ),
    "care_plans": _Kind((_MISTAKE, "revoked", "completed"), ("title", "category", "description"), ("period",)),
    "orders": _Kind((_MISTAKE, "revoked", "completed"), when=("authoredOn",), details=("category",)),
}
ENTRIES = tuple(_KINDS)


def read_entries(found: Found, kind: str, *, patient: str, base: str) -> Section[ChartEntry]:
    """The entries of one of ENTRIES, in the EHR's order."""
    words = _KINDS[kind]

    def read(resource: Mapping[str, Any], source: Source) -> ChartEntry | None:
        return _read_entry(resource, source, words)

    return sift(found, patient=patient, base=base, read=read, name=lambda entry: entry.name)


def _read_entry(resource: Mapping[str, Any], source: Source, words: _Kind) -> ChartEntry | None:
    status = as_text(resource.get(words.status))
    if status in words.over or resource.get("doNotPerform") is True:
        return None
    name = _say_first(resource, words.names)
    activities = (as_object(one.get("detail")).get("code") for one in as_objects(resource.get("activity")))
    told = (*(_say(resource.get(element)) for element in words.details), *(read_concept(one) for one in activities))
    details = dict.fromkeys(text for text in told if text and text != name)
    return ChartEntry(
        source=source,
        name=name or name_entry(resource.get(words.names[0])),
        status=status,
        when=next((day for element in words.when if (day := _read_when(resource.get(element)))), None),
        detail=as_text("; ".join(details)),
    )


def _say_first(resource: Mapping[str, Any], elements: tuple[str, ...]) -> str | None:
    return next((text for element in elements if (text := _say(resource.get(element)))), None)


def _say(value: object) -> str | None:
    """What a text, a concept, a reference, or a list of them says to people."""
    if isinstance(value, str):
        return as_text(value)
    told = (read_concept(one) or as_text(one.get("display")) for one in as_objects(value))
    return as_text("; ".join(dict.fromkeys(text for text in told if text)))


def _read_when(value: object) -> date | None:
    """The day of a date, a dateTime, or the beginning of a Period."""
    return read_day(value) or read_day(as_object(value).get("start"))
