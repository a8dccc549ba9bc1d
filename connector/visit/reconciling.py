"""The vendor's jobs, one step at a time as they fall due. In: rows of vendor_jobs, a clock. Out: transcripts, flags.

Nothing sleeps: a row says when it is looked at next, so that an outage of days costs a row and no process, and nothing
ever runs out of tries. A step may run twice; what the vendor holds is in the ledger before it is asked for.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from connector.errors import AnotherJob, AudioUnusable, ConnectorError, ConsentWithdrawn, TranscriptGone, VendorRejected
from connector.logs import where_raised
from connector.records import Recording
from connector.store.jobs import DONE, FAILED, GIVEN_UP, PLANNED, VendorJob
from connector.store.reach import Reach, narrowed
from connector.visit.consenting import require_consent
from connector.visit.failing import CRASHED, end_quietly, explain
from connector.visit.joining import join_pieces
from connector.visit.parts import Parts, Work
from connector.visit.speaking import gate_copy, is_void
from connector.visit.states import GIVEN_UP as VISITS_GIVEN_UP
from connector.visit.states import State
from connector.visit.transcription import (
    Overtaken,
    Turn,
    give_back_cut_off,
    send_recording,
    submit_recording,
    take_answer,
    tell_outcome,
)
from connector.visit.vendor_account import SPEECH, on_account
from connector.visit.webhooks import ask_for_webhook, can_be_reached

STUCK = "transcription-stuck"
_STUCK = "The transcription service got stuck with this recording. It is sent anew by itself; the recording is kept."
_LOST = "The transcription service lost this recording or its transcript. It is sent anew by itself; nothing is lost."
_GAVE_UP = "The transcription service failed with this recording again and again: transcribe again, or type the visit."
_MOST_UPLOADS = 3
_PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0)
_WITH_WEBHOOK = 5.0
"""So many times the usual interval lie between two looks where the vendor is to call by itself."""
_SOON = 1.0
"""After a webhook for a job that is still under way it is looked at again so soon, then in pauses that double."""
_A_DAY = 86400.0
_AT_ONCE = 64
_SHORTEST_REST_S = 0.02
"""What is due and was not taken is another worker's just now."""
_TODO = {"transcribe": "transcribe-again"}

_log = structlog.get_logger("connector.visit.reconciling")


async def plan_transcription(parts: Parts, visit_id: str) -> str:
    """Puts the recording together and writes down that it is to be transcribed; returns the row's key. May run twice.

    Raises AudioUnusable where nothing of it can be read.
    """
    await require_consent(parts, visit_id)
    record = await join_pieces(parts, visit_id)
    now = parts.clock()
    job = VendorJob(parts.new_id(), visit_id, record.recording_id, PLANNED, None, now, None, now, None, 0, 0)
    async with parts.visits.engine.begin() as connection:
        if await parts.visits.hold_state(connection, visit_id) == State.CAPTURED:
            await parts.jobs.plan(connection, job)
    parts.jobs.told.set()
    return job.job_key


