"""The chunk protocol and the way back to the sound. In: numbered chunks with digests. Out: acknowledgements, ranges.

Chunks are taken by the upload token of their recording, not by the session, so that a locked page loses no sound.
"""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from connector.capture.containers import media_type
from connector.errors import AudioUnusable, InputRefused, NotAllowed
from connector.records import Recording
from connector.store.chunks import RecordingRow
from connector.store.reach import Reach, narrow
from connector.visit import recording as recordings
from connector.visit.parts import Parts
from connector.web.bodies import read_number, read_object
from connector.web.session import Session, open_changing_session, open_session
from connector.web.visiting import visit_done

router = APIRouter()
Reading = Annotated[Session, Depends(open_session)]
Changing = Annotated[Session, Depends(open_changing_session)]

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
_LONGEST_RANGE = 4 * 1024 * 1024


@router.post("/v/{launch_id}/recordings")
async def open_recording(session: Changing) -> Response:
    """Starts a recording; needs a given consent."""
    opened = await recordings.open_recording(session.parts, session.row.visit_id)
    body = {
        "recording_id": opened.recording_id,
        "upload_token": opened.upload_token,
        "chunk_bytes": opened.chunk_bytes,
    }
    return JSONResponse(body, 201)


@router.get("/v/{launch_id}/recordings")
async def list_recordings(session: Reading) -> Response:
    """Recordings under way and which of their chunks are safe, so that an upload can go on where it stopped."""
    chunks = session.parts.chunks
    found = []
    for recording in await chunks.open_recordings(session.row.visit_id):
        safe = [
            {"seq": chunk.seq, "size": chunk.size, "sha256": chunk.sha256}
            for chunk in await chunks.acknowledged(recording.recording_id)
        ]
        found.append({"recording_id": recording.recording_id, "chunks": safe})
    return JSONResponse({"recordings": found})


@router.post("/v/{launch_id}/recordings/{recording_id}/token")
async def renew_token(session: Changing, recording_id: str) -> Response:
    """A new upload token for a recording of this visit that is still open; the old one stops working."""
    token = await recordings.renew_upload_token(session.parts, session.row.visit_id, recording_id)
    return JSONResponse({"upload_token": token})


@router.put("/recordings/{recording_id}/chunks/{seq}")
async def put_chunk(request: Request, recording_id: str, seq: int) -> Response:
    """Takes one chunk; 204 only after it is sealed and synced. Needs `Authorization: Upload <token>`."""
    parts: Parts = request.app.state.parts
    recording = await _recording_of_token(request, recording_id)
    data = await _read_limited(request, parts.policy.max_chunk_bytes)
    await recordings.put_chunk(
        parts, recording, seq=seq, data=data, content_digest=request.headers.get("content-digest")
    )
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
    body = bytearray()
    async for data in request.stream():
        body += data
        if len(body) > limit:
            raise AudioUnusable(f"A chunk may hold at most {limit // (1024 * 1024)} MiB: send smaller ones.")
    return bytes(body)


@router.post("/v/{launch_id}/recordings/{recording_id}/close")
async def close_recording(request: Request, session: Changing, recording_id: str) -> Response:
    """Says that all chunks were sent; the sound is probed and the visit goes on."""
    body = await read_object(request, known=frozenset({"chunks", "sha256"}))
    chunks = read_number(body.get("chunks"))
    if chunks is None:
        raise InputRefused("Finishing needs the number of chunks that were sent: reload the page and try again.")
    recording = await recordings.find_own(session.parts, session.row.visit_id, recording_id)
    sha256 = body.get("sha256")
    await recordings.close_recording(
        session.parts,
        recording,
        sha256=sha256 if isinstance(sha256, str) and sha256 else None,
        chunks=chunks,
    )
    return await visit_done(request, session)


@router.get("/v/{launch_id}/audio")
async def play(request: Request, session: Reading) -> Response:
    """The recording for the player, by byte range, opened chunk by chunk in memory (RFC 9110, section 14)."""
    parts = session.parts
    record = await parts.visits.need(session.row.visit_id, Recording)
    recording = await parts.chunks.find(record.recording_id)
    span = _read_range(request.headers.get("range"), record.size)
    headers, kind = {"Accept-Ranges": "bytes"}, media_type(record.container)
    if span is None:
        headers["Content-Length"] = str(record.size)
        return StreamingResponse(parts.chunks.stream(recording), 200, headers, media_type=kind)
    start, end = span
    if start >= record.size:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{record.size}"})
    data = await parts.chunks.read_range(recording, start, end - start + 1)
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
