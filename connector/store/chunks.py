"""Sealed chunks of recordings on disk, their rows in the database. In: numbered bytes. Out: the same bytes.

A chunk is acknowledged only after file and folder were synced and its row committed. Plain audio is never written.
"""

from __future__ import annotations

import asyncio
import hashlib
from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from connector.errors import Conflict, NoSpace, NotFound
from connector.store import schema
from connector.store.keyring import MasterKey, seal, unseal
from connector.store.recordings import NO_RECORDING, TAKING, Opening, RecordingRow, RecordingRows, key_of
from connector.store.sealed_files import FULL, write_synced

__all__ = ["NO_RECORDING", "ChunkRow", "ChunkStore", "Opening", "Reader", "RecordingRow"]

_AT_HAND = 64
# PostgreSQL: disk_full.
_DISK_FULL = "53100"


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """One acknowledged chunk: `size` in bytes and `sha256` in hex, both of the plain bytes."""

    seq: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Reader:
    """A recording as it stands, opened for reading: `size` in plain bytes."""

    recording_id: str
    chunks: Sequence[ChunkRow]
    size: int
    _starts: Sequence[int]
    _folder: Path
    _key: bytes = field(repr=False)

    async def read(self, offset: int, length: int) -> bytes:
        """`length` plain bytes from `offset`, fewer at the end, opening only the chunks that hold them."""
        found = bytearray()
        place = max(0, bisect_right(self._starts, offset) - 1)
        while place < len(self.chunks) and self._starts[place] < offset + length:
            start = self._starts[place]
            data = await self._open(self.chunks[place])
            found += data[max(0, offset - start) : max(0, offset + length - start)]
            place += 1
        return bytes(found)

    async def stream(self) -> AsyncIterator[bytes]:
        """All of it chunk by chunk, in constant memory."""
        for chunk in self.chunks:
            yield await self._open(chunk)

    async def _open(self, chunk: ChunkRow) -> bytes:
        path = _path(self._folder, self.recording_id, chunk.seq, chunk.sha256)
        return await asyncio.to_thread(self._unseal, path, chunk.seq)

    def _unseal(self, path: Path, seq: int) -> bytes:
        return unseal(self._key, path.read_bytes(), aad=_aad(self.recording_id, seq))