class Reconciler:
    """Takes steps for one worker: `holder` is its name, `term` how long a row stays its own without a sign of life."""

    def __init__(self, parts: Parts, *, holder: str, term: float, at_once: int = _AT_ONCE) -> None:
        self._parts, self._holder = parts, holder
        self._term = timedelta(seconds=term)
        self._at_once = at_once
        self._steps: dict[str, asyncio.Task[None]] = {}

    async def begin(self, now: datetime) -> int:
        """Takes what is due into hand, as far as there is room; how many rows that were."""
        until = now + self._term
        if self._steps:
            await self._parts.jobs.renew(self._holder, self._steps, until=until)
        room = self._at_once - len(self._steps)
        due = await self._parts.jobs.claim(self._holder, at=now, until=until, most=room) if room > 0 else []
        for job in due:
            task = asyncio.create_task(_take_step(self._parts, job, self._holder))
            self._steps[job.job_key] = task
            task.add_done_callback(partial(self._forget, job.job_key))
        return len(due)

    async def rest(self, now: datetime, *, longest: float) -> None:
        """Waits until the next row falls due, or this process says that one may have; `longest` seconds at most."""
        jobs, full = self._parts.jobs, len(self._steps) >= self._at_once
        due = None if full else await jobs.next_due(at=now)
        left = longest if due is None else min(longest, max(_SHORTEST_REST_S, (due - now).total_seconds()))
        try:
            async with asyncio.timeout(left):
                await jobs.told.wait()
        except TimeoutError:
            return
        finally:
            jobs.told.clear()

    async def settle(self) -> None:
        """Waits for what is in hand."""
        while self._steps:
            await asyncio.wait(list(self._steps.values()))

    async def end(self) -> None:
        """Breaks off what is in hand; its rows are free again after the term."""
        for task in self._steps.values():
            task.cancel()
        await asyncio.gather(*self._steps.values(), return_exceptions=True)

    def _forget(self, key: str, task: asyncio.Task[None]) -> None:
        if len(self._steps) == self._at_once:
            self._parts.jobs.told.set()  # others may have waited for room
        self._steps.pop(key, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("step.crashed", action="transcribe", kind=type(error).__name__, where=where_raised(error))


async def reconcile(parts: Parts, now: datetime, *, holder: str = "once") -> int:
    """One step for every row that is due at `now`; returns how many rows there were."""
    reconciler, count = Reconciler(parts, holder=holder, term=600.0), 0
    while taken := await reconciler.begin(now):
        count += taken
        await reconciler.settle()
    return count


async def _take_step(parts: Parts, job: VendorJob, holder: str) -> None:
    """One step with one row, and what its error means: the boundary of errors here, as the workflow's elsewhere."""
    visit_id = job.visit_id
    with narrowed(Reach(visit_id=visit_id)):
        try:
            state = (await parts.visits.row(visit_id)).state
            if state != State.CAPTURED:
                await _finish(parts, job, state)
                return
            async with on_account(parts, SPEECH, costs_nothing=job.state != PLANNED):
                await _advance(parts, job, holder)
            await parts.visits.clear_waiting(visit_id) if job.tries else None
        except Overtaken:
            _log.info("step.overtaken", visit_id=visit_id, action="transcribe")
        except ConsentWithdrawn:
            await _end_void(parts, job)
        except ConnectorError as error:
            if await is_void(parts, visit_id):
                await _end_void(parts, job)
                return
            _log.info("step.failed", visit_id=visit_id, action="transcribe", slug=error.slug)
            await _answer(parts, job, error)
        except Exception as error:
            kind, where = type(error).__name__, where_raised(error)
            _log.error("step.crashed", visit_id=visit_id, action="transcribe", kind=kind, where=where)
            at = parts.clock()
            await parts.visits.call_attention(visit_id, slug="internal", text=CRASHED, action="wait", at=at)
            await _try_later(parts, job, None)


async def _advance(parts: Parts, job: VendorJob, holder: str) -> None:
    if job.state == PLANNED:
        await _submit(parts, job, holder)
        return
    visit_id, job_id = job.visit_id, job.job_id or ""
    gate = gate_copy(parts, visit_id, kind="transcript", vendor_id=job_id)
    await parts.inbox.mark_handled(job.job_key, at=parts.clock())
    try:
        answer = await parts.speech.look(job_id, of=await _uploads(parts, visit_id), gate=gate)
    except TranscriptGone as error:
        await _start_over(parts, job, slug=error.slug, text=_LOST)
        return
    except AnotherJob:
        if not _is_overdue(parts, job):
            raise
        answer = None
    if answer is None:
        await _wait_on(parts, job)
        return

    async def kept(connection: AsyncConnection, asked: bool) -> None:
        if not asked:
            await parts.jobs.end(connection, job.job_key, DONE)
            await parts.enqueue(connection, Work("draft_from_text", visit_id, job.job_key))

    outcome = await take_answer(parts, visit_id, answer, job_id=job_id, kept=kept)
    if outcome != "transcribed":
        await _close(parts, job, DONE)
    _log.info("step.done", visit_id=visit_id, action="transcribe")


async def _submit(parts: Parts, job: VendorJob, holder: str) -> None:
    there = await _uploads(parts, job.visit_id)
    address = await send_recording(parts, job.visit_id)
    is_mine, webhook = partial(parts.jobs.is_held, job, holder), partial(ask_for_webhook, parts, job.job_key)
    turn = Turn(webhook, is_mine, fresh=address not in there)
    job_id = await submit_recording(parts, job.visit_id, address, turn=turn)
    now, policy = parts.clock(), parts.policy
    deadline = now + timedelta(seconds=policy.transcription_deadline)
    look_at = now + timedelta(seconds=policy.transcription_poll_interval)
    await parts.jobs.submit(job, job_id, at=now, deadline=deadline, look_at=look_at)


async def _uploads(parts: Parts, visit_id: str) -> frozenset[str]:
    copies = await parts.ledger.copies(visit_id)
    return frozenset(copy.vendor_id for copy in copies if copy.kind == "upload" and copy.state == "held")


async def _wait_on(parts: Parts, job: VendorJob) -> None:
    if _is_overdue(parts, job):
        await _start_over(parts, job, slug=STUCK, text=_STUCK)
        return
    now, pause = parts.clock(), parts.policy.transcription_poll_interval
    if can_be_reached(parts.policy):
        told = await parts.inbox.told_at(job.job_key)
        # Told too early: the call that is true may have the same words, and a replay makes nothing due.
        since = (now - told).total_seconds() if told is not None else _A_DAY
        pause = min(pause * _WITH_WEBHOOK, max(_SOON, since))
    await parts.jobs.put_off(job, look_at=now + timedelta(seconds=pause), tries=0)


def _is_overdue(parts: Parts, job: VendorJob) -> bool:
    return job.deadline_at is not None and parts.clock() >= job.deadline_at


async def _start_over(parts: Parts, job: VendorJob, *, slug: str, text: str) -> None:
    """A new upload and a new job; what the vendor still holds of the old ones is deleted."""
    if job.uploads + 1 >= _MOST_UPLOADS:
        error = TranscriptGone(_GAVE_UP) if slug != STUCK else VendorRejected(_GAVE_UP)
        await _answer(parts, job, error)
        return
    now, visit_id = parts.clock(), job.visit_id
    async with parts.visits.engine.begin() as connection:
        await parts.visits.hold_state(connection, visit_id)
        if not await parts.jobs.start_over(connection, job, at=now):
            return
        await parts.ledger.ask_all(connection, visit_id, at=now)
        await parts.enqueue(connection, Work("clean_up", visit_id, parts.new_id()))
    _log.info("step.started-over", visit_id=visit_id, slug=slug)
    await parts.visits.call_attention(visit_id, slug=slug, text=text, action="wait", at=now)


async def _answer(parts: Parts, job: VendorJob, error: ConnectorError) -> None:
    if not await parts.jobs.is_as_taken(job):
        return  # whoever took it further has the newer answer
    await explain(parts, job.visit_id, "transcribe", error=error, todo=_TODO)
    if error.retryable:
        await _try_later(parts, job, error.retry_after)
    else:
        await _close(parts, job, FAILED, clean=isinstance(error, AudioUnusable | VendorRejected))


async def _try_later(parts: Parts, job: VendorJob, retry_after: float | None) -> None:
    """Pauses grow to a quarter of an hour, and go on for as long as it takes."""
    pause = max(_PAUSES[min(job.tries, len(_PAUSES) - 1)], min(retry_after or 0.0, _PAUSES[-1]))
    await parts.jobs.put_off(job, look_at=parts.clock() + timedelta(seconds=pause), tries=job.tries + 1)


async def _finish(parts: Parts, job: VendorJob, state: str) -> None:
    """The visit has moved on: its question is raised, where a step was cut off before it could be."""
    if state == State.TRANSCRIBED:
        await tell_outcome(parts, job.visit_id)
    await _close(parts, job, GIVEN_UP if state in VISITS_GIVEN_UP else DONE)


async def _end_void(parts: Parts, job: VendorJob) -> None:
    if not await parts.jobs.is_as_taken(job):
        return
    _log.info("step.void", visit_id=job.visit_id, action="transcribe")
    await end_quietly(parts, job.visit_id)
    for copy in reversed(await parts.ledger.copies(job.visit_id)):
        if copy.kind != "completion" and await parts.visits.latest(job.visit_id, Recording) is not None:
            await give_back_cut_off(parts, job.visit_id, vendor_id=copy.vendor_id)
            break
    await _close(parts, job, GIVEN_UP, clean=False)


async def _close(parts: Parts, job: VendorJob, state: str, *, clean: bool = True) -> None:
    async with parts.visits.engine.begin() as connection:
        if await parts.jobs.end(connection, job.job_key, state) and clean:
            await parts.enqueue(connection, Work("clean_up", job.visit_id, job.job_key))
