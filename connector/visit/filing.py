"""The signed note on its way into the EHR: SIGNED to FILED. In: a visit id and note version. Out: what came of one try.

The intent is written before the wire is touched; an answer that never came is settled by searching, never by sending
blindly again; FILED only after the note was read back and found identical.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncConnection

from connector.consent.standing import read_standing
from connector.context.accessors import as_object, as_objects
from connector.errors import ClientNotAccepted, Conflict, EhrOutcomeUnknown, EhrUnavailable, RelaunchNeeded
from connector.records import (
    Consent,
    DraftNote,
    Filing,
    Launch,
    PatientContext,
    SignedNote,
    Stamp,
)
from connector.review.rendition import render_xhtml
from connector.store.ledger import WriteIntent
from connector.visit.access import EhrAccess, open_ehr
from connector.visit.leaving import give_access_back
from connector.visit.limits import profile_for
from connector.visit.note import heading_for
from connector.visit.own_audio import destroy_sound
from connector.visit.parts import Parts
from connector.visit.states import State
from connector.visit.steps import Move, move
from connector.writeback.bundle import FilingFacts, build_transaction, name_document
from connector.writeback.outcome import Answer, Locations, classify, read_transaction_response
from connector.writeback.profile import WriteProfile
from connector.writeback.read_back import compare


class Outcome(StrEnum):
    """What one try came to; `again` is tried by itself."""

    FILED = "filed"
    AGAIN = "again"
    RELAUNCH = "relaunch"
    PERSON = "person"


async def try_filing(parts: Parts, visit_id: str, version: int) -> Outcome:
    """One try to file one version. Safe to run any number of times and after any crash.

    Access that a session which was left kept for this note is given back once the note needs it no more. Raises
    EhrUnavailable when another try may mend it.
    """
    outcome = await _try_filing(parts, visit_id, version)
    if outcome in (Outcome.FILED, Outcome.RELAUNCH):
        await give_access_back(parts, visit_id)
    return outcome


async def _try_filing(parts: Parts, visit_id: str, version: int) -> Outcome:
    if (await parts.visits.row(visit_id)).state != State.SIGNED:
        return Outcome.FILED
    await parts.visits.show_step(visit_id, "filing", at=parts.clock())
    row = await parts.sessions.newest_launch(visit_id)
    if row is None:
        return await _wait_for_relaunch(parts, visit_id)
    access = open_ehr(parts, row)
    try:
        async with parts.ledger.hold_write(visit_id) as held:
            if not held:
                return Outcome.AGAIN
            if (await parts.visits.row(visit_id)).state != State.SIGNED:
                return Outcome.FILED
            return await _file(parts, access, version)
    except RelaunchNeeded:
        return await _wait_for_relaunch(parts, visit_id)
    except ClientNotAccepted:
        raise
    except EhrUnavailable as error:
        text = "The EHR cannot be reached. The signed note is safe here and is sent again by itself."
        raise type(error)(text, retry_after=error.retry_after) from error


async def _file(parts: Parts, access: EhrAccess, version: int) -> Outcome:
    visit_id = access.launch.visit_id
    signed = await parts.visits.need(visit_id, SignedNote)
    launch = await parts.visits.need(visit_id, Launch)
    profile = profile_for(parts, launch)
    bundle = await _build(parts, signed, launch, profile)
    identifier = name_document(signed.note_id, signed.version)
    intent = await parts.ledger.plan_write(
        WriteIntent(visit_id, version, identifier, _body_hash(bundle), "planned", 0), at=parts.clock()
    )
    found = Locations(None, None, None)
    if intent.state != "planned":
        # A try was sent before and its answer was lost or refused: look before sending again.
        found = await _search(access, launch.patient, identifier)
    if found.document_reference is None or (profile.composition and found.composition is None):
        found, refusal = await _send(parts, access, intent, bundle)
        if refusal is not None:
            return refusal
        if found.document_reference is None:
            found = await _search(access, launch.patient, identifier)
    return await _confirm(parts, access, intent, (signed, launch, found))


async def _send(
    parts: Parts, access: EhrAccess, intent: WriteIntent, bundle: dict[str, object]
) -> tuple[Locations, Outcome | None]:
    visit_id = access.launch.visit_id
    await parts.ledger.mark_write(intent, "sent", at=parts.clock(), sent=True)
    try:
        answer = await access.server.transact(bundle)
    except EhrOutcomeUnknown:
        await parts.ledger.mark_write(intent, "unknown", at=parts.clock())
        raise
    verdict = classify(answer.status, answer.body, retry_after=answer.retry_after)
    if verdict.answer is Answer.DONE:
        return read_transaction_response(answer.body), None
    if verdict.answer is Answer.REFUSED:
        await parts.ledger.mark_write(intent, "refused", at=parts.clock())
        await parts.visits.call_attention(
            visit_id, slug="ehr-rejected", text=verdict.text, action="retry-filing", at=parts.clock()
        )
        return Locations(None, None, None), Outcome.PERSON
    await parts.ledger.mark_write(intent, "unknown", at=parts.clock())
    raise EhrUnavailable(verdict.text, retry_after=answer.retry_after)


async def _confirm(
    parts: Parts, access: EhrAccess, intent: WriteIntent, filed: tuple[SignedNote, Launch, Locations]
) -> Outcome:
    """Reads the document back and compares; only an identical one moves the visit."""
    signed, launch, found = filed
    visit_id = launch.visit_id
    if found.document_reference is None:
        await parts.ledger.mark_write(intent, "unknown", at=parts.clock())
        raise EhrUnavailable("The EHR accepted the note but does not show it yet.")
    answer = await access.server.read(found.document_reference)
    if answer.body is None or answer.status != 200:
        raise EhrUnavailable("The EHR does not show the filed note yet.")
    result = compare(signed, answer.body, launch=launch)
    filing = Filing(
        document_reference=found.document_reference,
        composition=found.composition,
        provenance=found.provenance,
        stored_sha256=result.stored_sha256 or "",
        read_back=result.verdict,
        stamp=Stamp(maker="writeback@1", at=parts.clock()),
    )
    if result.verdict != "identical":
        await parts.ledger.mark_write(intent, "refused", at=parts.clock())
        text = "The EHR stores something other than what was signed: " + ", ".join(result.differs) + "."
        await parts.visits.call_attention(
            visit_id, slug="read-back-differs", text=text, action="look-in-the-ehr", at=parts.clock()
        )
        return Outcome.PERSON
    await parts.ledger.mark_write(intent, "filed", at=parts.clock())

    async def end_sound(connection: AsyncConnection) -> None:
        await destroy_sound(parts, connection, visit_id, reason="filed")

    try:
        await move(
            parts,
            visit_id,
            Move(
                (State.SIGNED, State.FILED),
                records=(filing,),
                detail={"version": signed.version, "sha256": signed.sha256},
                also=end_sound,
            ),
        )
    except Conflict:
        if (await parts.visits.row(visit_id)).state == State.SIGNED:
            raise
    return Outcome.FILED


async def _search(access: EhrAccess, patient: str, identifier: str) -> Locations:
    """What the EHR holds under our identifier; equality is checked here, for a server may ignore the parameter."""
    found: dict[str, str | None] = {"DocumentReference": None, "Composition": None}
    for kind in found:
        query = (("identifier", f"urn:ietf:rfc:3986|{identifier}"), ("patient", patient))
        answer = await access.server.search(kind, query)
        if answer.status in (404, 501) and kind == "Composition":
            continue
        if answer.status != 200 or answer.body is None:
            raise EhrUnavailable("The EHR cannot be searched for the note just now.")
        found[kind] = _match(answer.body, kind, identifier)
    return Locations(found["DocumentReference"], found["Composition"], None)


def _match(body: Mapping[str, object], kind: str, identifier: str) -> str | None:
    for entry in as_objects(body.get("entry")):
        resource = as_object(entry.get("resource"))
        carried = resource.get("identifier")
        values = [one.get("value") for one in (as_objects(carried) or (as_object(carried),))]
        if resource.get("resourceType") == kind and identifier in values and isinstance(resource.get("id"), str):
            return f"{kind}/{resource['id']}"
    return None


async def _build(parts: Parts, signed: SignedNote, launch: Launch, profile: WriteProfile) -> dict[str, object]:
    note_type = parts.rules.note_types[signed.note_type]
    context = await parts.visits.need(launch.visit_id, PatientContext)
    encounter = context.encounter.items[0] if context.encounter.items else None
    consents = await parts.visits.history(launch.visit_id, Consent)
    told = read_standing([one for one in consents if one.stamp.at <= signed.signed_at])
    draft = (await parts.visits.history(launch.visit_id, DraftNote))[-1]
    facts = FilingFacts(
        note_type_loinc=note_type.loinc,
        note_type_display=note_type.loinc_display,
        xhtml=render_xhtml(signed, await heading_for(parts, launch.visit_id, signed)),
        period_start=encounter.started if encounter else None,
        period_end=signed.signed_at,
        device_name="SMART Scribe Connector",
        device_version=draft.stamp.maker,
        model=draft.stamp.model,
        consent_id=told.patient.consent_id if told.patient else None,
    )
    return build_transaction(signed, launch=launch, profile=profile, facts=facts)


def _body_hash(bundle: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(bundle, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


async def _wait_for_relaunch(parts: Parts, visit_id: str) -> Outcome:
    await parts.visits.call_attention(
        visit_id,
        slug="relaunch-needed",
        text="The EHR's access has run out before the note was filed. Open the scribe from this patient's chart again.",
        action="relaunch",
        at=parts.clock(),
    )
    return Outcome.RELAUNCH
