"""A recording fetched from an address: asked for by the clinician, done by the worker. CAPTURING to CAPTURED.

In: an address on the EHR's list. Out: sealed chunks, and a recording that ends as an upload does; or nothing of it,
with the reason shown. Never fetches without a given consent, and never passes the address on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

from connector.capture.chunks import check_chunk
from connector.clients.web_address import WebAddress, read_address
from connector.errors import Conflict, ConnectorError, ProbeBusy, SourceRefused
from connector.records import Launch
from connector.store.chunks import RecordingRow
from connector.store.fetches import Fetch
from connector.store.recordings import TAKING, UNFINISHED, Opening
from connector.visit.consenting import require_consent
from connector.visit.finishing import Closing, close_recording
from connector.visit.parts import Parts, Work
from connector.visit.recording import leave_out, open_recording
from connector.visit.states import State

CHUNK = 1024 * 1024
PATIENCE = timedelta(minutes=15)
"""How long after the last new chunk a host that is away is asked again; addresses with keys seldom live longer."""
_LOOK_EVERY = 1.0
_CHANGED = "The host gave another recording when it was asked again: fetch it once more, or choose the file."


def allowed_hosts(parts: Parts, tenant: str) -> tuple[str, ...]:
    """The hosts this EHR's clinicians may have recordings fetched from; none where that is off."""
    registration = parts.registrations.by_tenant(tenant)
    return registration.audio_hosts if registration is not None else ()


async def ask_for_fetch(parts: Parts, launch: Launch, *, address: str) -> None:
    """Opens a piece of the visit's sound and has the worker fetch it; PRIMED to CAPTURING.

    Raises AddressRefused for an address that may not be used, NotAllowed without consent, Conflict beside another
    fetch of the visit.
    """
    visit_id = launch.visit_id
    read_address(address, hosts=allowed_hosts(parts, launch.tenant))
    if await parts.fetches.under_way(visit_id) is not None:
        raise Conflict("A recording of this visit is being fetched already: wait for it, or stop it.")
    recording_id = (await open_recording(parts, visit_id, Opening("url"))).recording_id
    async with parts.visits.engine.begin() as connection:
        await parts.fetches.keep(connection, Fetch(recording_id, visit_id, parts.clock(), address))
        await parts.enqueue(connection, Work("fetch_recording", visit_id, recording_id, recording_id))


async def stop_fetch(parts: Parts, visit_id: str) -> None:
    """Leaves out what is being fetched: CAPTURING to PRIMED where nothing else is under way."""
    under_way = await parts.fetches.under_way(visit_id)
    if under_way is None:
        raise Conflict("Nothing is being fetched any more: reload to see where the visit stands.")
    await parts.fetches.forget(under_way.recording_id)
    await leave_out(parts, visit_id, under_way.recording_id)


async def fetch_recording(parts: Parts, visit_id: str, recording_id: str) -> str:
    """One durable step: fetches, seals and finishes a recording; `fetched`, `stopped` or `given-up`.

    It may run twice: chunks that are there already are compared and kept. What may pass is raised for as long as there
    is hope; everything else leaves the piece out, raises the flag and gives the visit back.
    """
    fetch = await parts.fetches.find(recording_id)
    if fetch is None or fetch.visit_id != visit_id:
        return "stopped"
    try:
        outcome = await _fetch(parts, fetch)
    except ConnectorError as error:
        if error.retryable and await _has_hope(parts, fetch, error):
            raise
        outcome = await _give_up(parts, fetch, error)
    await parts.fetches.forget(recording_id)
    return outcome


