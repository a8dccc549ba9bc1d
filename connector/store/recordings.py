"""The pieces of a visit's sound as rows: opened, superseded, whole, closed. In: ids, facts. Out: frozen rows.

Holds nothing a patient said: sizes, times, lengths and marks. The bytes are kept by store/chunks.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from connector.errors import Conflict, NotFound
from connector.records import Mark
from connector.store import schema
from connector.store.data_keys import DataKeys
from connector.store.database import for_reading
from connector.store.keyring import DataKind, MasterKey
from connector.store.sessions import digest

NO_RECORDING = "There is no such recording."
TAKING = ("open", "superseded")
"""States in which chunks are taken: a superseded recorder captures no more, but what it has is still wanted."""
UNFINISHED = (*TAKING, "whole")
JOINED = "joined"
REDACTED = "redacted"
"""Sound with parts taken out: no piece of the visit's own, sealed by a key of its own, so that it can outlast that."""
_NOT_PIECES = (JOINED, REDACTED)


@dataclass(frozen=True, slots=True)
class RecordingRow:
    """One piece of sound: `open` or `superseded` while chunks come, `whole` once probed, `closed` as a part of the
    visit's sound, `dropped` when it will never be one. `held_bytes` and `held_chunks` count what was acknowledged,
    `heard_at` says when last; `missing_ms` is what its sender says was not captured before it.
    """

    recording_id: str
    visit_id: str
    state: str
    upload_token_hash: str
    created_at: datetime
    source: str
    place: int
    missing_ms: int | None
    two_sided: bool
    held_chunks: int
    held_bytes: int
    heard_at: datetime | None
    facts: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Opening:
    """How a piece begins: `source` is microphone, file, url, joined or redacted."""

    source: str = "file"
    missing_ms: int | None = None
    two_sided: bool = False


@dataclass(frozen=True, slots=True)
class NewRecording:
    """A piece to be opened; only the hash of its upload token is kept."""

    recording_id: str
    visit_id: str
    token: str = field(repr=False)
    opening: Opening


