"""A launch that has come back from the EHR: a new visit, or one this clinician left unfinished. In: grants. Out: ids.

A visit is reopened only by the same verified clinician for the same patient and encounter; nobody's visit never is.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field, replace
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from connector.errors import Conflict
from connector.launch.pending import PendingLaunch
from connector.launch.token_answer import GrantedTokens
from connector.records import Launch, PatientContext, Stamp
from connector.store.audit import AuditEvent
from connector.store.belonging import Belonging
from connector.store.keyring import DataKind
from connector.store.sessions import LaunchRow, digest
from connector.store.visits import Numbered
from connector.visit.access import pack_tokens
from connector.visit.parts import Parts, Work
from connector.visit.states import UNFINISHED, State

RELAUNCH = "relaunch"
_TRIES = 3
_KEYS = (DataKind.CHART, DataKind.ACCESS)


@dataclass(frozen=True, slots=True)
class Clinician:
    """Who signed in at the EHR, as proven by the id_token; both None where nothing was proven."""

    reference: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class OpenedLaunch:
    """A launch that has arrived; `session` is the secret for its cookie and is stored as a hash only.

    `facts` is the record of a launch whose visit is new; `reopened`: its visit was there already. `ahead` is the
    reading of its chart, where that is under way.
    """

    launch_id: str
    visit_id: str
    session: str = field(repr=False)
    row: LaunchRow | None = field(default=None, repr=False)
    facts: Launch | None = field(default=None, repr=False)
    reopened: bool = False
    ahead: asyncio.Task[PatientContext] | None = field(default=None, repr=False, compare=False)


async def arrive(parts: Parts, pending: PendingLaunch, granted: GrantedTokens, *, clinician: Clinician) -> OpenedLaunch:
    """Opens a session for this launch, in the visit it belongs to. One that ends meanwhile is none to come back to."""
    for _ in range(_TRIES):
        try:
            return await _arrive_once(parts, pending, granted, clinician=clinician)
        except Conflict:
            continue
    return await _arrive_once(parts, pending, granted, clinician=clinician)


async def _arrive_once(
    parts: Parts, pending: PendingLaunch, granted: GrantedTokens, *, clinician: Clinician
) -> OpenedLaunch:
    belonging = Belonging(pending.tenant, clinician.reference, granted.patient, granted.encounter)
    known = await _find_unfinished(parts, belonging)
    opened = OpenedLaunch(parts.new_id(), known or parts.new_id(), secrets.token_urlsafe(32))
    launch = _make_launch(parts, pending, granted, (opened, clinician))
    row = _make_row(parts, opened, pending.tenant)
    stalled = known is not None and await _waits_for_relaunch(parts, known)

    async def join(connection: AsyncConnection) -> None:
        keys: dict[DataKind, bytes] = {}
        joined: Launch | Numbered = Numbered(launch, 1)
        if known is None:
            # The tenant's audit chain is held since the visit was made: of two launches at once, the later sees the
            # other's visit.
            made = opened.visit_id
            if await parts.returns.find_visit(belonging, states=UNFINISHED, within=connection, beside=made):
                raise Conflict("Another launch has opened this visit just now.")
            keys |= await parts.visits.keys.make(connection, opened.visit_id, _KEYS, at=row.created_at)
        else:
            joined = await _keep_choice(parts, launch, connection)
        await parts.visits.append_record(connection, opened.visit_id, joined, at=row.created_at, keys=keys)
        tokens = pack_tokens(granted, pending.endpoints.token_endpoint, pending.endpoints.revocation_endpoint)
        await parts.sessions.open_launch(connection, row, tokens=tokens, expires=granted.expires_at, keys=keys)
        if stalled and await parts.visits.take_attention(connection, opened.visit_id, "relaunch-needed"):
            version = str((await parts.visits.row(opened.visit_id, within=connection)).note_version)
            await parts.enqueue(connection, Work("write_back", opened.visit_id, parts.new_id(), version))

    if known is None:
        await parts.visits.create(opened.visit_id, belonging, at=row.created_at, also=join)
    else:
        event = AuditEvent(pending.tenant, "visit.reopened", known, belonging.actor, row.created_at)
        await parts.visits.reopen(known, event, expect=UNFINISHED, also=join)
    return replace(opened, row=row, facts=None if known else launch, reopened=known is not None)


async def _find_unfinished(parts: Parts, belonging: Belonging) -> str | None:
    """The visit this launch belongs to. One without an encounter also finds a visit whose encounter was only chosen."""
    known = await parts.returns.find_visit(belonging, states=UNFINISHED)
    if known is not None or belonging.encounter is not None:
        return known
    for visit_id in await parts.returns.list_other_encounters(belonging, states=UNFINISHED):
        if any(one.encounter is None for one in await parts.visits.history(visit_id, Launch)):
            return visit_id
    return None


async def _keep_choice(parts: Parts, launch: Launch, connection: AsyncConnection) -> Launch:
    """The launch with the encounter its visit has. Read after the audit chain was locked: no choice comes between."""
    newest = await parts.visits.need(launch.visit_id, Launch, within=connection)
    if launch.encounter is not None or newest.encounter is None:
        return launch
    return replace(launch, encounter=newest.encounter, encounter_chosen=True)


async def _waits_for_relaunch(parts: Parts, visit_id: str) -> bool:
    row = await parts.visits.row(visit_id)
    return row.state == State.SIGNED and row.attention_action == RELAUNCH


def _make_launch(
    parts: Parts, pending: PendingLaunch, granted: GrantedTokens, who: tuple[OpenedLaunch, Clinician]
) -> Launch:
    opened, clinician = who
    return Launch(
        launch_id=opened.launch_id,
        visit_id=opened.visit_id,
        tenant=pending.tenant,
        fhir_base=pending.fhir_base,
        patient=granted.patient,
        encounter=granted.encounter,
        practitioner=clinician.reference,
        practitioner_name=clinician.name,
        need_patient_banner=granted.need_patient_banner,
        granted_scope=granted.scope,
        renewable=granted.refresh_token is not None,
        stamp=Stamp(maker="launch@1", at=parts.clock(), who=clinician.reference),
    )


def _make_row(parts: Parts, opened: OpenedLaunch, tenant: str) -> LaunchRow:
    now = parts.clock()
    return LaunchRow(
        launch_id=opened.launch_id,
        visit_id=opened.visit_id,
        tenant=tenant,
        session_hash=digest(opened.session),
        csrf=secrets.token_urlsafe(32),
        created_at=now,
        expires_at=now + timedelta(seconds=parts.policy.session_absolute),
        ended=False,
        seen_at=now,
    )
