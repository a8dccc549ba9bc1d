"""Durable workflows of a visit. In: ids. Out: nothing; what happened is in the visit's state and its flag.

A workflow carries ids only. A step that fails is answered here and nowhere else: what can be mended by trying again is
tried again, with growing pauses for longer than a week; everything else raises the visit's flag.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog
from dbos import DBOS

from connector.errors import CapReached, ConnectorError, ConsentWithdrawn
from connector.logs import where_raised
from connector.store.reach import Reach, narrowed
from connector.visit.failing import AFTERWARDS, end_quietly, explain, explain_crash, hand_over
from connector.visit.fetching import fetch_recording
from connector.visit.filing import Outcome, try_filing
from connector.visit.note import draft_note
from connector.visit.own_audio import remove_sound
from connector.visit.parts import PREPARE, Parts
from connector.visit.reconciling import plan_transcription
from connector.visit.redrafting import AGAIN, redraft_note
from connector.visit.speaking import is_void
from connector.visit.states import GIVEN_UP
from connector.visit.sweeping import TAKE_UP
from connector.visit.transcription import (
    await_transcript,
    give_back_cut_off,
    send_recording,
    submit_recording,
    take_heard,
)
from connector.visit.vendor_account import GATEWAY, SPEECH, on_account
from connector.visit.vendor_copies import delete_copies

QUEUE = "visits"
APPLICATION = "smart-scribe"
# Pinned: a deploy must go on with the work of the one before ; the default, a hash of the code, strands it.
APPLICATION_VERSION = "1"
WAKE = "wake"

_OF_SPEECH = ("plan", "send", "submit", "await-transcript", "take-heard", "draft", "redraft")
"""Steps that work on what was recorded or typed: where nothing of it is left they end without a word."""
_VENDORS = {"send": SPEECH, "submit": SPEECH, "await-transcript": SPEECH, "draft": GATEWAY, "redraft": GATEWAY}
"""Whose account a step is made on."""
_PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
_LONGEST_PAUSE = 900.0
_TRIES = 800
"""With the pauses above more than eight days: the vendor promises to be back within seven."""

_log = structlog.get_logger("connector.worker")

Job = Callable[[], Awaitable[str]]


@dataclass(frozen=True)
class Result:
    """What one durable step came to: a value, or an error's slug and sentence."""

    value: str | None
    slug: str | None = None
    detail: str = ""
    retryable: bool = False
    retry_after: float | None = None
    unusable: bool = False

    @classmethod
    def read(cls, stored: dict[str, Any]) -> Result:
        """From the JSON a step stored."""
        return cls(**stored)


def register_workflows(parts: Parts) -> None:
    """Registers every workflow with DBOS; called once by app, before launch."""

    @DBOS.step(name="attempt")
    async def attempt(action: str, visit_id: str, argument: str) -> dict[str, Any]:
        with narrowed(Reach(visit_id=visit_id)):
            return await _attempt(parts, action, visit_id, argument)

    @DBOS.step(name="stop-trying")
    async def stop_trying(action: str, visit_id: str) -> None:
        with narrowed(Reach(visit_id=visit_id)):
            await hand_over(parts, visit_id, _TODO.get(action))

    async def persist(action: str, visit_id: str, argument: str = "") -> Result:
        """Repeats one step until it has a result, or an error that trying again does not mend; in the end somebody is
        asked."""

        async def attempt_it() -> Result:
            return Result.read(await attempt(action, visit_id, argument))

        async def rest(seconds: float) -> None:
            await DBOS.recv_async(WAKE, timeout_seconds=seconds)

        return await repeat(attempt_it, rest, stop=lambda: stop_trying(action, visit_id))

    async def draft_then_delete(visit_id: str, argument: str) -> None:
        await persist("draft", visit_id, argument)
        await persist("delete-copies", visit_id)

    @DBOS.workflow(name="transcribe_and_draft")
    async def transcribe_and_draft(visit_id: str) -> None:
        """What was under way at an upgrade is finished as it began; nothing new starts here."""
        sent = await persist("send", visit_id)
        if sent.value is None:
            return
        submitted = await persist("submit", visit_id, sent.value)
        if submitted.value is None:
            return
        outcome = await persist("await-transcript", visit_id, submitted.value)
        if outcome.value == "transcribed":
            await draft_then_delete(visit_id, "1")
        else:
            await persist("delete-copies", visit_id)

    @DBOS.workflow(name="draft_from_text")
    async def draft_from_text(visit_id: str) -> None:
        await draft_then_delete(visit_id, "1")

    @DBOS.workflow(name="draft_again")
    async def draft_again(visit_id: str) -> None:
        await draft_then_delete(visit_id, "1")

    @DBOS.workflow(name="draft_anyway")
    async def draft_anyway(visit_id: str) -> None:
        taken = await persist("take-heard", visit_id)
        if taken.value == "transcribed":
            await draft_then_delete(visit_id, "1")

    _register_short_ones(persist, attempt)
    del transcribe_and_draft, draft_from_text, draft_again, draft_anyway


