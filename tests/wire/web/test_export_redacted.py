"""`connector export --redacted`: what is in the zip, what is in no byte of it, and when there is none."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import stat
import sys
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import av
import pytest
from sqlalchemy import select

from connector.errors import InputRefused, NotFound
from connector.exporting import Wanted, write_export
from connector.settings import Settings
from connector.store import schema
from tests.unit.capture.test_cutting import loudness
from tests.wire.web.redacted_world import ASKED, VISITS, Redacted, RedactedWorld, open_redacted_world

PLANTED = (b"Waters", b"Billie", b"Ada Lin", b"lisinopril", b"Practitioner/", b"Patient/", b"Observation")


@pytest.fixture(scope="module")
async def world(product_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RedactedWorld]:
    async with open_redacted_world(product_settings, tmp_path_factory.mktemp("assemblyai")) as one:
        yield one


@pytest.fixture(scope="module")
async def visit(world: RedactedWorld) -> Redacted:
    """A visit with a copy and its sound; nobody asked that names be taken out."""
    made = await world.transcribe("billie", **{**ASKED, "redaction_policies": ("drug",)})
    assert await made.delete()
    return made


async def export(visit: Redacted, out: Path, begin: str | None = None, end: str | None = None) -> dict[str, bytes]:
    await write_export(visit.parts, Wanted(visit.seat.visit_id, out, begin, end))
    return unpack(out)


def unpack(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


async def test_the_zip_holds_words_sound_and_a_manifest_that_vouches_for_them(visit: Redacted, tmp_path: Path) -> None:
    files = await export(visit, tmp_path / "visit.zip")
    assert sorted(files) == ["manifest.json", "sound.ogg", "transcript.json", "transcript.txt"]
    manifest = json.loads(files["manifest.json"])
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items() if name != "manifest.json"}
    assert manifest["sha256"] == sums
    assert (manifest["policies"], manifest["substitution"], manifest["clip"]) == (["drug"], "entity_name", False)
    assert manifest["made_by_ai"] is True and manifest["synthetic"] is True
    assert manifest["origin"].startswith("Sandbox") and manifest["versions"]["redaction"] == "redacting@1"
    told = json.loads(files["transcript.json"])
    assert [turn["turn"] for turn in told["turns"]] == [turn.turn_id for turn in (await visit.clinical()).turns]
    assert b"[DRUG]" in files["transcript.txt"] and b"Clinician: " in files["transcript.txt"]
    assert stat.S_IMODE((tmp_path / "visit.zip").stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["visit.zip"]


async def test_what_was_planted_is_in_no_byte_of_it(visit: Redacted, tmp_path: Path) -> None:
    clinical = str(await visit.clinical()).encode()
    assert b"Waters" in clinical and b"lisinopril" in clinical, "the control: both were said"
    files = await export(visit, tmp_path / "visit.zip")
    whole = (tmp_path / "visit.zip").read_bytes() + b"".join(files.values())
    ids = await _ids(visit)
    assert b"[PERSON_NAME]" in files["transcript.txt"]
    assert [secret for secret in (*PLANTED, *ids) if secret.lower() in whole.lower()] == []


async def _ids(visit: Redacted) -> list[bytes]:
    """Ids of the visit's transcript, sound and job."""
    copy, clinical = await visit.copy(), await visit.clinical()
    return [one.encode() for one in (copy.of_transcript, copy.job_id, copy.audio_recording_id or "", *(clinical.stem,))]


async def test_the_sound_is_silent_where_a_word_was_taken_out_of_the_text_alone(
    visit: Redacted, tmp_path: Path
) -> None:
    """The vendor took out drugs; the name was taken out here, so its sound is still in the vendor's file."""
    copy = await visit.copy()
    word = next(w for turn in copy.turns for w in turn.words if w.text.startswith("[PERSON_NAME]"))
    place = (word.start_ms + word.end_ms) // 200
    row = await visit.parts.chunks.find(copy.audio_recording_id or "")
    vendors = loudness(await visit.parts.chunks.read_range(row, 0, row.held_bytes))
    assert vendors[place] > 500, "the control: it is spoken in what the vendor gave"
    ours = loudness((await export(visit, tmp_path / "visit.zip"))["sound.ogg"])
    assert ours[place] == 0 and max(ours) > 5000


