"""From pieces of sound to a visit's recording: CAPTURING to CAPTURED. In: pieces that arrived. Out: a Recording.

Every piece is checked and probed on its own; one that cannot be used is named and left out, and the rest kept.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from connector.capture.chunks import check_complete
from connector.capture.marks import lay_out, place_marks
from connector.capture.probe import needs_rewriting, probe_sound, warn_of
from connector.errors import AudioUnusable, ChunkRefused, Conflict
from connector.records import Recording, Segment, Stamp
from connector.store.chunks import ChunkRow, RecordingRow
from connector.store.recordings import TAKING, UNFINISHED
from connector.store.visits import VisitRow
from connector.visit.consenting import require_consent, require_consent_for
from connector.visit.parts import PREPARE, Parts, Work
from connector.visit.recording import drop_empty, find_actor, give_back_empty
from connector.visit.states import State
from connector.visit.steps import Move, move

Measured = tuple[Segment, tuple[str, ...]]
"""What a piece is, and what the clinician should know of it."""
_WARNINGS = "warnings"
_ONE_CHANNEL = "The recording has one channel only: who speaks is told by the voices."
_NEVER_ENDED = "The recorder did not end this recording itself: its last seconds may be missing."
_LEFT_OUT = "A piece of {size} of the recording could not be read as sound and was left out."


@dataclass(frozen=True, slots=True)
class Closing:
    """What a sender says at the end of a piece: how many chunks, its SHA-256 in hex if known, and whether more come."""

    chunks: int
    sha256: str | None = None
    more: bool = False


async def close_recording(parts: Parts, recording: RecordingRow, closing: Closing) -> VisitRow:
    """Checks that all of a piece arrived, probes it, and finishes the recording unless more is to come.

    `closing.sha256` is compared where the sender knows it; every chunk was checked on its own. Sound that cannot be
    read is AudioUnusable: the piece is left out, and a visit without another is given back to PRIMED.
    """
    await require_consent_for(parts, recording)
    if recording.state == "whole" and closing.more:
        return await parts.visits.row(recording.visit_id)
    if recording.state in TAKING:
        await _make_whole(parts, recording, closing)
    elif recording.state != "whole":
        raise Conflict("This recording is finished already: reload to see where the visit stands.")
    if closing.more:
        return await parts.visits.row(recording.visit_id)
    return await finish_recording(parts, recording.visit_id)


async def _make_whole(parts: Parts, recording: RecordingRow, closing: Closing) -> None:
    try:
        measured = await _examine(parts, recording, closing)
    except ChunkRefused:
        raise
    except AudioUnusable:
        await parts.chunks.drop(recording.recording_id, chunks=closing.chunks)
        await give_back_empty(parts, recording.visit_id)
        raise
    await parts.chunks.keep_whole(recording.recording_id, chunks=closing.chunks, facts=_facts(measured))


async def finish_recording(parts: Parts, visit_id: str) -> VisitRow:
    """Takes what has arrived as the visit's sound and hands the visit to the worker.

    Pieces still open are taken up to their first missing chunk. Raises AudioUnusable, with the visit back at PRIMED,
    when nothing of it can be used; Conflict where no recording is under way.
    """
    await require_consent(parts, visit_id)
    if (await parts.visits.row(visit_id)).state != State.CAPTURING:
        raise Conflict("There is no recording under way: reload to see where the visit stands.")
    actor = await find_actor(parts, visit_id)
    under_way = await parts.chunks.of_visit(visit_id, states=TAKING)
    fetch = await parts.fetches.under_way(visit_id) if under_way else None
    if fetch is not None and any(piece.recording_id == fetch.recording_id for piece in under_way):
        raise Conflict("A recording is still being fetched from its address: wait for it, or stop it.")
    left_out = [await _take_over(parts, piece) for piece in under_way]
    pieces = await parts.chunks.of_visit(visit_id, states=("whole",))
    if not pieces:
        await drop_empty(parts, visit_id, actor=actor)
        raise AudioUnusable("The recording is empty: nothing was sent. Record again or choose another file.")
    record = await _assemble(parts, pieces, warnings=tuple(one for one in left_out if one))

    async def close_and_start(connection: AsyncConnection) -> None:
        await parts.chunks.close(connection, [piece.recording_id for piece in pieces])
        # The visit's row is held: what another window began, or made whole, since the look above is not thrown away.
        later = await parts.chunks.of_visit(visit_id, states=UNFINISHED, within=connection)
        if any(piece.held_chunks for piece in later):
            raise Conflict("More sound has arrived while the recording was being finished: finish it again.")
        await parts.chunks.drop_open(connection, visit_id)
        await parts.enqueue(connection, Work(PREPARE, visit_id, record.recording_id))

    arrow = (State.CAPTURING, State.CAPTURED)
    detail = {"pieces": len(pieces), "chunks": record.chunks, "bytes": record.size}
    return await move(parts, visit_id, Move(arrow, records=(record,), actor=actor, detail=detail, also=close_and_start))


async def _take_over(parts: Parts, piece: RecordingRow) -> str | None:
    """Makes a piece whole as far as it arrived without a hole; the sentence that says so where it cannot be used."""
    held = await parts.chunks.acknowledged(piece.recording_id)
    whole = _without_hole(held)
    if not whole:
        await parts.chunks.drop(piece.recording_id, chunks=len(held))
        return None
    try:
        segment, warnings = await _measure(parts, piece, whole)
    except AudioUnusable:
        await parts.chunks.drop(piece.recording_id, chunks=len(held))
        return _LEFT_OUT.format(size=f"{sum(chunk.size for chunk in whole) / 1e6:.1f} MB")
    if len(whole) < len(held):
        segment = replace(segment, truncated=True)
    elif piece.source == "microphone":
        # Its recorder never said that this was all: what it had not sent yet is not here.
        warnings = (*warnings, _NEVER_ENDED)
    await parts.chunks.keep_whole(piece.recording_id, chunks=len(held), facts=_facts((segment, warnings)))
    return None


def _without_hole(held: Sequence[ChunkRow]) -> list[ChunkRow]:
    return [chunk for place, chunk in enumerate(held) if chunk.seq == place]


async def _examine(parts: Parts, recording: RecordingRow, closing: Closing) -> Measured:
    stored = await parts.chunks.acknowledged(recording.recording_id)
    if check_complete(chunk.seq for chunk in stored) != closing.chunks:
        raise Conflict("Some chunks have not arrived: send the missing ones and finish again.")
    segment, warnings = await _measure(parts, recording, stored)
    told = (closing.sha256 or segment.sha256).lower()
    if not hmac.compare_digest(segment.sha256.encode(), told.encode()):
        raise AudioUnusable("What arrived is not what was sent: start the upload again.")
    return segment, warnings


async def _measure(parts: Parts, recording: RecordingRow, chunks: Sequence[ChunkRow]) -> Measured:
    """Reads the first chunks of a piece through once for its hash and once for its sound."""
    reader = await parts.chunks.open_reader(recording, most=len(chunks))
    total = hashlib.sha256()
    async for data in reader.stream():
        total.update(data)
    sound = await probe_sound(reader.read, reader.size, timeout_s=parts.policy.probe_timeout)
    segment = Segment(
        recording_id=recording.recording_id,
        source=recording.source,
        container=sound.container,
        size=reader.size,
        sha256=total.hexdigest(),
        chunks=len(chunks),
        duration_ms=sound.duration_ms,
        sample_rate=sound.sample_rate,
        channels=sound.channels,
        truncated=sound.truncated,
        rewrite=needs_rewriting(sound, reader.size),
    )
    # That the end is missing is said of the whole, once.
    told = warn_of(replace(sound, truncated=False))
    return segment, (*told, _ONE_CHANNEL) if recording.two_sided and sound.channels == 1 else told


def _facts(measured: Measured) -> dict[str, object]:
    segment, warnings = measured
    facts = {name: value for name, value in asdict(segment).items() if name != "recording_id"}
    return {**facts, _WARNINGS: list(warnings)}


def _segment(piece: RecordingRow) -> Segment:
    facts = {name: value for name, value in (piece.facts or {}).items() if name != _WARNINGS}
    return Segment(recording_id=piece.recording_id, **facts)


async def _assemble(parts: Parts, pieces: Sequence[RecordingRow], *, warnings: tuple[str, ...]) -> Recording:
    """The visit's sound as it came: pieces laid end to end, marks, and what the clinician should know."""
    laid = lay_out(_segment(piece) for piece in pieces)
    found = [warning for piece in pieces for warning in (piece.facts or {}).get(_WARNINGS, ())]
    told = [await parts.chunks.marks(piece.recording_id) for piece in pieces]
    missing = [_missing_before(pieces, place) for place in range(len(pieces))]
    whole = hashlib.sha256("".join(one.sha256 for one in laid).encode()).hexdigest()
    first = laid[0]
    return Recording(
        recording_id=first.recording_id,
        container=first.container,
        size=sum(one.size for one in laid),
        sha256=first.sha256 if len(laid) == 1 else whole,
        chunks=sum(one.chunks for one in laid),
        duration_ms=sum(one.duration_ms for one in laid),
        stamp=Stamp(maker="capture@2", at=parts.clock()),
        truncated=any(one.truncated for one in laid),
        source=first.source,
        sample_rate=min(one.sample_rate for one in laid),
        channels=max(one.channels for one in laid),
        segments=laid,
        marks=place_marks(laid, told, missing),
        warnings=tuple(dict.fromkeys((*warnings, *found))),
        two_sided=all(row.two_sided and one.channels == 2 for row, one in zip(pieces, laid, strict=True)),
    )


def _missing_before(pieces: Sequence[RecordingRow], place: int) -> int | None:
    """What was not captured before a recorder's piece, in ms: as its browser tells, else by our own times."""
    piece = pieces[place]
    if place == 0 or piece.source != "microphone":
        return None
    if piece.missing_ms is not None:
        return piece.missing_ms
    before = pieces[place - 1].heard_at
    return None if before is None else max(0, round((piece.created_at - before).total_seconds() * 1000))