def _register_short_ones(persist: Callable[..., Awaitable[Result]], attempt: Callable[..., Awaitable[Any]]) -> None:
    """Workflows of one step, and drafting again."""

    @DBOS.workflow(name="redraft")
    async def redraft(visit_id: str, revision: str) -> None:
        await persist("redraft", visit_id, revision)
        await persist("delete-copies", visit_id)

    @DBOS.workflow(name=PREPARE)
    async def prepare_transcription(visit_id: str) -> None:
        await persist("plan", visit_id)

    @DBOS.workflow(name="fetch_recording")
    async def fetch(visit_id: str, recording_id: str) -> None:
        await persist("fetch", visit_id, recording_id)

    @DBOS.workflow(name="clean_up")
    async def clean_up(visit_id: str) -> None:
        await persist("delete-copies", visit_id)

    @DBOS.workflow(name=TAKE_UP)
    async def take_up_deletion(visit_id: str) -> None:
        """Once: the next sweep takes up what is left."""
        await attempt("delete-copies", visit_id, "")

    @DBOS.workflow(name="remove_sound")
    async def remove_sound_files(visit_id: str) -> None:
        await persist("remove-sound", visit_id)

    @DBOS.workflow(name="write_back")
    async def write_back(visit_id: str, version: str) -> None:
        await persist("file", visit_id, version)

    del redraft, prepare_transcription, fetch, clean_up, remove_sound_files, write_back


async def repeat(
    attempt: Callable[[], Awaitable[Result]],
    rest: Callable[[float], Awaitable[None]],
    *,
    stop: Callable[[], Awaitable[None]],
) -> Result:
    """Attempts until there is a result, or an error that trying again does not mend, with growing rests (seconds);
    after the last try it stops."""
    tries = 0
    while tries < _TRIES:
        result = await attempt()
        if result.slug is None or not result.retryable:
            return result
        pause = _PAUSES[tries] if tries < len(_PAUSES) else _LONGEST_PAUSE
        await rest(max(pause, min(result.retry_after or 0.0, _LONGEST_PAUSE)))
        tries = _count_try(tries, result)
    await stop()
    return result


def _count_try(tries: int, result: Result) -> int:
    """Tries used up so far; waiting for a budget uses none, for a month may be longer than all of them together."""
    return tries if result.slug == CapReached.slug else tries + 1


async def _attempt(parts: Parts, action: str, visit_id: str, argument: str) -> dict[str, Any]:
    """Runs one action and turns what it raises into a stored result; the workflow boundary of errors.py."""
    _log.info("step.begun", visit_id=visit_id, action=action)
    try:
        if action not in AFTERWARDS and (await parts.visits.row(visit_id)).state in GIVEN_UP:
            return vars(Result("given-up"))
        async with on_account(parts, _VENDORS.get(action)):
            value = await _actions(parts, visit_id, argument)[action]()
    except ConsentWithdrawn as error:
        result = await _end_quietly(parts, action, visit_id, error)
        if action in ("submit", "await-transcript"):
            await give_back_cut_off(parts, visit_id, vendor_id=argument)
        return result
    except ConnectorError as error:
        if action in _OF_SPEECH and await is_void(parts, visit_id):
            return await _end_quietly(parts, action, visit_id, error)
        _log.info("step.failed", visit_id=visit_id, action=action, slug=error.slug)
        await explain(parts, visit_id, action, error=error, todo=_TODO)
        # A submit whose answer was lost may be repeated: the step looks into the vendor's list first.
        return vars(Result(None, error.slug, error.detail, error.retryable, error.retry_after, not error.retryable))
    except Exception as error:
        _log.error(
            "step.crashed", visit_id=visit_id, action=action, kind=type(error).__name__, where=where_raised(error)
        )
        await explain_crash(parts, visit_id, action)
        return vars(Result(None, "internal", "", retryable=True))
    if value == Outcome.AGAIN:
        return vars(Result(None, "again", "", retryable=True))
    await parts.visits.clear_waiting(visit_id)
    _log.info("step.done", visit_id=visit_id, action=action)
    return vars(Result(value))


async def _end_quietly(parts: Parts, action: str, visit_id: str, error: ConnectorError) -> dict[str, Any]:
    """What a step was made from is gone, by a withdrawal or with the visit: no flag, and whatever it left behind at a
    vendor is deleted."""
    _log.info("step.void", visit_id=visit_id, action=action)
    await end_quietly(parts, visit_id)
    return vars(Result(None, ConsentWithdrawn.slug, error.detail))


def _actions(parts: Parts, visit_id: str, argument: str) -> dict[str, Job]:
    async def draft() -> str:
        return str(await draft_note(parts, visit_id))

    async def redraft() -> str:
        return str(await redraft_note(parts, visit_id, instead_of=int(argument)))

    async def delete() -> str:
        return "complete" if await delete_copies(parts, visit_id) else Outcome.AGAIN

    return {
        "plan": lambda: plan_transcription(parts, visit_id),
        "send": lambda: send_recording(parts, visit_id),
        "submit": lambda: submit_recording(parts, visit_id, argument),
        "await-transcript": lambda: await_transcript(parts, visit_id, argument),
        "draft": draft,
        "redraft": redraft,
        "delete-copies": delete,
        "remove-sound": lambda: remove_sound(parts, visit_id),
        "take-heard": lambda: take_heard(parts, visit_id),
        "fetch": lambda: fetch_recording(parts, visit_id, argument),
        "file": lambda: try_filing(parts, visit_id, int(argument)),
    }


_TODO = {
    "plan": "transcribe-again",
    "send": "transcribe-again",
    "submit": "transcribe-again",
    "await-transcript": "transcribe-again",
    "draft": "redraft",
    "redraft": AGAIN,
    "file": "retry-filing",
}
