"""Sealed chunks of recordings on disk, their rows in the database. In: numbered bytes. Out: the same bytes.

A chunk is acknowledged only after file and folder were synced and its row committed. Plain audio is never written.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from connector.errors import Conflict, NotFound
from connector.store import schema
from connector.store.data_keys import DataKeys
from connector.store.keyring import DataKind, MasterKey, seal, unseal
from connector.store.sessions import digest

NO_RECORDING = "There is no such recording."


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """One acknowledged chunk: `size` in bytes and `sha256` in hex, both of the plain bytes."""

    seq: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class RecordingRow:
    """A recording that is being taken (`open`), is whole (`closed`) or will never be (`dropped`)."""

    recording_id: str
    visit_id: str
    state: str
    upload_token_hash: str


class ChunkStore:
    """Keeps recordings as independently sealed chunks under `folder`."""

    def __init__(self, engine: AsyncEngine, master: MasterKey, folder: Path) -> None:
        self._engine = engine
        self._keys = DataKeys(master)
        self._folder = folder

    async def open_recording(self, recording_id: str, visit_id: str, *, token: str, at: datetime) -> None:
        """Starts a recording; chunks are taken only with the upload token bound to it."""
        async with self._engine.begin() as connection:
            await self._keys.obtain(connection, visit_id, DataKind.AUDIO, at=at)
            await connection.execute(
                schema.recordings.insert().values(
                    recording_id=recording_id,
                    visit_id=visit_id,
                    state="open",
                    upload_token_hash=digest(token),
                    created_at=at,
                )
            )

    async def find(self, recording_id: str) -> RecordingRow:
        """The recording's row; raises NotFound."""
        if "\0" in recording_id:
            raise NotFound(NO_RECORDING)
        columns = [schema.recordings.c[name] for name in RecordingRow.__dataclass_fields__]
        async with self._engine.connect() as connection:
            query = select(*columns).where(schema.recordings.c.recording_id == recording_id)
            row = (await connection.execute(query)).first()
        if row is None:
            raise NotFound(NO_RECORDING)
        return RecordingRow(*row)

    async def open_recordings(self, visit_id: str) -> list[RecordingRow]:
        """Recordings of this visit that are not whole yet, newest first."""
        table = schema.recordings
        columns = [table.c[name] for name in RecordingRow.__dataclass_fields__]
        query = select(*columns).where(table.c.visit_id == visit_id, table.c.state == "open")
        async with self._engine.connect() as connection:
            return [RecordingRow(*row) for row in await connection.execute(query.order_by(table.c.created_at.desc()))]

    async def change_token(self, recording_id: str, *, token: str) -> None:
        """Replaces the upload token."""
        table = schema.recordings
        async with self._engine.begin() as connection:
            statement = table.update().where(table.c.recording_id == recording_id)
            await connection.execute(statement.values(upload_token_hash=digest(token)))

    async def shred(self, connection: AsyncConnection, visit_id: str) -> None:
        """Destroys the keys of a visit's sound and words: what is stored of them can no longer be read."""
        await self._keys.destroy(connection, visit_id, DataKind.AUDIO)
        await self._keys.destroy(connection, visit_id, DataKind.WORDS)

    async def close(self, connection: AsyncConnection, recording_id: str, *, chunks: int) -> None:
        """Marks a recording of `chunks` chunks whole, inside the transaction that moves its visit.

        Raises Conflict when it is not open any more or when a chunk has arrived since it was looked through.
        """
        table = schema.recordings
        statement = table.update().where(table.c.recording_id == recording_id, table.c.state == "open")
        closed = (await connection.execute(statement.values(state="closed"))).rowcount == 1
        count = select(func.count()).where(schema.chunks.c.recording_id == recording_id)
        if not closed or int((await connection.execute(count)).scalar_one()) != chunks:
            raise Conflict("The recording changed while it was being finished: reload and finish it again.")

    async def drop_open(self, connection: AsyncConnection, visit_id: str) -> None:
        """Ends every recording of this visit that is not whole, inside the transaction that moves it."""
        table = schema.recordings
        statement = table.update().where(table.c.visit_id == visit_id, table.c.state == "open")
        await connection.execute(statement.values(state="dropped"))

    async def put(self, recording: RecordingRow, seq: int, data: bytes, *, at: datetime) -> ChunkRow:
        """Seals, syncs and records one chunk. The same bytes again change nothing; other bytes are a Conflict."""
        sha256 = hashlib.sha256(data).hexdigest()
        known = await self._chunk(recording.recording_id, seq)
        if known is None:
            if recording.state != "open":
                raise Conflict("This recording is closed: start a new one.")
            async with self._engine.connect() as connection:
                key = await self._keys.find(connection, recording.visit_id, DataKind.AUDIO)
            if key is None:
                raise Conflict("This visit was given up: no more sound is taken.")
            sealed = seal(key, data, aad=_aad(recording.recording_id, seq))
            await asyncio.to_thread(_write_synced, self._path(recording.recording_id, seq, sha256), sealed)
            async with self._engine.begin() as connection:
                if not await _is_open(connection, recording.recording_id):
                    raise Conflict("This recording was closed meanwhile: reload to see where the visit stands.")
                await connection.execute(
                    insert(schema.chunks)
                    .values(recording_id=recording.recording_id, seq=seq, size=len(data), sha256=sha256, stored_at=at)
                    .on_conflict_do_nothing(index_elements=["recording_id", "seq"])
                )
            known = await self._chunk(recording.recording_id, seq)
        if known is None or known.sha256 != sha256:
            raise Conflict("Another chunk was stored under this number already: resume from the list of chunks.")
        return known

    async def _chunk(self, recording_id: str, seq: int) -> ChunkRow | None:
        table = schema.chunks
        query = select(table.c.seq, table.c.size, table.c.sha256).where(
            table.c.recording_id == recording_id, table.c.seq == seq
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).first()
        return None if row is None else ChunkRow(*row)

    async def acknowledged(self, recording_id: str) -> list[ChunkRow]:
        """All acknowledged chunks in order."""
        table = schema.chunks
        query = select(table.c.seq, table.c.size, table.c.sha256).where(table.c.recording_id == recording_id)
        async with self._engine.connect() as connection:
            return [ChunkRow(*row) for row in await connection.execute(query.order_by(table.c.seq))]

    async def read_chunk(self, recording: RecordingRow, chunk: ChunkRow) -> bytes:
        """One chunk in the clear, in memory only."""
        async with self._engine.connect() as connection:
            key = await self._keys.find(connection, recording.visit_id, DataKind.AUDIO)
        if key is None:
            raise NotFound("This recording has been erased.")
        path = self._path(recording.recording_id, chunk.seq, chunk.sha256)
        sealed = await asyncio.to_thread(path.read_bytes)
        return unseal(key, sealed, aad=_aad(recording.recording_id, chunk.seq))

    async def stream(self, recording: RecordingRow) -> AsyncIterator[bytes]:
        """The whole recording chunk by chunk, in constant memory."""
        for chunk in await self.acknowledged(recording.recording_id):
            yield await self.read_chunk(recording, chunk)

    async def read_range(self, recording: RecordingRow, offset: int, length: int) -> bytes:
        """`length` plain bytes from `offset`, opening only the chunks that hold them."""
        found = bytearray()
        position = 0
        for chunk in await self.acknowledged(recording.recording_id):
            if position + chunk.size > offset and position < offset + length:
                data = await self.read_chunk(recording, chunk)
                found += data[max(0, offset - position) : max(0, offset + length - position)]
            position += chunk.size
        return bytes(found)

    def _path(self, recording_id: str, seq: int, sha256: str) -> Path:
        return self._folder / recording_id / f"{seq:08d}-{sha256[:16]}.sealed"


async def _is_open(connection: AsyncConnection, recording_id: str) -> bool:
    """Whether the recording still takes chunks; it cannot be closed until the caller's transaction ends."""
    table = schema.recordings
    query = select(table.c.state).where(table.c.recording_id == recording_id).with_for_update(read=True)
    return bool((await connection.execute(query)).scalar_one() == "open")


def _aad(recording_id: str, seq: int) -> str:
    return f"chunks|{recording_id}|{seq}"


def _write_synced(path: Path, data: bytes) -> None:
    new_folder = not path.parent.exists()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    _sync_folder(path.parent)
    if new_folder:
        _sync_folder(path.parent.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
