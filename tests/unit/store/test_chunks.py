"""Chunks of a recording: safe when acknowledged, never in clear on disk, bound to their place."""

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connector.errors import Conflict, Misconfigured, NotFound
from connector.store.chunks import ChunkStore, RecordingRow
from connector.store.keyring import DataKind
from connector.store.visits import VisitStore
from tests.unit.store.conftest import NOON, NewVisit


@pytest.fixture
async def recording(chunks: ChunkStore, new_visit: NewVisit) -> AsyncIterator[RecordingRow]:
    visit = await new_visit()
    await chunks.open_recording(f"r{visit[1:]}", visit, token="token", at=NOON)
    yield await chunks.find(f"r{visit[1:]}")


def files(tmp_path: Path) -> list[Path]:
    return sorted(path for path in (tmp_path / "audio").rglob("*") if path.is_file())


async def whole(chunks: ChunkStore, recording: RecordingRow) -> bytes:
    return b"".join([part async for part in chunks.stream(recording)])


async def test_the_same_chunk_twice_is_acknowledged_twice_and_kept_once(
    chunks: ChunkStore, recording: RecordingRow, tmp_path: Path
) -> None:
    first = await chunks.put(recording, 0, b"sound", at=NOON)
    assert await chunks.put(recording, 0, b"sound", at=NOON) == first
    assert await chunks.acknowledged(recording.recording_id) == [first]
    assert len(files(tmp_path)) == 1


async def test_other_bytes_under_a_number_are_refused_and_the_first_ones_stay(
    chunks: ChunkStore, recording: RecordingRow
) -> None:
    await chunks.put(recording, 0, b"sound", at=NOON)
    with pytest.raises(Conflict):
        await chunks.put(recording, 0, b"other", at=NOON)
    assert await whole(chunks, recording) == b"sound"


async def test_of_two_senders_of_one_number_one_wins_and_the_bytes_are_one_of_theirs(
    chunks: ChunkStore, recording: RecordingRow
) -> None:
    sent = [bytes([number]) * 1000 for number in range(6)]
    tries = [chunks.put(recording, 0, data, at=NOON) for data in sent]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, Conflict) for result in results) == 5
    assert await whole(chunks, recording) in sent


async def test_nothing_of_the_sound_is_in_clear_on_disk_and_nobody_else_may_look(
    chunks: ChunkStore, recording: RecordingRow, tmp_path: Path
) -> None:
    sound = b"unmistakable sound" * 50
    await chunks.put(recording, 0, sound, at=NOON)
    (file,) = files(tmp_path)
    assert b"unmistakable" not in file.read_bytes()
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_a_chunk_moved_to_another_number_does_not_open(
    chunks: ChunkStore, recording: RecordingRow, tmp_path: Path
) -> None:
    for seq in (0, 1):
        await chunks.put(recording, seq, bytes([seq]) * 100, at=NOON)
    first, second = files(tmp_path)
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    with pytest.raises(Misconfigured):
        await whole(chunks, recording)


async def test_one_flipped_bit_on_disk_is_noticed(chunks: ChunkStore, recording: RecordingRow, tmp_path: Path) -> None:
    await chunks.put(recording, 0, b"sound", at=NOON)
    (file,) = files(tmp_path)
    damaged = bytearray(file.read_bytes())
    damaged[-1] ^= 1
    file.write_bytes(damaged)
    with pytest.raises(Misconfigured):
        await whole(chunks, recording)


async def test_a_closed_recording_takes_no_more_but_acknowledges_again_what_it_has(
    chunks: ChunkStore, recording: RecordingRow, visits: VisitStore
) -> None:
    await chunks.put(recording, 0, b"sound", at=NOON)
    await chunks.keep_whole(recording.recording_id, chunks=1, facts={})
    async with visits.engine.begin() as connection:
        await chunks.close(connection, [recording.recording_id])
    closed = await chunks.find(recording.recording_id)
    assert closed.state == "closed"
    assert (await chunks.put(closed, 0, b"sound", at=NOON)).seq == 0
    with pytest.raises(Conflict):
        await chunks.put(closed, 1, b"more", at=NOON)


async def test_a_dropped_recording_is_not_offered_and_takes_no_more(
    chunks: ChunkStore, recording: RecordingRow, visits: VisitStore
) -> None:
    assert [one.recording_id for one in await chunks.open_recordings(recording.visit_id)] == [recording.recording_id]
    async with visits.engine.begin() as connection:
        await chunks.drop_open(connection, recording.visit_id)
    assert await chunks.open_recordings(recording.visit_id) == []
    with pytest.raises(Conflict):
        await chunks.put(await chunks.find(recording.recording_id), 0, b"late", at=NOON)


async def test_without_its_key_a_recording_is_erased(
    chunks: ChunkStore, recording: RecordingRow, visits: VisitStore
) -> None:
    await chunks.put(recording, 0, b"sound", at=NOON)
    async with visits.engine.begin() as connection:
        await visits.keys.destroy(connection, recording.visit_id, DataKind.AUDIO)
    with pytest.raises(NotFound, match="destroyed"):
        await whole(chunks, recording)


@pytest.mark.parametrize("unknown", ["no-such-recording", "\0", ""])
async def test_an_unknown_recording_is_not_found(chunks: ChunkStore, unknown: str) -> None:
    with pytest.raises(NotFound):
        await chunks.find(unknown)
