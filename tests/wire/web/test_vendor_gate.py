"""Nothing about a recording leaves for a vendor after a withdrawal was answered, whatever was under way.

On real sockets: a vendor that notes when the head of each request was there. Deletions are always let through.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from connector.clients.gate import Gate, send_gated
from connector.consent.answer import Noted
from connector.errors import ConnectorError, ConsentWithdrawn, NotAllowed
from connector.records import DraftNote, Launch, Recording, Stamp, Transcript, VendorCopy
from connector.settings import Settings
from connector.store.reach import Reach, narrowed
from connector.visit.consenting import keep_answer
from connector.visit.note import draft_note
from connector.visit.parts import Parts
from connector.visit.recording import keep_typed_text
from connector.visit.refusing import decide
from connector.visit.speaking import gate_copy, is_void
from connector.visit.transcription import await_transcript, send_recording, submit_recording
from connector.visit.vendor_copies import delete_copies
from connector.web.application import make_application
from connector.worker.workflows import _attempt
from tests.fixtures.listening_vendor import ListeningVendor, listening_parts, listening_vendor
from tests.unit.web import samples
from tests.wire.web.conftest import SOUND, Seat, Site

ADDRESS = "https://cdn.vendor.test/upload/1"
Step = Callable[[Parts, str], Awaitable[object]]
STEPS: dict[str, tuple[str, Step]] = {
    "upload": ("CAPTURED", send_recording),
    "submit": ("CAPTURED", lambda parts, visit: submit_recording(parts, visit, ADDRESS)),
    "get": ("CAPTURED", lambda parts, visit: await_transcript(parts, visit, "job-1")),
    "draft": ("TRANSCRIBED", draft_note),
}
MOMENTS = (0.0, 0.002, 0.005, 0.01, 0.02, 0.05)


@pytest.fixture(scope="module")
async def listening() -> AsyncIterator[ListeningVendor]:
    async with listening_vendor() as one:
        yield one


@pytest.fixture
def vendor(listening: ListeningVendor) -> ListeningVendor:
    """The vendor, with nothing noted and nothing wrong with it."""
    listening.calm()
    return listening


@pytest.fixture(scope="module")
async def parts(product_settings: Settings, listening: ListeningVendor) -> AsyncIterator[Parts]:
    """The product, speaking to the vendor that listens."""
    async with listening_parts(product_settings, listening) as made:
        yield made


async def seat_of(parts: Parts, state: str, *, origin: str = "recogniser", pieces: int = 1, asked: bool = True) -> Seat:
    """A recorded visit, or a typed one, as far as `state`, with what the vendor holds of it."""
    app = make_application(parts, version="0")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        site = Site(app, parts, client)
        sound = SOUND * 100
        made = Recording(parts.new_id(), "ogg", len(sound) * pieces, "0" * 64, pieces, 91_000, samples.stamp(0))
        held = (made, samples.transcript(origin)) if state == "TRANSCRIBED" else (made,)
        seat = await site.seat(*((samples.consent(),) if asked else ()), *held, state=state)
    await parts.chunks.open_recording(made.recording_id, seat.visit_id, token="t" * 40, at=parts.clock())
    row = await parts.chunks.find(made.recording_id)
    for seq in range(pieces):
        await parts.chunks.put(row, seq, sound, at=parts.clock())
    return seat


async def hold(parts: Parts, seat: Seat, *kinds: str) -> None:
    """Copies at the vendor's that a step goes on from."""
    ids = {"upload": ADDRESS, "transcript": "job-1"}
    for kind in kinds:
        copy = VendorCopy(parts.new_id(), kind, ids[kind], "held", parts.clock())
        await parts.ledger.add_copy(seat.visit_id, copy)


async def withdraw(parts: Parts, seat: Seat) -> float:
    """The patient withdraws; the moment of the answer."""
    launch = await parts.visits.need(seat.visit_id, Launch)
    await keep_answer(parts, launch, Noted("withdrawn"))
    return time.monotonic()


