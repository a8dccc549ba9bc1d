"""The chunk protocol against senders that err or mean ill (B16): origins, sizes, floods, gaps, order, silence.

A state machine over slices stands in tests/properties; here each case stands by itself, at the routes.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from tests.builders import recording_bytes, split
from tests.fixtures.product import ORIGIN
from tests.unit.web import samples
from tests.wire.clients_ehr.test_fhir_markup import CORPUS
from tests.wire.web.conftest import JSON, Seat, Site

EVIL = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}


@dataclass(frozen=True)
class Sender:
    """One recording under way and the token that opens it."""

    site: Site
    seat: Seat
    recording_id: str
    token: str

    async def put(self, seq: int, data: bytes, **more: str) -> httpx.Response:
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        headers = {**JSON, "Authorization": f"Upload {self.token}", "Content-Digest": f"sha-256=:{digest}:", **more}
        return await self.site.client.put(
            f"/recordings/{self.recording_id}/chunks/{seq}", content=data, headers=headers
        )

    async def close(self, chunks: int, data: bytes) -> httpx.Response:
        body = {"chunks": chunks, "sha256": hashlib.sha256(data).hexdigest()}
        headers = {**JSON, "Authorization": f"Upload {self.token}"}
        return await self.site.client.post(f"/recordings/{self.recording_id}/close", json=body, headers=headers)

    async def held(self) -> dict[int, str]:
        return {one.seq: one.sha256 for one in await self.site.parts.chunks.acknowledged(self.recording_id)}

    async def state(self) -> str:
        return (await self.site.parts.visits.row(self.seat.visit_id)).state


@pytest.fixture
async def sender(site: Site) -> Sender:
    seat = await site.seat(samples.consent())
    answer = await site.client.post(f"{seat.path}/recordings", headers={**JSON, **seat.changing})
    return Sender(site, seat, answer.json()["recording_id"], answer.json()["upload_token"])


async def test_b16_another_sites_page_opens_no_recording(sender: Sender) -> None:
    before = len(await sender.site.parts.chunks.open_recordings(sender.seat.visit_id))
    for headers in (EVIL, {"Origin": "null"}, {"Origin": ORIGIN.replace("8000", "8001")}):
        answer = await sender.site.client.post(
            f"{sender.seat.path}/recordings", headers={**JSON, **sender.seat.changing, **headers}
        )
        assert answer.status_code == 403, answer.text
    assert len(await sender.site.parts.chunks.open_recordings(sender.seat.visit_id)) == before


@pytest.mark.parametrize("path", ["chunks/0", "marks/0", "close", ""])
async def test_b16_a_browser_is_never_told_that_another_site_may_send_chunks(sender: Sender, path: str) -> None:
    """Without a granted preflight no page of another site can send the token (Fetch, CORS-preflight fetch)."""
    asking = {**EVIL, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization"}
    url = f"/recordings/{sender.recording_id}/{path}".rstrip("/")
    for method in ("OPTIONS", "PUT", "POST", "GET"):
        answer = await sender.site.client.request(method, url, headers={**JSON, **asking})
        assert answer.status_code >= 400
        assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_b16_cookies_alone_send_nothing(sender: Sender) -> None:
    answer = await sender.put(0, b"sound", Authorization="", Cookie=sender.seat.cookie["Cookie"])
    assert answer.status_code == 403 and await sender.held() == {}


async def test_b16_a_giant_chunk_is_cut_off_while_it_is_sent(sender: Sender) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 10**9:
            sent += 65536
            yield bytes(65536)

    headers = {**JSON, "Authorization": f"Upload {sender.token}", "Content-Digest": "sha-256=:AAAA:"}
    url = f"/recordings/{sender.recording_id}/chunks/0"
    answer = await sender.site.client.put(url, content=endless(), headers=headers)
    assert answer.status_code in (413, 422), answer.text
    assert sent < 10 * 1024 * 1024, "it was read to the end"
    assert await sender.held() == {}


async def test_b16_a_stranger_sends_nothing_long(sender: Sender) -> None:
    """Whoever has no token is refused before a byte of the body is read."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 10**8:
            sent += 65536
            yield bytes(65536)

    url = f"/recordings/{sender.recording_id}/chunks/0"
    answer = await sender.site.client.put(url, content=endless(), headers={**JSON, "Authorization": "Upload guess"})
    assert answer.status_code == 403 and sent <= 2 * 65536


async def test_b16_a_flood_of_the_same_chunk_is_one_chunk(sender: Sender) -> None:
    answers = await asyncio.gather(*(sender.put(0, b"sound") for _ in range(40)))
    assert {answer.status_code for answer in answers} == {204}
    assert await sender.held() == {0: hashlib.sha256(b"sound").hexdigest()}


