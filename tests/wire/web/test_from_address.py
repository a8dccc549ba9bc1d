"""A recording fetched from an address: from the form to a visit whose recording is sealed, or to a flag and no trace.

The host is a real one on loopback, as a sandbox deployment says it by setting; the worker's step is called as it does.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from sqlalchemy import func, select

from connector.errors import ProbeBusy
from connector.records import Recording
from connector.settings import Settings
from connector.store import schema
from connector.store.database import DatabaseAddress
from connector.visit.fetching import PATIENCE, fetch_recording
from tests.builders import recording_bytes
from tests.fixtures.sound_host import HOST, SoundHost, head, sound_host, whole
from tests.unit.web import samples
from tests.wire.web.conftest import JSON, PAGE, Seat, Site

TOKEN = "Qzsigned"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoundHost]:
    """The host every recording of this module lies on; a test gives it another script."""
    with sound_host(tmp_path_factory.mktemp("host"), whole(b"")) as running:
        yield running


@pytest.fixture(scope="module")
def product_settings(product_folder: Path, database: DatabaseAddress, host: SoundHost) -> Settings:
    """A sandbox whose one EHR lets recordings be fetched from that host."""
    file = product_folder / "registrations" / "clinic.yaml"
    registration = yaml.safe_load(file.read_text(encoding="utf-8"))
    registration["audio_hosts"] = [f"{HOST}:{host.port}"]
    file.write_text(yaml.safe_dump(registration), encoding="utf-8")
    (product_folder / "registrations" / "plain.yaml").write_text(
        yaml.safe_dump({**_without(registration), "fhir_base": "http://localhost:8082/fhir"}), encoding="utf-8"
    )
    return Settings(
        state_folder=product_folder,
        database_url=database.libpq,
        registrations_folder=product_folder / "registrations",
        assemblyai_base_url="http://127.0.0.1:1",
        gateway_base_url="http://127.0.0.1:1",
        sandbox_audio_ca_file=host.authority,
    )


def _without(registration: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in registration.items() if key != "audio_hosts"}


def address(host: SoundHost) -> str:
    return f"https://{HOST}:{host.port}/visit?sig={TOKEN}"


async def ask(site: Site, seat: Seat, where: str) -> int:
    answer = await site.client.post(
        f"{seat.path}/recordings/from-address", data={"address": where}, headers={**JSON, **seat.changing}
    )
    assert TOKEN not in answer.text
    return answer.status_code


async def asked(site: Site, host: SoundHost) -> tuple[Seat, str]:
    """A visit whose recording is to be fetched, and that recording's id."""
    seat = await site.seat(samples.consent())
    assert await ask(site, seat, address(host)) == 200
    progress = await site.parts.fetches.under_way(seat.visit_id)
    assert progress is not None
    return seat, progress.recording_id


async def stands(site: Site, seat: Seat) -> tuple[str, str | None]:
    row = await site.parts.visits.row(seat.visit_id)
    return row.state, row.attention


async def nothing_left(site: Site, recording_id: str) -> bool:
    """Whether the address is gone and the piece will never be a part of the visit's sound."""
    query = select(func.count()).select_from(schema.fetches).where(schema.fetches.c.recording_id == recording_id)
    async with site.parts.visits.engine.connect() as connection:
        addresses = (await connection.execute(query)).scalar_one()
    return not addresses and (await site.parts.chunks.find(recording_id)).state in ("dropped", "destroyed", "gone")