async def attempt(parts: Parts, seat: Seat, step: Step) -> object:
    """One step as the worker takes it; what it raises on purpose is its result."""
    with narrowed(Reach(visit_id=seat.visit_id)):
        try:
            return await step(parts, seat.visit_id)
        except ConnectorError as error:
            return error


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", STEPS)
async def test_no_call_reaches_the_vendor_after_the_withdrawal_was_answered(
    parts: Parts, vendor: ListeningVendor, name: str, moment: float
) -> None:
    state, step = STEPS[name]
    seat = await seat_of(parts, state)
    await hold(parts, seat, *{"submit": ("upload",), "get": ("upload", "transcript")}.get(name, ()))
    task = asyncio.create_task(attempt(parts, seat, step))
    await asyncio.sleep(moment)
    answered = await withdraw(parts, seat)
    outcome = await asyncio.wait_for(task, 10)
    assert [one for one in vendor.sent() if one.at > answered] == []
    if not vendor.sent():
        assert isinstance(outcome, ConnectorError) and await is_void(parts, seat.visit_id)
    assert await parts.visits.latest(seat.visit_id, Transcript) is None
    assert await parts.visits.latest(seat.visit_id, DraftNote) is None


@pytest.mark.parametrize("name", STEPS)
async def test_the_same_call_is_made_while_consent_stands(parts: Parts, vendor: ListeningVendor, name: str) -> None:
    state, step = STEPS[name]
    seat = await seat_of(parts, state)
    await hold(parts, seat, *{"submit": ("upload",), "get": ("upload", "transcript")}.get(name, ()))
    outcome = await attempt(parts, seat, step)
    assert vendor.sent() and not isinstance(outcome, ConsentWithdrawn)


async def test_a_typed_visit_is_drafted_without_any_consent(parts: Parts, vendor: ListeningVendor) -> None:
    seat = await seat_of(parts, "TRANSCRIBED", origin="typed")
    await withdraw(parts, seat)
    await attempt(parts, seat, draft_note)
    assert [one.path for one in vendor.sent()] == ["/v1/chat/completions"]


@pytest.mark.parametrize("name", STEPS)
async def test_who_was_never_asked_is_not_spoken_of(parts: Parts, vendor: ListeningVendor, name: str) -> None:
    state, step = STEPS[name]
    seat = await seat_of(parts, state, asked=False)
    await hold(parts, seat, *{"submit": ("upload",), "get": ("upload", "transcript")}.get(name, ()))
    assert isinstance(await attempt(parts, seat, step), NotAllowed)
    assert vendor.sent() == []


async def test_a_withdrawal_is_answered_only_when_what_was_let_through_has_left(
    parts: Parts, vendor: ListeningVendor
) -> None:
    seat = await seat_of(parts, "CAPTURED")
    await hold(parts, seat, "upload")
    gate = gate_copy(parts, seat.visit_id, kind="upload", vendor_id=ADDRESS)
    async with gate():
        task = asyncio.create_task(withdraw(parts, seat))
        await asyncio.sleep(0.3)
        assert not task.done()
        left = time.monotonic()
    assert await asyncio.wait_for(task, 5) > left
    with pytest.raises(ConsentWithdrawn):
        async with gate():
            pass


async def test_a_try_again_of_a_call_is_let_through_anew(parts: Parts, vendor: ListeningVendor) -> None:
    seat = await seat_of(parts, "CAPTURED")
    await hold(parts, seat, "upload")
    vendor.failing = 5
    task = asyncio.create_task(attempt(parts, seat, STEPS["submit"][1]))
    await asyncio.wait_for(vendor.arrived.wait(), 5)
    while not vendor.sent():
        await asyncio.sleep(0.01)
    answered = await withdraw(parts, seat)
    assert isinstance(await asyncio.wait_for(task, 10), ConsentWithdrawn)
    assert vendor.sent() and all(one.at <= answered for one in vendor.sent())


async def test_an_upload_under_way_breaks_off(parts: Parts, vendor: ListeningVendor) -> None:
    """A vendor that does not read leaves the rest of a long recording here, and there it stays."""
    seat = await seat_of(parts, "CAPTURED", pieces=80)
    vendor.reading.clear()
    task = asyncio.create_task(attempt(parts, seat, send_recording))
    await asyncio.sleep(0.3)
    began = time.monotonic()
    answered = await withdraw(parts, seat)
    assert answered - began < 2.0
    vendor.reading.set()
    assert isinstance(await asyncio.wait_for(task, 15), ConsentWithdrawn)
    assert all(not one.whole for one in vendor.sent())
    assert await parts.ledger.copies(seat.visit_id) == []


