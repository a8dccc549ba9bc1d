"""Who was asked to be recorded and what they said, at any state. In: what the clinician notes. Out: a Consent, kept.

A no of anybody ends what is under way, and destroys in the same transaction what was made from the sound; where the
note is signed already it is refused, and kept all the same. Never moves a visit that is over.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from connector.consent.answer import Noted, record_answer
from connector.consent.mapping import Jurisdiction
from connector.consent.standing import NO, Standing, read_standing, require_standing
from connector.errors import Conflict, ConsentWithdrawn, InputRefused
from connector.records import (
    Consent,
    ConsentAnswer,
    DraftNote,
    Launch,
    PatientContext,
    Recording,
    Refusal,
    SpeechHints,
    Stamp,
    Transcript,
)
from connector.store.audit import AuditEvent
from connector.store.chunks import RecordingRow
from connector.store.records import delete_records, list_numbers
from connector.store.shredding import DESTROYED, GONE
from connector.store.visits import VisitRow
from connector.visit import steps
from connector.visit.own_audio import destroy_sound
from connector.visit.parts import Parts, Work
from connector.visit.priming import name_target, narrow_models, prepare_hints
from connector.visit.states import GIVEN_UP, State
from connector.visit.steps import Move, move
from connector.visit.unsending import unsend_keyterms

SIGNED = (State.SIGNED, State.FILED, State.AMENDED)
_REASON = "consent-withdrawn"
_TRIES = 5
_IN_THE_CHART = (
    "The note is signed and belongs to the chart, so it stays there. The sound of the visit has been destroyed, and it "
    "is recorded that consent was withdrawn."
)


def find_jurisdiction(parts: Parts, tenant: str) -> Jurisdiction:
    """The jurisdiction of one EHR's registration; the strictest where it was taken away since."""
    registration = parts.registrations.by_tenant(tenant)
    return parts.rules.consent.find(registration.jurisdiction if registration else None)


async def find_standing(parts: Parts, visit_id: str, *, within: AsyncConnection | None = None) -> Standing:
    """Where consent stands now."""
    return read_standing(await parts.visits.history(visit_id, Consent, within=within))


async def require_consent(parts: Parts, visit_id: str, *, within: AsyncConnection | None = None) -> None:
    """Pass when sound of this visit may be taken and sent; raises ConsentWithdrawn or NotAllowed otherwise."""
    require_standing(await find_standing(parts, visit_id, within=within))


async def require_consent_for(parts: Parts, recording: RecordingRow) -> None:
    """The same for more of one recording: one that ended with a withdrawal stays ended, whatever was answered since."""
    history = await parts.visits.history(recording.visit_id, Consent)
    require_standing(read_standing(history))
    if recording.state in (DESTROYED, GONE) and any(one.answer in NO for one in history):
        raise ConsentWithdrawn("This recording was destroyed when consent was withdrawn: start a new one.")


async def keep_answer(parts: Parts, launch: Launch, noted: Noted) -> Consent:
    """Records one person's answer; of each person the newest counts.

    A no destroys what was made from the visit's sound and gives an unsigned visit back to be typed. Raises Conflict
    where the note is signed or the visit is over, InputRefused for an answer nobody can give.
    """
    for _ in range(_TRIES):
        row = await parts.visits.row(launch.visit_id)
        consent = await _make(parts, launch, row, noted)
        try:
            await _keep(parts, launch, row, consent)
        except _Overtaken:
            continue
        if consent.answer in NO:
            await parts.wake(launch.visit_id)
        if State(row.state) in SIGNED:
            raise Conflict(_IN_THE_CHART)
        return consent
    raise Conflict("The visit is moving on just now: record the answer once more.")


class _Overtaken(Exception):
    """The visit moved between looking and keeping."""


