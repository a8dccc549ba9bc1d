"""What a step's error means for its visit. In: a visit, an action, an error. Out: a flag, or the visit given back.

Says who can mend it, and never shows a word of an exception that was not raised on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping

from connector.errors import AudioUnusable, ConnectorError, VendorAccount, VendorRejected
from connector.visit.parts import Parts, Work
from connector.visit.transcription import give_back
from connector.visit.vendor_account import TOLD, WAITING

CRASHED = "Something unexpected went wrong. It is tried again by itself; nothing was lost."
_OF_A_RECORDING = ("plan", "send", "submit", "await-transcript", "transcribe")


async def explain(parts: Parts, visit_id: str, action: str, *, error: ConnectorError, todo: Mapping[str, str]) -> None:
    """Raises the visit's flag, or gives it back where its recording cannot be used; `todo` names what helps, by
    action."""
    if isinstance(error, AudioUnusable | VendorRejected) and action in _OF_A_RECORDING:
        await give_back(parts, visit_id, slug=error.slug, text=error.detail)
        return
    if isinstance(error, VendorAccount):
        slug, at = error.slug, parts.clock()
        await parts.visits.call_attention(visit_id, slug=slug, text=TOLD, action=WAITING, at=at)
        return
    helps = "wait" if error.retryable else todo.get(action, "ask-for-help")
    await parts.visits.call_attention(visit_id, slug=error.slug, text=error.detail, action=helps, at=parts.clock())


async def end_quietly(parts: Parts, visit_id: str) -> None:
    """What a step was made from is gone, by a withdrawal or with the visit: no flag, and whatever it left behind at a
    vendor is deleted."""
    await parts.visits.clear_waiting(visit_id)
    async with parts.visits.engine.begin() as connection:
        await parts.enqueue(connection, Work("clean_up", visit_id, parts.new_id()))
