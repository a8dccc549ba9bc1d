"""A recording on its way from an address while a real worker fetches it: killed, begun again, and whole in the end."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from connector.records import Recording
from connector.settings import Settings
from tests.builders import recording_bytes
from tests.fixtures.sound_host import HOST, SoundHost, head, whole
from tests.wire.web.conftest import JSON, Site
from tests.wire.web.test_from_address import TOKEN, address, asked, host, nothing_left, product_settings, stands

__all__ = ["host", "product_settings"]


@asynccontextmanager
async def working(settings: Settings, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker of this deployment as a process of its own; killed at the end, if it is still there."""
    told = {
        "STATE_FOLDER": settings.state_folder,
        "DATABASE_URL": settings.database_url,
        "REGISTRATIONS_FOLDER": settings.registrations_folder,
        "PUBLIC_BASE_URL": settings.public_base_url,
        "ASSEMBLYAI_BASE_URL": settings.assemblyai_base_url,
        "GATEWAY_BASE_URL": settings.gateway_base_url,
        "SANDBOX_AUDIO_CA_FILE": settings.sandbox_audio_ca_file,
    }
    environment = {**os.environ, **{f"CONNECTOR_{name}": str(value) for name, value in told.items()}}
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "connector", "worker", env=environment, stdout=output, stderr=output
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            await process.wait()


async def held(site: Site, recording_id: str, chunks: int) -> None:
    """Returns once so many chunks of it are safe."""
    async with asyncio.timeout(90):
        while (await site.parts.chunks.find(recording_id)).held_chunks < chunks:
            await asyncio.sleep(0.05)


async def test_a_fetch_survives_kill_9_and_is_whole_in_the_end(
    site: Site, host: SoundHost, product_settings: Settings, tmp_path: Path
) -> None:
    sound = recording_bytes("billie") + bytes(3 * 2**20)
    log = tmp_path / "worker.log"
    host.script = lambda _: (head(200, f"Content-Length: {len(sound)}"), sound[: 2**21 + 9], 60.0)
    seat, recording_id = await asked(site, host)
    for _ in range(2):
        async with working(product_settings, log):
            await held(site, recording_id, 2)
            met = host.met
        assert await stands(site, seat) == ("CAPTURING", None)
        status = (await site.client.get(f"{seat.path}/status", headers={**JSON, **seat.cookie})).json()
        assert status["fetch"]["text"].startswith("2.1 MB of ")
    host.script = whole(sound)
    async with working(product_settings, log), asyncio.timeout(90):
        while (await stands(site, seat))[0] == "CAPTURING":
            await asyncio.sleep(0.05)
    assert host.met > met
    record = await site.parts.visits.need(seat.visit_id, Recording)
    assert record.sha256 == hashlib.sha256(sound).hexdigest()
    told = log.read_text(encoding="utf-8")
    assert '"action": "fetch"' in told
    assert TOKEN not in told and HOST not in told and address(host) not in told


async def test_a_host_that_is_away_is_asked_again_until_it_answers_and_the_page_says_so(
    site: Site, host: SoundHost, product_settings: Settings, tmp_path: Path
) -> None:
    host.script = lambda _: (head(503, "Content-Length: 0"),)
    seat, recording_id = await asked(site, host)
    async with working(product_settings, tmp_path / "worker.log"), asyncio.timeout(90):
        while (await stands(site, seat))[1] != "source-unavailable":
            await asyncio.sleep(0.05)
        status = (await site.client.get(f"{seat.path}/status", headers={**JSON, **seat.cookie})).json()
        assert status["attention"]["action"] == "wait" and status["state"] == "CAPTURING"
        host.script = whole(recording_bytes("billie"))
        while (await stands(site, seat))[0] == "CAPTURING":
            await asyncio.sleep(0.05)
    assert (await site.parts.chunks.find(recording_id)).state == "closed"


async def test_a_visit_that_is_given_up_while_it_fetches_keeps_nothing_of_it(
    site: Site, host: SoundHost, product_settings: Settings, tmp_path: Path
) -> None:
    host.script = lambda _: (head(200, f"Content-Length: {2**23}"), bytes(2**21 + 9), 60.0)
    seat, recording_id = await asked(site, host)
    async with working(product_settings, tmp_path / "worker.log"):
        await held(site, recording_id, 2)
        answer = await site.client.post(
            f"{seat.path}/discard", data={"reason": "wrong-patient"}, headers={**JSON, **seat.changing}
        )
        assert answer.status_code in (200, 303), answer.text
        async with asyncio.timeout(10):
            while not await nothing_left(site, recording_id):
                await asyncio.sleep(0.05)
        await asyncio.sleep(2.5)
    assert (await stands(site, seat))[0] == "DISCARDED"
    assert await site.parts.chunks.acknowledged(recording_id) == []
