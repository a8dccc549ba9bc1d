"""May this leave for a vendor? In: a visit and what a call was made from. Out: a gate the call itself passes.

Looked at with the visit's row held, so that a withdrawal comes before the call or after it and never in between. A call
that deletes, or asks what there is to delete, needs no gate.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from connector.clients.gate import Gate
from connector.errors import ConnectorError, ConsentWithdrawn, NotAllowed
from connector.records import Recording, Transcript
from connector.store.chunks import RecordingRow
from connector.visit.consenting import require_consent
from connector.visit.parts import Parts
from connector.visit.phi import Vendor, require_agreement
from connector.visit.states import GIVEN_UP

_OVER = "What this was made from has been destroyed or replaced meanwhile: nothing is sent."
Stands = Callable[[AsyncConnection], Awaitable[bool]]


def gate_recording(parts: Parts, recording: RecordingRow) -> Gate:
    """For what is sent of one recording."""

    async def stands(connection: AsyncConnection) -> bool:
        return await parts.shredder.has_sound(connection, recording.recording_id)

    return _gate(parts, recording.visit_id, stands, vendor="speech")


def gate_copy(parts: Parts, visit_id: str, *, kind: str, vendor_id: str) -> Gate:
    """For what is asked of an upload or a job: it must be there to be used, not to be deleted."""

    async def stands(connection: AsyncConnection) -> bool:
        return await parts.ledger.is_held(connection, visit_id, kind=kind, vendor_id=vendor_id)

    return _gate(parts, visit_id, stands, vendor="speech")


def gate_transcript(parts: Parts, visit_id: str, transcript: Transcript) -> Gate:
    """For a draft of what the visit goes by still, corrected meanwhile or not; one that was typed needs no consent."""

    async def stands(connection: AsyncConnection) -> bool:
        return await is_newest(parts, connection, transcript, visit_id=visit_id)

    return _gate(parts, visit_id, stands, vendor="gateway", spoken=transcript.origin != "typed")


async def is_newest(parts: Parts, connection: AsyncConnection, transcript: Transcript, *, visit_id: str) -> bool:
    """Whether a transcript, or a corrected version of it, is the one the visit goes by."""
    newest = await parts.visits.latest(visit_id, Transcript, within=connection)
    return newest is not None and newest.stem == transcript.stem


async def require_copy(parts: Parts, connection: AsyncConnection, visit_id: str, *, kind: str, vendor_id: str) -> None:
    """Raises ConsentWithdrawn where a vendor's copy may not be gone on from any more."""
    if not await parts.ledger.is_held(connection, visit_id, kind=kind, vendor_id=vendor_id):
        raise ConsentWithdrawn(_OVER)


async def require_newest(parts: Parts, connection: AsyncConnection, transcript: Transcript, *, visit_id: str) -> None:
    """Raises ConsentWithdrawn where a draft's transcript was destroyed or replaced while it was being made."""
    if not await is_newest(parts, connection, transcript, visit_id=visit_id):
        raise ConsentWithdrawn(_OVER)


async def speak(parts: Parts, recording: RecordingRow, gate: Gate) -> AsyncIterator[bytes]:
    """The sound of a recording piece by piece, each looked at before it is let go."""
    try:
        async for piece in parts.chunks.stream(recording):
            async with gate():
                pass
            yield piece
    except (ConnectorError, OSError):
        async with gate():  # where the sound has just been destroyed, that is the reason
            pass
        raise


async def is_void(parts: Parts, visit_id: str) -> bool:
    """Whether nothing is left of what a step was working on: whatever went wrong with it then concerns nobody."""
    newest = await parts.visits.newest(visit_id)
    return newest.get(Recording) is None and newest.get(Transcript) is None


def _gate(parts: Parts, visit_id: str, stands: Stands, *, vendor: Vendor, spoken: bool = True) -> Gate:
    @asynccontextmanager
    async def passing() -> AsyncIterator[None]:
        require_agreement(parts.policy.phi, vendor, parts.clock().date())
        async with parts.visits.engine.begin() as connection:
            state = await parts.visits.hold_state(connection, visit_id)
            if state in GIVEN_UP or not await stands(connection):
                raise ConsentWithdrawn(_OVER)
            if spoken:
                await _require(parts, connection, visit_id)
            yield

    return passing


async def _require(parts: Parts, connection: AsyncConnection, visit_id: str) -> None:
    try:
        await require_consent(parts, visit_id, within=connection)
    except NotAllowed as error:
        raise ConsentWithdrawn(error.detail) from None
