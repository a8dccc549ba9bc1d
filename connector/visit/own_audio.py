"""Our own recordings: how long they are kept, and how they end. In: the step that ends them. Out: a key destroyed.

Destroying the key belongs to the transaction of the step that is its reason; the files follow by a durable step of
their own, which survives a crash. Never keeps sound longer than the site's policy says.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from connector.errors import SoundDestroyed
from connector.records import Recording, SoundGone, Stamp
from connector.store.audit import AuditEvent
from connector.visit.parts import Parts, Work

_log = structlog.get_logger("connector.visit.own_audio")
_SWEEP_EVERY = timedelta(minutes=10)


async def destroy_sound(
    parts: Parts, connection: AsyncConnection, visit_id: str, *, reason: str, words: bool = False
) -> None:
    """Destroys a visit's recordings, with `words` also transcript, draft and findings, in the caller's transaction.

    The visit's row must be locked already, as it is in a step's `also`. `reason` is a slug of SoundGone. What happened
    is kept as a record and as a link of the audit chain; a visit without a recording gets neither.
    """
    count = await parts.shredder.destroy(connection, visit_id, words=words)
    if not count:
        return
    at = parts.clock()
    row = await parts.visits.row(visit_id, within=connection)
    gone = SoundGone(reason, Stamp(maker="own-audio@1", at=at))
    await parts.visits.append_record(connection, visit_id, gone, at=at)
    event = AuditEvent(
        row.tenant, "visit.sound-destroyed", visit_id, "system", at, {"reason": reason, "recordings": count}
    )
    await parts.visits.note_event(event, connection)
    await parts.enqueue(connection, Work("remove_sound", visit_id, parts.new_id()))


async def find_sound(parts: Parts, visit_id: str) -> Recording:
    """A visit's recording; raises SoundDestroyed where it was one, NotFound where there never was any."""
    recording = await parts.visits.latest(visit_id, Recording)
    if recording is not None:
        return recording
    if await parts.visits.latest(visit_id, SoundGone) is not None:
        raise SoundDestroyed("The recording of this visit was destroyed: it can no longer be played.")
    return await parts.visits.need(visit_id, Recording)


async def remove_sound(parts: Parts, visit_id: str) -> str:
    """Removes the sealed files of recordings whose key is gone; may run twice."""
    await parts.shredder.remove_files(visit_id)
    return "removed"


class SoundSweep:
    """Looks for files that nobody can open any more, at once and then every ten minutes."""

    def __init__(self) -> None:
        self._next: datetime | None = None

    async def __call__(self, parts: Parts) -> None:
        """Looks, if it is time to."""
        now = parts.clock()
        if self._next is not None and now < self._next:
            return
        self._next = now + _SWEEP_EVERY
        removed, unknown = await parts.shredder.sweep()
        if removed:
            _log.info("sound.swept", count=removed)
        if unknown:
            _log.warning("sound.of-nobody", count=unknown)
