"""From sealed sound to a sealed transcript: CAPTURED to TRANSCRIBED. In: a visit id. Out: ids for the next step.

Each function is one durable step that may run twice: what a vendor holds is written down before it is asked for, and a
job is looked for in the vendor's list before another is submitted. No call without an active consent.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from connector.clients.assemblyai import build_transcript_request
from connector.clients.speech_request import Webhook
from connector.erasure.ledger import next_action
from connector.errors import Conflict, ConnectorError, NotAllowed, NothingSaid, VendorOutcomeUnknown, VendorUnavailable
from connector.hints.keyterms import fit_hints
from connector.records import Recording, Refusal, SpeechHints, Transcript, VendorCopy
from connector.store.visits import Numbered, Step
from connector.transcript.speech import judge_speech
from connector.visit.asking import ask_for, recall_asking
from connector.visit.consenting import require_consent
from connector.visit.doubting import doubt, raise_question
from connector.visit.hearing import read_heard
from connector.visit.joining import join_pieces
from connector.visit.own_audio import destroy_sound
from connector.visit.parts import Parts
from connector.visit.priming import find_term_limits, name_target
from connector.visit.redacting import note_sound, on_kept
from connector.visit.refusing import LITTLE, note_refusal
from connector.visit.speaking import gate_copy, gate_recording, require_copy, speak
from connector.visit.spending import give_budget_back, record_speech_cost, set_budget_aside
from connector.visit.states import GIVEN_UP, State
from connector.visit.steps import Move, move
from connector.visit.vendor_copies import begin_copy, forget_copy, name_copy

CUT_OFF = "cut-off"
_CUT_OFF = "The transcription was cut off: what it worked with has been deleted. Choose Transcribe again."
_CLOCK_SLACK = timedelta(minutes=10)
_UPLOAD_LASTS = timedelta(hours=20)
"""An older upload is not transcribed from: the vendor keeps them for a day or two, and says no more than that."""
Kept = Callable[[AsyncConnection, bool], Awaitable[None]]
"""Joins the transaction that keeps a transcript; told whether something speaks against it."""


class Overtaken(Exception):
    """Another worker has the row by now: nothing was sent, and what follows is that one's."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A worker's turn with a row. `webhook` and `is_mine` are asked right before a job is sent. Of a `fresh` upload,
    made in this turn, there can be no job while the row is its own."""

    webhook: Callable[[], Awaitable[Webhook | None]]
    is_mine: Callable[[], Awaitable[bool]]
    fresh: bool


async def send_recording(parts: Parts, visit_id: str) -> str:
    """Uploads the recording and returns the vendor's address of it; an upload that was written down is not repeated."""
    await require_consent(parts, visit_id)
    record = await join_pieces(parts, visit_id)
    for copy in await parts.ledger.copies(visit_id):
        usable = copy.kind == "upload" and copy.state == "held" and next_action(copy) == "ask"
        if usable and copy.made_at >= max(record.stamp.at, parts.clock() - _UPLOAD_LASTS):
            return copy.vendor_id
    await set_budget_aside(parts, visit_id, sound_ms=record.duration_ms)
    await parts.visits.show_step(visit_id, "uploading", at=parts.clock())
    recording = await parts.chunks.find(record.recording_id)
    gate = gate_recording(parts, recording)
    begun = await begin_copy(parts, visit_id, "upload")
    try:
        address = await parts.speech.upload(speak(parts, recording, gate), record.size, gate=gate)
    except VendorOutcomeUnknown as error:
        # All of it was sent: it may lie there, and nobody here knows where. An upload without a job costs nothing.
        await give_budget_back(parts, visit_id)
        raise VendorUnavailable(error.detail, retry_after=error.retry_after) from error
    except ConnectorError:
        await forget_copy(parts, begun)
        await give_budget_back(parts, visit_id)
        raise
    await name_copy(parts, begun, address)
    return address


