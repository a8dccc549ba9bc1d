"""The chart of a launched visit, read and turned into keyterms: LAUNCHED to PRIMED. In: a launch. Out: the visit's row.

Reading twice does no harm; one result is kept.
"""

from __future__ import annotations

from dataclasses import replace

from connector.context.chart import read_context
from connector.context.encounters import read_encounters
from connector.errors import Conflict
from connector.hints.keyterms import derive_hints
from connector.launch.abilities import may
from connector.records import Launch, PatientContext, SpeechHints
from connector.store.sessions import LaunchRow
from connector.store.visits import VisitRow
from connector.visit.access import open_ehr
from connector.visit.parts import Parts
from connector.visit.states import State
from connector.visit.steps import Move, move


async def prime(parts: Parts, launch: LaunchRow) -> VisitRow:
    """Reads the chart and derives the keyterms: LAUNCHED to PRIMED. Reading twice does no harm; one result is kept."""
    facts = await parts.visits.need(launch.visit_id, Launch)
    access = open_ehr(parts, launch)
    context = await read_context(
        access.chart(),
        patient=facts.patient,
        encounter=facts.encounter,
        mapping=parts.rules.context,
        now=parts.clock(),
    )
    if facts.encounter is None and may(facts.granted_scope, "s", resource="Encounter"):
        codes = parts.rules.context.outcome_codes
        encounters = await read_encounters(access.chart(), patient=facts.patient, codes=codes)
        context = replace(context, encounters=encounters)
    hints = prepare_hints(parts, facts, context)
    arrow = (State.LAUNCHED, State.PRIMED)
    try:
        return await move(
            parts, launch.visit_id, Move(arrow, records=(context, hints), detail=_section_states(context))
        )
    except Conflict:
        return await parts.visits.row(launch.visit_id)


def prepare_hints(parts: Parts, launch: Launch, context: PatientContext) -> SpeechHints:
    """Keyterms within the limit of the first configured speech model."""
    people = tuple(name for name in (launch.practitioner_name,) if name)
    mapping = parts.rules.keyterms
    limit = mapping.limit_for(parts.policy.speech_models[0])
    return derive_hints(context, mapping=mapping, limit=limit, people=people, now=parts.clock())


def _section_states(context: PatientContext) -> dict[str, str | int | bool | None]:
    names = ("patient", "encounter", "medications", "allergies", "problems", "vitals", "labs")
    return {name: str(getattr(context, name).state) for name in names}
