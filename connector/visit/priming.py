"""The chart of a launched visit, read and turned into keyterms: LAUNCHED to PRIMED, and the rest behind the first page.

In: a launch. Out: the visit's row. Reading twice does no harm; one result is kept, and nothing waits for the rest.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from connector.context.answer import ChartReader
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
from connector.hints.limits import TermLimits, strictest
from connector.launch.pending import PendingLaunch
from connector.launch.token_answer import GrantedTokens
from connector.records import Consent, KeytermEdit, Launch, PatientContext, SpeechHints, Stamp
from connector.store.sessions import LaunchRow
from connector.store.visits import Numbered, VisitRow
from connector.visit.access import find_registration, open_chart, open_ehr
from connector.visit.asking import ask_before
from connector.visit.parts import Parts
from connector.visit.states import State
from connector.visit.steps import Change, Move, change, move

_log = structlog.get_logger("connector.visit")

COMPLETABLE = (State.PRIMED, State.CAPTURING, State.CAPTURED, State.TRANSCRIBED, State.DRAFTED)
"""States in which the rest of the chart is still of use."""
_HINTED = (State.PRIMED, State.CAPTURING)
_LONGEST = timedelta(minutes=10)
_TRIES = 5
_INTERRUPTED = "Reading the chart was interrupted. Read it again to see this."
_NO_ACCESS = "The EHR could not be asked for this any more. Open the scribe from the chart again to read it."


@dataclass(frozen=True, slots=True)
class Primed:
    """A visit that was primed just now: its row, and what was kept with it."""

    row: VisitRow
    context: PatientContext
    hints: SpeechHints


async def prime(
    parts: Parts, launch: LaunchRow, *, facts: Launch | None = None, ahead: Awaitable[PatientContext] | None = None
) -> Primed | None:
    """Reads the first stage of the chart and derives the keyterms: LAUNCHED to PRIMED. One result is kept.

    None where the visit had moved on meanwhile, with what somebody else has read.

    `facts` is the launch's record where it is at hand. `ahead` is a reading that was begun before the visit was there;
    where it comes to nothing, the chart is read here.
    """
    if facts is None:
        facts = await parts.visits.need(launch.visit_id, Launch)
    context = await _await_ahead(ahead) if ahead is not None else None
    if context is None:
        chart = open_ehr(parts, launch).chart(facts.granted_scope)
        subject = Subject(facts.patient, facts.encounter)
        context = await _read_first(parts, chart, subject, launch.tenant)
    hints = prepare_hints(parts, facts, context)
    arrow = (State.LAUNCHED, State.PRIMED)
    try:
        row = await move(
            parts,
            launch.visit_id,
            Move(arrow, records=(Numbered(context, 1), Numbered(hints, 1)), detail=_section_states(context)),
        )
    except Conflict:
        return None
    return Primed(row, context, hints)


async def read_ahead(parts: Parts, pending: PendingLaunch, granted: GrantedTokens) -> PatientContext:
    """The first stage of the chart for a launch whose id_token was verified and whose visit is being opened.

    Nothing is kept of it unless the visit opens. Raises what the reading of a chart raises.
    """
    chart = open_chart(parts, granted, pending.fhir_base)
    return await _read_first(parts, chart, Subject(granted.patient, granted.encounter), pending.tenant)


async def _read_first(parts: Parts, chart: ChartReader, subject: Subject, tenant: str) -> PatientContext:
    mapping, patient = find_mapping(parts, tenant), subject.patient
    context = await read_context(
        chart, patient=patient, encounter=subject.encounter, mapping=mapping, now=parts.clock()
    )
    if subject.encounter is None and chart.allowed("Encounter", "s", None):
        encounters = await read_encounters(chart, patient=patient, codes=mapping.outcome_codes)
        context = replace(context, encounters=encounters)
    return context


async def _await_ahead(ahead: Awaitable[PatientContext]) -> PatientContext | None:
    try:
        return await ahead
    except ConnectorError as error:
        _log.info("chart.not-read-ahead", kind=type(error).__name__)
        return None


def find_mapping(parts: Parts, tenant: str) -> ContextMapping:
    """How this tenant's kind of EHR is read."""
    return parts.rules.readings[find_registration(parts, tenant).vendor_profile]