async def _make(parts: Parts, launch: Launch, row: VisitRow, noted: Noted) -> Consent:
    state = State(row.state)
    if state in GIVEN_UP or state is State.LAUNCHED:
        raise Conflict("Nothing is recorded in this visit now: reload to see where it stands.")
    who = launch.practitioner or launch.launch_id
    consent = record_answer(
        noted,
        consent_id=parts.new_id(),
        jurisdiction=find_jurisdiction(parts, launch.tenant),
        stamp=Stamp(maker=parts.rules.consent.maker, at=parts.clock(), who=who),
    )
    if state in SIGNED and consent.answer not in NO:
        raise Conflict("The note is signed: its consent is part of it and changes no more.")
    if state is not State.PRIMED and consent.answer is ConsentAnswer.PRESENT:
        raise InputRefused("Ask this person first and record the answer; pause the recording until then.")
    if consent.answer not in NO:
        return consent
    found = (Recording, "sound"), (Transcript, "transcript"), (DraftNote, "draft")
    newest = await parts.visits.newest(launch.visit_id)
    typed = _is_typed(newest.get(Transcript))
    destroyed = tuple(word for kind, word in found if newest.get(kind) is not None and (word == "sound" or not typed))
    if state is State.CAPTURING and "sound" not in destroyed:
        destroyed = ("sound", *destroyed)
    draft = newest.get(DraftNote)
    kept = destroyed if state not in SIGNED else tuple(word for word in destroyed if word == "sound")
    return replace(consent, destroyed=kept, last_revision=draft.revision if draft else 0)


def _is_typed(transcript: Transcript | None) -> bool:
    return transcript is not None and transcript.origin == "typed"


async def _keep(parts: Parts, launch: Launch, row: VisitRow, consent: Consent) -> None:
    """One transaction. Where it must, the visit goes back to PRIMED; elsewhere it stays where it is."""
    state, actor = State(row.state), launch.practitioner or "unidentified"
    detail = {"answer": str(consent.answer), "method": consent.method, "role": consent.person.role}
    no = consent.answer in NO
    words = no and state not in SIGNED and not _is_typed(await parts.visits.latest(row.visit_id, Transcript))
    back = words and state is not State.PRIMED

    async def purge(connection: AsyncConnection) -> None:
        await _destroy(parts, connection, row, words=words)
        if back:
            event = AuditEvent(row.tenant, "visit.consent-recorded", row.visit_id, actor, consent.stamp.at, detail)
            await parts.visits.note_event(event, connection)

    also = purge if no else None
    try:
        if back:
            step = Move((state, State.PRIMED), (consent,), actor, {"reason": _REASON}, also=also)
            await move(parts, row.visit_id, step)
        else:
            records = (consent, *await _listen_anew(parts, launch, row, consent))
            kept = steps.Change("visit.consent-recorded", records, actor, detail, also)
            await steps.change(parts, row, kept)
    except Conflict:
        raise _Overtaken from None


async def _listen_anew(parts: Parts, launch: Launch, row: VisitRow, consent: Consent) -> tuple[SpeechHints, ...]:
    """The keyterms once more where the answer changes the languages spoken, and with them the models: what is shown
    is what will be sent."""
    if row.state not in (State.PRIMED, State.CAPTURING):
        return ()
    newest = await parts.visits.newest(row.visit_id)
    context, hints, facts = newest.get(PatientContext), newest.get(SpeechHints), newest.get(Launch)
    if context is None or hints is None or facts is None:
        return ()
    history = await parts.visits.history(row.visit_id, Consent)
    models = narrow_models(parts, context, (consent, *history))
    if hints.target in ("", name_target(models)):
        return ()  # as it is, or of a release that did not say what a list was made for
    return (prepare_hints(parts, facts, context, edits=hints.edits, models=models),)


async def _destroy(parts: Parts, connection: AsyncConnection, row: VisitRow, *, words: bool) -> None:
    """Keys and records at once; files and the vendors' copies by durable work that is started here."""
    await parts.shredder.destroy_redacted(connection, row.visit_id)
    await destroy_sound(parts, connection, row.visit_id, reason=_REASON, words=words)
    # What was heard in a refused recording goes too where the visit was typed afterwards, and its words stay.
    heard = await list_numbers(connection, row.visit_id, Refusal)
    await delete_records(connection, row.visit_id, Refusal, numbers=heard)
    if words:
        # What was asked about a recording that waited for a decision is answered: it is gone.
        await parts.visits.take_attention(connection, row.visit_id, row.attention or "")
        await unsend_keyterms(parts, connection, row.visit_id)
    await parts.ledger.ask_all(connection, row.visit_id, at=parts.clock())
    await parts.enqueue(connection, Work("clean_up", row.visit_id, parts.new_id()))
