"""We fetch, and the vendor gets our upload: it is never told where a recording lay (B6)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from connector.settings import Settings
from connector.store.database import DatabaseAddress
from connector.visit.fetching import ask_for_fetch, fetch_recording
from connector.visit.transcription import send_recording, submit_recording
from tests.builders import recording_bytes
from tests.fixtures.assemblyai import KEY, assemblyai_base
from tests.fixtures.sound_host import HOST, SoundHost, sound_host, whole
from tests.unit.web import samples
from tests.wire.web.conftest import Site

__all__ = ["assemblyai_base"]
TOKEN = "Qzsigned"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoundHost]:
    with sound_host(tmp_path_factory.mktemp("host"), whole(recording_bytes("billie"))) as running:
        yield running


@pytest.fixture(scope="module")
def product_settings(
    product_folder: Path, database: DatabaseAddress, host: SoundHost, assemblyai_base: str
) -> Settings:
    """A sandbox whose vendor is the sandbox AssemblyAI."""
    file = product_folder / "registrations" / "clinic.yaml"
    registration = yaml.safe_load(file.read_text(encoding="utf-8"))
    file.write_text(yaml.safe_dump({**registration, "audio_hosts": [f"{HOST}:{host.port}"]}), encoding="utf-8")
    return Settings(
        state_folder=product_folder,
        database_url=database.libpq,
        registrations_folder=product_folder / "registrations",
        assemblyai_base_url=assemblyai_base,
        assemblyai_api_key=KEY,
        gateway_base_url=f"{assemblyai_base}/v1",
        sandbox_audio_ca_file=host.authority,
    )


async def test_b06_the_vendor_gets_our_upload_and_never_the_address(
    site: Site, host: SoundHost, assemblyai_base: str
) -> None:
    seat = await site.seat(samples.consent())
    launch = (await site.parts.visits.newest(seat.visit_id)).records["launch"]
    address = f"https://{HOST}:{host.port}/visit.mp3?sig={TOKEN}"
    await ask_for_fetch(site.parts, launch, address=address)  # type: ignore[arg-type]
    progress = await site.parts.fetches.under_way(seat.visit_id)
    assert progress is not None
    assert await fetch_recording(site.parts, seat.visit_id, progress.recording_id) == "fetched"
    uploaded = await send_recording(site.parts, seat.visit_id)
    await submit_recording(site.parts, seat.visit_id, uploaded)

    async with httpx.AsyncClient(trust_env=False) as client:
        told = (await client.get(f"{assemblyai_base}/sandbox/requests")).json()["requests"]
    uploads = [one for one in told if one["path"] == "/v2/upload"]
    jobs = [one["json"] for one in told if one["method"] == "POST" and one["path"] == "/v2/transcript"]
    assert [one["sha256"] for one in uploads] == [hashlib.sha256(recording_bytes("billie")).hexdigest()]
    assert [job["audio_url"] for job in jobs] == [uploaded]
    assert uploaded.startswith(assemblyai_base)
    everything = json.dumps(told)
    assert TOKEN not in everything and HOST not in everything and str(host.port) not in everything
    assert len(host.heard) == 1, "the host was asked once, by us"
    assert "AssemblyAI" not in host.heard[0] and KEY not in host.heard[0]
