"""Whatever order chunks come in and however often, the recording is the bytes that were sent."""

from __future__ import annotations

import hashlib
import itertools
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from connector.store.belonging import Belonging
from connector.store.chunks import ChunkStore
from connector.store.keyring import MasterKey
from connector.store.visits import VisitStore
from tests.unit.store.conftest import NOON

MASTER = MasterKey(bytes(range(32)))
_numbers = itertools.count(1)


@st.composite
def sendings(draw: st.DrawFn) -> tuple[list[bytes], list[int]]:
    """Chunks, and an order in which each is sent at least once."""
    chunks = draw(st.lists(st.binary(min_size=1, max_size=64), min_size=1, max_size=6))
    again = draw(st.lists(st.integers(0, len(chunks) - 1), max_size=6))
    return chunks, draw(st.permutations([*range(len(chunks)), *again]))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sending=sendings(), offset=st.integers(0, 400), length=st.integers(0, 400))
async def test_any_order_and_repetition_gives_the_same_bytes_whole_and_in_parts(
    engine: AsyncEngine, sending: tuple[list[bytes], list[int]], offset: int, length: int
) -> None:
    sent, order = sending
    visit, number = f"p{next(_numbers)}", f"q{next(_numbers)}"
    with tempfile.TemporaryDirectory() as folder:
        store = ChunkStore(engine, MASTER, Path(folder) / "audio")
        await VisitStore(engine, MASTER).create(visit, Belonging("clinic"), at=NOON)
        await store.open_recording(number, visit, token="token", at=NOON)
        recording = await store.find(number)
        for seq in order:
            await store.put(recording, seq, sent[seq], at=NOON)
        whole = b"".join(sent)
        assert b"".join([part async for part in store.stream(recording)]) == whole
        assert await store.read_range(recording, offset, length) == whole[offset : offset + length]
        held = await store.acknowledged(number)
        assert [(one.seq, one.size, one.sha256) for one in held] == [
            (seq, len(part), hashlib.sha256(part).hexdigest()) for seq, part in enumerate(sent)
        ]
