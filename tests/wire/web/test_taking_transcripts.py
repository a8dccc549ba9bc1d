"""A transcript as it arrives from the vendor: taken, asked about or refused, and the sound kept or not. Runs twice."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from connector_sandbox.recordings import BundledRecording, load_recording

from connector.clients.assemblyai import AssemblyAI
from connector.records import Doubts, DoubtsAnswer, Mark, Recording, Refusal, SoundGone, Transcript, VendorCopy
from connector.visit.parts import Parts
from connector.visit.transcription import await_transcript
from tests.unit.web import samples
from tests.wire.clients_assemblyai.conftest import Peer
from tests.wire.web.conftest import SOUND, Seat, Site

NOISE = "Thank you for watching. " * 30


@dataclass
class Vendor:
    """A vendor that has one finished job, and a client that speaks to it."""

    peer: Peer
    speech: AssemblyAI


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    peer = Peer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    peer.port = server.sockets[0].getsockname()[1]
    async with httpx.AsyncClient(trust_env=False) as client:
        yield Vendor(peer, AssemblyAI(client, base_url=peer.url, api_key="k"))
    server.close()


def finished(turns: list[tuple[str, str]], *, seconds: float = 0.0, confidence: float = 0.93) -> dict[str, Any]:
    """A completed job, in the vendor's form: speaker and text of each utterance, a word every 350 ms."""
    at, utterances = 0, []
    for speaker, text in turns:
        words = []
        for word in text.split():
            words.append({"text": word, "start": at, "end": at + 300, "confidence": confidence, "speaker": speaker})
            at += 350
        times = {"start": words[0]["start"], "end": at, "confidence": confidence}
        utterances.append({"speaker": speaker, "text": text, "words": words, **times})
    return {
        "id": "job",
        "status": "completed",
        "language_code": "en",
        "audio_duration": seconds or at / 1000,
        "text": " ".join(text for _, text in turns),
        "utterances": utterances,
    }


def visit_of(recording: BundledRecording) -> dict[str, Any]:
    return finished([("A" if turn.role == "clinician" else "B", turn.text) for turn in recording.turns])


async def captured(site: Site, vendor: Vendor, job: dict[str, Any], **policy: Any) -> tuple[Parts, Seat]:
    """A visit whose recording is with the vendor, and parts that speak to this vendor."""
    parts = site.parts
    lasts = round(job["audio_duration"] * 1000)
    made = Recording(parts.new_id(), "ogg", len(SOUND), hashlib.sha256(SOUND).hexdigest(), 1, lasts, samples.stamp())
    seat = await site.seat(samples.consent(), made, state="CAPTURED")
    await parts.chunks.open_recording(made.recording_id, seat.visit_id, token="t", at=parts.clock())
    await parts.chunks.put(await parts.chunks.find(made.recording_id), 0, SOUND, at=parts.clock())
    await parts.ledger.add_copy(seat.visit_id, VendorCopy(parts.new_id(), "transcript", "job", "held", parts.clock()))
    vendor.peer.plays(Peer.answer(200, job))
    return replace(parts, speech=vendor.speech, policy=replace(parts.policy, **policy)), seat


async def take(parts: Parts, seat: Seat) -> str:
    """The step, run twice as after a crash: both say the same."""
    first = await await_transcript(parts, seat.visit_id, "job")
    assert await await_transcript(parts, seat.visit_id, "job") == first
    return first


async def test_a_bundled_visit_of_this_patient_is_taken_without_a_question(site: Site, vendor: Vendor) -> None:
    parts, seat = await captured(site, vendor, visit_of(load_recording("billie")))
    assert await take(parts, seat) == "transcribed"
    row = await parts.visits.row(seat.visit_id)
    assert (row.state, row.attention) == ("TRANSCRIBED", None)
    assert await parts.visits.latest(seat.visit_id, Recording) is not None