async def submit_recording(parts: Parts, visit_id: str, address: str, *, turn: Turn | None = None) -> str:
    """Submits one transcription job for an uploaded recording; extra jobs of a lost answer are written down to be
    deleted. The vendor's list is searched before a second try. Raises Overtaken where the turn is over."""
    await require_consent(parts, visit_id)
    gate = gate_copy(parts, visit_id, kind="upload", vendor_id=address)
    async with gate():
        pass
    await parts.visits.show_step(visit_id, "transcribing", at=parts.clock())
    recording = await parts.visits.need(visit_id, Recording)
    since = recording.stamp.at - _CLOCK_SLACK
    known = [] if turn is not None and turn.fresh else await parts.speech.find_jobs(address, since=since)
    if not known:
        await set_budget_aside(parts, visit_id, sound_ms=recording.duration_ms)
        asking = await ask_for(parts, visit_id)
        options = asking.options
        models = options.speech_models if options.sends_keyterms else ()
        terms = [term.text for term in (await keep_sent(parts, visit_id, models)).keyterms]
        if turn is not None:
            options = replace(options, webhook=await turn.webhook())
        try:
            request = build_transcript_request(address, terms, options=options)
            if turn is not None and not await turn.is_mine():
                raise Overtaken
            await parts.jobs.keep_asked(visit_id, asking.told())
            job = await parts.speech.submit(request, gate=gate)
            known = [job.job_id]
        except VendorOutcomeUnknown:
            known = await parts.speech.find_jobs(address, since=since)
            if not known:
                raise
    for job_id in known:
        await parts.ledger.add_copy(visit_id, _held(parts, "transcript", job_id))
        await note_sound(parts, visit_id, job_id)
    return known[0]


async def await_transcript(parts: Parts, visit_id: str, job_id: str) -> str:
    """Waits for the job, seals the transcript and moves the visit; returns `transcribed`, `asked` or `nothing-said`.

    A recording without a visit in it is refused: the visit goes back to PRIMED with a flag that says so, and the
    recording is kept until the clinician decides. `asked`: something speaks against it; the answer starts the draft.
    """
    if await _ended_with_its_sound(parts, visit_id):
        return await tell_outcome(parts, visit_id)
    policy, gate = parts.policy, gate_copy(parts, visit_id, kind="transcript", vendor_id=job_id)
    answer = await parts.speech.wait(
        job_id, deadline_s=policy.transcription_deadline, interval=policy.transcription_poll_interval, gate=gate
    )
    return await take_answer(parts, visit_id, answer, job_id=job_id)


async def take_answer(
    parts: Parts, visit_id: str, answer: dict[str, Any], *, job_id: str, kept: Kept | None = None
) -> str:
    """Seals what a finished job heard and moves the visit; returns as `await_transcript` does."""
    recording = await parts.visits.need(visit_id, Recording)
    transcript = read_heard(parts, answer, recording=recording, asking=await recall_asking(parts, visit_id))
    await record_speech_cost(parts, visit_id, transcript, job_id=job_id)
    try:
        judge_speech(transcript, rules=parts.rules.speech, recording_ms=recording.duration_ms)
    except NothingSaid as refusal:
        reason = refusal.detail
        refused = note_refusal(parts, transcript, reason=reason, recording_ms=recording.duration_ms)
        await give_back(parts, visit_id, slug=refusal.slug, text=reason, refusal=refused)
        return "nothing-said"
    copies = await on_kept(parts, visit_id, answer, transcript=transcript)

    async def also(connection: AsyncConnection, asked: bool) -> None:
        for copy in copies:
            await parts.visits.append_record(connection, visit_id, copy, at=parts.clock())
        if kept is not None:
            await kept(connection, asked)

    await _keep_transcript(parts, visit_id, transcript, job_id=job_id, kept=also)
    return await tell_outcome(parts, visit_id)


async def take_heard(parts: Parts, visit_id: str) -> str:
    """Takes what was heard in a refused recording as the transcript, with a warning: CAPTURED to TRANSCRIBED.

    May run twice. Returns `transcribed`, or `asked` where something speaks against it, as of any other transcript.
    """
    if (await parts.visits.row(visit_id)).state == State.CAPTURED:
        heard = (await parts.visits.need(visit_id, Refusal)).transcript
        taken = replace(heard, warnings=(LITTLE, *heard.warnings), little_speech=True)
        doubts = await doubt(parts, taken, visit_id=visit_id)

        async def end_sound(connection: AsyncConnection) -> None:
            if parts.policy.audio_kept == "until-transcribed":
                await destroy_sound(parts, connection, visit_id, reason="transcribed")

        records = (taken,) if doubts is None else (taken, doubts)
        arrow = (State.CAPTURED, State.TRANSCRIBED)
        await move(parts, visit_id, Move(arrow, records=records, detail={"way": "draft-anyway"}, also=end_sound))
    return await tell_outcome(parts, visit_id)


async def _ended_with_its_sound(parts: Parts, visit_id: str) -> bool:
    """Whether this step ran before, where by the site's policy the sound ends with it."""
    newest = await parts.visits.newest(visit_id)
    return newest.get(Recording) is None and newest.get(Transcript) is not None


