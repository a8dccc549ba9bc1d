"""The daily sweep over what vendors still hold. In: parts. Out: deletions taken up again, orphans found and deleted.

An orphan is a job the vendor lists and nobody here has written down. Never deletes one that cannot be shown to be
ours: others may work with the same account. Nothing younger than a day is touched: it may still be worked with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from connector.clients.assemblyai import ListedJob
from connector.errors import ConnectorError
from connector.records import VendorCopy
from connector.store.sweeps import Ended
from connector.visit.parts import PREPARE, Parts, Work
from connector.visit.states import State

NAME = "vendor"
DONE, FAILED = "vendor-done", "vendor-failed"
"""How the last whole one ended, and the last that could not read the vendor's list to its end."""
TAKE_UP = "take_up_deletion"
_EVERY = timedelta(days=1)
_SOONER = timedelta(hours=1)
_GRACE = timedelta(hours=24)
_NOBODY_SINCE = timedelta(days=9)
"""Work of an earlier version ended after eight days of trying; what it left waiting is begun anew."""
_MOST_PAGES = 200

_log = structlog.get_logger("connector.visit.sweeping")


@dataclass
class Swept:
    """What one sweep found: jobs looked at, orphans deleted, orphans that are perhaps somebody else's."""

    seen: int = 0
    deleted: int = 0
    left_over: int = 0


async def sweep_vendor(parts: Parts) -> Swept | None:
    """Takes up every deletion that is owed, however old, and deletes orphans; None where it ran within the day.

    Transcriptions that nobody works on any more are begun anew, and old webhooks are forgotten.

    A vendor that is away is asked again in an hour.
    """
    now = parts.clock()
    if not await parts.sweeps.claim(NAME, at=now, every=_EVERY):
        return None
    swept = Swept()
    await _take_up(parts, await parts.ledger.visits_with_copies(before=now - _GRACE))
    await _take_up(parts, await parts.jobs.stranded(before=now - _NOBODY_SINCE), workflow=PREPARE)
    await parts.inbox.forget(before=now - _GRACE)
    ended = DONE
    try:
        await _look_through(parts, swept)
    except ConnectorError as error:
        _log.warning("vendor.sweep-failed", slug=error.slug)
        await parts.sweeps.put_off(NAME, ran_at=now - _EVERY + _SOONER)
        ended = FAILED
    await parts.sweeps.keep(ended, Ended(now, swept.seen, swept.deleted, swept.left_over))
    _log.info("vendor.swept", count=swept.deleted)
    return swept


async def _take_up(parts: Parts, visits: Sequence[str], *, workflow: str = TAKE_UP) -> None:
    run = parts.clock().isoformat()
    async with parts.visits.engine.begin() as connection:
        for visit_id in visits:
            await parts.enqueue(connection, Work(workflow, visit_id, run))


async def _look_through(parts: Parts, swept: Swept) -> None:
    before: str | None = None
    for _ in range(_MOST_PAGES):
        page = await parts.speech.list_jobs(before=before)
        if not page or page[-1].job_id == before:
            return
        swept.seen += len(page)
        old = [row for row in page if row.made_at and row.made_at < parts.clock() - _GRACE and not row.deleted]
        await _sort_out(parts, old, swept)
        before = page[-1].job_id


async def _sort_out(parts: Parts, old: Sequence[ListedJob], swept: Swept) -> None:
    known = await parts.ledger.known_ids("transcript", [row.job_id for row in old])
    orphans = [row for row in old if row.job_id not in known]
    owners = await parts.ledger.known_ids("upload", [row.audio_url for row in orphans])
    for row in orphans:
        owner = owners.get(row.audio_url)
        if owner is not None:
            await _give_to(parts, owner, row, swept)
        elif parts.policy.vendor_project_is_ours:
            await parts.speech.delete(row.job_id)
            swept.deleted += 1
        else:
            swept.left_over += 1


async def _give_to(parts: Parts, visit_id: str, row: ListedJob, swept: Swept) -> None:
    """Writes an orphan of one of our uploads down as this visit's, to be deleted like its other copies."""
    if (await parts.visits.row(visit_id)).state == State.CAPTURED:
        return  # a job whose answer was lost: whoever transcribes this visit will find it
    copy = VendorCopy(parts.new_id(), "transcript", row.job_id, "asked", parts.clock(), asked_at=parts.clock())
    await parts.ledger.add_copy(visit_id, copy)
    await _take_up(parts, [visit_id])
    swept.deleted += 1
