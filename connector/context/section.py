"""Resources found to one Section. In: Found and how to read one resource. Out: a Section that counts what it left out.

Never lets a resource through that does not name the launch patient, and never calls a list complete that lost one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from connector.context.accessors import as_object, as_objects, read_codes, read_concept, read_reference, read_source
from connector.context.searchset import Found
from connector.records import Section, SectionState, Source

Item = TypeVar("Item")
Read = Callable[[Mapping[str, Any], Source], Item | None]
"""One resource and its source to an item; None for one that is not in force: inactive, refuted, entered in error."""

UNNAMED = "Entry without a readable name"


def read_patient(resource: Mapping[str, Any], *, base: str) -> str | None:
    """The relative reference of the patient a resource is about (`subject`, or `patient` as allergies call it).

    An Appointment is about the one patient among its participants.
    """
    if resource.get("resourceType") == "Appointment":
        actors = (read_reference(one.get("actor"), base=base) for one in as_objects(resource.get("participant")))
        patients = {actor for actor in actors if actor is not None and actor.startswith("Patient/")}
        return patients.pop() if len(patients) == 1 else None
    return read_reference(resource.get("subject") or resource.get("patient"), base=base)


def name_entry(concept: object) -> str:
    """What to call an entry: its text or display; one without either keeps its place in the list under its code."""
    codes = read_codes(concept)
    return read_concept(concept) or (f"{UNNAMED} (code {codes[0][1]})" if codes else UNNAMED)


def read_status(resource: Mapping[str, Any], element: str) -> str | None:
    """The code of a status element that is a CodeableConcept, such as clinicalStatus or verificationStatus."""
    codes = read_codes(as_object(resource.get(element)))
    return codes[0][1] if codes else None


def sift(found: Found, *, patient: str, base: str, read: Read[Item], name: Callable[[Item], str]) -> Section[Item]:
    """Read every resource about `patient`; strangers and entries without id or name make the section partial."""
    if found.state in (SectionState.FORBIDDEN, SectionState.FAILED):
        return Section(found.state, detail=found.detail)
    own = [resource for resource in found.matches if read_patient(resource, base=base) == patient]
    sources = [(resource, source) for resource in own if (source := read_source(resource)) is not None]
    items = tuple(item for resource, source in sources if (item := read(resource, source)) is not None)
    said = [found.detail] if found.detail else []
    if strangers := len(found.matches) - len(own):
        said.append(f"Left out because they name another patient, or none: {strangers}.")
    if unreadable := len(own) - len(sources):
        said.append(f"Left out because they have no usable id: {unreadable}.")
    if unnamed := sum(name(item).startswith(UNNAMED) for item in items):
        said.append(f"Without a readable name: {unnamed}.")
    complete = SectionState.OK if items else SectionState.EMPTY
    state = SectionState.PARTIAL if said or found.state is SectionState.PARTIAL else complete
    if found.days is not None:
        said.append(f"Only the last {found.days} days were read.")
    return Section(state, items, dropped=len(found.matches) - len(items), detail=" ".join(said) or None)
