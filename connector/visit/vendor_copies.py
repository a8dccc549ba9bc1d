"""Vendor copies of a visit, asked for deletion and proven gone. In: a visit id. Out: the Erasure so far.

Runs as soon as transcript and draft are sealed with us; a copy is never called gone before it was read back.
"""

from __future__ import annotations

from connector.erasure.ledger import ErasureEvent, advance, next_action, summarise
from connector.errors import ConnectorError
from connector.records import Erasure, Stamp, VendorCopy
from connector.visit.parts import Parts
from connector.visit.states import State


async def delete_copies(parts: Parts, visit_id: str) -> bool:
    """Takes every copy one or two steps further; True when nothing is left to do. A vendor that is away is asked
    again later."""
    copies = await _find_lost_jobs(parts, visit_id, await parts.ledger.copies(visit_id))
    if (await parts.visits.row(visit_id)).state == State.CAPTURED:
        # What is held is being worked with: it goes with the workflow that transcribes it.
        copies = [copy for copy in copies if copy.state != "held"]
    # An upload goes with the transcripts made from it, so it is looked at last.
    for copy in sorted(copies, key=lambda one: one.kind == "upload"):
        try:
            await _delete(parts, copy, job_of_upload=await _jobs(parts, visit_id))
        except ConnectorError as error:
            if not error.retryable:
                raise
    return (await erasure_of(parts, visit_id)).complete


async def _find_lost_jobs(parts: Parts, visit_id: str, copies: list[VendorCopy]) -> list[VendorCopy]:
    """Writes down jobs whose answer was lost before nobody was to go on from them: they are deleted like the others."""
    if any(copy.kind == "transcript" for copy in copies):
        return copies
    for copy in copies:
        if copy.kind == "upload" and next_action(copy) is not None:
            for job_id in await _list_jobs(parts, copy):
                lost = VendorCopy(parts.new_id(), "transcript", job_id, "held", parts.clock())
                await parts.ledger.add_copy(visit_id, lost)
    return await parts.ledger.copies(visit_id)


async def _list_jobs(parts: Parts, upload: VendorCopy) -> list[str]:
    try:
        return await parts.speech.find_jobs(upload.vendor_id, since=upload.made_at)
    except ConnectorError as error:
        if not error.retryable:
            raise
        return []


async def erasure_of(parts: Parts, visit_id: str) -> Erasure:
    """What the ledger says now."""
    return summarise(await parts.ledger.copies(visit_id), Stamp(maker="erasure@1", at=parts.clock()))


def nothing_to_erase(parts: Parts) -> Erasure:
    """What the ledger says of a visit of which nothing has left the house yet."""
    return summarise((), Stamp(maker="erasure@1", at=parts.clock()))


async def _jobs(parts: Parts, visit_id: str) -> list[str]:
    return [copy.vendor_id for copy in await parts.ledger.copies(visit_id) if copy.kind == "transcript"]


async def _delete(parts: Parts, copy: VendorCopy, *, job_of_upload: list[str]) -> None:
    if next_action(copy) == "ask":
        copy = advance(copy, ErasureEvent.ASKED, parts.clock())
        await parts.ledger.update_copy(copy)
        await _ask(parts, copy)
        copy = advance(copy, ErasureEvent.ANSWERED, parts.clock())
        await parts.ledger.update_copy(copy)
    if next_action(copy) == "verify":
        gone = await _is_gone(parts, copy, job_of_upload)
        event = ErasureEvent.VERIFIED if gone else ErasureEvent.STILL_THERE
        await parts.ledger.update_copy(advance(copy, event, parts.clock()))


async def _ask(parts: Parts, copy: VendorCopy) -> None:
    if copy.kind == "transcript":
        await parts.speech.delete(copy.vendor_id)
    elif copy.kind == "completion":
        await parts.gateway.delete(copy.vendor_id)
    # An upload has no deletion of its own: the vendor removes it with the transcript made from it.


async def _is_gone(parts: Parts, copy: VendorCopy, job_of_upload: list[str]) -> bool:
    if copy.kind == "transcript":
        return await parts.speech.is_deleted(copy.vendor_id)
    return bool(job_of_upload) and all([await parts.speech.is_deleted(job) for job in job_of_upload])
