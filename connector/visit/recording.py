"""Recording and typed text: PRIMED to CAPTURED, or straight to TRANSCRIBED. In: what the clinician does.

No byte of sound is accepted without a given consent, and none is acknowledged before it is sealed and synced.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from connector.capture.chunks import check_chunk, check_complete, check_digest
from connector.capture.probe import Sound, probe_sound
from connector.consent.answer import require_consent
from connector.errors import AudioUnusable, ChunkRefused, Conflict, NotAllowed, NotFound
from connector.records import Consent, Launch, Recording, Stamp
from connector.store.chunks import NO_RECORDING, ChunkRow, RecordingRow
from connector.store.reach import lifted
from connector.store.sessions import digest
from connector.store.visits import VisitRow
from connector.transcript.typed import typed_transcript
from connector.visit.parts import Parts, Work
from connector.visit.states import State
from connector.visit.steps import Move, move

_DROPPED = (State.CAPTURING, State.PRIMED)


@dataclass(frozen=True, slots=True)
class OpenedRecording:
    """A recording ready for chunks; `upload_token` is bound to it and is told once."""

    recording_id: str
    chunk_bytes: int
    upload_token: str = field(repr=False)


async def _drop(parts: Parts, visit_id: str, step: Move) -> VisitRow:
    """Gives the visit back; what was being recorded takes no more sound and is not offered to be finished."""

    async def close(connection: AsyncConnection) -> None:
        await parts.chunks.drop_open(connection, visit_id)

    return await move(parts, visit_id, replace(step, also=close))


async def open_recording(parts: Parts, visit_id: str) -> OpenedRecording:
    """Starts a recording: PRIMED to CAPTURING; refused without a given consent."""
    require_consent(await parts.visits.latest(visit_id, Consent))
    opened = OpenedRecording(parts.new_id(), min(parts.policy.max_chunk_bytes, 1024 * 1024), secrets.token_urlsafe(32))
    row = await parts.visits.row(visit_id)
    if row.state == State.PRIMED:
        await move(parts, visit_id, Move((State.PRIMED, State.CAPTURING), actor=await _actor(parts, visit_id)))
    elif row.state != State.CAPTURING:
        raise Conflict("This visit already has a recording: reload to see where it stands.")
    await parts.chunks.open_recording(opened.recording_id, visit_id, token=opened.upload_token, at=parts.clock())
    return opened


async def renew_upload_token(parts: Parts, visit_id: str, recording_id: str) -> str:
    """A new upload token for an open recording of this visit, after a reload; the old one opens nothing any more."""
    recording = await find_own(parts, visit_id, recording_id)
    if recording.state != "open":
        raise NotFound("This visit has no such recording under way.")
    token = secrets.token_urlsafe(32)
    await parts.chunks.change_token(recording_id, token=token)
    return token


async def find_own(parts: Parts, visit_id: str, recording_id: str) -> RecordingRow:
    """A recording of this visit; NotFound, in the same words, for an unknown one and for another visit's."""
    recording = await parts.chunks.find(recording_id)
    if recording.visit_id != visit_id:
        raise NotFound(NO_RECORDING)
    return recording


async def find_recording(parts: Parts, recording_id: str, *, token: str) -> RecordingRow:
    """The recording an upload token opens; the same refusal whether it exists or not."""
    try:
        with lifted():
            recording = await parts.chunks.find(recording_id)
    except NotFound:
        raise NotAllowed("This upload token opens no recording: start the upload again from the visit.") from None
    if not hmac.compare_digest(recording.upload_token_hash, digest(token)):
        raise NotAllowed("This upload token opens no recording: start the upload again from the visit.")
    return recording


async def put_chunk(
    parts: Parts, recording: RecordingRow, *, seq: int, data: bytes, content_digest: str | None
) -> ChunkRow:
    """Takes one chunk. The same again is acknowledged again; other bytes under its number are a Conflict."""
    check_digest(content_digest, data)
    require_consent(await parts.visits.latest(recording.visit_id, Consent))
    stored = sum(chunk.size for chunk in await parts.chunks.acknowledged(recording.recording_id))
    check_chunk(seq, len(data), stored=stored)
    return await parts.chunks.put(recording, seq, data, at=parts.clock())


