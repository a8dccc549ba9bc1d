"""The encounter of a visit whose launch named none. In: a launch, one of those offered. Out: the visit's row.

Choosing is never needed to record, can be changed until the note is signed, and never takes an encounter not offered.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from connector.context.person import NO_ENCOUNTER
from connector.errors import Conflict, InputRefused
from connector.records import EncounterSummary, Launch, PatientContext, Section, SectionState, Stamp
from connector.store.belonging import Belonging
from connector.store.visits import VisitRow
from connector.visit.parts import Parts
from connector.visit.states import State
from connector.visit.steps import Change, change

CHOOSABLE = (State.PRIMED, State.CAPTURING, State.CAPTURED, State.TRANSCRIBED, State.DRAFTED)


async def choose_encounter(parts: Parts, launch: Launch, *, reference: str | None) -> VisitRow:
    """Keeps the clinician's choice: one of the encounters the page offers (`Encounter/12`), or None for none of them.

    Raises InputRefused for any other reference and where the EHR named the encounter, Conflict once the note is signed.
    The choice is one more Launch and one more PatientContext; the visit's row belongs to the chosen encounter.
    """
    visit_id = launch.visit_id
    row = await parts.visits.row(visit_id)
    if row.state not in CHOOSABLE:
        raise Conflict("The encounter can be chosen once the chart is read, and until the note is signed.")
    context = await parts.visits.need(visit_id, PatientContext)
    newest = await parts.visits.need(visit_id, Launch)
    if newest.encounter is not None and not newest.encounter_chosen:
        raise InputRefused("The EHR named the encounter of this visit: open the scribe from another one to change it.")
    chosen = _find_offered(context, reference)
    stamp = Stamp(maker="encounter@1", at=parts.clock(), who=launch.practitioner)
    section = Section(SectionState.OK, (chosen,)) if chosen else Section(SectionState.EMPTY, detail=NO_ENCOUNTER)
    changed = replace(newest, encounter=reference, encounter_chosen=chosen is not None, stamp=stamp)
    belonging = Belonging(launch.tenant, launch.practitioner, launch.patient, reference)

    async def belong(connection: AsyncConnection) -> None:
        await parts.returns.keep_encounter(connection, visit_id, belonging)

    records, detail = (changed, replace(context, encounter=section)), {"chosen": chosen is not None}
    return await change(parts, row, Change("visit.encounter-chosen", records, launch.practitioner, detail, belong))


def _find_offered(context: PatientContext, reference: str | None) -> EncounterSummary | None:
    if reference is None:
        return None
    offered = context.encounters.items if context.encounters else ()
    for one in offered:
        if one.source.reference == reference:
            return one
    raise InputRefused("This encounter is not one of those read from the patient's chart: choose from the list.")
