"""Coming back: a clinician's open visits, another window, the lock after idling, a visit given up. In: a launch.

A visit under the wrong patient is discarded with a reason, never moved; a lock hides pages and stops no capture.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from connector.errors import InputRefused, SessionLocked
from connector.records import Launch, PatientContext
from connector.store.belonging import Belonging
from connector.store.reach import Reach, narrowed
from connector.store.sessions import LaunchRow
from connector.store.visits import Newest, VisitRow
from connector.visit.access import open_ehr
from connector.visit.own_audio import destroy_sound
from connector.visit.parts import Parts, Work
from connector.visit.states import UNFINISHED, UNSIGNED, State
from connector.visit.steps import Move, move

REASONS = {
    "wrong-patient": "Wrong patient",
    "wrong-recording": "Wrong recording",
    "patient-withdrew": "The patient withdrew consent",
    "duplicate": "Made twice",
    "test": "Only a test",
}
PAGE_OF_WORK = 50
_TICKET_LIFE = timedelta(seconds=60)
_SEEN_EVERY = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class OpenWork:
    """One visit of a clinician that is not in the EHR yet. `here` marks the visit of the launch that asks."""

    row: VisitRow
    patient_name: str
    patient: str
    here: bool


@dataclass(frozen=True, slots=True)
class OpenWorkPage:
    """A page of them; `more`: there are older ones."""

    work: tuple[OpenWork, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class CarriedLaunch:
    """A launch in a window of its own; `session` is the secret for that window's cookie."""

    launch_id: str
    session: str = field(repr=False)


async def list_open_work(parts: Parts, launch: Launch, *, page: int = 1) -> OpenWorkPage:
    """What this clinician has unsigned or unfiled with this EHR, newest first; pages count from 1."""
    belonging = Belonging(launch.tenant, launch.practitioner)
    if belonging.clinician is None:
        return OpenWorkPage((), more=False)
    theirs = belonging.keys(parts.visits.master)["clinician_key"]
    with narrowed(Reach(tenant=launch.tenant, clinician_key=theirs)):
        return await _collect_open_work(parts, launch, page)


async def _collect_open_work(parts: Parts, launch: Launch, page: int) -> OpenWorkPage:
    belonging, skip = Belonging(launch.tenant, launch.practitioner), (page - 1) * PAGE_OF_WORK
    found = await parts.returns.list_visits(belonging, states=UNFINISHED, skip=skip, limit=PAGE_OF_WORK + 1)
    rows = found[:PAGE_OF_WORK]
    known = await parts.visits.newest_of_each([row.visit_id for row in rows], Launch, PatientContext)
    return OpenWorkPage(
        tuple(_describe_work(row, known[row.visit_id], launch) for row in rows), more=len(found) > PAGE_OF_WORK
    )


def _describe_work(row: VisitRow, known: Newest, launch: Launch) -> OpenWork:
    context, facts = known.get(PatientContext), known.get(Launch)
    person = context.patient.items[0] if context and context.patient.items else None
    return OpenWork(row, person.name if person else "", facts.patient if facts else "", row.visit_id == launch.visit_id)


async def discard(parts: Parts, launch: Launch, *, reason: str) -> VisitRow:
    """Gives an unsigned visit up: sound, transcript and draft become unreadable at once; vendor copies are deleted."""
    if reason not in REASONS:
        raise InputRefused(f"Say why the visit is given up: one of {', '.join(REASONS)}.")
    row = await parts.visits.row(launch.visit_id)
    if row.state not in UNSIGNED:
        raise InputRefused("A signed note is not discarded here: correct it in the EHR.")

    async def clean_up(connection: AsyncConnection) -> None:
        await parts.chunks.drop_open(connection, launch.visit_id)
        await destroy_sound(parts, connection, launch.visit_id, reason="visit-over", words=True)
        await parts.enqueue(connection, Work("clean_up", launch.visit_id, parts.new_id()))

    arrow = (State(row.state), State.DISCARDED)
    actor = launch.practitioner or "unidentified"
    step = Move(arrow, actor=actor, detail={"reason": reason}, also=clean_up)
    return await move(parts, launch.visit_id, step)


async def make_ticket(parts: Parts, launch_id: str) -> str:
    """A ticket that carries this launch into one other window within a minute."""
    ticket = secrets.token_urlsafe(32)
    await parts.returns.keep_ticket(ticket, launch_id, expires=parts.clock() + _TICKET_LIFE)
    return ticket


async def use_ticket(parts: Parts, ticket: str) -> CarriedLaunch | None:
    """The launch a ticket carries, with a session for the new window; None for a used, old or unknown ticket."""
    session = secrets.token_urlsafe(32)
    launch_id = await parts.returns.take_ticket(ticket, session=session, at=parts.clock())
    return None if launch_id is None else CarriedLaunch(launch_id, session)


def is_locked(parts: Parts, row: LaunchRow) -> bool:
    """Whether nobody was there for so long that the page is hidden."""
    return _last_seen(row) + timedelta(seconds=parts.policy.session_idle) <= parts.clock()


async def refuse_locked(parts: Parts, row: LaunchRow) -> None:
    """Raises SessionLocked for a hidden session; else notes, at most once a minute, that a person is there."""
    if is_locked(parts, row):
        raise SessionLocked("Hidden after a pause: continue with one click. Nothing was lost.")
    if _last_seen(row) + _SEEN_EVERY <= parts.clock():
        await parts.returns.see(row.launch_id, at=parts.clock())


async def unlock(parts: Parts, row: LaunchRow) -> None:
    """Shows the session again after the EHR has renewed its access; raises RelaunchNeeded where it does not."""
    await open_ehr(parts, row).renew()
    await parts.returns.see(row.launch_id, at=parts.clock())


def _last_seen(row: LaunchRow) -> datetime:
    return row.seen_at or row.created_at