async def test_a_vendor_that_does_not_read_holds_no_withdrawal_up(parts: Parts, vendor: ListeningVendor) -> None:
    seat = await seat_of(parts, "CAPTURED")
    await hold(parts, seat, "upload", "transcript")
    large = gate_copy(parts, seat.visit_id, kind="upload", vendor_id=ADDRESS)
    vendor.reading.clear()
    async with httpx.AsyncClient(trust_env=False) as client:
        request = client.build_request("POST", f"{vendor.base}/v2/transcript", content=b"x" * 50_000_000)
        with narrowed(Reach(visit_id=seat.visit_id)):
            task = asyncio.create_task(send_gated(client, request, large))
        await asyncio.sleep(0.2)
        began = time.monotonic()
        assert await withdraw(parts, seat) - began < 2.0
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_may_not_leave_when_the_connection_stands_does_not() -> None:
    """Let through before connecting, refused at the wire: the connection is made, and nothing comes over it."""
    looks = 0

    @asynccontextmanager
    async def gate() -> AsyncIterator[None]:
        nonlocal looks
        looks += 1
        if looks > 1:
            raise ConsentWithdrawn("Taken back meanwhile.")
        yield

    async with listening_vendor() as vendor:
        await _refused(vendor, gate)
        assert (looks, vendor.connected, vendor.arrivals) == (2, 1, [])


async def test_what_may_not_leave_from_the_start_does_not_even_connect() -> None:
    @asynccontextmanager
    async def gate() -> AsyncIterator[None]:
        raise ConsentWithdrawn("Taken back.")
        yield

    async with listening_vendor() as vendor:
        await _refused(vendor, gate)
        assert (vendor.connected, vendor.arrivals) == (0, [])


async def _refused(vendor: ListeningVendor, gate: Gate) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        request = client.build_request("POST", f"{vendor.base}/v2/transcript", json={"audio_url": ADDRESS})
        with pytest.raises(ConsentWithdrawn):
            await send_gated(client, request, gate)
    await asyncio.sleep(0.05)


async def test_the_words_of_a_destroyed_recording_come_back_into_no_other(
    parts: Parts, vendor: ListeningVendor
) -> None:
    """Withdrawn, agreed anew and recorded anew while the old job was waited for: its step ends, whatever it hears."""
    seat = await seat_of(parts, "CAPTURED")
    await hold(parts, seat, "upload", "transcript")
    vendor.seconds = 0.6
    task = asyncio.create_task(attempt(parts, seat, STEPS["get"][1]))
    await asyncio.wait_for(vendor.arrived.wait(), 5)
    await withdraw(parts, seat)
    launch = await parts.visits.need(seat.visit_id, Launch)
    await keep_answer(parts, launch, Noted("given"))
    assert isinstance(await asyncio.wait_for(task, 10), ConsentWithdrawn)


async def test_a_deletion_needs_no_consent(parts: Parts, vendor: ListeningVendor) -> None:
    seat = await seat_of(parts, "CAPTURED")
    await hold(parts, seat, "transcript")
    await withdraw(parts, seat)
    vendor.arrivals.clear()
    with narrowed(Reach(visit_id=seat.visit_id)):
        await delete_copies(parts, seat.visit_id)
    assert ("DELETE", "/v2/transcript/job-1") in [(one.method, one.path) for one in vendor.arrivals]


async def test_what_an_earlier_recording_left_is_deleted_beside_a_transcription(
    parts: Parts, vendor: ListeningVendor
) -> None:
    seat = await seat_of(parts, "CAPTURED")
    old = VendorCopy(parts.new_id(), "transcript", "job-0", "asked", parts.clock())
    await parts.ledger.add_copy(seat.visit_id, old)
    await hold(parts, seat, "upload", "transcript")
    with narrowed(Reach(visit_id=seat.visit_id)):
        assert not await delete_copies(parts, seat.visit_id)
    states = {copy.vendor_id: copy.state for copy in await parts.ledger.copies(seat.visit_id)}
    assert (states[ADDRESS], states["job-1"]) == ("held", "held") and states["job-0"] != "asked"
    deleted = [one.path for one in vendor.arrivals if one.method == "DELETE"]
    assert deleted == ["/v2/transcript/job-0"]


