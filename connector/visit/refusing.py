"""A recording in which no visit could be heard: kept, until the clinician decides. In: a visit, a decision. Out: work.

Never drafts by itself from what was refused, and never destroys it by itself.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from connector.errors import Conflict, InputRefused
from connector.records import Launch, Recording, Refusal, Stamp, Transcript
from connector.store.visits import VisitRow
from connector.transcript.speech import may_draft, measure_speech
from connector.visit import steps
from connector.visit.consenting import require_consent
from connector.visit.own_audio import destroy_sound
from connector.visit.parts import PREPARE, Parts, Work
from connector.visit.states import State
from connector.visit.steps import Move, move

DECISIONS = ("transcribe-again", "draft-anyway", "discard")
LITTLE = "Little speech could be made out in this recording: a note from it may be wrong. Check every statement."
NO_DRAFT = "draft-unusable"
_USED = (State.PRIMED, State.CAPTURED)


def note_refusal(parts: Parts, transcript: Transcript, *, reason: str, recording_ms: int) -> Refusal:
    """The record of a refusal, with what was heard all the same."""
    rules = parts.rules.speech
    heard = measure_speech(transcript, rules=rules, recording_ms=recording_ms)
    stamp = Stamp(maker="speech.yaml", at=parts.clock())
    return Refusal(reason, transcript, may_draft(heard, rules=rules), stamp)


def refusal_of(recording: Recording, refusal: Refusal | None) -> Refusal | None:
    """The refusal of this very recording: an earlier one's words are not what is played now."""
    return refusal if refusal is not None and refusal.stamp.at >= recording.stamp.at else None


async def decide(parts: Parts, launch: Launch, *, decision: str) -> VisitRow:
    """What becomes of the kept recording of a PRIMED visit: transcribed or drafted all the same, or destroyed.

    Where a transcript gave no draft it may be destroyed too: the visit can then be typed or recorded anew.
    Raises InputRefused for another decision, Conflict where no recording waits for one, or where there is no speech in
    it; needs consent where it is used.
    """
    if decision not in DECISIONS:
        raise InputRefused(f"What becomes of the recording is one of {', '.join(DECISIONS)}: reload the page.")
    visit_id = launch.visit_id
    row = await parts.visits.row(visit_id)
    if decision == "discard" and await _gave_no_draft(parts, row):
        return await _give_up_draft(parts, launch)
    recording = await parts.visits.latest(visit_id, Recording)
    if row.state != State.PRIMED or recording is None:
        raise Conflict("No recording waits for a decision here: reload to see where the visit stands.")
    if decision == "discard":
        return await _discard(parts, launch, row)
    await require_consent(parts, visit_id)
    work = Work(PREPARE, visit_id, parts.new_id())
    if decision == "draft-anyway":
        refusal = refusal_of(recording, await parts.visits.latest(visit_id, Refusal))
        if refusal is None or not refusal.may_draft:
            raise Conflict("There is too little speech in this recording to draft anything from it.")
        work = Work("draft_anyway", visit_id, refusal.transcript.transcript_id)

    async def start(connection: AsyncConnection) -> None:
        # Nothing is gone on from that an earlier try left at a vendor's: it may be being deleted already.
        await parts.ledger.ask_all(connection, visit_id, at=parts.clock())
        await parts.enqueue(connection, work)
        await parts.enqueue(connection, Work("clean_up", visit_id, parts.new_id()))

    actor = launch.practitioner or "unidentified"
    return await move(parts, visit_id, Move(_USED, actor=actor, detail={"way": decision}, also=start))


async def _discard(parts: Parts, launch: Launch, row: VisitRow) -> VisitRow:
    async def destroy(connection: AsyncConnection) -> None:
        await destroy_sound(parts, connection, row.visit_id, reason="discarded", words=True)
        await parts.visits.take_attention(connection, row.visit_id, row.attention or "")
        await parts.enqueue(connection, Work("clean_up", row.visit_id, parts.new_id()))

    actor = launch.practitioner or "unidentified"
    return await steps.change(parts, row, steps.Change("visit.recording-discarded", (), actor, None, destroy))


async def _gave_no_draft(parts: Parts, row: VisitRow) -> bool:
    """Whether a recording was transcribed and no draft came of it; typed words are not given up so."""
    if row.state != State.TRANSCRIBED or row.attention != NO_DRAFT:
        return False
    return (await parts.visits.need(row.visit_id, Transcript)).origin != "typed"


async def _give_up_draft(parts: Parts, launch: Launch) -> VisitRow:
    visit_id = launch.visit_id

    async def destroy(connection: AsyncConnection) -> None:
        await destroy_sound(parts, connection, visit_id, reason="discarded", words=True)
        await parts.enqueue(connection, Work("clean_up", visit_id, parts.new_id()))

    arrow = (State.TRANSCRIBED, State.PRIMED)
    actor = launch.practitioner or "unidentified"
    return await move(parts, visit_id, Move(arrow, actor=actor, detail={"reason": "discarded"}, also=destroy))
