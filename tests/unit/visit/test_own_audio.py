"""Our own recordings end for good: the key with the step that ends them, files soon after, nothing of others."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from connector.app import Composition
from connector.errors import ConnectorError
from connector.records import Recording, SoundGone, Stamp, Transcript
from connector.settings import Settings
from connector.store import schema
from connector.store.belonging import Belonging
from connector.store.keyring import DataKind
from connector.transcript.typed import typed_transcript
from connector.visit.own_audio import SoundSweep, destroy_sound, remove_sound
from connector.visit.parts import Parts
from connector.visit.states import State
from connector.visit.steps import Move, move

SOUND = b"sealed sound of a visit" * 50


async def take_visit(parts: Parts) -> tuple[str, str]:
    """A visit CAPTURING with one recording of one chunk, and a transcript; returns their ids."""
    visit, recording = parts.new_id(), parts.new_id()
    await parts.visits.create(visit, Belonging("clinic"), at=parts.clock())
    await move(parts, visit, Move((State.LAUNCHED, State.PRIMED)))
    await parts.chunks.open_recording(recording, visit, token="t" * 40, at=parts.clock())
    await parts.chunks.put(await parts.chunks.find(recording), 0, SOUND, at=parts.clock())
    stamp = Stamp(maker="test", at=parts.clock())
    taken = Recording(recording, "wav", len(SOUND), "0" * 64, 1, 60_000, stamp)
    said = typed_transcript("cough at night", transcript_id=parts.new_id(), stamp=stamp)
    await move(parts, visit, Move((State.PRIMED, State.CAPTURING), records=(taken, said)))
    return visit, recording


async def end(parts: Parts, visit: str, *, reason: str = "discarded", words: bool = False) -> None:
    """The sound destroyed in the transaction of a step."""

    async def also(connection: AsyncConnection) -> None:
        await destroy_sound(parts, connection, visit, reason=reason, words=words)

    await move(parts, visit, Move((State.CAPTURING, State.PRIMED), also=also))


async def heard(parts: Parts, recording: str) -> bytes | None:
    """The sound in the clear, None where it cannot be read."""
    try:
        return b"".join([data async for data in parts.chunks.stream(await parts.chunks.find(recording))])
    except ConnectorError:
        return None


@pytest.fixture
def folder(product_settings: Settings) -> Path:
    return product_settings.audio_folder


async def events(parts: Parts, visit: str) -> list[tuple[str, object]]:
    table = schema.audit_events
    query = select(table.c.event, table.c.detail).where(table.c.visit_id == visit).order_by(table.c.seq)
    async with parts.visits.engine.connect() as connection:
        return [(row.event, row.detail) for row in await connection.execute(query)]


async def test_the_key_goes_with_the_step_and_the_words_stay(product: Composition, folder: Path) -> None:
    parts = product.parts
    visit, recording = await take_visit(parts)
    assert await heard(parts, recording) == SOUND
    await end(parts, visit)
    async with parts.visits.engine.connect() as connection:
        assert set(await parts.visits.keys.find_all(connection, visit)) == {DataKind.CHART, DataKind.WORDS}
    assert await heard(parts, recording) != SOUND
    assert await parts.visits.latest(visit, Recording) is None
    assert await parts.visits.latest(visit, Transcript) is not None
    gone = await parts.visits.need(visit, SoundGone)
    assert gone.reason == "discarded"
    told = ("visit.sound-destroyed", {"reason": "discarded", "recordings": 1})
    assert told in await events(parts, visit)
    assert (folder / recording).is_dir(), "files wait for their own step"


async def test_words_go_too_where_asked(product: Composition) -> None:
    parts = product.parts
    visit, _ = await take_visit(parts)
    await end(parts, visit, words=True)
    async with parts.visits.engine.connect() as connection:
        assert set(await parts.visits.keys.find_all(connection, visit)) == {DataKind.CHART}
    assert await parts.visits.latest(visit, Transcript) is None
    assert (await parts.visits.newest(visit)).get(Transcript) is None


async def test_files_are_removed_as_often_as_asked(product: Composition, folder: Path) -> None:
    parts = product.parts
    visit, recording = await take_visit(parts)
    other, kept = await take_visit(parts)
    await end(parts, visit)
    assert await parts.shredder.count_waiting(visit) == 1
    for _ in range(2):
        await remove_sound(parts, visit)
    assert not (folder / recording).exists()
    assert (folder / kept).is_dir()
    assert await parts.shredder.count_waiting(visit) == 0
    assert await parts.shredder.count_waiting(other) == 0


async def test_a_later_recording_of_the_visit_begins_anew(product: Composition) -> None:
    parts = product.parts
    visit, _ = await take_visit(parts)
    await end(parts, visit, words=True)
    second = parts.new_id()
    await parts.chunks.open_recording(second, visit, token="u" * 40, at=parts.clock())
    await parts.chunks.put(await parts.chunks.find(second), 0, SOUND, at=parts.clock())
    taken = Recording(second, "wav", len(SOUND), "0" * 64, 1, 60_000, Stamp(maker="test", at=parts.clock()))
    assert (await parts.visits.newest(visit)).get(Recording) is None
    await move(parts, visit, Move((State.PRIMED, State.CAPTURING), records=(taken,)))
    assert (await parts.visits.need(visit, Recording)).recording_id == second
    await remove_sound(parts, visit)
    assert await heard(parts, second) == SOUND


async def test_a_visit_without_sound_says_nothing_of_it(product: Composition) -> None:
    parts, visit = product.parts, product.parts.new_id()
    await parts.visits.create(visit, Belonging("clinic"), at=parts.clock())

    async def also(connection: AsyncConnection) -> None:
        await destroy_sound(parts, connection, visit, reason="filed")

    await move(parts, visit, Move((State.LAUNCHED, State.PRIMED), also=also))
    assert await parts.visits.latest(visit, SoundGone) is None
    assert "visit.sound-destroyed" not in [name for name, _ in await events(parts, visit)]


async def test_the_sweep_finds_what_was_left_behind_and_spares_the_rest(product: Composition, folder: Path) -> None:
    parts = product.parts
    _, kept = await take_visit(parts)
    keyless, lost = await take_visit(parts)
    gone, late = await take_visit(parts)
    await end(parts, gone)
    await remove_sound(parts, gone)
    # The visit is recorded anew, so its key is another one; what is late belongs to the old.
    await parts.chunks.open_recording(parts.new_id(), gone, token="v" * 40, at=parts.clock())
    (folder / late).mkdir()
    (folder / late / "00000000-0.sealed").write_bytes(b"written as it was removed")
    stranger = folder / ("f" * 32)
    stranger.mkdir()
    async with parts.visits.engine.begin() as connection:
        await parts.chunks.shred(connection, keyless)
    await SoundSweep()(parts)
    assert {kept: True, lost: False, late: False} == {one: (folder / one).exists() for one in (kept, lost, late)}
    assert stranger.is_dir(), "a folder of another database is not ours to remove"


async def test_the_sweep_looks_at_once_and_then_every_ten_minutes(product: Composition, folder: Path) -> None:
    parts, sweep = product.parts, SoundSweep()
    await sweep(parts)
    visit, lost = await take_visit(parts)
    async with parts.visits.engine.begin() as connection:
        await parts.chunks.shred(connection, visit)
    await sweep(parts)
    assert (folder / lost).exists()
    await sweep(replace(parts, clock=lambda: product.parts.clock() + timedelta(minutes=11)))
    assert not (folder / lost).exists()