async def test_a_recording_is_fetched_sealed_and_handed_on_like_an_upload(site: Site, host: SoundHost) -> None:
    sound = recording_bytes("billie") + bytes(3_000_000)
    host.script = whole(sound)
    seat, recording_id = await asked(site, host)
    assert await stands(site, seat) == ("CAPTURING", None)
    assert await fetch_recording(site.parts, seat.visit_id, recording_id) == "fetched"
    assert (await stands(site, seat))[0] == "CAPTURED"
    record = await site.parts.visits.need(seat.visit_id, Recording)
    assert (record.size, record.sha256) == (len(sound), hashlib.sha256(sound).hexdigest())
    held = await site.parts.chunks.acknowledged(recording_id)
    assert [one.size for one in held] == [1024 * 1024] * (len(sound) // 2**20) + [len(sound) % 2**20]
    assert await site.parts.fetches.find(recording_id) is None
    assert await fetch_recording(site.parts, seat.visit_id, recording_id) == "stopped", "it runs once"


async def test_the_page_offers_an_address_only_where_the_ehr_has_hosts_for_it(site: Site, host: SoundHost) -> None:
    for tenant, offered in (("clinic", True), ("plain", False)):
        seat = await site.seat(samples.consent(), tenant=tenant)
        page = (await site.client.get(seat.path, headers={**PAGE, **seat.cookie})).text
        assert ("/recordings/from-address" in page) is offered
        assert await ask(site, seat, address(host)) == (200 if offered else 422)


async def test_the_page_shows_how_far_it_is_and_never_the_address(site: Site, host: SoundHost) -> None:
    seat, recording_id = await asked(site, host)
    await site.parts.fetches.tell_size(recording_id, 4_000_000)
    await site.parts.chunks.put(await site.parts.chunks.find(recording_id), 0, bytes(10**6), at=site.parts.clock())
    status = (await site.client.get(f"{seat.path}/status", headers={**JSON, **seat.cookie})).json()
    assert status["fetch"] == {"text": "1.0 MB of 4.0 MB", "share": 0.25}
    assert status["live"] is True and status["state"] == "CAPTURING"
    page = (await site.client.get(seat.path, headers={**PAGE, **seat.cookie})).text
    assert "1.0 MB of 4.0 MB" in page and "/recordings/from-address/stop" in page
    assert "data-upload " not in page, "nothing else is brought in beside it"
    assert TOKEN not in page and HOST not in page


async def test_without_consent_nothing_is_fetched(site: Site, host: SoundHost) -> None:
    seat = await site.seat()
    before = host.met
    assert await ask(site, seat, address(host)) == 403
    assert host.met == before and await stands(site, seat) == ("PRIMED", None)


async def test_one_recording_is_fetched_at_a_time(site: Site, host: SoundHost) -> None:
    seat, _ = await asked(site, host)
    assert await ask(site, seat, address(host)) == 409


async def test_half_a_fetched_recording_never_becomes_the_visits(site: Site, host: SoundHost) -> None:
    """Whoever finishes a visit meanwhile is told to wait; once the fetch is stopped nothing of it is taken."""
    seat, recording_id = await asked(site, host)
    sound = recording_bytes("billie")
    await site.parts.chunks.put(await site.parts.chunks.find(recording_id), 0, sound, at=site.parts.clock())
    answer = await site.client.post(f"{seat.path}/finish", headers={**JSON, **seat.changing})
    assert answer.status_code == 409 and "fetched" in answer.json()["detail"]
    assert await stands(site, seat) == ("CAPTURING", None)
    where = f"{seat.path}/recordings/from-address/stop"
    assert (await site.client.post(where, headers={**JSON, **seat.changing})).status_code == 200
    assert await stands(site, seat) == ("PRIMED", None) and await nothing_left(site, recording_id)


async def test_another_piece_goes_on_after_a_fetch_has_ended(site: Site, host: SoundHost) -> None:
    """A recorder or another upload is not cut off by it: the fetched piece is whole, and the visit ends later."""
    sound = recording_bytes("billie")
    host.script = whole(sound)
    seat, recording_id = await asked(site, host)
    answer = await site.client.post(f"{seat.path}/recordings", headers={**JSON, **seat.changing})
    other = await site.parts.chunks.find(answer.json()["recording_id"])
    assert await fetch_recording(site.parts, seat.visit_id, recording_id) == "fetched"
    assert await stands(site, seat) == ("CAPTURING", None)
    await site.parts.chunks.put(other, 0, recording_bytes("edmundo"), at=site.parts.clock())
    assert (await site.client.post(f"{seat.path}/finish", headers={**JSON, **seat.changing})).status_code == 200
    record = await site.parts.visits.need(seat.visit_id, Recording)
    assert [one.source for one in record.segments] == ["url", "file"]


@pytest.mark.parametrize("where", ["", "http://files.example.org/", "https://elsewhere.example.org/a?sig=Qzsigned"])
async def test_an_address_that_may_not_be_used_leaves_the_visit_as_it_was(site: Site, where: str) -> None:
    seat = await site.seat(samples.consent())
    assert await ask(site, seat, where) == 422
    assert await stands(site, seat) == ("PRIMED", None)


@pytest.mark.parametrize(
    ("script", "slug"),
    [
        ((head(404, "Content-Length: 0"),), "source-refused"),
        ((head(302, "Location: https://127.0.0.1/", "Content-Length: 0"),), "source-refused"),
        ((head(200, "Content-Length: 20"), b"this is only a text."), "audio-unusable"),
        ((head(200, "Content-Length: 0"),), "audio-unusable"),
    ],
)
async def test_what_is_no_recording_raises_the_flag_and_leaves_nothing(
    site: Site, host: SoundHost, script: tuple[bytes, ...], slug: str
) -> None:
    host.script = lambda _: script
    seat, recording_id = await asked(site, host)
    assert await fetch_recording(site.parts, seat.visit_id, recording_id) == "given-up"
    assert await stands(site, seat) == ("PRIMED", slug)
    row = await site.parts.visits.row(seat.visit_id)
    assert row.attention_action == "capture-again" and TOKEN not in (row.attention_text or "")
    assert await nothing_left(site, recording_id)


@pytest.mark.parametrize("told", [True, False], ids=["size-told", "size-untold"])
async def test_what_is_here_waits_for_a_probe_however_long_and_its_host_is_not_asked_again(
    site: Site, host: SoundHost, told: bool
) -> None:
    """An address with a key of its own has ended by then."""
    sound = recording_bytes("billie")
    pieces = (head(200, "Transfer-Encoding: chunked"), f"{len(sound):x}\r\n".encode() + sound + b"\r\n0\r\n\r\n")
    host.script = whole(sound) if told else lambda _: pieces
    seat, recording_id = await asked(site, host)
    hurried = replace(site.parts, policy=replace(site.parts.policy, probe_timeout=0.001))
    later = replace(hurried, clock=lambda: site.parts.clock() + PATIENCE * 3)
    with pytest.raises(ProbeBusy):
        await fetch_recording(hurried, seat.visit_id, recording_id)
    host.script = lambda _: (head(403, "Content-Length: 0"),)
    for _ in range(2):
        with pytest.raises(ProbeBusy):
            await fetch_recording(later, seat.visit_id, recording_id)
    assert await stands(site, seat) == ("CAPTURING", None)
    patient = replace(later, policy=site.parts.policy)
    assert await fetch_recording(patient, seat.visit_id, recording_id) == "fetched"
    assert (await site.parts.visits.need(seat.visit_id, Recording)).sha256 == hashlib.sha256(sound).hexdigest()


async def test_a_fetch_that_is_stopped_ends_within_two_seconds_and_leaves_nothing(site: Site, host: SoundHost) -> None:
    async def stop(seat: Seat) -> None:
        where = f"{seat.path}/recordings/from-address/stop"
        assert (await site.client.post(where, headers={**JSON, **seat.changing})).status_code == 200

    await _ends(site, host, stop)


async def test_a_withdrawal_ends_a_fetch_within_two_seconds_and_leaves_nothing(site: Site, host: SoundHost) -> None:
    async def withdraw(seat: Seat) -> None:
        form = {"answer": "withdrawn", "method": "verbal"}
        answer = await site.client.post(f"{seat.path}/consent", data=form, headers={**JSON, **seat.changing})
        assert answer.status_code == 200, answer.text

    await _ends(site, host, withdraw)


async def _ends(site: Site, host: SoundHost, end: object) -> None:
    sound = recording_bytes("billie")
    host.script = lambda _: (head(200, f"Content-Length: {len(sound) + 2**21}"), bytes(2**21), 60.0)
    seat, recording_id = await asked(site, host)
    step = asyncio.create_task(fetch_recording(site.parts, seat.visit_id, recording_id))
    while (await site.parts.chunks.find(recording_id)).held_chunks < 2:
        await asyncio.sleep(0.02)
    await end(seat)  # type: ignore[operator]
    async with asyncio.timeout(2.0):
        assert await step == "stopped"
    assert (await stands(site, seat))[0] == "PRIMED"
    assert await nothing_left(site, recording_id)


async def test_a_step_that_runs_again_goes_on_with_what_is_there(site: Site, host: SoundHost) -> None:
    """As after kill -9: the first run stored a part of it and never came back."""
    sound = recording_bytes("billie") + bytes(2_500_000)
    host.script = lambda _: (head(200, f"Content-Length: {len(sound)}"), sound[: 2**21 + 5], 60.0)
    seat, recording_id = await asked(site, host)
    killed = asyncio.create_task(fetch_recording(site.parts, seat.visit_id, recording_id))
    while (await site.parts.chunks.find(recording_id)).held_chunks < 2:
        await asyncio.sleep(0.02)
    killed.cancel()
    await asyncio.wait({killed})
    assert await stands(site, seat) == ("CAPTURING", None)
    host.script = whole(sound)
    assert await fetch_recording(site.parts, seat.visit_id, recording_id) == "fetched"
    assert (await site.parts.visits.need(seat.visit_id, Recording)).sha256 == hashlib.sha256(sound).hexdigest()


@pytest.mark.parametrize("second", [b"other" * 600_000, b"short", bytes(2**20)])
async def test_another_recording_at_the_second_try_is_never_mixed_into_the_first(
    site: Site, host: SoundHost, second: bytes
) -> None:
    host.script = lambda _: (head(200, "Content-Length: 3000000"), bytes(2**21 + 5), 60.0)
    seat, recording_id = await asked(site, host)
    killed = asyncio.create_task(fetch_recording(site.parts, seat.visit_id, recording_id))
    while (await site.parts.chunks.find(recording_id)).held_chunks < 2:
        await asyncio.sleep(0.02)
    killed.cancel()
    await asyncio.wait({killed})
    host.script = whole(second)
    assert await fetch_recording(site.parts, seat.visit_id, recording_id) == "given-up"
    assert await stands(site, seat) == ("PRIMED", "source-refused")
    assert await nothing_left(site, recording_id)