async def ask_away(parts: Parts, seat: Seat) -> None:
    async with parts.visits.engine.begin() as connection:
        await parts.ledger.ask_all(connection, seat.visit_id, at=parts.clock())


@pytest.mark.parametrize(("action", "argument"), [("submit", ADDRESS), ("await-transcript", "job-1")])
async def test_a_transcription_whose_copy_was_asked_away_is_offered_again(
    parts: Parts, vendor: ListeningVendor, action: str, argument: str
) -> None:
    seat = await seat_of(parts, "CAPTURED")
    await hold(parts, seat, "upload", "transcript")
    await ask_away(parts, seat)
    for _ in range(2):
        await _attempt(parts, action, seat.visit_id, argument)
    row = await parts.visits.row(seat.visit_id)
    assert (row.state, row.attention) == ("PRIMED", "cut-off")
    launch = await parts.visits.need(seat.visit_id, Launch)
    await decide(parts, launch, decision="transcribe-again")
    row = await parts.visits.row(seat.visit_id)
    assert (row.state, row.attention) == ("CAPTURED", None)


async def test_the_end_of_an_earlier_transcription_gives_no_later_recording_back(
    parts: Parts, vendor: ListeningVendor
) -> None:
    seat = await seat_of(parts, "CAPTURED")
    await hold(parts, seat, "upload", "transcript")
    await ask_away(parts, seat)
    later = Recording(parts.new_id(), "ogg", 1, "0" * 64, 1, 91_000, Stamp("capture@2", parts.clock()))
    async with parts.visits.engine.begin() as connection:
        await parts.visits.append_record(connection, seat.visit_id, later, at=parts.clock())
    await _attempt(parts, "await-transcript", seat.visit_id, "job-1")
    row = await parts.visits.row(seat.visit_id)
    assert (row.state, row.attention) == ("CAPTURED", None)


async def test_transcribing_again_goes_on_from_no_earlier_upload(parts: Parts, vendor: ListeningVendor) -> None:
    seat = await seat_of(parts, "PRIMED")
    await hold(parts, seat, "upload", "transcript")
    launch = await parts.visits.need(seat.visit_id, Launch)
    await decide(parts, launch, decision="transcribe-again")
    assert {copy.state for copy in await parts.ledger.copies(seat.visit_id)} == {"asked"}
    await attempt(parts, seat, send_recording)
    assert [one.path for one in vendor.sent()] == ["/v2/upload"]


async def test_a_draft_of_what_was_replaced_is_not_kept(parts: Parts, vendor: ListeningVendor) -> None:
    """Typed at once after the withdrawal, while the draft of what was said was on its way back."""
    seat = await seat_of(parts, "TRANSCRIBED")
    vendor.seconds = 0.6
    task = asyncio.create_task(attempt(parts, seat, draft_note))
    await asyncio.wait_for(vendor.arrived.wait(), 5)
    await withdraw(parts, seat)
    await keep_typed_text(parts, seat.visit_id, text="Cough for three days.")
    assert isinstance(await asyncio.wait_for(task, 10), ConsentWithdrawn)
    assert await parts.visits.latest(seat.visit_id, DraftNote) is None
    assert (await parts.visits.row(seat.visit_id)).state == "TRANSCRIBED"
    assert [copy.kind for copy in await parts.ledger.copies(seat.visit_id)] == ["completion"]


async def test_a_draft_is_kept_while_consent_stands(parts: Parts, vendor: ListeningVendor) -> None:
    seat = await seat_of(parts, "TRANSCRIBED")
    assert await attempt(parts, seat, draft_note) == 1
    assert await parts.visits.latest(seat.visit_id, DraftNote) is not None


async def test_the_next_draft_is_numbered_on_from_the_destroyed_one(parts: Parts, vendor: ListeningVendor) -> None:
    seat = await seat_of(parts, "TRANSCRIBED")
    await attempt(parts, seat, draft_note)
    await withdraw(parts, seat)
    await keep_typed_text(parts, seat.visit_id, text="Cough for three days.")
    assert await attempt(parts, seat, draft_note) == 2
