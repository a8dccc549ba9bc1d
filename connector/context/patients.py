"""Patients to pick one from. In: what was asked, or a searchset. Out: search parameters, or a few PersonSummaries.

Read where the EHR names no patient. Never guesses whom somebody means, and says when there are more than it shows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

from connector.context.accessors import as_object, as_objects, read_source
from connector.context.answer import FhirAnswer
from connector.context.person import read_person
from connector.records import PersonSummary

MOST = 20
LONGEST = 100
_SPECIAL = re.compile(r"([\\,|$])")


@dataclass(frozen=True, slots=True)
class PatientQuery:
    """What somebody knows of a patient; at least one of the three is needed. Nothing of it may be logged."""

    name: str = field(default="", repr=False)
    born: date | None = field(default=None, repr=False)
    identifier: str = field(default="", repr=False)

    @property
    def enough(self) -> bool:
        """Whether it asks for somebody rather than for everybody: two letters of a name, a birth date or a number."""
        return len(self.name.strip()) >= 2 or self.born is not None or bool(self.identifier.strip())

    def parameters(self) -> tuple[tuple[str, str], ...]:
        """Search parameters (FHIR R4, section 3.1.1): each word of the name has to fit; values are escaped."""
        words = self.name.replace(",", " ").split()
        names = tuple(("name", _SPECIAL.sub(r"\\\1", word)) for word in words)
        born = (("birthdate", self.born.isoformat()),) if self.born else ()
        number = self.identifier.strip()
        identifier = (("identifier", _SPECIAL.sub(r"\\\1", number)),) if number else ()
        return (*names, *born, *identifier, ("_count", str(MOST + 1)))


@dataclass(frozen=True, slots=True)
class FoundPatients:
    """At most MOST patients in the EHR's order; `more`: the EHR holds others that fit."""

    people: tuple[PersonSummary, ...]
    more: bool


def read_patients(searchset: object) -> FoundPatients:
    """The patients of a searchset Bundle; records marked as not in use and unreadable ones are left out."""
    bundle = as_object(searchset)
    entries = [as_object(entry.get("resource")) for entry in as_objects(bundle.get("entry"))]
    found: dict[str, PersonSummary] = {}
    for resource in entries:
        source = read_source(resource)
        if source is None or resource.get("resourceType") != "Patient" or resource.get("active") is False:
            continue
        for person in read_person(FhirAnswer(200, resource), patient=source.reference).items:
            found[source.reference] = person
    more = len(found) > MOST or any(link.get("relation") == "next" for link in as_objects(bundle.get("link")))
    return FoundPatients(tuple(found.values())[:MOST], more)
