"""Resources found to one Section. In: Found and how to read one resource. Out: a Section that counts what it left out.

Never lets a resource through that does not name the launch patient, and never calls a list complete that lost one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from connector.context.accessors import as_object, as_objects, read_codes, read_concept, read_reference, read_source
from connector.context.searchset import Found
from connector.records import LeftOut, Section, SectionState, Source

Item = TypeVar("Item")
Read = Callable[[Mapping[str, Any], Source], Item | None]
"""One resource and its source to an item; None for one that is not in force: inactive, refuted, entered in error."""

UNNAMED = "Entry without a readable name"
ANOTHER_PATIENT = "another-patient"
_STATUSES = ("status", "docStatus", "lifecycleStatus")


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
    pairs = [(resource, read(resource, source)) for resource, source in sources]
    items = tuple(item for _, item in pairs if item is not None)
    reasons = Counter(_say_why(resource) for resource, item in pairs if item is None)
    said = [found.detail] if found.detail else []
    if strangers := len(found.matches) - len(own):
        reasons[ANOTHER_PATIENT] = strangers
        said.append(f"Left out because they name another patient, or none: {strangers}.")
    if unreadable := len(own) - len(sources):
        reasons["no-id"] = unreadable
        said.append(f"Left out because they have no usable id: {unreadable}.")
    if unnamed := sum(name(item).startswith(UNNAMED) for item in items):
        said.append(f"Without a readable name: {unnamed}.")
    complete = SectionState.OK if items else SectionState.EMPTY
    state = SectionState.PARTIAL if said or found.state is SectionState.PARTIAL else complete
    if found.days is not None:
        said.append(f"Only the last {found.days} days were read.")
    return Section(state, items, reasons.total(), " ".join(said) or None, count_reasons(reasons))


def count_reasons(reasons: Mapping[str, int]) -> tuple[LeftOut, ...]:
    """Why resources were left out, in one order."""
    return tuple(LeftOut(reason, count) for reason, count in sorted(reasons.items()) if count)


def add_reasons(*parts: Iterable[LeftOut]) -> tuple[LeftOut, ...]:
    """The same of several searches together."""
    together: Counter[str] = Counter()
    for one in (left_out for part in parts for left_out in part):
        together[one.reason] += one.count
    return count_reasons(together)


def _say_why(resource: Mapping[str, Any]) -> str:
    """Why a resource of this patient is not in force, where it says so itself."""
    told = {resource.get(element) for element in _STATUSES if isinstance(resource.get(element), str)}
    told |= {read_status(resource, element) for element in ("verificationStatus", "clinicalStatus")}
    return next((reason for reason in ("entered-in-error", "refuted") if reason in told), "inactive")
