"""Sound, and words where asked, destroyed for good. In: a visit. Out: keys gone at once, files gone soon after.

The key goes in the transaction that decides it; files are removed afterwards, by whoever comes first, any number of
times. Never removes a folder whose recording is unknown here: it may belong to another database.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from connector.store import schema
from connector.store.data_keys import DataKeys
from connector.store.keyring import DataKind
from connector.store.recordings import JOINED, REDACTED, UNFINISHED, key_of
from connector.store.visits import KINDS

DESTROYED = "destroyed"
"""State of a recording whose key is gone and whose files may still lie there."""
GONE = "gone"
"""State of a recording of which nothing is left but its row."""
_UNUSED = (*UNFINISHED, "dropped")
_AT_ONCE = 500
# Tables of which every row belongs to one recording.
_BELOW = [one for one in schema.metadata.sorted_tables if "recording_id" in one.c and one is not schema.recordings]


class Shredder:
    """Destroys what is sealed under a visit's keys; `folder` is where sealed chunks lie, a folder per recording."""

    def __init__(self, engine: AsyncEngine, keys: DataKeys, folder: Path) -> None:
        self._engine = engine
        self._keys = keys
        self._folder = folder

    async def destroy(self, connection: AsyncConnection, visit_id: str, *, words: bool) -> int:
        """Destroys the key of the sound, with `words` those of the words and of the redacted copy too, inside the
        caller's transaction.

        Records and chunk rows under them go as well, so that a later recording of the visit begins anew. Returns how
        many recordings were destroyed.
        """
        copies = await self.destroy_redacted(connection, visit_id) if words else 0
        kinds = (DataKind.AUDIO, DataKind.WORDS) if words else (DataKind.AUDIO,)
        await self._destroy_keys(connection, visit_id, kinds)
        return copies + await self._destroy_sound(connection, visit_id, redacted=False)

    async def destroy_redacted(self, connection: AsyncConnection, visit_id: str) -> int:
        """Destroys the redacted copy, words and sound, inside the caller's transaction; how many recordings it had."""
        await self._destroy_keys(connection, visit_id, (DataKind.REDACTED,))
        return await self._destroy_sound(connection, visit_id, redacted=True)

    async def _destroy_keys(self, connection: AsyncConnection, visit_id: str, kinds: Sequence[DataKind]) -> None:
        """Keys of these kinds, and the records sealed by them."""
        for kind in kinds:
            await self._keys.destroy(connection, visit_id, kind)
        records = schema.visit_records
        names = [name for name, kind in KINDS.values() if kind in kinds]
        await connection.execute(records.delete().where(records.c.visit_id == visit_id, records.c.kind.in_(names)))

    async def _destroy_sound(self, connection: AsyncConnection, visit_id: str, *, redacted: bool) -> int:
        table = schema.recordings
        which = table.c.source == REDACTED if redacted else table.c.source != REDACTED
        left = table.c.visit_id == visit_id, which, table.c.state.not_in((DESTROYED, GONE))
        found = list((await connection.execute(select(table.c.recording_id).where(*left))).scalars())
        if found:
            await self.destroy_some(connection, found)
        return len(found)

    async def destroy_some(self, connection: AsyncConnection, recording_ids: Sequence[str]) -> None:
        """Destroys these recordings inside the caller's transaction, and no key: others may be sealed by it."""
        # The row first: a chunk on its way holds it, or finds it destroyed.
        table = schema.recordings
        one = table.update().where(table.c.recording_id.in_(recording_ids))
        await connection.execute(one.values(state=DESTROYED))
        for below in _BELOW:
            await connection.execute(below.delete().where(below.c.recording_id.in_(recording_ids)))

    async def has_sound(self, connection: AsyncConnection, recording_id: str) -> bool:
        """Whether a recording is still there, seen in the caller's transaction."""
        table = schema.recordings
        query = select(table.c.state).where(table.c.recording_id == recording_id)
        return (await connection.execute(query)).scalar_one_or_none() not in (None, DESTROYED, GONE)

    async def remove_files(self, visit_id: str) -> int:
        """Removes the files of a visit's destroyed recordings; returns of how many. May run any number of times."""
        table = schema.recordings
        query = select(table.c.recording_id).where(table.c.visit_id == visit_id, table.c.state == DESTROYED)
        async with self._engine.connect() as connection:
            found = list((await connection.execute(query)).scalars())
        for recording_id in found:
            await self._remove(recording_id)
        return len(found)

    async def remove_unused(self, recording_id: str) -> None:
        """Removes a recording that is no part of a visit's sound, with its files and what is known of its chunks; the
        key, which is its visit's, stays. One that is a part of it is left alone. May run any number of times."""
        table = schema.recordings
        async with self._engine.begin() as connection:
            one = table.update().where(table.c.recording_id == recording_id, table.c.state.in_(_UNUSED))
            if (await connection.execute(one.values(state=DESTROYED))).rowcount != 1:
                return
            for below in _BELOW:
                await connection.execute(below.delete().where(below.c.recording_id == recording_id))
        await self._remove(recording_id)

    async def count_waiting(self, visit_id: str) -> int:
        """How many destroyed recordings of a visit still have files that nobody can read."""
        table = schema.recordings
        query = select(func.count()).where(table.c.visit_id == visit_id, table.c.state == DESTROYED)
        async with self._engine.connect() as connection:
            return int((await connection.execute(query)).scalar_one())

    async def sweep(self) -> tuple[int, int]:
        """Removes every folder whose recording can no longer be opened, whatever it was that left it behind, and what
        a given-up joining wrote.

        Returns how many were removed, and how many folders belong to no recording known here and were left alone.
        """
        names = await asyncio.to_thread(_list_folders, self._folder)
        removed, unknown = 0, 0
        for some in (names[start : start + _AT_ONCE] for start in range(0, len(names), _AT_ONCE)):
            known, lost = await self._sort_out(some)
            unknown += len(some) - known
            for recording_id in lost:
                await self._remove(recording_id)
            removed += len(lost)
        return removed, unknown

    async def _sort_out(self, names: Sequence[str]) -> tuple[int, list[str]]:
        """How many of these are recordings known here, and which of those nobody can, or will, open any more."""
        table, keys = schema.recordings, schema.data_keys
        columns = table.c.recording_id, table.c.visit_id, table.c.state, table.c.source
        query = select(*columns).where(table.c.recording_id.in_(names))
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
            held = select(keys.c.visit_id, keys.c.kind).where(keys.c.visit_id.in_({row.visit_id for row in rows}))
            keyed = {tuple(row) for row in await connection.execute(held)} if rows else set()
        over = [
            row.recording_id for row in rows if _is_over(row) or (row.visit_id, key_of(row.source).value) not in keyed
        ]
        return len(rows), over

    async def _remove(self, recording_id: str) -> None:
        await asyncio.to_thread(_remove_folder, self._folder / recording_id)
        table = schema.recordings
        async with self._engine.begin() as connection:
            one = table.update().where(table.c.recording_id == recording_id)
            await connection.execute(one.values(state=GONE))


def _is_over(row: Any) -> bool:
    """Whether nobody opens it any more: destroyed, or put together or redacted from pieces and given up."""
    return row.state in (DESTROYED, GONE) or (row.source in (JOINED, REDACTED) and row.state == "dropped")


def _list_folders(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir() if one.is_dir()) if folder.is_dir() else []


def _remove_folder(folder: Path) -> None:
    """Removes a folder with all it holds; what another process removes at the same moment is no error."""
    while folder.is_dir():
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(folder)
