"""The chunk protocol and the way back to the sound. In: numbered chunks with digests. Out: acknowledgements, ranges.

A visit's sound comes in pieces: files, or runs of a browser's recorder. Chunks are taken by the upload token of their
piece, not by the session, so that a locked page loses no sound.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from connector.capture.containers import media_type
from connector.errors import AudioUnusable, InputRefused, NotAllowed
from connector.store.chunks import RecordingRow
from connector.store.reach import Reach, narrow
from connector.store.recordings import Opening
from connector.visit import finishing
from connector.visit import recording as recordings
from connector.visit.earlier import find_earlier
from connector.visit.finishing import Closing
from connector.visit.own_audio import find_sound
from connector.visit.parts import Parts
from connector.web.bodies import read_number, read_object
from connector.web.session import Session, open_changing_session, open_session
from connector.web.visiting import visit_done

router = APIRouter()
Reading = Annotated[Session, Depends(open_session)]
Changing = Annotated[Session, Depends(open_changing_session)]

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
_LONGEST_RANGE = 4 * 1024 * 1024
_SOURCES = ("microphone", "file")
_LONGEST_MISSING = 48 * 3600 * 1000
_OPENING = frozenset({"source", "missing_ms", "take_over", "two_sided"})
_CLOSING = frozenset({"chunks", "sha256", "more"})
_MARK = frozenset({"kind", "at_ms", "missing_ms"})


@router.post("/v/{launch_id}/recordings")
async def open_recording(request: Request, session: Changing) -> Response:
    """Starts a piece of the visit's sound; needs a given consent. 409 `recorded-elsewhere` unless it is taken over."""
    body = await read_object(request, known=_OPENING, empty=True)
    opened = await recordings.open_recording(
        session.parts, session.row.visit_id, _read_opening(body), take_over=body.get("take_over") is True
    )
    answer = {
        "recording_id": opened.recording_id,
        "upload_token": opened.upload_token,
        "chunk_bytes": opened.chunk_bytes,
    }
    return JSONResponse(answer, 201)


def _read_opening(body: dict[str, Any]) -> Opening:
    source = body.get("source", "file")
    if source not in _SOURCES:
        raise InputRefused(f"The source of a recording is one of {', '.join(_SOURCES)}.")
    missing = body.get("missing_ms")
    if missing is not None and (read_number(missing) is None or not 0 <= missing <= _LONGEST_MISSING):
        raise InputRefused("missing_ms says in whole milliseconds what was not captured before: two days at most.")
    return Opening(source, missing, body.get("two_sided") is True)


@router.get("/v/{launch_id}/recordings")
async def list_recordings(session: Reading) -> Response:
    """Pieces under way, newest first, and which of their chunks are safe: an upload goes on where it stopped."""
    parts = session.parts
    pieces = await parts.chunks.open_recordings(session.row.visit_id)
    return JSONResponse({"recordings": [await _describe(parts, piece) for piece in pieces]})


async def _describe(parts: Parts, piece: RecordingRow) -> dict[str, Any]:
    held = await parts.chunks.acknowledged(piece.recording_id)
    return {
        "recording_id": piece.recording_id,
        "source": piece.source,
        "state": piece.state,
        "live": recordings.is_live(parts, piece),
        "bytes": piece.held_bytes,
        "duration_ms": int((piece.facts or {}).get("duration_ms", 0)),
        "begun_at": piece.created_at.isoformat(),
        "idle_seconds": round((parts.clock() - (piece.heard_at or piece.created_at)).total_seconds()),
        "heard_at": piece.heard_at.isoformat() if piece.heard_at else None,
        "chunks": [{"seq": chunk.seq, "size": chunk.size, "sha256": chunk.sha256} for chunk in held],
    }


@router.post("/v/{launch_id}/recordings/{recording_id}/token")
async def renew_token(session: Changing, recording_id: str) -> Response:
    """A new upload token for a piece of this visit that is still open; the old one stops working."""
    token = await recordings.renew_upload_token(session.parts, session.row.visit_id, recording_id)
    return JSONResponse({"upload_token": token})


@router.delete("/v/{launch_id}/recordings/{recording_id}")
async def leave_out(request: Request, session: Changing, recording_id: str) -> Response:
    """Leaves one piece out that has not become a part of the visit's sound."""
    await recordings.leave_out(session.parts, session.row.visit_id, recording_id)
    return await visit_done(request, session)


@router.post("/v/{launch_id}/finish")
async def finish(request: Request, session: Changing) -> Response:
    """Finishes with what has arrived, for a recorder that does not come back."""
    await finishing.finish_recording(session.parts, session.row.visit_id)
    return await visit_done(request, session)


