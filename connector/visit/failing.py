"""What a step's error means for its visit. In: a visit, an action, an error. Out: a flag, or the visit given back.

Says who can mend it, and never shows a word of an exception that was not raised on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping

from connector.errors import AudioUnusable, ConnectorError, VendorAccount, VendorRejected
from connector.visit.parts import Parts, Work
from connector.visit.transcription import give_back
from connector.visit.vendor_account import GATEWAY, SPEECH, WAITING, say_refused

CRASHED = "Something unexpected went wrong. It is tried again by itself; nothing was lost."
STOPPED = (
    "This was tried for more than a week and is not tried by itself any more. Nothing was lost: start it again here, "
    "and tell whoever runs the scribe."
)
AFTERWARDS = ("delete-copies", "remove-sound")
"""What is still done for a visit whatever became of it."""
_OF_DRAFTS = ("draft", "redraft")
_OF_A_RECORDING = ("plan", "send", "submit", "await-transcript", "transcribe")


async def explain(parts: Parts, visit_id: str, action: str, *, error: ConnectorError, todo: Mapping[str, str]) -> None:
    """Raises the visit's flag, or gives it back where its recording cannot be used; `todo` names what helps, by
    action."""
    if isinstance(error, AudioUnusable | VendorRejected) and action in _OF_A_RECORDING:
        await give_back(parts, visit_id, slug=error.slug, text=error.detail)
        return
    if await _is_put_aside(parts, visit_id, action):
        return
    if isinstance(error, VendorAccount):
        text = say_refused(GATEWAY if action in _OF_DRAFTS else SPEECH)
        await parts.visits.call_attention(visit_id, slug=error.slug, text=text, action=WAITING, at=parts.clock())
        return
    helps = "wait" if error.retryable else todo.get(action, "ask-for-help")
    await parts.visits.call_attention(visit_id, slug=error.slug, text=error.detail, action=helps, at=parts.clock())


async def explain_crash(parts: Parts, visit_id: str, action: str) -> None:
    """Raises the flag of a mistake of ours, which is tried again."""
    if not await _is_put_aside(parts, visit_id, action):
        at = parts.clock()
        await parts.visits.call_attention(visit_id, slug="internal", text=CRASHED, action="wait", at=at)


async def hand_over(parts: Parts, visit_id: str, helps: str | None) -> None:
    """What was tried for as long as it is: a flag that said so waits for a person from now on, who is offered `helps`.
    None: nobody can start that again; what else looks after it goes on."""
    row = await parts.visits.row(visit_id)
    if helps is None or row.attention is None or row.attention_action not in ("wait", WAITING):
        return
    await parts.visits.call_attention(visit_id, slug=row.attention, text=STOPPED, action=helps, at=parts.clock())


async def _is_put_aside(parts: Parts, visit_id: str, action: str) -> bool:
    """Whether a flag stands that asks something of a person: what is done afterwards raises none in its place."""
    row = await parts.visits.row(visit_id)
    return action in AFTERWARDS and row.attention is not None and row.attention_action not in ("wait", WAITING)


async def end_quietly(parts: Parts, visit_id: str) -> None:
    """What a step was made from is gone, by a withdrawal or with the visit: no flag, and whatever it left behind at a
    vendor is deleted."""
    await parts.visits.clear_waiting(visit_id)
    async with parts.visits.engine.begin() as connection:
        await parts.enqueue(connection, Work("clean_up", visit_id, parts.new_id()))