async def test_another_patients_visit_waits_for_one_answer_and_is_not_drafted_by_the_step(
    site: Site, vendor: Vendor
) -> None:
    parts, seat = await captured(site, vendor, visit_of(load_recording("chasidy")))
    assert await take(parts, seat) == "asked"
    row = await parts.visits.row(seat.visit_id)
    assert (row.state, row.attention, row.attention_action) == ("TRANSCRIBED", "doubtful", "answer")
    assert len(await parts.visits.history(seat.visit_id, Transcript)) == 1
    doubts = await parts.visits.need(seat.visit_id, Doubts)
    assert "name" in [one.kind for one in doubts.items]
    form = {"answer": "this-visit"}
    assert (await site.client.post(f"{seat.path}/doubts", data=form, headers=seat.changing)).status_code == 303
    assert await await_transcript(parts, seat.visit_id, "job") == "asked", "the answer has started the draft already"
    assert (await parts.visits.row(seat.visit_id)).attention is None
    assert (await parts.visits.need(seat.visit_id, DoubtsAnswer)).transcript_id == doubts.transcript_id


@pytest.mark.parametrize(
    ("text", "confidence", "may_draft"),
    [
        ("Mm the uh mhm, and okay.", 0.2, False),
        ("Hello?", 0.9, False),
        (NOISE, 0.9, False),
        ("la " * 60, 0.9, False),
        ("There is some pain in the left knee when I walk down the stairs every day.", 0.3, True),
    ],
)
async def test_what_holds_no_visit_is_refused_and_its_sound_kept(
    site: Site, vendor: Vendor, text: str, confidence: float, may_draft: bool
) -> None:
    job = finished([("A", text)], confidence=confidence)
    parts, seat = await captured(site, vendor, job, audio_kept="until-transcribed")
    assert await take(parts, seat) == "nothing-said"
    row = await parts.visits.row(seat.visit_id)
    assert (row.state, row.attention, row.attention_action) == ("PRIMED", "nothing-said", "capture-again")
    assert (await parts.visits.need(seat.visit_id, Refusal)).may_draft is may_draft
    assert await parts.visits.latest(seat.visit_id, Transcript) is None
    assert await parts.visits.latest(seat.visit_id, Recording) is not None
    assert await parts.visits.latest(seat.visit_id, SoundGone) is None


async def test_what_is_missing_of_a_refused_recording_is_told_where_it_is_drafted_all_the_same(
    site: Site, vendor: Vendor
) -> None:
    text = "There is some pain in the left knee when I walk down the stairs every day."
    parts, seat = await captured(site, vendor, finished([("A", text)], confidence=0.3))
    made = await parts.visits.need(seat.visit_id, Recording)
    gap = Mark("gap", 1000, 60_000)
    async with parts.visits.engine.begin() as connection:
        told = replace(made, marks=(gap,), warnings=("It has 8 kHz.",))
        await parts.visits.append_record(connection, seat.visit_id, told, at=parts.clock())
    assert await take(parts, seat) == "nothing-said"
    heard = (await parts.visits.need(seat.visit_id, Refusal)).transcript
    assert heard.marks == (gap,) and "It has 8 kHz." in heard.warnings


async def test_silence_is_refused(site: Site, vendor: Vendor) -> None:
    parts, seat = await captured(site, vendor, finished([], seconds=40))
    assert await take(parts, seat) == "nothing-said"
    assert not (await parts.visits.need(seat.visit_id, Refusal)).may_draft


async def test_by_the_sites_policy_the_sound_ends_with_the_step_that_keeps_the_transcript(
    site: Site, vendor: Vendor
) -> None:
    parts, seat = await captured(site, vendor, visit_of(load_recording("billie")), audio_kept="until-transcribed")
    assert await take(parts, seat) == "transcribed"
    assert await parts.visits.latest(seat.visit_id, Recording) is None
    assert (await parts.visits.need(seat.visit_id, SoundGone)).reason == "transcribed"
    assert await parts.visits.latest(seat.visit_id, Transcript) is not None