async def close_recording(parts: Parts, recording: RecordingRow, *, sha256: str | None, chunks: int) -> VisitRow:
    """Checks that all arrived whole, probes the sound and hands the visit to the worker: CAPTURING to CAPTURED.

    `sha256` (hex, of the whole recording) is compared where the sender knows it; every chunk was checked on its own.

    Sound that cannot be read puts the visit back to PRIMED, so that another file can be brought in.
    """
    require_consent(await parts.visits.latest(recording.visit_id, Consent))
    if recording.state != "open":
        raise Conflict("This recording is finished already: reload to see where the visit stands.")
    actor = await _actor(parts, recording.visit_id)
    try:
        record = await _examine(parts, recording, sha256=sha256, chunks=chunks)
    except ChunkRefused:
        raise
    except AudioUnusable:
        await _drop(parts, recording.visit_id, Move(_DROPPED, actor=actor))
        raise

    async def close_and_start(connection: AsyncConnection) -> None:
        await parts.chunks.close(connection, recording.recording_id, chunks=chunks)
        await parts.chunks.drop_open(connection, recording.visit_id)
        work = Work("transcribe_and_draft", recording.visit_id, recording.recording_id)
        await parts.enqueue(connection, work)

    arrow = (State.CAPTURING, State.CAPTURED)
    detail = {"chunks": chunks, "bytes": record.size}
    return await move(
        parts, recording.visit_id, Move(arrow, records=(record,), actor=actor, detail=detail, also=close_and_start)
    )


async def _examine(parts: Parts, recording: RecordingRow, *, sha256: str | None, chunks: int) -> Recording:
    stored = await parts.chunks.acknowledged(recording.recording_id)
    if check_complete(chunk.seq for chunk in stored) != chunks:
        raise Conflict("Some chunks have not arrived: send the missing ones and finish again.")
    total = hashlib.sha256()
    async for data in parts.chunks.stream(recording):
        total.update(data)
    if sha256 is not None and not hmac.compare_digest(total.hexdigest().encode(), sha256.lower().encode()):
        raise AudioUnusable("What arrived is not what was sent: start the upload again.")
    size = sum(chunk.size for chunk in stored)
    sound = await _probe(parts, recording, size)
    return Recording(
        recording_id=recording.recording_id,
        container=sound.container,
        size=size,
        sha256=total.hexdigest(),
        chunks=chunks,
        duration_ms=sound.duration_ms,
        stamp=Stamp(maker="capture@1", at=parts.clock()),
        truncated=sound.truncated,
    )


async def _probe(parts: Parts, recording: RecordingRow, size: int) -> Sound:
    async def read(offset: int, length: int) -> bytes:
        return await parts.chunks.read_range(recording, offset, length)

    return await probe_sound(read, size, timeout_s=parts.policy.probe_timeout)


async def keep_typed_text(parts: Parts, visit_id: str, *, text: str) -> VisitRow:
    """Takes typed notes or shorthand in place of a recording: PRIMED to TRANSCRIBED."""
    stamp = Stamp(maker="transcript/typed@1", at=parts.clock())
    transcript = typed_transcript(text, transcript_id=parts.new_id(), stamp=stamp)
    key = transcript.transcript_id

    async def start(connection: AsyncConnection) -> None:
        await parts.enqueue(connection, Work("draft_from_text", visit_id, key))

    actor = await _actor(parts, visit_id)
    return await move(
        parts, visit_id, Move((State.PRIMED, State.TRANSCRIBED), records=(transcript,), actor=actor, also=start)
    )


async def _actor(parts: Parts, visit_id: str) -> str:
    launch = await parts.visits.need(visit_id, Launch)
    return launch.practitioner or "unidentified"
