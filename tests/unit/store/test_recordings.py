"""The pieces of a visit's sound: their order, what takes chunks, what a full disk does, and their marks."""

from __future__ import annotations

import resource
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from connector.errors import Conflict, NoSpace
from connector.records import Mark
from connector.store.chunks import ChunkStore, RecordingRow
from connector.store.recordings import Opening
from connector.store.visits import VisitStore
from tests.unit.store.conftest import MASTER, NOON, NewVisit


async def opened(chunks: ChunkStore, visit: str, name: str, *, source: str = "file") -> RecordingRow:
    await chunks.open_recording(f"{name}{visit[1:]}", visit, token="token", at=NOON, opening=Opening(source))
    return await chunks.find(f"{name}{visit[1:]}")


async def test_pieces_keep_the_order_they_were_begun_in_and_count_what_they_hold(
    chunks: ChunkStore, new_visit: NewVisit
) -> None:
    visit = await new_visit()
    first, second = await opened(chunks, visit, "b"), await opened(chunks, visit, "a")
    later = NOON + timedelta(seconds=9)
    await chunks.put(second, 0, b"abc", at=NOON)
    await chunks.put(second, 1, b"de", at=later)
    await chunks.put(second, 0, b"abc", at=later + timedelta(hours=1))
    pieces = await chunks.of_visit(visit)
    assert [one.recording_id for one in pieces] == [first.recording_id, second.recording_id]
    assert [(one.held_chunks, one.held_bytes, one.heard_at) for one in pieces] == [(0, 0, None), (2, 5, later)]
    assert [one.recording_id for one in await chunks.open_recordings(visit)] == [
        second.recording_id,
        first.recording_id,
    ]


async def test_a_superseded_microphone_still_gives_what_it_has_and_files_are_left_alone(
    chunks: ChunkStore, visits: VisitStore, new_visit: NewVisit
) -> None:
    visit = await new_visit()
    spoken, file = await opened(chunks, visit, "m", source="microphone"), await opened(chunks, visit, "f")
    async with visits.engine.begin() as connection:
        await chunks.supersede(connection, visit)
    states = {one.source: one.state for one in await chunks.of_visit(visit)}
    assert states == {"microphone": "superseded", "file": "open"}
    assert (await chunks.put(await chunks.find(spoken.recording_id), 0, b"late", at=NOON)).size == 4
    assert (await chunks.put(file, 0, b"sound", at=NOON)).size == 5


async def test_a_piece_is_whole_only_with_the_chunks_that_were_looked_through(
    chunks: ChunkStore, new_visit: NewVisit
) -> None:
    piece = await opened(chunks, await new_visit(), "r")
    await chunks.put(piece, 0, b"sound", at=NOON)
    with pytest.raises(Conflict):
        await chunks.keep_whole(piece.recording_id, chunks=2, facts={})
    await chunks.keep_whole(piece.recording_id, chunks=1, facts={"duration_ms": 7})
    whole = await chunks.find(piece.recording_id)
    assert (whole.state, whole.facts) == ("whole", {"duration_ms": 7})
    # A sender that looked before it became whole is refused as well, and leaves no row behind.
    for seen in (whole, piece):
        with pytest.raises(Conflict):
            await chunks.put(seen, 1, b"late", at=NOON)
    assert [one.seq for one in await chunks.acknowledged(piece.recording_id)] == [0]
    with pytest.raises(Conflict):
        await chunks.keep_whole(piece.recording_id, chunks=1, facts={})


async def test_a_dropped_piece_cannot_become_a_part_of_the_sound(
    chunks: ChunkStore, visits: VisitStore, new_visit: NewVisit
) -> None:
    visit = await new_visit()
    kept, other = await opened(chunks, visit, "k"), await opened(chunks, visit, "o")
    for piece in (kept, other):
        await chunks.put(piece, 0, b"sound", at=NOON)
        await chunks.keep_whole(piece.recording_id, chunks=1, facts={})
    await chunks.drop(other.recording_id)
    with pytest.raises(Conflict):
        async with visits.engine.begin() as connection:
            await chunks.close(connection, [kept.recording_id, other.recording_id])
    assert (await chunks.find(kept.recording_id)).state == "whole"


