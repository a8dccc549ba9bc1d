"""Visits with a redacted copy, made by the sandbox AssemblyAI of bundled recordings. In: settings. Out: a Redacted."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from connector_sandbox.recordings import load_recordings
from pydantic import SecretStr

from connector.app import compose, make_policy
from connector.clients.fetching import Fetcher, Ways, resolve_by_system, trust_authorities
from connector.clients.http import make_client
from connector.clients.redacted_audio import RedactedAudioClient
from connector.records import Recording, RedactedTranscript, Transcript, VendorCopy
from connector.settings import Settings
from connector.store.visits import Numbered
from connector.visit.parts import Parts
from connector.visit.transcription import await_transcript, send_recording, submit_recording
from connector.visit.vendor_copies import delete_copies
from tests.fixtures.assemblyai import run_process
from tests.unit.web import samples
from tests.wire.web.conftest import Seat, Site, open_site

VISITS = {recording.id: recording for recording in load_recordings()}
POLICIES = ("person_name", "date", "drug")
ASKED: dict[str, Any] = {"redaction_policies": POLICIES, "redaction_audio": True}
_CHUNK = 1024 * 1024


@dataclass(frozen=True)
class Redacted:
    """One visit whose transcript was kept, and what it was kept with."""

    parts: Parts
    seat: Seat

    async def copy(self) -> RedactedTranscript:
        return await self.parts.visits.need(self.seat.visit_id, RedactedTranscript)

    async def clinical(self) -> Transcript:
        return await self.parts.visits.need(self.seat.visit_id, Transcript)

    async def ledger(self) -> dict[str, VendorCopy]:
        return {copy.kind: copy for copy in await self.parts.ledger.copies(self.seat.visit_id)}

    async def delete(self, *, tries: int = 100) -> bool:
        """Deletes the vendor's copies, looking again as the worker does."""
        for _ in range(tries):
            if await delete_copies(self.parts, self.seat.visit_id):
                return True
            await asyncio.sleep(0.1)
        return False


@asynccontextmanager
async def while_it_comes(visit: Redacted, base: str, happens: Callable[[], Awaitable[None]]) -> AsyncIterator[Redacted]:
    """The visit, with something that happens once the redacted file's answer has begun."""

    async def look(response: httpx.Response) -> None:
        if response.request.url.path.startswith("/redacted-audio/"):
            await happens()

    async with make_client(timeout=30.0) as client:
        client.event_hooks = {"response": [look]}
        fetcher = Fetcher(Ways(resolve_by_system, trust_authorities()))
        audio = RedactedAudioClient(client, fetcher, base_url=base, api_key="redacting")
        yield Redacted(replace(visit.parts, redacted_audio=audio), visit.seat)


@dataclass(frozen=True)
class RedactedWorld:
    """A sandbox, the product set to it, and bundled visits transcribed through it."""

    site: Site
    settings: Settings
    base: str

    async def transcribe(self, visit: str, **settings: Any) -> Redacted:
        policy = make_policy(self.settings.model_copy(update=settings or ASKED))
        parts = replace(self.site.parts, policy=policy)
        bundled = VISITS[visit]
        sound = bundled.audio.read_bytes()
        digest = hashlib.sha256(sound).hexdigest()
        made = Recording(parts.new_id(), "ogg", len(sound), digest, 1, bundled.duration_ms, samples.stamp(0))
        context = samples.context()
        person = replace(context.patient.items[0], name=bundled.patient_name)
        context = replace(context, patient=replace(context.patient, items=(person,)))
        seat = await self.site.seat(samples.consent(), Numbered(context, 2), made, state="CAPTURED")
        await parts.chunks.open_recording(made.recording_id, seat.visit_id, token="t", at=parts.clock())
        row = await parts.chunks.find(made.recording_id)
        for number, start in enumerate(range(0, len(sound), _CHUNK)):
            await parts.chunks.put(row, number, sound[start : start + _CHUNK], at=parts.clock())
        address = await send_recording(parts, seat.visit_id)
        job = await submit_recording(parts, seat.visit_id, address)
        await await_transcript(parts, seat.visit_id, job)
        return Redacted(parts, seat)

    async def control(self, **values: object) -> None:
        """Changes how the sandbox behaves."""
        async with httpx.AsyncClient(base_url=self.base, trust_env=False, timeout=30) as client:
            (await client.patch("/sandbox/controls", json=values)).raise_for_status()

    async def sent(self) -> dict[str, Any]:
        """The body of the newest job as the sandbox received it."""
        async with httpx.AsyncClient(base_url=self.base, trust_env=False, timeout=30) as client:
            entries = (await client.get("/sandbox/requests")).json()["requests"]
        bodies = [entry["json"] for entry in entries if "audio_url" in (entry.get("json") or {})]
        return dict(bodies[-1])


@asynccontextmanager
async def open_redacted_world(usual: Settings, folder: Path) -> AsyncIterator[RedactedWorld]:
    """The world, until the tests are over."""
    with run_process(folder, "--queue-seconds", "0.05", "--process-seconds", "0.05") as base:
        update = {"assemblyai_base_url": base, "assemblyai_api_key": SecretStr("redacting")}
        settings = usual.model_copy(update={**update, "transcription_poll_interval": 0.1})
        async with compose(settings) as composition, open_site(composition.parts) as site:
            yield RedactedWorld(site, settings, base)
