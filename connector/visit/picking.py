"""A standalone launch whose EHR named no patient: somebody picks one here. In: grants, a search. Out: people, a visit.

No visit exists before a patient was looked at and confirmed. The tokens wait sealed, as long as a pending launch does.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pydantic import TypeAdapter

from connector.clients.fhir import FhirLimits, FhirReadAnswer, FhirServer
from connector.context.answer import FhirAnswer
from connector.context.patients import FoundPatients, PatientQuery, read_patients
from connector.context.person import read_person
from connector.errors import Conflict, EhrUnavailable, InputRefused, LaunchRefused, NotFound, RelaunchNeeded
from connector.launch.abilities import may
from connector.launch.authorization import RANDOM_BYTES
from connector.launch.callback import PENDING_FOR
from connector.launch.pending import PendingLaunch, hash_browser, read_pending, write_pending
from connector.launch.token_answer import NO_PATIENT, GrantedTokens
from connector.records import PersonSummary
from connector.store.reach import Reach, narrowed
from connector.store.sessions import PendingRow, digest
from connector.visit.access import find_registration
from connector.visit.arriving import Clinician, OpenedLaunch, arrive
from connector.visit.parts import Parts

_GRANTED = TypeAdapter(GrantedTokens)
_HASTE = FhirLimits(read_deadline=10.0, retries=1, patience=2.0)
_GONE = "This search is over: ten minutes have passed, or a patient was opened. Start the scribe again."


@dataclass(frozen=True, slots=True)
class AwaitedPatient:
    """A launch that waits for its patient; `browser` is the secret for the cookie of its pages."""

    pick_id: str
    browser: str = field(repr=False)


@dataclass(frozen=True)
class Picking:
    """One launch waiting for its patient, opened by its cookie. `csrf` is asked of every form."""

    pick_id: str
    tenant: str
    csrf: str = field(repr=False)
    clinician: Clinician
    row: PendingRow = field(repr=False)


def picking_cookie(pick_id: str) -> str:
    """The name of the cookie that binds the search for a patient to its browser."""
    return f"__Host-pick-{pick_id[:12]}"


def refuse_without_picking(parts: Parts, pending: PendingLaunch, granted: GrantedTokens) -> None:
    """Raises LaunchRefused for a launch that names no patient and may not pick one.

    It may where it began outside the EHR, the registration allows that, and `user/` scopes let it read and search
    Patient: the scopes of a patient's launch say nothing about others.
    """
    allowed = pending.standalone and find_registration(parts, pending.tenant).standalone
    if not allowed or not all(may(granted.scope, letter, resource="Patient", user=True) for letter in "rs"):
        raise LaunchRefused(NO_PATIENT)


async def begin_picking(
    parts: Parts, pending: PendingLaunch, granted: GrantedTokens, *, clinician: Clinician
) -> AwaitedPatient:
    """Keeps the grants, sealed, until a patient is picked."""
    awaited = AwaitedPatient(secrets.token_urlsafe(RANDOM_BYTES), secrets.token_urlsafe(RANDOM_BYTES))
    body = {
        "pending": write_pending(pending),
        "granted": _GRANTED.dump_json(granted).decode(),
        "clinician": asdict(clinician),
        "csrf": secrets.token_urlsafe(RANDOM_BYTES),
        "looked_at": None,
    }
    await parts.sessions.keep_pending(
        _name(awaited.pick_id), browser=awaited.browser, tenant=pending.tenant, body=body, at=parts.clock()
    )
    return awaited


async def find_picking_ehr(parts: Parts, pick_id: str) -> str | None:
    """The EHR (tenant) whose launch waits under this id, whoever asks; None for an unknown one. Tells nothing else."""
    row = await parts.sessions.find_pending(digest(_name(pick_id)))
    return row.tenant if row else None


async def open_picking(parts: Parts, pick_id: str, *, browser: str | None) -> Picking:
    """The waiting launch this cookie opens; NotFound for every other one, and after ten minutes."""
    row = await parts.sessions.find_pending(digest(_name(pick_id)))
    if row is None or browser is None or hash_browser(browser) != row.browser_hash:
        raise NotFound(_GONE)
    if parts.clock() - row.created_at > PENDING_FOR:
        raise NotFound(_GONE)
    return Picking(pick_id, row.tenant, row.body["csrf"], Clinician(**row.body["clinician"]), row)


async def search_patients(parts: Parts, picking: Picking, query: PatientQuery) -> FoundPatients:
    """Asks the EHR with the launch's own token, by form: names and birth dates stand in no address.

    Raises InputRefused for a query that asks for everybody, EhrUnavailable where the EHR gives no list.
    """
    if not query.enough:
        raise InputRefused("Give at least two letters of the name, or the birth date, or the record number.")
    answer = await _server(parts, picking).search_by_form("Patient", query.parameters())
    _check(answer, wanted="Bundle")
    return read_patients(answer.body)


async def look_at(parts: Parts, picking: Picking, patient: str) -> PersonSummary:
    """Reads one patient to be confirmed, and remembers whom; raises InputRefused for nobody."""
    answer = await _server(parts, picking).read(f"Patient/{patient}")
    if answer.status in (404, 410) or answer.failure == "foreign-link":
        raise InputRefused("The EHR does not know this patient: search again.")
    _check(answer, wanted="Patient")
    people = read_person(FhirAnswer(answer.status, answer.body), patient=f"Patient/{patient}").items
    if not people:
        raise InputRefused("The EHR answered with another patient: search again.")
    if people[0].replaced_by is not None:
        raise InputRefused("This record was merged into another one: search again and take the one that is in use.")
    if answer.body is not None and answer.body.get("active") is False:
        raise InputRefused("This record is not in use any more: search again, or ask whoever keeps the records.")
    if not await parts.sessions.rebind_pending(picking.row, browser=None, body=_look(picking, patient)):
        raise Conflict("Another patient was looked at in the same moment: search again.")
    return people[0]


async def confirm(parts: Parts, picking: Picking, patient: str, *, browser: str) -> OpenedLaunch:
    """Opens the visit of the patient looked at last. Conflict where another one was looked at meanwhile."""
    if patient != picking.row.body["looked_at"]:
        raise Conflict("Another patient was looked at meanwhile, in another tab: search again.")
    body = await parts.sessions.consume_pending(_name(picking.pick_id), browser=browser)
    if body is None or body["looked_at"] != patient:
        raise NotFound(_GONE)
    pending, granted = _read(body)
    picked = replace(granted, patient=f"Patient/{patient}", encounter=None, need_patient_banner=True)
    with narrowed(Reach(tenant=pending.tenant)):
        return await arrive(parts, pending, picked, clinician=picking.clinician)


def _look(picking: Picking, patient: str) -> dict[str, object]:
    return {**picking.row.body, "looked_at": patient}


def _name(pick_id: str) -> str:
    """Kept apart from the states of launches under way, so that neither opens the other."""
    return f"pick:{pick_id}"


def _read(body: Mapping[str, Any]) -> tuple[PendingLaunch, GrantedTokens]:
    return read_pending(body["pending"]), _GRANTED.validate_json(body["granted"])


def _server(parts: Parts, picking: Picking) -> FhirServer:
    pending, granted = _read(picking.row.body)

    async def token(renew: bool) -> str:
        if renew:
            raise RelaunchNeeded("The EHR's access has run out before a patient was picked. Start the scribe again.")
        return granted.access_token

    return FhirServer(parts.ehr, pending.fhir_base, token, limits=_HASTE)


def _check(answer: FhirReadAnswer, *, wanted: str) -> None:
    if answer.status == 403:
        raise LaunchRefused("The EHR does not let this clinician search for patients. Open the scribe from a chart.")
    if not 200 <= answer.status < 300 or answer.body is None or answer.body.get("resourceType") != wanted:
        raise EhrUnavailable(
            "The EHR gave no list of patients. Try again, or open the scribe from the patient's chart."
        )
