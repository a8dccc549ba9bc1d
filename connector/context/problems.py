"""Conditions to the problems a patient lives with. In: what a search found. Out: a Section of Problem.

Never shows a refuted or resolved condition as a problem; the same problem charted twice is listed once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connector.context.accessors import as_objects, read_codes, read_day, read_token
from connector.context.searchset import Found
from connector.context.section import name_entry, read_status, sift
from connector.records import Problem, Section, Source

SNOMED = "http://snomed.info/sct"
_IN_FORCE = (None, "active", "recurrence", "relapse")
_NOT_TRUE = ("refuted", "entered-in-error")
_CATEGORIES = ("problem-list-item", "encounter-diagnosis", "health-concern")


def read_problems(found: Found, *, patient: str, base: str) -> Section[Problem]:
    """Conditions in force, problem list first. Encounter diagnoses often have no clinical status and are kept."""
    section = sift(found, patient=patient, base=base, read=_read_problem, name=lambda problem: problem.name)
    ranked = sorted(section.items, key=lambda problem: problem.category != _CATEGORIES[0])
    distinct: dict[str, Problem] = {}
    for problem in ranked:
        distinct.setdefault(problem.name.casefold(), problem)
    return replace(section, items=tuple(distinct.values()))


def _read_problem(resource: Mapping[str, Any], source: Source) -> Problem | None:
    clinical_status = read_status(resource, "clinicalStatus")
    if clinical_status not in _IN_FORCE or read_status(resource, "verificationStatus") in _NOT_TRUE:
        return None
    told = {code for concept in as_objects(resource.get("category")) for _, code in read_codes(concept)}
    return Problem(
        source=source,
        name=name_entry(resource.get("code")),
        clinical_status=clinical_status,
        category=next((category for category in _CATEGORIES if category in told), None),
        onset=read_day(resource.get("onsetDateTime")),
        code=read_token(resource.get("code"), prefer=SNOMED),
        recorded=read_day(resource.get("recordedDate")),
    )