async def _fetch(parts: Parts, fetch: Fetch) -> str:
    recording = await parts.chunks.find(fetch.recording_id)
    # Where all of it is here and could not be examined yet, its address may have ended: nobody is asked again.
    if recording.state in TAKING and (not fetch.size or recording.held_bytes != fetch.size):
        launch = await parts.visits.need(fetch.visit_id, Launch)
        address = read_address(fetch.address, hosts=allowed_hosts(parts, launch.tenant))
        await require_consent(parts, fetch.visit_id)
        await parts.visits.show_step(fetch.visit_id, "fetching", at=parts.clock())
        if not await _take_while_wanted(parts, recording, address):
            return "stopped"
        recording = await parts.chunks.find(fetch.recording_id)
    if recording.state not in UNFINISHED:
        return "stopped"
    under_way = await parts.chunks.of_visit(fetch.visit_id, states=TAKING)
    more = any(one.recording_id != fetch.recording_id for one in under_way)
    await close_recording(parts, recording, Closing(recording.held_chunks, more=more))
    return "fetched"


async def _take_while_wanted(parts: Parts, recording: RecordingRow, address: WebAddress) -> bool:
    """Takes all of it; False when it was stopped, its consent withdrawn or its visit given up meanwhile."""
    work = asyncio.create_task(_take(parts, recording, address))
    try:
        while not work.done():
            await asyncio.wait({work}, timeout=_LOOK_EVERY)
            if not work.done() and not await _is_wanted(parts, recording):
                return False
        await work
    except Conflict:
        if await _is_wanted(parts, recording):
            raise SourceRefused(_CHANGED) from None
        return False
    finally:
        work.cancel()
        await asyncio.wait({work})
    return True


async def _is_wanted(parts: Parts, recording: RecordingRow) -> bool:
    """Whether the piece still takes chunks: a withdrawal, a stop and the end of the visit all end that."""
    return (await parts.chunks.find(recording.recording_id)).state in TAKING


async def _take(parts: Parts, recording: RecordingRow, address: WebAddress) -> None:
    seq = stored = 0
    async with parts.fetcher.open(address) as source:
        # The size of what is held already was told when that was begun: another one belongs to another recording.
        if source.size is not None and not recording.held_chunks:
            await parts.fetches.tell_size(recording.recording_id, source.size)
        async for data in _cut(source.pieces):
            await require_consent(parts, recording.visit_id)
            check_chunk(seq, len(data), stored=stored)
            await parts.chunks.put(recording, seq, data, at=parts.clock())
            seq, stored = seq + 1, stored + len(data)
    if seq < (await parts.chunks.find(recording.recording_id)).held_chunks:
        raise SourceRefused(_CHANGED)
    await parts.fetches.tell_size(recording.recording_id, stored)


async def _cut(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in chunks of one size, the last one as long as it is; holds no more than one chunk."""
    held = bytearray()
    async for piece in pieces:
        held += piece
        while len(held) >= CHUNK:
            yield bytes(held[:CHUNK])
            del held[:CHUNK]
    if held:
        yield bytes(held)


async def _has_hope(parts: Parts, fetch: Fetch, error: ConnectorError) -> bool:
    """A host has only so long; for a place among those that examine what is here it waits as long as it takes."""
    recording = await parts.chunks.find(fetch.recording_id)
    if isinstance(error, ProbeBusy):
        return recording.state in UNFINISHED
    return recording.state in UNFINISHED and parts.clock() - (recording.heard_at or fetch.asked_at) < PATIENCE


async def _give_up(parts: Parts, fetch: Fetch, error: ConnectorError) -> str:
    """Leaves the piece out and says why; nothing is said of a visit that has moved on meanwhile."""
    recording = await parts.chunks.find(fetch.recording_id)
    try:
        if recording.state in UNFINISHED:
            await leave_out(parts, fetch.visit_id, fetch.recording_id)
    except Conflict:
        return "stopped"
    if (await parts.visits.row(fetch.visit_id)).state in (State.PRIMED, State.CAPTURING):
        await parts.visits.call_attention(
            fetch.visit_id, slug=error.slug, text=error.detail, action="capture-again", at=parts.clock()
        )
    return "given-up"
