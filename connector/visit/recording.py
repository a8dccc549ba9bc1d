"""Pieces of sound on their way in, and typed text in place of them: PRIMED to CAPTURING, or to TRANSCRIBED.

In: what the clinician or a recorder sends. Out: rows of recordings. No byte of sound is accepted without a given
consent, and none is acknowledged before it is sealed and synced.
"""

from __future__ import annotations

import contextlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from connector.capture.chunks import check_chunk, check_digest
from connector.capture.marks import read_mark
from connector.errors import Conflict, NotAllowed, NotFound, RecordedElsewhere
from connector.records import Launch, Stamp
from connector.store.chunks import NO_RECORDING, ChunkRow, RecordingRow
from connector.store.reach import lifted
from connector.store.recordings import TAKING, UNFINISHED, NewRecording, Opening
from connector.store.sessions import digest
from connector.store.visits import VisitRow
from connector.transcript.typed import typed_transcript
from connector.visit.consenting import require_consent, require_consent_for
from connector.visit.parts import Parts, Work
from connector.visit.states import State
from connector.visit.steps import Move, move

LIVE_FOR = timedelta(seconds=10)
"""A recorder whose last sound is younger counts as recording now."""


@dataclass(frozen=True, slots=True)
class OpenedRecording:
    """A recording ready for chunks; `upload_token` is bound to it and is told once."""

    recording_id: str
    chunk_bytes: int
    upload_token: str = field(repr=False)


async def open_recording(
    parts: Parts, visit_id: str, opening: Opening | None = None, *, take_over: bool = False
) -> OpenedRecording:
    """Starts a piece of the visit's sound: PRIMED to CAPTURING, or one more piece; refused without a given consent.

    Raises RecordedElsewhere when another window is recording just now, unless it is to be taken over: it is told to
    stop then, and what it has captured is still taken.
    """
    await require_consent(parts, visit_id)
    wanted = opening or Opening()
    opened = OpenedRecording(parts.new_id(), min(parts.policy.max_chunk_bytes, 1024 * 1024), secrets.token_urlsafe(32))
    await _begin_capture(parts, visit_id)
    async with parts.visits.engine.begin() as connection:
        # With the visit's row held, no other window opens one between looking and opening.
        if await parts.visits.hold_state(connection, visit_id) != State.CAPTURING:
            raise Conflict("This visit already has a recording: reload to see where it stands.")
        if wanted.source == "microphone":
            pieces = await parts.chunks.of_visit(visit_id, states=TAKING, within=connection)
            if not take_over and any(is_live(parts, piece) for piece in pieces):
                raise RecordedElsewhere("Another window or device is recording this visit. Go on there, or here.")
            await parts.chunks.supersede(connection, visit_id)
        new = NewRecording(opened.recording_id, visit_id, opened.upload_token, wanted)
        await parts.chunks.add_recording(connection, new, at=parts.clock())
    return opened


async def _begin_capture(parts: Parts, visit_id: str) -> None:
    row = await parts.visits.row(visit_id)
    if row.state == State.PRIMED:
        try:
            await move(parts, visit_id, Move((State.PRIMED, State.CAPTURING), actor=await find_actor(parts, visit_id)))
        except Conflict:  # another window began at the same moment, or the visit has moved on
            row = await parts.visits.row(visit_id)
        else:
            return
    if row.state != State.CAPTURING:
        raise Conflict("This visit already has a recording: reload to see where it stands.")


def is_live(parts: Parts, piece: RecordingRow) -> bool:
    """Whether a recorder is sending this piece just now."""
    last = max(piece.created_at, piece.heard_at or piece.created_at)
    return piece.source == "microphone" and piece.state == "open" and parts.clock() - last < LIVE_FOR


async def renew_upload_token(parts: Parts, visit_id: str, recording_id: str) -> str:
    """A new upload token for a piece of this visit that is still open, after a reload; the old one opens nothing."""
    recording = await find_own(parts, visit_id, recording_id)
    if recording.state not in TAKING:
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
    sha256 = check_digest(content_digest, data)
    check_chunk(seq, len(data), stored=recording.held_bytes)
    try:
        # A piece is opened with a given consent, and a withdrawal ends it in its own transaction.
        return await parts.chunks.put(recording, seq, data, at=parts.clock(), sha256=sha256)
    except Conflict:
        # After a withdrawal that is the answer, and not that the recording is closed.
        await require_consent_for(parts, recording)
        raise


async def put_mark(parts: Parts, recording: RecordingRow, number: int, *, given: object) -> None:
    """Keeps where a piece has a pause, an "off the record" or a gap; a newer one under its number takes its place."""
    mark = read_mark(given, number=number)
    if recording.state not in TAKING:
        raise Conflict("This recording is closed: reload to see where the visit stands.")
    await parts.chunks.put_mark(recording.recording_id, number, mark)


async def leave_out(parts: Parts, visit_id: str, recording_id: str) -> None:
    """Leaves one piece out; the last one gives the visit back: CAPTURING to PRIMED."""
    await find_own(parts, visit_id, recording_id)
    await parts.chunks.drop(recording_id)
    await give_back_empty(parts, visit_id)


async def give_back_empty(parts: Parts, visit_id: str) -> None:
    """Gives the visit back where no piece of it is left: CAPTURING to PRIMED; it stays where one is."""
    if await parts.chunks.open_recordings(visit_id):
        return
    with contextlib.suppress(_BegunMeanwhile):
        await drop_empty(parts, visit_id, actor=await find_actor(parts, visit_id))


class _BegunMeanwhile(Conflict):
    """Another window has begun a piece since it was looked that there is none."""


async def drop_empty(parts: Parts, visit_id: str, *, actor: str) -> VisitRow:
    """Gives a visit back of which nothing is being recorded; raises Conflict where another window has begun to."""

    async def look(connection: AsyncConnection) -> None:
        # The visit's row is held: nothing begins between this look and the end of the transaction.
        if await parts.chunks.of_visit(visit_id, states=UNFINISHED, within=connection):
            raise _BegunMeanwhile("Another recording of this visit has begun meanwhile: reload to see it.")

    return await move(parts, visit_id, Move((State.CAPTURING, State.PRIMED), actor=actor, also=look))


async def keep_typed_text(parts: Parts, visit_id: str, *, text: str) -> VisitRow:
    """Takes typed notes or shorthand in place of a recording: PRIMED to TRANSCRIBED."""
    stamp = Stamp(maker="transcript/typed@1", at=parts.clock())
    transcript = typed_transcript(text, transcript_id=parts.new_id(), stamp=stamp)
    key = transcript.transcript_id

    async def start(connection: AsyncConnection) -> None:
        await parts.enqueue(connection, Work("draft_from_text", visit_id, key))

    actor = await find_actor(parts, visit_id)
    return await move(
        parts, visit_id, Move((State.PRIMED, State.TRANSCRIBED), records=(transcript,), actor=actor, also=start)
    )


async def find_actor(parts: Parts, visit_id: str) -> str:
    """Who is at work on a visit, for its audit links."""
    launch = await parts.visits.need(visit_id, Launch)
    return launch.practitioner or "unidentified"