@router.get("/recordings/{recording_id}")
async def read_recording(request: Request, recording_id: str) -> Response:
    """One piece by its upload token: its state and which of its chunks are safe."""
    recording = await _recording_of_token(request, recording_id)
    return JSONResponse(await _describe(request.app.state.parts, recording))


@router.put("/recordings/{recording_id}/chunks/{seq}")
async def put_chunk(request: Request, recording_id: str, seq: int) -> Response:
    """Takes one chunk; 204 only after it is sealed and synced. Needs `Authorization: Upload <token>`.

    `Recording-State: superseded` in the answer tells the sender to capture no more: another window records now.
    """
    parts: Parts = request.app.state.parts
    recording = await _recording_of_token(request, recording_id)
    data = await _read_limited(request, parts.policy.max_chunk_bytes)
    await recordings.put_chunk(
        parts, recording, seq=seq, data=data, content_digest=request.headers.get("content-digest")
    )
    return Response(status_code=204, headers={"Recording-State": recording.state})


@router.put("/recordings/{recording_id}/marks/{number}")
async def put_mark(request: Request, recording_id: str, number: int) -> Response:
    """Keeps where a piece has a pause, an "off the record" or a gap."""
    recording = await _recording_of_token(request, recording_id)
    given = await read_object(request, known=_MARK)
    await recordings.put_mark(request.app.state.parts, recording, number, given=given)
    return Response(status_code=204)


async def _recording_of_token(request: Request, recording_id: str) -> RecordingRow:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "upload" or not token:
        raise NotAllowed("A chunk needs the upload token of its recording: start the upload again from the visit.")
    parts: Parts = request.app.state.parts
    recording = await recordings.find_recording(parts, recording_id, token=token)
    narrow(Reach(visit_id=recording.visit_id))
    return recording


async def _read_limited(request: Request, limit: int) -> bytes:
    pieces, size = [], 0
    async for data in request.stream():
        size += len(data)
        if size > limit:
            raise AudioUnusable(f"A chunk may hold at most {limit // (1024 * 1024)} MiB: send smaller ones.")
        pieces.append(data)
    return b"".join(pieces)


@router.post("/recordings/{recording_id}/close")
async def close_by_token(request: Request, recording_id: str) -> Response:
    """Says, by the upload token, that all chunks of a piece were sent; answers where the visit stands."""
    recording = await _recording_of_token(request, recording_id)
    row = await finishing.close_recording(request.app.state.parts, recording, await _read_closing(request))
    return JSONResponse({"state": row.state})


@router.post("/v/{launch_id}/recordings/{recording_id}/close")
async def close_recording(request: Request, session: Changing, recording_id: str) -> Response:
    """Says that all chunks of a piece were sent; it is probed, and the visit goes on unless `more` pieces come."""
    closing = await _read_closing(request)
    recording = await recordings.find_own(session.parts, session.row.visit_id, recording_id)
    await finishing.close_recording(session.parts, recording, closing)
    return await visit_done(request, session)


async def _read_closing(request: Request) -> Closing:
    body = await read_object(request, known=_CLOSING)
    chunks, sha256 = read_number(body.get("chunks")), body.get("sha256")
    if chunks is None:
        raise InputRefused("Finishing needs the number of chunks that were sent: reload the page and try again.")
    return Closing(chunks, sha256 if isinstance(sha256, str) and sha256 else None, body.get("more") is True)


@router.get("/v/{launch_id}/audio")
async def play(request: Request, session: Reading, recording: str = "") -> Response:
    """The recording for the player, by byte range, opened chunk by chunk in memory (RFC 9110, section 14).

    `recording` names one that a later one took the place of.
    """
    parts, visit_id = session.parts, session.row.visit_id
    record = await find_earlier(parts, visit_id, recording) if recording else await find_sound(parts, visit_id)
    sealed = await parts.chunks.find(record.recording_id)
    span = _read_range(request.headers.get("range"), record.size)
    headers, kind = {"Accept-Ranges": "bytes"}, media_type(record.container)
    if span is None:
        headers["Content-Length"] = str(record.size)
        return StreamingResponse(parts.chunks.stream(sealed), 200, headers, media_type=kind)
    start, end = span
    if start >= record.size:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{record.size}"})
    data = await parts.chunks.read_range(sealed, start, end - start + 1)
    headers["Content-Range"] = f"bytes {start}-{end}/{record.size}"
    return Response(data, 206, headers, media_type=kind)


def _read_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First and last byte of an answer of bounded length; None for no single range, which is then ignored."""
    match = _RANGE.fullmatch(header or "")
    if match is None or match[0] == "bytes=-":
        return None
    if not match[1]:
        start, end = max(0, size - int(match[2])), size - 1
    else:
        start, end = int(match[1]), int(match[2]) if match[2] else size - 1
        if match[2] and end < start:
            return None
    return start, min(max(end, start), size - 1, start + _LONGEST_RANGE - 1)
