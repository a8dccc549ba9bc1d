"""Vendor copies of a visit, asked for deletion and proven gone. In: a visit id. Out: the Erasure so far.

Runs as soon as transcript and draft are sealed with us; a copy is never called gone before it was read back. A copy
nobody can ask for, since its id never reached us or there never was one, waits for the vendor's own rule to end it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from connector.erasure.ledger import UNNAMED, ErasureEvent, advance, is_unnamed, next_action, summarise
from connector.erasure.retention import RetentionRules, RetentionTerms
from connector.errors import ConnectorError
from connector.records import Erasure, Stamp, VendorCopy
from connector.visit.parts import Parts, Policy
from connector.visit.redacting import take_sound
from connector.visit.states import State

_ORDER = {"redacted-audio": 1, "upload": 2}


async def delete_copies(parts: Parts, visit_id: str) -> bool:
    """Takes every copy one or two steps further; True when nothing is left to do but to wait for a vendor's own rule.
    A vendor that is away is asked again later."""
    copies = await _find_jobs_of_uploads(parts, visit_id, await parts.ledger.copies(visit_id))
    if (await parts.visits.row(visit_id)).state == State.CAPTURED:
        # What is held is being worked with: it goes with the workflow that transcribes it.
        copies = [copy for copy in copies if copy.state != "held"]
    fetched = await take_sound(parts, visit_id)
    if not fetched:
        # Redacted sound is on its way, and would go with its transcript.
        copies = [copy for copy in copies if copy.kind == "completion"]
    refused: ConnectorError | None = None
    # Redacted sound and uploads go with the transcripts made from them, so they are looked at last.
    for copy in sorted(copies, key=lambda one: _ORDER.get(one.kind, 0)):
        try:
            await _delete(parts, copy, job_of_upload=await _jobs(parts, visit_id, copy))
        except ConnectorError as error:
            refused = refused or (None if error.retryable else error)
    if refused is not None:  # told once every other copy was asked for
        raise refused
    return fetched and all(next_action(copy) in (None, "await") for copy in await parts.ledger.copies(visit_id))


@dataclass(frozen=True, slots=True)
class Begun:
    """A copy that is about to be made. `earlier`: its row speaks of earlier tries as well, whose answer was lost."""

    visit_id: str
    copy: VendorCopy
    earlier: bool


async def begin_copy(parts: Parts, visit_id: str, kind: str) -> Begun:
    """Writes down that a copy is about to be made, before its name is known: whatever cuts the call off, it stands in
    the ledger. Name it once the answer came, or forget it where the vendor took nothing.

    One row stands for every try whose answer was lost; its age is that of the last.
    """
    for copy in await parts.ledger.copies(visit_id):
        if copy.kind == kind and is_unnamed(copy) and copy.state == "held" and copy.expires_at is None:
            again = replace(copy, made_at=parts.clock())
            await parts.ledger.update_copy(again)
            return Begun(visit_id, again, earlier=True)
    copy_id = parts.new_id()
    copy = VendorCopy(copy_id, kind, f"{UNNAMED}{copy_id}", "held", parts.clock())
    await parts.ledger.add_copy(visit_id, copy)
    return Begun(visit_id, copy, earlier=False)


async def name_copy(parts: Parts, begun: Begun, vendor_id: str) -> None:
    """Gives a copy the vendor's id of it; what earlier tries may have left stays written down."""
    if not begun.earlier:
        await parts.ledger.name_copy(begun.visit_id, begun.copy, vendor_id, at=parts.clock())
        return
    named = VendorCopy(parts.new_id(), begun.copy.kind, vendor_id, "held", parts.clock())
    await parts.ledger.add_copy(begun.visit_id, named)


async def forget_copy(parts: Parts, begun: Begun) -> None:
    """Takes back what was written down: the vendor took nothing."""
    if not begun.earlier:
        await parts.ledger.forget_copy(begun.copy)


