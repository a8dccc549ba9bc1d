"""A recording's whole way in this process: opened, sent and closed over HTTP, then transcribed as the worker does it.

Against the sandbox AssemblyAI as a process of its own, whose journal keeps the bodies it was sent.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from array import array
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from connector_sandbox.recordings import load_recording
from pydantic import SecretStr

from connector.app import compose
from connector.records import Recording, Transcript
from connector.settings import Settings
from connector.store.reach import Reach, narrowed
from connector.store.visits import VisitRow
from connector.visit.parts import Work
from connector.visit.reconciling import plan_transcription, reconcile
from tests.fixtures.assemblyai import run_process
from tests.unit.web import samples
from tests.wire.sandbox_assemblyai.conftest import reencode
from tests.wire.sandbox_assemblyai.mixing import RATE, samples_of, write
from tests.wire.web.conftest import JSON, Seat, Site, open_site

__all__ = ["reencode"]

pytestmark = pytest.mark.timeout(600)
BILLIE = load_recording("billie")
SAID = BILLIE.turns[:12]
LASTS_S = (BILLIE.turns[11].end + BILLIE.turns[12].start) / 2000
"""The first half of the visit: half the time to listen to it."""
ENCODINGS: dict[str, dict[str, Any]] = {
    "mp3": {"codec": "libmp3lame", "rate": 44_100, "bit_rate": 64_000},
    "wav": {"codec": "pcm_s16le", "rate": 16_000},
    "mp4": {"codec": "aac", "rate": 44_100, "bit_rate": 64_000},
    "m4a": {"codec": "aac", "rate": 44_100, "bit_rate": 64_000},
    "flac": {"codec": "flac", "rate": 16_000},
    "webm": {"codec": "libopus", "rate": 48_000, "bit_rate": 32_000},
    "ogg": {"codec": "libopus", "rate": 48_000, "bit_rate": 32_000},
}


@dataclass(frozen=True)
class Office:
    """The application in front of a sandbox, and the sandbox's own switches and journal."""

    site: Site
    sandbox: httpx.AsyncClient

    async def send(self, sound: bytes, **opening: Any) -> Seat:
        """A visit whose recording was opened, sent in chunks and closed as a page does it."""
        seat = await self.site.seat(samples.consent())
        post = self.site.client.post
        opened = await post(f"{seat.path}/recordings", json=opening, headers={**JSON, **seat.changing})
        assert opened.status_code == 201, opened.text
        told = opened.json()
        chunks = [sound[at : at + told["chunk_bytes"]] for at in range(0, len(sound), told["chunk_bytes"])]
        here, token = f"/recordings/{told['recording_id']}", {**JSON, "Authorization": f"Upload {told['upload_token']}"}
        for seq, chunk in enumerate(chunks):
            digest = base64.b64encode(hashlib.sha256(chunk).digest()).decode()
            headers = {**token, "Content-Digest": f"sha-256=:{digest}:"}
            put = await self.site.client.put(f"{here}/chunks/{seq}", content=chunk, headers=headers)
            assert put.status_code < 300, put.text
        body = {"chunks": len(chunks), "sha256": hashlib.sha256(sound).hexdigest()}
        closed = await post(f"{here}/close", json=body, headers=token)
        assert closed.json() == {"state": "CAPTURED"}, closed.text
        with narrowed(Reach(visit_id=seat.visit_id)):
            await plan_transcription(self.site.parts, seat.visit_id)
        return seat

    async def work_until(self, seat: Seat, reached: Callable[[VisitRow], bool]) -> VisitRow:
        """Takes what falls due until the visit is there."""
        parts, ends = self.site.parts, time.monotonic() + 300
        while time.monotonic() < ends:
            await reconcile(parts, parts.clock())
            row = await parts.visits.row(seat.visit_id)
            if reached(row):
                return row
            await asyncio.sleep(0.05)
        raise AssertionError(f"{row.state}, {row.attention}")

    async def transcribe(self, seat: Seat) -> Transcript:
        """The transcript, once there is one."""
        row = await self.work_until(seat, lambda row: row.state != "CAPTURED")
        assert (row.state, row.attention) == ("TRANSCRIBED", None)
        return await self.site.parts.visits.need(seat.visit_id, Transcript)

    async def jobs_of(self, seat: Seat) -> list[dict[str, Any]]:
        """The bodies of the jobs asked for with this visit's uploads."""
        held = {copy.vendor_id for copy in await self.site.parts.ledger.copies(seat.visit_id) if copy.kind == "upload"}
        entries = (await self.sandbox.get("/sandbox/requests")).json()["requests"]
        return [one["json"] for one in entries if (one.get("json") or {}).get("audio_url") in held]

    async def fault(self, **rule: Any) -> None:
        assert (await self.sandbox.post("/sandbox/faults", json=[rule])).status_code == 200

    async def sound(self, seat: Seat) -> bytes:
        """What is kept of a visit's recording."""
        parts = self.site.parts
        made = await parts.visits.need(seat.visit_id, Recording)
        return b"".join([part async for part in parts.chunks.stream(await parts.chunks.find(made.recording_id))])


