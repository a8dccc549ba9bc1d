"""The chart of a launched visit, read and turned into keyterms: LAUNCHED to PRIMED, and the rest behind the first page.

In: a launch. Out: the visit's row. Reading twice does no harm; one result is kept, and nothing waits for the rest.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from connector.context.chart import (
    SECTIONS,
    Subject,
    complete_context,
    find_pending,
    give_up,
    read_context,
    reopen,
)
from connector.context.encounters import read_encounters
from connector.context.mapping import ContextMapping
from connector.errors import Conflict, ConnectorError
from connector.hints.candidates import HintSetting
from connector.hints.keyterms import derive_hints
from connector.launch.abilities import may
from connector.records import KeytermEdit, Launch, PatientContext, SpeechHints, Stamp
from connector.store.sessions import LaunchRow
from connector.store.visits import Numbered, Step, VisitRow
from connector.visit.access import find_registration, open_ehr
from connector.visit.parts import Parts
from connector.visit.states import State
from connector.visit.steps import Move, move

COMPLETABLE = (State.PRIMED, State.CAPTURING, State.CAPTURED, State.TRANSCRIBED, State.DRAFTED)
"""States in which the rest of the chart is still of use."""
_HINTED = (State.PRIMED, State.CAPTURING)
_LONGEST = timedelta(minutes=10)
_TRIES = 5
_INTERRUPTED = "Reading the chart was interrupted. Read it again to see this."
_NO_ACCESS = "The EHR could not be asked for this any more. Open the scribe from the chart again to read it."


async def prime(parts: Parts, launch: LaunchRow) -> VisitRow:
    """Reads the first stage of the chart and derives the keyterms: LAUNCHED to PRIMED. One result is kept."""
    facts = await parts.visits.need(launch.visit_id, Launch)
    chart = open_ehr(parts, launch).chart(facts.granted_scope)
    mapping = find_mapping(parts, launch.tenant)
    context = await read_context(
        chart, patient=facts.patient, encounter=facts.encounter, mapping=mapping, now=parts.clock()
    )
    if facts.encounter is None and may(facts.granted_scope, "s", resource="Encounter"):
        encounters = await read_encounters(chart, patient=facts.patient, codes=mapping.outcome_codes)
        context = replace(context, encounters=encounters)
    hints = prepare_hints(parts, facts, context)
    arrow = (State.LAUNCHED, State.PRIMED)
    try:
        return await move(
            parts, launch.visit_id, Move(arrow, records=(context, hints), detail=_section_states(context))
        )
    except Conflict:
        return await parts.visits.row(launch.visit_id)


def find_mapping(parts: Parts, tenant: str) -> ContextMapping:
    """How this tenant's kind of EHR is read."""
    return parts.rules.readings[find_registration(parts, tenant).vendor_profile]


def is_unfinished(row: VisitRow, context: PatientContext | None) -> bool:
    """Whether a part of the chart is still to be read."""
    return context is not None and row.state in COMPLETABLE and bool(find_pending(context))


async def complete_chart(parts: Parts, launch: LaunchRow, *, again: bool = False) -> None:
    """Reads the second stage and derives the keyterms anew; `again` also tries what has failed before.

    Nobody waits for it. What is still pending long after the launch is given up, and says how to go on.
    """
    facts = await parts.visits.need(launch.visit_id, Launch)
    context = await parts.visits.need(launch.visit_id, PatientContext)
    if again:
        context = reopen(context)
    pending = find_pending(context)
    if not is_unfinished(await parts.visits.row(launch.visit_id), context):
        return
    if not again and parts.clock() - context.stamp.at > _LONGEST:
        await _keep(parts, facts, give_up(context, _INTERRUPTED), read=pending)
        return
    mapping = find_mapping(parts, launch.tenant)
    chart = open_ehr(parts, launch).chart(facts.granted_scope)
    subject = Subject(facts.patient, facts.encounter)
    try:
        read = await complete_context(chart, context, subject=subject, mapping=mapping, now=parts.clock())
    except ConnectorError:
        read = give_up(context, _NO_ACCESS)
    await _keep(parts, facts, read, read=pending)


async def _keep(parts: Parts, launch: Launch, context: PatientContext, *, read: tuple[str, ...]) -> None:
    """Appends the newest context with the sections just read in it: an encounter chosen meanwhile stays chosen."""
    visit_id = launch.visit_id
    names = {*read, "medications", "problems"} & set(SECTIONS)
    for _ in range(_TRIES):
        row = await parts.visits.row(visit_id)
        if row.state not in COMPLETABLE:
            return
        async with parts.visits.engine.connect() as connection:
            number = await parts.visits.newest_number(connection, visit_id, PatientContext)
            listed = await parts.visits.newest_number(connection, visit_id, SpeechHints)
        newest = await parts.visits.need(visit_id, PatientContext)
        sections = {name: getattr(context, name) for name in names}
        whole = replace(newest, **sections, stamp=Stamp(context.stamp.maker, parts.clock()))
        hints: tuple[Numbered, ...] = ()
        if row.state in _HINTED:
            edits = (await parts.visits.need(visit_id, SpeechHints)).edits
            hints = (Numbered(prepare_hints(parts, launch, whole, edits=edits), listed + 1),)
        step = Step(
            visit_id=visit_id,
            expect=(row.state,),
            to=row.state,
            event="visit.chart-completed",
            actor="system",
            at=parts.clock(),
            records=(Numbered(whole, number + 1), *hints),
            detail=_section_states(whole),
        )
        try:
            await parts.visits.commit(step)
        except Conflict:
            continue
        return


def prepare_hints(
    parts: Parts, launch: Launch, context: PatientContext, *, edits: tuple[KeytermEdit, ...] = ()
) -> SpeechHints:
    """Keyterms within the limits of the first configured speech model, with the clinician's edits."""
    model = parts.policy.speech_models[0]
    setting = HintSetting(
        limits=parts.rules.keyterms.mapping.limits_for("prerecorded", model),
        target=f"prerecorded/{model}",
        clinician=launch.practitioner_name,
        practitioner=launch.practitioner,
        tenant=launch.tenant,
        note_type=parts.policy.note_type,
        edits=edits,
    )
    return derive_hints(context, parts.rules.keyterms, setting=setting, now=parts.clock())


def _section_states(context: PatientContext) -> dict[str, str | int | bool | None]:
    return {name: str(getattr(context, name).state) for name in SECTIONS}