def is_unfinished(row: VisitRow, context: PatientContext | None) -> bool:
    """Whether a part of the chart is still to be read."""
    return context is not None and row.state in COMPLETABLE and bool(find_pending(context))


async def reopen_chart(parts: Parts, launch: Launch) -> None:
    """Makes every part that failed pending again, so that whoever looks next has it read. Nothing where none failed."""
    visit_id = launch.visit_id
    for _ in range(_TRIES):
        row = await parts.visits.row(visit_id)
        async with parts.visits.engine.connect() as connection:
            number = await parts.visits.newest_number(connection, visit_id, PatientContext)
        context = await parts.visits.latest(visit_id, PatientContext)
        if context is None or row.state not in COMPLETABLE or (reopened := reopen(context)) == context:
            return
        reopened = replace(reopened, stamp=Stamp(context.stamp.maker, parts.clock()))
        kept = Numbered(reopened, number + 1)
        one = Change("visit.chart-reopened", (kept,), launch.practitioner, _section_states(reopened))
        try:
            await change(parts, row, one)
        except Conflict:
            continue
        return


async def complete_chart(parts: Parts, launch: LaunchRow) -> None:
    """Reads the second stage, and whatever else is pending, and derives the keyterms anew.

    Nobody waits for it. What is still pending long after the launch is given up, and says how to go on. It is read with
    the newest launch's access, whichever window asks.
    """
    launch = await parts.sessions.newest_launch(launch.visit_id) or launch
    facts = await parts.visits.need(launch.visit_id, Launch)
    context = await parts.visits.need(launch.visit_id, PatientContext)
    pending = find_pending(context)
    if not is_unfinished(await parts.visits.row(launch.visit_id), context):
        return
    if parts.clock() - context.stamp.at > _LONGEST:
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
            models = narrow_models(parts, whole, await parts.visits.history(visit_id, Consent))
            hints = (Numbered(prepare_hints(parts, launch, whole, edits=edits, models=models), listed + 1),)
        kept = (Numbered(whole, number + 1), *hints)
        try:
            await change(parts, row, Change("visit.chart-completed", kept, "system", _section_states(whole)))
        except Conflict:
            continue
        return


def narrow_models(parts: Parts, context: PatientContext | None, consents: Sequence[Consent]) -> tuple[str, ...]:
    """The speech models a recording of this visit is sent to, by what chart and consents say of its language."""
    return ask_before(parts, context, consents).options.speech_models


def find_term_limits(parts: Parts, models: Sequence[str]) -> TermLimits:
    """What all of these speech models take: any of them may answer."""
    mapping = parts.rules.keyterms.mapping
    return strictest(mapping.limits_for("prerecorded", model) for model in models)


def name_target(models: Sequence[str]) -> str:
    """What a list is made for, as it stands beside it."""
    return f"prerecorded/{'+'.join(models)}"


def prepare_hints(
    parts: Parts,
    launch: Launch,
    context: PatientContext,
    *,
    edits: tuple[KeytermEdit, ...] = (),
    models: Sequence[str] | None = None,
) -> SpeechHints:
    """Keyterms within the limits of every speech model the visit is sent to, with the clinician's edits. Without
    `models` nobody has answered yet, and the chart alone says which they are."""
    models = narrow_models(parts, context, ()) if models is None else models
    setting = HintSetting(
        limits=find_term_limits(parts, models),
        target=name_target(models),
        clinician=launch.practitioner_name,
        practitioner=launch.practitioner,
        tenant=launch.tenant,
        note_type=parts.policy.note_type,
        edits=edits,
    )
    return derive_hints(context, parts.rules.keyterms, setting=setting, now=parts.clock())


def _section_states(context: PatientContext) -> dict[str, str | int | bool | None]:
    return {name: str(getattr(context, name).state) for name in SECTIONS}