class ChunkStore(RecordingRows):
    """Keeps recordings as independently sealed chunks under `folder`; leaves `reserve` bytes of its disk free."""

    def __init__(self, engine: AsyncEngine, master: MasterKey, folder: Path, *, reserve: int = 0) -> None:
        super().__init__(engine, master)
        self._folder = folder
        self._reserve = reserve
        # Keys of recordings under way. One is of no use once its row takes no chunks: then it is forgotten.
        self._at_hand: dict[str, bytes] = {}

    async def put(
        self, recording: RecordingRow, seq: int, data: bytes, *, at: datetime, sha256: str | None = None
    ) -> ChunkRow:
        """Seals, syncs and records one chunk. The same bytes again change nothing; other bytes are a Conflict.

        `sha256` of the bytes, in hex, where the caller knows it. Raises NoSpace, with nothing changed, when there is no
        room for it.
        """
        chunk = ChunkRow(seq, len(data), sha256 or hashlib.sha256(data).hexdigest())
        known = None
        if recording.state in TAKING:
            known = await self._add(recording, chunk, data, at=at)
        else:
            self._at_hand.pop(recording.recording_id, None)
        known = known or await self._chunk(recording.recording_id, seq)
        if known is None:
            raise Conflict("This recording is closed: start a new one.")
        if known.sha256 != chunk.sha256:
            raise Conflict("Another chunk was stored under this number already: resume from the list of chunks.")
        return known

    async def _add(self, recording: RecordingRow, chunk: ChunkRow, data: bytes, *, at: datetime) -> ChunkRow | None:
        """Adds a chunk; None, with nothing written, where one is there under its number.

        Its row comes first, so that a second sender of the same number waits; it is kept only once the file is safe.
        """
        table, recording_id = schema.chunks, recording.recording_id
        row = {"seq": chunk.seq, "size": chunk.size, "sha256": chunk.sha256, "stored_at": at}
        new = insert(table).values(recording_id=recording_id, **row)
        add = new.on_conflict_do_nothing(index_elements=["recording_id", "seq"]).returning(table.c.seq)
        try:
            async with self._engine.begin() as connection:
                if (await connection.execute(add)).first() is None:
                    return None
                key = await self._take_key(connection, recording)
                await asyncio.to_thread(self._write, key, recording_id, chunk, data)
                await self._count(connection, recording_id, chunk, at=at)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) == _DISK_FULL:
                raise NoSpace(FULL, retry_after=15.0) from error
            raise
        return chunk

    async def _take_key(self, connection: AsyncConnection, recording: RecordingRow) -> bytes:
        key = self._at_hand.get(recording.recording_id)
        if key is None:
            key = await self._keys.find(connection, recording.visit_id, key_of(recording.source))
        if key is None:
            raise Conflict("This visit was given up: no more sound is taken.")
        if len(self._at_hand) >= _AT_HAND:
            self._at_hand.clear()
        self._at_hand[recording.recording_id] = key
        return key

    def _write(self, key: bytes, recording_id: str, chunk: ChunkRow, data: bytes) -> None:
        sealed = seal(key, data, aad=_aad(recording_id, chunk.seq))
        path = _path(self._folder, recording_id, chunk.seq, chunk.sha256)
        write_synced(path, sealed, reserve=self._reserve)

    async def _count(self, connection: AsyncConnection, recording_id: str, chunk: ChunkRow, *, at: datetime) -> None:
        """Counts it in its recording, which has to take chunks still."""
        table = schema.recordings
        counted = (
            table.update()
            .where(table.c.recording_id == recording_id, table.c.state.in_(TAKING))
            .values(held_chunks=table.c.held_chunks + 1, held_bytes=table.c.held_bytes + chunk.size, heard_at=at)
        )
        if (await connection.execute(counted)).rowcount != 1:
            self._at_hand.pop(recording_id, None)
            raise Conflict("This recording was closed meanwhile: reload to see where the visit stands.")

    async def _key(self, recording: RecordingRow) -> bytes | None:
        async with self._looking.connect() as connection:
            return await self._keys.find(connection, recording.visit_id, key_of(recording.source))

    async def _chunk(self, recording_id: str, seq: int) -> ChunkRow | None:
        table = schema.chunks
        query = select(table.c.seq, table.c.size, table.c.sha256).where(
            table.c.recording_id == recording_id, table.c.seq == seq
        )
        async with self._looking.connect() as connection:
            row = (await connection.execute(query)).first()
        return None if row is None else ChunkRow(*row)

    async def acknowledged(self, recording_id: str) -> list[ChunkRow]:
        """All acknowledged chunks in order."""
        table = schema.chunks
        query = select(table.c.seq, table.c.size, table.c.sha256).where(table.c.recording_id == recording_id)
        async with self._looking.connect() as connection:
            return [ChunkRow(*row) for row in await connection.execute(query.order_by(table.c.seq))]

    async def open_reader(self, recording: RecordingRow, *, most: int | None = None) -> Reader:
        """The recording opened for reading, its first `most` chunks only where that is given.

        Raises NotFound once its key was destroyed.
        """
        key = await self._key(recording)
        if key is None:
            raise NotFound("This recording has been destroyed.")
        chunks = (await self.acknowledged(recording.recording_id))[:most]
        ends = list(accumulate((chunk.size for chunk in chunks), initial=0))
        return Reader(recording.recording_id, chunks, ends[-1], ends[:-1], self._folder, key)

    async def stream(self, recording: RecordingRow) -> AsyncIterator[bytes]:
        """The whole recording chunk by chunk, in constant memory."""
        reader = await self.open_reader(recording)
        async for data in reader.stream():
            yield data

    async def read_range(self, recording: RecordingRow, offset: int, length: int) -> bytes:
        """`length` plain bytes from `offset`, opening only the chunks that hold them."""
        return await (await self.open_reader(recording)).read(offset, length)


def _path(folder: Path, recording_id: str, seq: int, sha256: str) -> Path:
    return folder / recording_id / f"{seq:08d}-{sha256[:16]}.sealed"


def _aad(recording_id: str, seq: int) -> str:
    return f"chunks|{recording_id}|{seq}"