@pytest.fixture(scope="module")
async def office(product_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    folder = tmp_path_factory.mktemp("assemblyai")
    with run_process(folder, "--queue-seconds", "0.05", "--process-seconds", "0.05") as base:
        update = {
            "assemblyai_base_url": base,
            "assemblyai_api_key": SecretStr("from-sound"),
            "transcription_poll_interval": 0.1,
        }

        async def enqueue(connection: object, work: Work) -> None:
            """Nothing else is worked on here: the test takes the steps itself."""
            del connection, work

        async with compose(product_settings.model_copy(update=update)) as composition:
            parts = replace(composition.parts, enqueue=enqueue)
            async with (
                open_site(parts) as site,
                httpx.AsyncClient(base_url=base, trust_env=False, timeout=30) as sandbox,
            ):
                yield Office(site, sandbox)


def roles_of(heard: Transcript) -> dict[str, str]:
    """How the role of each voice was decided."""
    return {speaker.role: speaker.role_from for speaker in heard.speakers}


def who_said(heard: Transcript) -> dict[str, str]:
    """Whose each sentence is."""
    return {turn.text: turn.role for turn in heard.turns}


@pytest.mark.parametrize("ending", ENCODINGS)
async def test_row_1_a_file_of_each_kind_becomes_a_transcript_of_two_voices(
    office: Office, reencode: Callable[..., Path], ending: str
) -> None:
    half = (("atrim", f"end={LASTS_S}"),)
    file = reencode(BILLIE.audio, f"visit.{ending}", filters=half, **ENCODINGS[ending])
    seat = await office.send(file.read_bytes())
    made = await office.site.parts.visits.need(seat.visit_id, Recording)
    assert made.container == {"webm": "ogg"}.get(ending, ending), "WebM is written anew, to be sought in"
    heard = await office.transcribe(seat)
    assert who_said(heard) == {turn.text: turn.role.capitalize() for turn in SAID}
    assert roles_of(heard) == {"Clinician": "vendor", "Patient": "vendor"}


def two_sided(folder: Path, *, left: str) -> bytes:
    """The visit's half with one voice on each channel, `left` on the first."""
    whole = samples_of("billie")[: int(LASTS_S * RATE)]
    sides = {True: array("h", bytes(2 * len(whole))), False: array("h", bytes(2 * len(whole)))}
    for turn in SAID:
        first, last = turn.start * RATE // 1000, turn.end * RATE // 1000
        sides[turn.role == left][first:last] = whole[first:last]
    return write(folder / "two.wav", sides[True], sides[False], codec="pcm_s16le", rate=RATE).read_bytes()


@pytest.mark.parametrize("left", ["clinician", "patient"])
async def test_row_3_where_each_channel_is_one_sides_the_channel_says_the_role(
    office: Office, tmp_path: Path, left: str
) -> None:
    seat = await office.send(two_sided(tmp_path, left=left), two_sided=True)
    heard = await office.transcribe(seat)
    (sent,) = await office.jobs_of(seat)
    assert sent["multichannel"] is True
    assert not {"speakers_expected", "speaker_options"} & sent.keys()
    assert roles_of(heard) == {"Clinician": "channel", "Patient": "channel"}
    first = {turn.text: "Clinician" if turn.role == left else "Patient" for turn in SAID}
    assert who_said(heard) == first, "whoever is on the first channel is the clinician"


async def test_row_3_two_channels_nobody_called_sides_say_nothing_of_who_speaks(office: Office, tmp_path: Path) -> None:
    seat = await office.send(two_sided(tmp_path, left="patient"))
    heard = await office.transcribe(seat)
    (sent,) = await office.jobs_of(seat)
    assert not sent.get("multichannel") and sent["speaker_labels"] is True
    assert who_said(heard) == {turn.text: turn.role.capitalize() for turn in SAID}
    assert roles_of(heard) == {"Clinician": "vendor", "Patient": "vendor"}


async def test_row_3_sides_of_a_recording_with_one_channel_are_not_asked_for_and_that_is_said(office: Office) -> None:
    seat = await office.send(BILLIE.audio.read_bytes(), two_sided=True)
    heard = await office.transcribe(seat)
    (sent,) = await office.jobs_of(seat)
    assert not sent.get("multichannel")
    assert roles_of(heard) == {"Clinician": "vendor", "Patient": "vendor"}
    assert any("one channel" in warning for warning in heard.warnings)


@pytest.mark.parametrize(
    "cut", [("GET", "^/v2/transcript/"), ("POST", "^/v2/transcript$")], ids=["the transcript", "the job's id"]
)
async def test_g14_an_answer_cut_off_in_the_middle_is_waited_out_with_the_sound_kept(
    office: Office, cut: tuple[str, str]
) -> None:
    sound = BILLIE.audio.read_bytes()
    method, path = cut
    await office.fault(method=method, path=path, kind="half_body", times=None)
    if method == "POST":
        await office.fault(method="GET", path=path, kind="half_body", times=None)
    try:
        seat = await office.send(sound)
        row = await office.work_until(seat, lambda row: row.attention is not None)
    finally:
        await office.sandbox.delete("/sandbox/faults")
    assert (row.state, row.attention, row.attention_action) == ("CAPTURED", "vendor-unavailable", "wait")
    assert await office.site.parts.visits.latest(seat.visit_id, Transcript) is None
    assert await office.sound(seat) == sound
    heard = await office.transcribe(seat)
    assert [turn.text for turn in heard.turns] == [turn.text for turn in BILLIE.turns]
    assert len(await office.jobs_of(seat)) == 1, "the job that was asked for is found again"