async def test_a_clip_is_as_long_as_it_was_asked_for_in_words_and_sound(visit: Redacted, tmp_path: Path) -> None:
    files = await export(visit, tmp_path / "clip.zip", "00:10", "00:25")
    with av.open(io.BytesIO(files["sound.ogg"])) as sound:
        seconds = sum(frame.samples / frame.sample_rate for frame in sound.decode(audio=0))
    assert abs(seconds - 15) < 0.05
    words = [word for turn in json.loads(files["transcript.json"])["turns"] for word in turn["words"]]
    assert words and all(word["start_ms"] < 25_000 and word["end_ms"] > 10_000 for word in words)
    manifest = json.loads(files["manifest.json"])
    assert (manifest["clip"], manifest["stretch"]["from"], manifest["stretch"]["to"]) == (True, "00:10", "00:25")


async def test_each_export_is_in_the_audit_chain(visit: Redacted, tmp_path: Path) -> None:
    before = len(await _exports(visit))
    await export(visit, tmp_path / "visit.zip", "00:00", "00:20")
    (told, *_) = (await _exports(visit))[before:]
    assert told["clip"] is True and told["sound"] is True and told["turns"] >= 1


async def _exports(visit: Redacted) -> list[dict[str, Any]]:
    table = schema.audit_events
    query = select(table.c.detail).where(
        table.c.visit_id == visit.seat.visit_id, table.c.event == "visit.redacted-exported"
    )
    async with visit.parts.visits.engine.connect() as connection:
        return [dict(row.detail) for row in await connection.execute(query.order_by(table.c.seq))]


async def test_a_file_that_is_there_is_never_replaced(visit: Redacted, tmp_path: Path) -> None:
    out = tmp_path / "visit.zip"
    out.write_bytes(b"somebody's")
    with pytest.raises(InputRefused, match="exists already"):
        await export(visit, out)
    assert out.read_bytes() == b"somebody's" and len(list(tmp_path.iterdir())) == 1
    with pytest.raises(InputRefused, match="cannot be written"):
        await export(visit, tmp_path / "no-folder" / "visit.zip")


async def test_two_exports_of_the_same_name_leave_one_whole_file(visit: Redacted, tmp_path: Path) -> None:
    both = (export(visit, tmp_path / "visit.zip"), export(visit, tmp_path / "visit.zip"))
    ends = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(one) for one in ends if isinstance(one, BaseException)) == [InputRefused]
    assert len(unpack(tmp_path / "visit.zip")) == 4


async def test_without_a_copy_it_says_how_to_get_one(world: RedactedWorld, tmp_path: Path) -> None:
    plain = await world.transcribe("billie", redaction_policies=())
    with pytest.raises(NotFound, match="CONNECTOR_REDACTION_POLICIES"):
        await export(plain, tmp_path / "visit.zip")
    with pytest.raises(NotFound, match="no such visit"):
        await write_export(plain.parts, Wanted("nobody", tmp_path / "visit.zip"))
    assert list(tmp_path.iterdir()) == []


async def test_a_copy_without_sound_is_exported_and_says_why(world: RedactedWorld, tmp_path: Path) -> None:
    words = await world.transcribe("billie", redaction_policies=("person_name",))
    files = await export(words, tmp_path / "visit.zip")
    assert sorted(files) == ["manifest.json", "transcript.json", "transcript.txt"]
    told = json.loads(files["manifest.json"])["sound"]
    assert told["file"] is None and "CONNECTOR_REDACTION_AUDIO" in told["why_none"]


async def test_a_clip_beyond_the_recording_leaves_nothing_behind(visit: Redacted, tmp_path: Path) -> None:
    assert VISITS["billie"].duration_ms < 120_000
    with pytest.raises(InputRefused, match="would begin after it"):
        await export(visit, tmp_path / "visit.zip", "02:00", "03:00")
    assert list(tmp_path.iterdir()) == []


async def test_the_command_writes_the_file_and_tells_no_word_of_it(
    world: RedactedWorld, visit: Redacted, tmp_path: Path
) -> None:
    out = tmp_path / "visit.zip"
    wanted = ("--redacted", visit.seat.visit_id, "--from", "00:00", "--to", "00:30", "--out", str(out))
    code, said = await _run(world.settings, *wanted)
    assert code == 0 and "with sound" in said and "Waters" not in said, said
    assert sorted(unpack(out)) == ["manifest.json", "sound.ogg", "transcript.json", "transcript.txt"]


async def _run(settings: Settings, *arguments: str) -> tuple[int | None, str]:
    """The command as an operator gives it, on the database of these tests."""
    told = ("state_folder", "database_url", "registrations_folder", "public_base_url", "assemblyai_base_url")
    environment = {f"CONNECTOR_{name.upper()}": str(getattr(settings, name)) for name in told}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "connector", "export", *arguments),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()
