"""`connector upload` as a process of its own, against the application behind a real server."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn

from connector.errors import UploadFailed
from connector.records import Recording
from connector.uploading import CHUNK, read_base_url, read_codes
from tests.builders import recording_bytes
from tests.fixtures.assemblyai import free_port
from tests.unit.web import samples
from tests.wire.web.conftest import JSON, PAGE, Seat, Site

CODE = "0" * 32 + "." + "a" * 43


@dataclass(frozen=True)
class Ended:
    """How the command ended."""

    status: int
    said: str


@asynccontextmanager
async def serving(site: Site, port: int) -> AsyncIterator[str]:
    """The application behind a server on loopback."""
    config = uvicorn.Config(site.app, host="127.0.0.1", port=port, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


async def hang_up_once(port: int) -> None:
    """Answers the first call on a port by hanging up, and leaves the port."""
    called = asyncio.Event()

    def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        writer.close()
        called.set()

    async with await asyncio.start_server(refuse, "127.0.0.1", port):
        await called.wait()


@pytest.fixture
async def base(site: Site) -> AsyncIterator[str]:
    async with serving(site, free_port()) as address:
        yield address


async def code_of(site: Site, seat: Seat) -> str:
    answer = await site.client.post(f"{seat.path}/recordings/code", headers={**JSON, **seat.changing})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["code"])


async def run(base: str, *files: Path, codes: str, by: str = "variable") -> Ended:
    command = [sys.executable, "-m", "connector", "upload", "--to", base, *map(str, files)]
    assert not any(code in " ".join(command) for code in codes.split() if len(code) > 60)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CONNECTOR_")}
    if by == "variable":
        environment["CONNECTOR_UPLOAD_CODE"] = codes
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe)
    out, err = await process.communicate(codes.encode() if by == "stdin" else b"")
    said = (out + err).decode()
    assert "Traceback" not in said
    assert not any(code.partition(".")[2] in said for code in codes.split() if len(code) > 60)
    return Ended(process.returncode or 0, said)


async def state(site: Site, seat: Seat) -> str:
    return (await site.parts.visits.row(seat.visit_id)).state


@pytest.fixture
async def seat(site: Site) -> Seat:
    return await site.seat(samples.consent())


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    file = tmp_path / "visit.mp3"
    file.write_bytes(recording_bytes("billie") + bytes(2 * CHUNK))
    return file


@pytest.mark.parametrize("by", ["variable", "stdin"])
async def test_a_file_arrives_whole_and_finishes_the_recording(
    site: Site, seat: Seat, base: str, sound: Path, by: str
) -> None:
    ended = await run(base, sound, codes=await code_of(site, seat), by=by)
    assert (ended.status, await state(site, seat)) == (0, "CAPTURED"), ended.said
    record = await site.parts.visits.need(seat.visit_id, Recording)
    assert record.sha256 == hashlib.sha256(sound.read_bytes()).hexdigest()
    assert "100 %" in ended.said and "It has arrived" in ended.said


async def test_several_files_become_one_recording_in_their_order(
    site: Site, seat: Seat, base: str, tmp_path: Path
) -> None:
    files = [tmp_path / "one.mp3", tmp_path / "two.mp3"]
    for file, name in zip(files, ("billie", "edmundo"), strict=True):
        file.write_bytes(recording_bytes(name))
    codes = f"{await code_of(site, seat)} {await code_of(site, seat)}"
    ended = await run(base, *files, codes=codes)
    assert (ended.status, await state(site, seat)) == (0, "CAPTURED"), ended.said
    record = await site.parts.visits.need(seat.visit_id, Recording)
    assert [one.size for one in record.segments] == [file.stat().st_size for file in files]


async def test_it_goes_on_where_it_stopped(site: Site, seat: Seat, base: str, sound: Path) -> None:
    code = await code_of(site, seat)
    recording = await site.parts.chunks.find(code.partition(".")[0])
    first = sound.read_bytes()[:CHUNK]
    kept = await site.parts.chunks.put(recording, 0, first, at=site.parts.clock())
    ended = await run(base, sound, codes=code)
    assert (ended.status, await state(site, seat)) == (0, "CAPTURED"), ended.said
    held = await site.parts.chunks.acknowledged(recording.recording_id)
    assert held[0] == kept and sum(one.size for one in held) == sound.stat().st_size


async def test_another_file_is_not_mixed_into_the_one_that_was_begun(
    site: Site, seat: Seat, base: str, sound: Path
) -> None:
    code = await code_of(site, seat)
    recording = await site.parts.chunks.find(code.partition(".")[0])
    await site.parts.chunks.put(recording, 0, bytes(CHUNK), at=site.parts.clock())
    ended = await run(base, sound, codes=code)
    assert ended.status == 5 and "Another file" in ended.said
    assert await state(site, seat) == "CAPTURING"


async def test_it_waits_for_a_scribe_that_is_away(site: Site, seat: Seat, sound: Path) -> None:
    code, port = await code_of(site, seat), free_port()
    running = asyncio.create_task(run(f"http://127.0.0.1:{port}", sound, codes=code))
    await hang_up_once(port)
    async with serving(site, port):
        ended = await running
    assert (ended.status, await state(site, seat)) == (0, "CAPTURED"), ended.said
    assert "Trying again" in ended.said


@pytest.mark.parametrize("codes", [CODE, "f" * 32 + CODE[32:]])
async def test_a_code_that_opens_nothing_says_so(site: Site, base: str, sound: Path, codes: str) -> None:
    ended = await run(base, sound, codes=codes)
    assert ended.status == 3 and "opens no recording" in ended.said


async def test_a_code_is_good_for_its_own_recording_only(site: Site, base: str, sound: Path) -> None:
    one, other = [await site.seat(samples.consent()) for _ in range(2)]
    mixed = (await code_of(site, one)).partition(".")[0] + "." + (await code_of(site, other)).partition(".")[2]
    assert (await run(base, sound, codes=mixed)).status == 3


async def test_a_recording_that_is_finished_takes_nothing_more(site: Site, seat: Seat, base: str, sound: Path) -> None:
    code = await code_of(site, seat)
    assert (await run(base, sound, codes=code)).status == 0
    ended = await run(base, sound, codes=code)
    assert ended.status == 5 and "finished" in ended.said


async def test_a_withdrawn_consent_is_said(site: Site, seat: Seat, base: str, sound: Path) -> None:
    code = await code_of(site, seat)
    form = {"answer": "withdrawn", "method": "verbal"}
    answer = await site.client.post(f"{seat.path}/consent", data=form, headers={**JSON, **seat.changing})
    assert answer.status_code == 200
    ended = await run(base, sound, codes=code)
    assert ended.status in (3, 4, 5) and await state(site, seat) == "PRIMED"
    assert "withdr" in ended.said or "finished" in ended.said


async def test_what_is_no_sound_is_said_and_the_visit_given_back(
    site: Site, seat: Seat, base: str, tmp_path: Path
) -> None:
    file = tmp_path / "visit.mp3"
    file.write_text("This is only a text.")
    ended = await run(base, file, codes=await code_of(site, seat))
    assert ended.status == 7 and await state(site, seat) == "PRIMED"


async def test_a_file_that_cannot_be_sent_is_said_before_anything_is(
    site: Site, seat: Seat, base: str, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.mp3"
    empty.touch()
    code = await code_of(site, seat)
    for file in (tmp_path / "missing.mp3", empty, tmp_path):
        assert (await run(base, file, codes=code)).status == 6
    assert (await site.parts.chunks.find(code.partition(".")[0])).held_chunks == 0


@pytest.mark.parametrize(
    "to", ["http://scribe.example.org", "ftp://127.0.0.1", "scribe.example.org", "https://a@b.example"]
)
async def test_a_recording_never_travels_in_clear(site: Site, sound: Path, to: str) -> None:
    assert (await run(to, sound, codes=CODE)).status == 2


@pytest.mark.parametrize("codes", ["", "no code", "1.2", CODE + "!", f"{CODE} {CODE}"])
async def test_what_is_no_code_for_each_file_is_told_at_once(base: str, sound: Path, codes: str) -> None:
    assert (await run(base, sound, codes=codes)).status == 2


async def test_without_consent_there_is_no_code(site: Site) -> None:
    seat = await site.seat()
    answer = await site.client.post(f"{seat.path}/recordings/code", headers={**JSON, **seat.changing})
    assert answer.status_code == 403


async def test_without_scripts_the_code_stands_on_a_page_of_its_own(site: Site, seat: Seat) -> None:
    answer = await site.client.post(f"{seat.path}/recordings/code", headers={**PAGE, **seat.changing})
    assert answer.status_code == 200 and "no-store" in answer.headers["cache-control"]
    code = answer.text.split('id="upload-code"')[1].split('value="')[1].split('"')[0]
    assert read_codes(code)[0].recording_id in [
        one.recording_id for one in await site.parts.chunks.open_recordings(seat.visit_id)
    ]


def test_the_address_may_be_this_computer_in_clear_and_no_other() -> None:
    assert read_base_url("http://localhost:8000/") == "http://localhost:8000"
    assert read_base_url("https://scribe.example.org") == "https://scribe.example.org"
    with pytest.raises(UploadFailed):
        read_base_url("http://scribe.example.org")