async def tell_outcome(parts: Parts, visit_id: str) -> str:
    """`asked` where a question is open, which is raised, else `transcribed`."""
    return "asked" if await raise_question(parts, visit_id) else "transcribed"


async def _keep_transcript(
    parts: Parts, visit_id: str, transcript: Transcript, *, job_id: str, kept: Kept | None
) -> None:
    """CAPTURED to TRANSCRIBED, with what speaks against the transcript, and with the end of the sound where the site
    keeps it no longer."""
    doubts = await doubt(parts, transcript, visit_id=visit_id)

    async def end_sound(connection: AsyncConnection) -> None:
        # A visit recorded anew after a withdrawal stands where this one stood: its words are not these.
        await require_copy(parts, connection, visit_id, kind="transcript", vendor_id=job_id)
        if kept is not None:
            await kept(connection, doubts is not None)
        if parts.policy.audio_kept == "until-transcribed":
            await destroy_sound(parts, connection, visit_id, reason="transcribed")

    records = (transcript,) if doubts is None else (transcript, doubts)
    try:
        await move(parts, visit_id, Move((State.CAPTURED, State.TRANSCRIBED), records=records, also=end_sound))
    except Conflict:
        if (await parts.visits.row(visit_id)).state == State.CAPTURED:
            raise


async def give_back(parts: Parts, visit_id: str, *, slug: str, text: str, refusal: Refusal | None = None) -> None:
    """Puts a visit whose recording cannot be used back to PRIMED, with the reason shown; the recording is kept."""
    state = (await parts.visits.row(visit_id)).state
    if state in GIVEN_UP:
        return
    if state == State.CAPTURED:
        records = () if refusal is None else (refusal,)
        await move(parts, visit_id, Move((State.CAPTURED, State.PRIMED), records=records, detail={"reason": slug}))
    await parts.visits.call_attention(visit_id, slug=slug, text=text, action="capture-again", at=parts.clock())


async def give_back_cut_off(parts: Parts, visit_id: str, *, vendor_id: str) -> None:
    """Gives a visit back whose transcription cannot go on, since the copy it worked with was asked away, though its
    recording and the consent to it stand: it can be transcribed again. A copy of an earlier recording gives back
    nothing."""
    copies = await parts.ledger.copies(visit_id)
    mine = next((copy for copy in copies if copy.vendor_id == vendor_id and copy.kind != "completion"), None)
    recording = await parts.visits.latest(visit_id, Recording)
    if mine is None or recording is None or mine.made_at < recording.stamp.at:
        return
    if any(copy.kind == "upload" and copy.state == "held" and copy.made_at > mine.made_at for copy in copies):
        return  # it is being transcribed anew already
    try:
        await require_consent(parts, visit_id)
    except NotAllowed:
        return
    if (await parts.visits.row(visit_id)).state == State.CAPTURED:
        with contextlib.suppress(Conflict):  # moved on meanwhile: then nothing is stranded
            await give_back(parts, visit_id, slug=CUT_OFF, text=_CUT_OFF)


async def keep_sent(parts: Parts, visit_id: str, models: Sequence[str]) -> SpeechHints:
    """The keyterms of this recording, kept as sent before they are: what left can be shown later, word for word.

    A list that was made for other models than those it goes to is cut to what these take. Without `models` none are
    sent, a prompt takes their place, and that is what is kept.
    """
    hints = await parts.visits.need(visit_id, SpeechHints)
    if hints.sent is not None:
        return hints
    async with parts.visits.engine.connect() as connection:
        number = await parts.visits.newest_number(connection, visit_id, SpeechHints)
    if not models:
        told = replace(hints, keyterms=(), left_out=hints.left_out + len(hints.keyterms))
    elif hints.target == name_target(models):
        told = hints
    else:
        told = fit_hints(hints, find_term_limits(parts, models), target=name_target(models))
    sent = replace(told, sent=parts.clock())
    state = (await parts.visits.row(visit_id)).state
    await parts.visits.commit(
        Step(
            visit_id=visit_id,
            expect=(state,),
            to=state,
            event="visit.keyterms-sent",
            actor="system",
            at=parts.clock(),
            records=(Numbered(sent, number + 1),),
            detail={"terms": len(sent.keyterms)},
        )
    )
    return sent


def _held(parts: Parts, kind: str, vendor_id: str) -> VendorCopy:
    return VendorCopy(parts.new_id(), kind, vendor_id, "held", parts.clock())