async def test_b16_a_flood_of_different_chunks_under_one_number_keeps_one(sender: Sender) -> None:
    bodies = [secrets.token_bytes(50) for _ in range(30)]
    answers = await asyncio.gather(*(sender.put(0, body) for body in bodies))
    taken = [body for body, answer in zip(bodies, answers, strict=True) if answer.status_code == 204]
    assert len(taken) == 1 and sorted({answer.status_code for answer in answers}) == [204, 409]
    assert await sender.held() == {0: hashlib.sha256(taken[0]).hexdigest()}
    recording = await sender.site.parts.chunks.find(sender.recording_id)
    assert b"".join([data async for data in sender.site.parts.chunks.stream(recording)]) == taken[0]
    assert recording.held_chunks == 1 and recording.held_bytes == len(taken[0])


async def test_b16_chunks_in_any_order_and_twice_are_the_recording(sender: Sender) -> None:
    sound = recording_bytes("billie")
    parts = list(enumerate(split(sound, 9)))
    shuffled = parts + parts[::2]
    random.Random(16).shuffle(shuffled)
    for seq, data in shuffled:
        assert (await sender.put(seq, data)).status_code == 204
    assert (await sender.close(len(parts), sound)).status_code == 200
    assert await sender.state() == "CAPTURED"
    recording = await sender.site.parts.chunks.find(sender.recording_id)
    assert b"".join([data async for data in sender.site.parts.chunks.stream(recording)]) == sound


async def test_b16_a_gap_is_told_and_can_be_filled(sender: Sender) -> None:
    sound = recording_bytes("billie")
    parts = split(sound, 4)
    for seq in (0, 1, 3):
        await sender.put(seq, parts[seq])
    answer = await sender.close(4, sound)
    assert answer.status_code == 400 and "2" in answer.json()["detail"]
    assert await sender.state() == "CAPTURING"
    assert (await sender.put(2, parts[2])).status_code == 204
    assert (await sender.close(4, sound)).status_code == 200


async def test_b16_fewer_chunks_than_were_sent_are_not_the_recording(sender: Sender) -> None:
    sound = recording_bytes("billie")
    for seq, data in enumerate(split(sound, 3)):
        await sender.put(seq, data)
    for chunks in (0, 1, 2, 4, 99_999):
        assert (await sender.close(chunks, sound)).status_code in (400, 409), chunks
    assert await sender.state() == "CAPTURING"


@pytest.mark.parametrize("seq", [100_000, 10**9, 2**31, 2**63])
async def test_b16_a_number_beyond_the_last_is_refused(sender: Sender, seq: int) -> None:
    assert 400 <= (await sender.put(seq, b"sound")).status_code < 500
    assert await sender.held() == {}


async def test_b16_damaged_empty_and_unannounced_bytes_are_refused(sender: Sender) -> None:
    assert (await sender.put(0, b"")).status_code == 400
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    for digest in (f"sha-256=:{wrong}:", "sha-256=:AAAA:", "md5=:AAAA:", "", "sha-256=::", "?"):
        answer = await sender.put(0, b"sound", **{"Content-Digest": digest})
        assert answer.status_code == 400, digest
    assert await sender.held() == {}


async def test_b16_silence_keeps_what_came_and_the_rest_may_come_later(sender: Sender) -> None:
    """A sender that says nothing holds nothing up: its request ends, and another goes on with the same recording."""
    begun = asyncio.Event()

    async def stops() -> AsyncIterator[bytes]:
        yield b"so"
        begun.set()
        await asyncio.sleep(60)

    await sender.put(0, b"first")
    headers = {**JSON, "Authorization": f"Upload {sender.token}", "Content-Digest": "sha-256=:AAAA:"}
    url = f"/recordings/{sender.recording_id}/chunks/1"
    silent = asyncio.create_task(sender.site.client.put(url, content=stops(), headers=headers))
    await begun.wait()
    async with asyncio.timeout(5):
        assert (await sender.put(1, b"second")).status_code == 204
    silent.cancel()
    await asyncio.wait({silent})
    assert list(await sender.held()) == [0, 1]


async def test_b16_after_the_end_nothing_is_taken_and_nothing_lost(sender: Sender) -> None:
    sound = recording_bytes("billie")
    await sender.put(0, sound)
    assert (await sender.close(1, sound)).status_code == 200
    assert (await sender.put(1, b"late")).status_code == 409
    assert (await sender.put(0, b"other")).status_code == 409
    assert (await sender.close(1, sound)).status_code == 409
    assert await sender.held() == {0: hashlib.sha256(sound).hexdigest()}


@pytest.mark.parametrize("name", CORPUS)
async def test_b12_a_recording_that_is_xml_is_no_recording(sender: Sender, name: str) -> None:
    assert (await sender.put(0, CORPUS[name])).status_code == 204
    begun = time.monotonic()
    answer = await sender.close(1, CORPUS[name])
    assert answer.status_code == 422 and answer.json()["type"].endswith("audio-unusable")
    assert time.monotonic() - begun < 20
    assert await sender.state() == "PRIMED"
