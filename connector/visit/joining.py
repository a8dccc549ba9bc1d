"""Pieces of a visit's sound into one recording, where that is needed. In: a visit id. Out: the Recording to send.

Needed for more than one piece, for more than the vendor takes, and for what a browser records: it cannot be sought in.
Runs inside a durable step and may run twice; what an interrupted run left behind is given up first.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from connector.capture.joining import Joined, join_sounds
from connector.capture.marks import move_marks
from connector.capture.process import Source
from connector.errors import Conflict
from connector.records import Recording, Segment, Stamp
from connector.store.chunks import RecordingRow
from connector.store.recordings import JOINED, Opening
from connector.visit import steps
from connector.visit.parts import Parts
from connector.visit.states import State

_PIECE = 1024 * 1024


def needs_joining(record: Recording) -> bool:
    """Whether a visit's sound has to become another file before it can be sent and played."""
    if record.joined or not record.segments or not record.duration_ms:
        return False
    return len(record.segments) > 1 or any(one.rewrite for one in record.segments)


async def join_pieces(parts: Parts, visit_id: str) -> Recording:
    """The visit's sound as one file that can be sent and sought in; joined now where it is not yet.

    Raises AudioUnusable where nothing of it can be read, NoSpace, and Conflict when the visit has moved on.
    """
    record = await parts.visits.need(visit_id, Recording)
    if not needs_joining(record):
        return record
    await parts.visits.show_step(visit_id, "joining", at=parts.clock())
    for left_behind in await parts.chunks.joined_of(visit_id):
        await parts.shredder.remove_unused(left_behind.recording_id)
    target = await _open_target(parts, visit_id)
    try:
        return await _join(parts, visit_id, record, target=target)
    except BaseException:
        await parts.shredder.remove_unused(target.recording_id)
        raise


async def _join(parts: Parts, visit_id: str, record: Recording, *, target: RecordingRow) -> Recording:
    writer = _Writer(parts, target)
    sources = [await _source(parts, piece) for piece in record.segments]
    joined = await join_sounds(sources, write=writer.write, timeout_s=parts.policy.join_timeout)
    await writer.flush()
    await parts.chunks.keep_whole(target.recording_id, chunks=writer.count, facts={"duration_ms": joined.duration_ms})
    return await _keep(parts, visit_id, _describe(parts, record, target=target, joined=joined, chunks=writer.count))


async def _open_target(parts: Parts, visit_id: str) -> RecordingRow:
    recording_id = parts.new_id()
    # Nobody is told the token: chunks of this one are written here only.
    token = secrets.token_urlsafe(32)
    await parts.chunks.open_recording(recording_id, visit_id, token=token, at=parts.clock(), opening=Opening(JOINED))
    return await parts.chunks.find(recording_id)


async def _source(parts: Parts, piece: Segment) -> Source:
    reader = await parts.chunks.open_reader(await parts.chunks.find(piece.recording_id), most=piece.chunks)
    return Source(reader.read, reader.size, piece.container, piece.duration_ms)


@dataclass
class _Writer:
    """Seals what comes in chunks of 1 MiB."""

    parts: Parts
    target: RecordingRow
    count: int = 0
    held: bytes = b""

    async def write(self, piece: bytes) -> None:
        """Takes bytes in order."""
        self.held += piece
        while len(self.held) >= _PIECE:
            await self._put(self.held[:_PIECE])
            self.held = self.held[_PIECE:]

    async def flush(self) -> None:
        """Seals what is left over."""
        if self.held:
            await self._put(self.held)
        self.held = b""

    async def _put(self, data: bytes) -> None:
        await self.parts.chunks.put(self.target, self.count, data, at=self.parts.clock())
        self.count += 1


def _describe(parts: Parts, record: Recording, *, target: RecordingRow, joined: Joined, chunks: int) -> Recording:
    segments = _moved(record.segments, joined.offsets_ms)
    return replace(
        record,
        recording_id=target.recording_id,
        container=joined.container,
        size=joined.size,
        sha256=joined.sha256,
        chunks=chunks,
        duration_ms=joined.duration_ms,
        stamp=Stamp(maker="joining@1", at=parts.clock()),
        sample_rate=joined.sample_rate,
        channels=joined.channels,
        segments=segments,
        marks=move_marks(record.marks, record.segments, segments),
        joined=True,
    )


def _moved(segments: Sequence[Segment], offsets: Sequence[int]) -> tuple[Segment, ...]:
    return tuple(replace(one, offset_ms=offset) for one, offset in zip(segments, offsets, strict=True))


async def _keep(parts: Parts, visit_id: str, record: Recording) -> Recording:
    row = await parts.visits.row(visit_id)
    if row.state != State.CAPTURED:
        raise Conflict("The visit has moved on while its recording was put together.")

    async def close(connection: AsyncConnection) -> None:
        await parts.chunks.close(connection, [record.recording_id])

    detail = {"pieces": len(record.segments), "bytes": record.size}
    await steps.change(parts, row, steps.Change("visit.capture-joined", (record,), "system", detail, close))
    return record
