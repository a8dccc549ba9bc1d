"""MedicationRequests and -Statements to the drugs a patient takes. In: what a search found. Out: a Section.

Never follows a reference to another server, and never loses an active drug because its name could not be read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from connector.context.accessors import (
    RXNORM,
    as_number,
    as_object,
    as_objects,
    as_text,
    read_concept,
    read_day,
    read_quantity,
    read_reference,
    read_token,
)
from connector.context.answer import ChartReader
from connector.context.searchset import Found, judge_answer
from connector.context.section import name_entry, read_patient, sift
from connector.records import Medication, Section, SectionState, Source

ACTIVE = "active"
Resolved = Mapping[str, Mapping[str, Any]]
"""Medication resources by relative reference."""


async def read_medications(chart: ChartReader, found: Found, *, patient: str, reads: int) -> Section[Medication]:
    """Active drugs, each under the name the chart shows. At most `reads` Medications are fetched one by one.

    Those of a MedicationStatement are marked as such.
    """
    reads = reads if chart.allowed("Medication", "r", None) else 0
    own = [request for request in found.matches if read_patient(request, base=chart.base) == patient]
    wanted = [_need_read(request, found.included, base=chart.base) for request in own if _in_force(request)]
    distinct = tuple(dict.fromkeys(reference for reference in wanted if reference is not None))[:reads]
    fetched = await asyncio.gather(*(_fetch_medication(chart, reference) for reference in distinct))
    resolved = {
        **found.included,
        **{ref: body for ref, body in zip(distinct, fetched, strict=True) if body is not None},
    }

    def read(request: Mapping[str, Any], source: Source) -> Medication | None:
        return _read_medication(request, source, resolved=resolved, base=chart.base)

    return sift(found, patient=patient, base=chart.base, read=read, name=lambda drug: drug.name)


def _in_force(request: Mapping[str, Any]) -> bool:
    return request.get("status") == ACTIVE and request.get("doNotPerform") is not True


def _need_read(request: Mapping[str, Any], included: Resolved, *, base: str) -> str | None:
    """The Medication to fetch: only where neither code nor contained nor included resource names the drug."""
    if _name_medication(request, included, base=base) is not None:
        return None
    reference = read_reference(request.get("medicationReference"), base=base)
    return reference if reference is not None and reference.startswith("Medication/") else None


async def _fetch_medication(chart: ChartReader, reference: str) -> Mapping[str, Any] | None:
    answer = await chart.read(reference, {})
    state, _ = judge_answer(answer, wanted="Medication")
    return answer.body if state is SectionState.OK else None


def _read_medication(request: Mapping[str, Any], source: Source, *, resolved: Resolved, base: str) -> Medication | None:
    if not _in_force(request):
        return None
    concept = request.get("medicationCodeableConcept")
    display = as_text(as_object(request.get("medicationReference")).get("display"))
    dosages = as_objects(request.get("dosageInstruction") or request.get("dosage"))
    statement = request.get("resourceType") == "MedicationStatement"
    told = (_read_dosage(dosage) for dosage in dosages)
    medication = _find_medication(request, resolved, base=base)
    return Medication(
        source=source,
        name=_name_medication(request, resolved, base=base) or display or name_entry(concept),
        status=ACTIVE,
        dosage="; ".join(text for text in told if text) or None,
        as_needed=any(
            dosage.get("asNeededBoolean") is True or "asNeededCodeableConcept" in dosage for dosage in dosages
        ),
        reported=statement or request.get("reportedBoolean") is True or "reportedReference" in request,
        code=read_token(concept, prefer=RXNORM) or read_token(medication.get("code"), prefer=RXNORM),
        requester=read_reference(request.get("requester"), base=base),
        authored=read_day(request.get("authoredOn") or request.get("dateAsserted")),
        statement=statement,
    )


def _name_medication(request: Mapping[str, Any], resolved: Resolved, *, base: str) -> str | None:
    coded = read_concept(request.get("medicationCodeableConcept"))
    if coded is not None:
        return coded
    medication = _find_medication(request, resolved, base=base)
    parts = (read_concept(part.get("itemCodeableConcept")) for part in as_objects(medication.get("ingredient")))
    return read_concept(medication.get("code")) or " / ".join(part for part in parts if part) or None


def _find_medication(request: Mapping[str, Any], resolved: Resolved, *, base: str) -> Mapping[str, Any]:
    """The contained Medication, else the one found under its reference, else an empty object."""
    pointer = as_object(request.get("medicationReference"))
    text = pointer.get("reference")
    if isinstance(text, str) and text.startswith("#"):
        contained = as_objects(request.get("contained"))
        return next((body for body in contained if body.get("id") in (text, text[1:])), {})
    reference = read_reference(pointer, base=base)
    return resolved.get(reference, {}) if reference is not None else {}


def _read_dosage(dosage: Mapping[str, Any]) -> str | None:
    """The dosage as written; where it is only structured, `dose, n x per period`."""
    written = as_text(dosage.get("text")) or as_text(dosage.get("patientInstruction"))
    if written is not None:
        return written
    doses = (read_quantity(as_object(rate).get("doseQuantity")) for rate in as_objects(dosage.get("doseAndRate")))
    timing = as_object(dosage.get("timing"))
    repeat = as_object(timing.get("repeat"))
    times, period = as_number(repeat.get("frequency")), as_number(repeat.get("period"))
    unit = as_text(repeat.get("periodUnit"))
    rhythm = f"{times} × per {period} {unit}" if times and period and unit else None
    dose = next((dose for dose in doses if dose), None)
    parts = (f"dose {dose}" if dose else None, read_concept(timing.get("code")) or rhythm)
    return ", ".join(part for part in parts if part) or None