class RecordingRows:
    """Rows of recordings and their marks; ChunkStore adds the bytes."""

    def __init__(self, engine: AsyncEngine, master: MasterKey) -> None:
        self._engine = engine
        self._looking = for_reading(engine)
        self._keys = DataKeys(master)

    async def open_recording(
        self, recording_id: str, visit_id: str, *, token: str, at: datetime, opening: Opening | None = None
    ) -> None:
        """Starts a recording; chunks are taken only with the upload token bound to it."""
        async with self._engine.begin() as connection:
            new = NewRecording(recording_id, visit_id, token, opening or Opening())
            await self.add_recording(connection, new, at=at)

    async def add_recording(self, connection: AsyncConnection, new: NewRecording, *, at: datetime) -> None:
        """The same inside the caller's transaction; it comes after every piece the visit has."""
        await self._keys.obtain(connection, new.visit_id, key_of(new.opening.source), at=at)
        table = schema.recordings
        last = select(func.coalesce(func.max(table.c.place), -1)).where(table.c.visit_id == new.visit_id)
        place = int((await connection.execute(last)).scalar_one()) + 1
        values = {"recording_id": new.recording_id, "visit_id": new.visit_id, "state": "open", "created_at": at}
        await connection.execute(
            table.insert().values(**values, upload_token_hash=digest(new.token), place=place, **asdict(new.opening))
        )

    async def find(self, recording_id: str, *, within: AsyncConnection | None = None) -> RecordingRow:
        """The recording's row; raises NotFound."""
        if "\0" in recording_id:
            raise NotFound(NO_RECORDING)
        query = _rows().where(schema.recordings.c.recording_id == recording_id)
        if within is not None:
            row = (await within.execute(query)).first()
        else:
            async with self._looking.connect() as connection:
                row = (await connection.execute(query)).first()
        if row is None:
            raise NotFound(NO_RECORDING)
        return RecordingRow(*row)

    async def of_visit(
        self, visit_id: str, *, states: Sequence[str] | None = None, within: AsyncConnection | None = None
    ) -> list[RecordingRow]:
        """The pieces of a visit in their order, without what was joined or redacted from them."""
        table = schema.recordings
        query = _rows().where(table.c.visit_id == visit_id, table.c.source.not_in(_NOT_PIECES))
        if states is not None:
            query = query.where(table.c.state.in_(states))
        query = query.order_by(table.c.place, table.c.created_at)
        if within is not None:
            return [RecordingRow(*row) for row in await within.execute(query)]
        async with self._looking.connect() as connection:
            return [RecordingRow(*row) for row in await connection.execute(query)]

    async def open_recordings(self, visit_id: str) -> list[RecordingRow]:
        """Pieces of this visit that still take chunks or wait for the others, newest first."""
        return (await self.of_visit(visit_id, states=UNFINISHED))[::-1]

    async def joined_of(self, visit_id: str, *, source: str = JOINED) -> list[RecordingRow]:
        """What was begun to be joined, or redacted, from a visit's pieces and was not kept."""
        table = schema.recordings
        mine = table.c.visit_id == visit_id, table.c.source == source
        query = _rows().where(*mine, table.c.state.in_((*UNFINISHED, "dropped")))
        async with self._looking.connect() as connection:
            return [RecordingRow(*row) for row in await connection.execute(query)]

    async def change_token(self, recording_id: str, *, token: str) -> None:
        """Replaces the upload token."""
        await self._set(recording_id, upload_token_hash=digest(token))

    async def supersede(self, connection: AsyncConnection, visit_id: str) -> None:
        """Tells every open microphone of a visit to stop: what it has captured is still taken."""
        table = schema.recordings
        statement = table.update().where(
            table.c.visit_id == visit_id, table.c.source == "microphone", table.c.state == "open"
        )
        await connection.execute(statement.values(state="superseded"))

    async def keep_whole(self, recording_id: str, *, chunks: int, facts: Mapping[str, Any]) -> None:
        """Marks a piece of `chunks` chunks whole, with what its probe found.

        Raises Conflict when it takes no chunks any more, or when one has arrived since it was looked through.
        """
        table = schema.recordings
        statement = table.update().where(
            table.c.recording_id == recording_id, table.c.state.in_(TAKING), table.c.held_chunks == chunks
        )
        async with self._engine.begin() as connection:
            if (await connection.execute(statement.values(state="whole", facts=dict(facts)))).rowcount != 1:
                raise Conflict("The recording changed while it was being finished: reload and finish it again.")

    async def close(self, connection: AsyncConnection, recording_ids: Sequence[str]) -> None:
        """Makes whole pieces parts of the visit's sound, inside the transaction that moves it.

        Raises Conflict when one of them is not whole any more.
        """
        table = schema.recordings
        statement = table.update().where(table.c.recording_id.in_(recording_ids), table.c.state == "whole")
        if (await connection.execute(statement.values(state="closed"))).rowcount != len(recording_ids):
            raise Conflict("The recording changed while it was being finished: reload and finish it again.")

    async def drop_open(self, connection: AsyncConnection, visit_id: str) -> None:
        """Ends every piece of this visit that is no part of its sound, inside the transaction that moves it."""
        table = schema.recordings
        mine = table.c.visit_id == visit_id, table.c.source != REDACTED
        await connection.execute(table.update().where(*mine, table.c.state.in_(UNFINISHED)).values(state="dropped"))

    async def drop(self, recording_id: str, *, chunks: int | None = None) -> None:
        """Leaves one unfinished piece out; where `chunks` says how many were judged, only with no more of them.

        Raises Conflict when one has arrived since.
        """
        table = schema.recordings
        statement = table.update().where(table.c.recording_id == recording_id, table.c.state.in_(UNFINISHED))
        if chunks is not None:
            statement = statement.where(table.c.held_chunks == chunks)
        async with self._engine.begin() as connection:
            changed = (await connection.execute(statement.values(state="dropped"))).rowcount
        if chunks is not None and not changed:
            raise Conflict("The recording changed while it was being finished: reload and finish it again.")

    async def put_mark(self, recording_id: str, number: int, mark: Mark) -> None:
        """Keeps one mark; a newer one under its number takes its place, so that a pause can grow."""
        values = {"kind": mark.kind, "at_ms": mark.at_ms, "missing_ms": mark.missing_ms}
        statement = insert(schema.recording_marks).values(recording_id=recording_id, number=number, **values)
        statement = statement.on_conflict_do_update(index_elements=["recording_id", "number"], set_=values)
        async with self._engine.begin() as connection:
            await connection.execute(statement)

    async def marks(self, recording_id: str) -> list[Mark]:
        """The marks of one piece by their place; times count from its own beginning."""
        table = schema.recording_marks
        query = select(table.c.kind, table.c.at_ms, table.c.missing_ms).where(table.c.recording_id == recording_id)
        async with self._looking.connect() as connection:
            return [Mark(*row) for row in await connection.execute(query.order_by(table.c.at_ms, table.c.number))]

    async def shred(self, connection: AsyncConnection, visit_id: str) -> None:
        """Destroys the keys of a visit's sound and words: what is stored of them can no longer be read."""
        await self._keys.destroy(connection, visit_id, DataKind.AUDIO)
        await self._keys.destroy(connection, visit_id, DataKind.WORDS)
        await self._keys.destroy(connection, visit_id, DataKind.REDACTED)

    async def _set(self, recording_id: str, **values: Any) -> None:
        table = schema.recordings
        async with self._engine.begin() as connection:
            await connection.execute(table.update().where(table.c.recording_id == recording_id).values(**values))


def key_of(source: str) -> DataKind:
    """Which of a visit's keys seals sound of this source."""
    return DataKind.REDACTED if source == REDACTED else DataKind.AUDIO


def _rows() -> Any:
    return select(*(schema.recordings.c[name] for name in RecordingRow.__dataclass_fields__))