async def test_the_key_of_a_piece_that_ended_is_forgotten_when_its_sender_comes_again(
    chunks: ChunkStore, new_visit: NewVisit
) -> None:
    piece = await opened(chunks, await new_visit(), "r")
    await chunks.put(piece, 0, b"sound", at=NOON)
    assert piece.recording_id in chunks._at_hand
    await chunks.drop(piece.recording_id)
    with pytest.raises(Conflict):
        await chunks.put(await chunks.find(piece.recording_id), 1, b"late", at=NOON)
    assert piece.recording_id not in chunks._at_hand


async def test_marks_come_by_their_place_and_a_newer_one_replaces_the_one_of_its_number(
    chunks: ChunkStore, new_visit: NewVisit
) -> None:
    piece = await opened(chunks, await new_visit(), "r", source="microphone")
    for number, mark in ((0, Mark("paused", 900, 0)), (1, Mark("gap", 100, 5)), (0, Mark("paused", 900, 60_000))):
        await chunks.put_mark(piece.recording_id, number, mark)
    assert await chunks.marks(piece.recording_id) == [Mark("gap", 100, 5), Mark("paused", 900, 60_000)]


async def test_a_reader_of_the_first_chunks_ends_with_them(chunks: ChunkStore, new_visit: NewVisit) -> None:
    piece = await opened(chunks, await new_visit(), "r")
    for seq, data in enumerate((b"abc", b"de", b"fgh")):
        await chunks.put(piece, seq, data, at=NOON)
    reader = await chunks.open_reader(piece, most=2)
    assert reader.size == 5
    assert await reader.read(0, 100) == b"abcde"
    assert await reader.read(2, 2) == b"cd"
    assert await reader.read(5, 1) == b""


async def test_intake_stops_before_the_disk_is_full_and_what_is_there_stays(
    engine: AsyncEngine, new_visit: NewVisit, tmp_path: Path
) -> None:
    roomy = ChunkStore(engine, MASTER, tmp_path / "audio")
    piece = await opened(roomy, await new_visit(), "r")
    await roomy.put(piece, 0, b"sound", at=NOON)
    full = ChunkStore(engine, MASTER, tmp_path / "audio", reserve=1 << 60)
    with pytest.raises(NoSpace, match="safe"):
        await full.put(piece, 1, b"more", at=NOON)
    assert [one.seq for one in await roomy.acknowledged(piece.recording_id)] == [0]
    assert await roomy.read_range(piece, 0, 9) == b"sound"
    assert (await roomy.put(piece, 1, b"more", at=NOON)).seq == 1


def test_the_name_of_a_folder_somebody_else_made_is_synced_once(tmp_path: Path) -> None:
    """Whoever made the folder may not have come to sync its name; each sync is seen by the audit hook of its open."""
    tried = (
        "import sys; from pathlib import Path\n"
        "from connector.store.sealed_files import write_synced\n"
        f"above = Path({str(tmp_path)!r}); path = above / 'one' / 'chunk.sealed'; path.parent.mkdir(); opened = []\n"
        "sys.addaudithook(lambda name, told: opened.append(str(told[0])) if name == 'open' else None)\n"
        "write_synced(path, b'x'); write_synced(path.with_name('two'), b'x')\n"
        "print(opened.count(str(above)), opened.count(str(path.parent)))"
    )
    done = subprocess.run([sys.executable, "-c", tried], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "2"]


def test_a_file_that_did_not_fit_leaves_nothing_behind(tmp_path: Path) -> None:
    tried = (
        "import resource; from pathlib import Path; from connector.errors import NoSpace\n"
        "from connector.store.sealed_files import write_synced\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        f"path = Path({str(tmp_path)!r}) / 'one' / 'chunk.sealed'\n"
        "write_synced(path, b'x' * 1000)\n"
        "try:\n    write_synced(path.with_name('two'), b'x' * 1001)\n"
        "except NoSpace:\n    print(sorted(one.name for one in path.parent.iterdir()))"
    )
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 1000
    done = subprocess.run([sys.executable, "-c", tried], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['chunk.sealed']"
