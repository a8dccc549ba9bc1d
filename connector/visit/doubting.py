"""The one question before a draft: asked with the transcript, answered by the clinician. In: visit ids, an answer.

The visit waits in TRANSCRIBED with nothing running; the answer starts the draft, or destroys what is not this
patient's, in its own transaction. Never asks twice for one transcript, and never drafts before the answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from connector.errors import Conflict, InputRefused
from connector.records import (
    Doubts,
    DoubtsAnswer,
    Launch,
    PatientContext,
    Recording,
    Stamp,
    Transcript,
)
from connector.store.visits import Numbered, VisitRow
from connector.transcript.doubts import Expected, find_doubts
from connector.visit import steps
from connector.visit.own_audio import destroy_sound
from connector.visit.parts import Parts, Work
from connector.visit.states import State
from connector.visit.steps import Move, move

DOUBTFUL = "doubtful"
"""Slug of the flag while the question is open."""
GO_ON = ("this-visit", "go-on")
REFUSED = "not-this-patient"
ANSWERS = (*GO_ON, REFUSED)
_TEXT = "Something speaks against this recording being this visit. Answer the question, and the note is drafted."


@dataclass(frozen=True, slots=True)
class Question:
    """The newest question of a visit, and its answer where one was given."""

    doubts: Doubts
    answer: DoubtsAnswer | None

    @property
    def is_open(self) -> bool:
        """Whether the clinician has not answered yet."""
        return self.answer is None


def pair_up(transcript: Transcript | None, doubts: Doubts | None, answer: DoubtsAnswer | None) -> Question | None:
    """The question of this transcript, in whatever version, out of the newest records; None where there is none."""
    if transcript is None or doubts is None or doubts.transcript_id != transcript.stem:
        return None
    return Question(doubts, answer if answer and answer.transcript_id == doubts.transcript_id else None)


async def find_question(parts: Parts, visit_id: str) -> Question | None:
    """The question of the newest transcript."""
    newest = await parts.visits.newest(visit_id)
    return pair_up(newest.get(Transcript), newest.get(Doubts), newest.get(DoubtsAnswer))


async def doubt(parts: Parts, transcript: Transcript, *, visit_id: str) -> Doubts | None:
    """What speaks against a transcript; None where nothing does."""
    context = await parts.visits.need(visit_id, PatientContext)
    launch = await parts.visits.need(visit_id, Launch)
    recording = await parts.visits.latest(visit_id, Recording)
    expected = Expected(
        language=transcript.sent_language,
        recording_ms=recording.duration_ms if recording else 0,
        clinician=launch.practitioner_name or "",
    )
    found = find_doubts(
        transcript, context, expected=expected, rules=parts.rules.speech, book=parts.rules.keyterms.drugs
    )
    stamp = Stamp(maker="doubts@1", at=parts.clock())
    return Doubts(transcript.transcript_id, found, stamp) if found else None


async def raise_question(parts: Parts, visit_id: str) -> bool:
    """Raises the flag of a visit whose question is open; True where its transcript was doubted at all.

    A transcript that was doubted is drafted by the answer alone.
    """
    question = await find_question(parts, visit_id)
    if question is None:
        return False
    if question.is_open and (await parts.visits.row(visit_id)).state == State.TRANSCRIBED:
        await parts.visits.call_attention(visit_id, slug=DOUBTFUL, text=_TEXT, action="answer", at=parts.clock())
    return True


async def answer_question(parts: Parts, launch: Launch, *, answer: str) -> VisitRow:
    """Keeps the clinician's answer, with who and when, and starts what follows from it, in one transaction.

    Raises InputRefused for an answer there is not, Conflict where nothing is asked any more.
    """
    if answer not in ANSWERS:
        raise InputRefused(f"The answer is one of {', '.join(ANSWERS)}: reload the page.")
    visit_id = launch.visit_id
    row = await parts.visits.row(visit_id)
    question = await find_question(parts, visit_id)
    if row.state != State.TRANSCRIBED or question is None or not question.is_open:
        raise Conflict("This question is answered already: reload to see where the visit stands.")
    actor = launch.practitioner or "unidentified"
    given = DoubtsAnswer(
        transcript_id=question.doubts.transcript_id,
        answer=answer,
        kinds=tuple(one.kind for one in question.doubts.items),
        by=launch.practitioner_name or actor,
        stamp=Stamp(maker="doubts@1", at=parts.clock(), who=actor),
    )
    async with parts.visits.engine.connect() as connection:
        kept = Numbered(given, await parts.visits.newest_number(connection, visit_id, DoubtsAnswer) + 1)
    detail = {"answer": answer}

    async def draft(connection: AsyncConnection) -> None:
        await parts.visits.take_attention(connection, visit_id, DOUBTFUL)
        await parts.enqueue(connection, Work("draft_again", visit_id, given.transcript_id))

    async def give_up(connection: AsyncConnection) -> None:
        await destroy_sound(parts, connection, visit_id, reason=REFUSED, words=True)
        await parts.enqueue(connection, Work("clean_up", visit_id, parts.new_id()))

    if answer == REFUSED:
        arrow = (State.TRANSCRIBED, State.PRIMED)
        return await move(
            parts, visit_id, Move(arrow, records=(kept,), actor=actor, detail={"reason": REFUSED}, also=give_up)
        )
    return await steps.change(parts, row, steps.Change("visit.doubts-answered", (kept,), actor, detail, draft))
