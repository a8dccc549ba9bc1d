"""Redacted sound is kept beside the visit's own, under a key of its own, and ends with the words or by a withdrawal."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.app import Composition
from connector.records import RedactedTranscript, Stamp, Turn
from connector.settings import Settings
from connector.store.keyring import DataKind
from connector.store.recordings import REDACTED, Opening
from connector.visit.own_audio import SoundSweep
from connector.visit.parts import Parts
from tests.unit.visit.test_own_audio import SOUND, end, heard, take_visit

STAMP = Stamp(maker="test", at=datetime(2026, 3, 2, 12, 0, tzinfo=UTC))
BEEPED = b"sound with beeps in it" * 40


async def take_copy(parts: Parts, visit: str) -> str:
    """A redacted copy with sound; returns the sound's id."""
    recording = parts.new_id()
    opening = Opening(REDACTED)
    await parts.chunks.open_recording(recording, visit, token="r" * 40, at=parts.clock(), opening=opening)
    await parts.chunks.put(await parts.chunks.find(recording), 0, BEEPED, at=parts.clock())
    turn = Turn("t1", "S1", "Patient", "vendor", "I am [PERSON_NAME].", 0, 900, 0.9)
    copy = RedactedTranscript("x1", ("person_name",), "entity_name", (turn,), (), STAMP, recording)
    async with parts.visits.engine.begin() as connection:
        await parts.visits.append_record(connection, visit, copy, at=parts.clock())
    return recording


@pytest.fixture
def folder(product_settings: Settings) -> Path:
    return product_settings.audio_folder


async def test_the_redacted_sound_outlasts_the_recording(product: Composition, folder: Path) -> None:
    parts = product.parts
    visit, recording = await take_visit(parts)
    copy = await take_copy(parts, visit)
    await end(parts, visit, reason="filed")
    assert (await heard(parts, recording), await heard(parts, copy)) == (None, BEEPED)
    assert (await parts.visits.need(visit, RedactedTranscript)).audio_recording_id == copy
    await SoundSweep()(parts)
    assert (folder / copy).is_dir() and not (folder / recording).exists()


async def test_neither_opens_with_the_key_of_the_other(product: Composition) -> None:
    parts = product.parts
    visit, recording = await take_visit(parts)
    copy = await take_copy(parts, visit)
    async with parts.visits.engine.begin() as connection:
        await parts.visits.keys.destroy(connection, visit, DataKind.REDACTED)
    assert (await heard(parts, recording), await heard(parts, copy)) == (SOUND, None)


async def test_where_the_words_go_the_redacted_copy_goes_too(product: Composition, folder: Path) -> None:
    parts = product.parts
    visit, _ = await take_visit(parts)
    copy = await take_copy(parts, visit)
    await end(parts, visit, words=True)
    assert await heard(parts, copy) is None
    assert await parts.visits.latest(visit, RedactedTranscript) is None
    assert await parts.shredder.remove_files(visit) == 2
    assert not (folder / copy).exists()


async def test_the_copy_can_be_destroyed_alone(product: Composition) -> None:
    parts = product.parts
    visit, recording = await take_visit(parts)
    copy = await take_copy(parts, visit)
    async with parts.visits.engine.begin() as connection:
        assert await parts.shredder.destroy_redacted(connection, visit) == 1
    assert (await heard(parts, recording), await heard(parts, copy)) == (SOUND, None)
    assert await parts.visits.latest(visit, RedactedTranscript) is None


async def test_redacted_sound_is_no_piece_of_the_visits_own(product: Composition) -> None:
    parts = product.parts
    visit, recording = await take_visit(parts)
    copy = await take_copy(parts, visit)
    assert [piece.recording_id for piece in await parts.chunks.of_visit(visit)] == [recording]
    async with parts.visits.engine.begin() as connection:
        await parts.chunks.drop_open(connection, visit)
    assert [(await parts.chunks.find(one)).state for one in (recording, copy)] == ["dropped", "open"]
