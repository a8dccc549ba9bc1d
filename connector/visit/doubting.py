"""The one question before a draft: asked with the transcript, answered by the clinician. In: visit ids, an answer.

The visit waits in TRANSCRIBED with nothing running; the answer starts the draft, or destroys what is not this
patient's, or has it transcribed again in the language that was spoken, in its own transaction. Never asks twice for
one transcript, and never drafts before the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

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
from connector.store.jobs import DONE
from connector.store.visits import Numbered, VisitRow
from connector.transcript.doubts import Expected, find_doubts
from connector.visit import steps
from connector.visit.consenting import require_consent
from connector.visit.own_audio import destroy_sound
from connector.visit.parts import PREPARE, Parts, Work
from connector.visit.states import State
from connector.visit.steps import Move, move

DOUBTFUL = "doubtful"
"""Slug of the flag while the question is open."""
GO_ON = ("this-visit", "go-on")
REFUSED = "not-this-patient"
AGAIN = "transcribe-again"
ANSWERS = (*GO_ON, REFUSED, AGAIN)
LANGUAGE = "language"
"""The kind of doubt that can be answered by another transcription."""
_AGAIN = (State.TRANSCRIBED, State.CAPTURED)
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


def find_languages(parts: Parts, question: Question | None, recording: Recording | None) -> Mapping[str, str]:
    """The languages a recording can be transcribed in again, code to name by name: none where its language is not
    doubted, nothing is open, or the sound is kept no more."""
    doubted = question is not None and question.is_open and any(one.kind == LANGUAGE for one in question.doubts.items)
    if recording is None or not doubted:
        return {}
    known, models = parts.rules.speech_models, parts.policy.speech_models
    able = [code for code in known.titles if known.knowing(models, code)]
    return {code: known.name_of(code) for code in sorted(able, key=known.name_of)}


async def answer_question(parts: Parts, launch: Launch, *, answer: str, language: str = "") -> VisitRow:
    """Keeps the clinician's answer, with who and when, and starts what follows from it, in one transaction.

    `language` is the code it is to be transcribed in again. Raises InputRefused for an answer or a language there is
    not, Conflict where nothing is asked any more or the sound is kept no more, NotAllowed without consent to it.
    """
    if answer not in ANSWERS:
        raise InputRefused(f"The answer is one of {', '.join(ANSWERS)}: reload the page.")
    visit_id = launch.visit_id
    row = await parts.visits.row(visit_id)
    question = await find_question(parts, visit_id)
    if row.state != State.TRANSCRIBED or question is None or not question.is_open:
        raise Conflict("This question is answered already: reload to see where the visit stands.")
    again = await _check_language(parts, question, language, visit_id=visit_id) if answer == AGAIN else None
    actor = launch.practitioner or "unidentified"
    given = DoubtsAnswer(
        transcript_id=question.doubts.transcript_id,
        answer=answer,
        kinds=tuple(one.kind for one in question.doubts.items),
        by=launch.practitioner_name or actor,
        stamp=Stamp(maker="doubts@1", at=parts.clock(), who=actor),
        language=again,
    )
    async with parts.visits.engine.connect() as connection:
        kept = Numbered(given, await parts.visits.newest_number(connection, visit_id, DoubtsAnswer) + 1)
    detail = {"answer": answer}
    if again is not None:
        told = {"way": AGAIN, "language": again}
        left = [job.job_key for job in await parts.jobs.of_visit(visit_id)]
        begin = partial(_begin_again, parts, visit_id, left=left)
        return await move(parts, visit_id, Move(_AGAIN, records=(kept,), actor=actor, detail=told, also=begin))

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


async def _check_language(parts: Parts, question: Question, language: str, *, visit_id: str) -> str:
    recording = await parts.visits.latest(visit_id, Recording)
    if recording is None:
        raise Conflict("The recording is kept no more: it cannot be transcribed again.")
    if language not in find_languages(parts, question, recording):
        raise InputRefused("This recording cannot be transcribed again in that language: choose one of the list.")
    await require_consent(parts, visit_id)
    return language


async def _begin_again(parts: Parts, visit_id: str, connection: AsyncConnection, *, left: Sequence[str]) -> None:
    """Nothing is gone on from that the first transcription left at the vendor's: it goes, and its rows stay. `left`
    are its own rows here, one of which a step that was cut off may not have ended. Its redacted copy goes too."""
    if await parts.shredder.destroy_redacted(connection, visit_id):
        await parts.enqueue(connection, Work("remove_sound", visit_id, parts.new_id()))
    for job_key in left:
        await parts.jobs.end(connection, job_key, DONE)
    await parts.ledger.ask_all(connection, visit_id, at=parts.clock())
    await parts.enqueue(connection, Work(PREPARE, visit_id, parts.new_id()))
    await parts.enqueue(connection, Work("clean_up", visit_id, parts.new_id()))