async def _find_jobs_of_uploads(parts: Parts, visit_id: str, copies: list[VendorCopy]) -> list[VendorCopy]:
    """Writes down jobs whose answer was lost before nobody was to go on from them: they are deleted like the others.

    An upload of which no job was ever made cannot be asked for: it gets the day on which the vendor's rule ends it. One
    whose jobs cannot be looked for now is left out: the end of others proves nothing of it.
    """
    uploads = [copy for copy in copies if copy.kind == "upload"]
    if len(uploads) == 1 and any(copy.kind == "transcript" for copy in copies):
        return copies
    idle = (await parts.visits.row(visit_id)).state != State.CAPTURED
    unsearched = set[str]()
    for copy in uploads:
        if next_action(copy) != "ask":
            continue
        jobs = await _list_jobs(parts, copy)
        if jobs is None:
            unsearched.add(copy.copy_id)
        for job_id in jobs or ():
            lost = VendorCopy(parts.new_id(), "transcript", job_id, "held", parts.clock())
            await parts.ledger.add_copy(visit_id, lost)
        if jobs == [] and (idle or copy.state == "asked"):
            await parts.ledger.update_copy(_await_end(parts, copy))
    return [copy for copy in await parts.ledger.copies(visit_id) if copy.copy_id not in unsearched]


async def _list_jobs(parts: Parts, upload: VendorCopy) -> list[str] | None:
    """The jobs made from an upload; None where the vendor cannot be asked, or does not say: what is known is deleted
    all the same."""
    try:
        return await parts.speech.find_jobs(upload.vendor_id, since=upload.made_at)
    except ConnectorError:
        return None


def _await_end(parts: Parts, copy: VendorCopy) -> VendorCopy:
    return replace(copy, expires_at=terms_of(parts).end_of(copy))


def terms_of(parts: Parts) -> RetentionTerms:
    """What the vendor says of how long it keeps copies, in our region and under the contracts of today."""
    return find_terms(parts.rules.retention, parts.policy, today=parts.clock().date())


def find_terms(rules: RetentionRules, policy: Policy, *, today: date) -> RetentionTerms:
    """The same of a day, by what settings say."""
    phi = policy.phi
    return rules.find(policy.vendor_region, phi.speech.contract_on(today), drafts=phi.gateway.contract_on(today))


async def erasure_of(parts: Parts, visit_id: str) -> Erasure:
    """What the ledger says now."""
    return summarise(await parts.ledger.copies(visit_id), Stamp(maker="erasure@1", at=parts.clock()))


def nothing_to_erase(parts: Parts) -> Erasure:
    """What the ledger says of a visit of which nothing has left the house yet."""
    return summarise((), Stamp(maker="erasure@1", at=parts.clock()))


async def _jobs(parts: Parts, visit_id: str, upload: VendorCopy) -> list[str]:
    """The jobs whose end proves that of an upload: of a visit that is done with, all. While another upload is worked
    with, those that were made before the next one came; none where one of them is in use."""
    copies = await parts.ledger.copies(visit_id)
    jobs = [copy for copy in copies if copy.kind == "transcript"]
    if (await parts.visits.row(visit_id)).state == State.CAPTURED:
        later = [copy.made_at for copy in copies if copy.kind == "upload" and copy.made_at > upload.made_at]
        jobs = [job for job in jobs if upload.made_at <= job.made_at and all(job.made_at < one for one in later)]
        jobs = [] if any(job.state == "held" for job in jobs) else jobs
    return [job.vendor_id for job in jobs]


async def _delete(parts: Parts, copy: VendorCopy, *, job_of_upload: list[str]) -> None:
    if next_action(copy) == "await":
        if copy.expires_at is None:
            copy = _await_end(parts, copy)
        await parts.ledger.update_copy(advance(copy, ErasureEvent.LAPSED, parts.clock()))
        return
    if copy.kind == "upload" and not job_of_upload:
        return  # the vendor could not be asked what was made from it
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
    # Uploads and redacted sound have no deletion of their own: the vendor removes them with the transcript.


async def _is_gone(parts: Parts, copy: VendorCopy, job_of_upload: list[str]) -> bool:
    if copy.kind == "transcript":
        return await parts.speech.is_deleted(copy.vendor_id)
    if copy.kind == "redacted-audio":
        return not await parts.speech.holds_redacted_audio(copy.vendor_id)
    return bool(job_of_upload) and all([await parts.speech.is_deleted(job) for job in job_of_upload])
