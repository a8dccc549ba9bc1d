"""What is to be transcribed, as rows that fall due. In: what was planned, sent, learnt. Out: rows to take a step with.

A row is held by one worker at a time, for a term; whoever dies lets go of it by that. Holds no word and no address.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from connector.store import schema
from connector.store.database import for_reading

PLANNED, SUBMITTED, DONE, FAILED, GIVEN_UP = "planned", "submitted", "done", "failed", "given-up"
ACTIVE = (PLANNED, SUBMITTED)
_table = schema.vendor_jobs


@dataclass(frozen=True, slots=True)
class VendorJob:
    """One recording's way through the vendor. `uploads` counts fresh starts, `tries` failures in a row."""

    job_key: str
    visit_id: str
    recording_id: str
    state: str
    job_id: str | None
    planned_at: datetime
    submitted_at: datetime | None
    look_at: datetime
    deadline_at: datetime | None
    tries: int
    uploads: int


_FIELDS = tuple(_table.c[name] for name in VendorJob.__dataclass_fields__)


class JobStore:
    """The table `vendor_jobs`. `told` is set whenever a row may have become due by what this process did."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self.told = asyncio.Event()

    async def plan(self, connection: AsyncConnection, job: VendorJob) -> None:
        """A new row in the caller's transaction; the visit's row must be held. A row of the same recording that is
        still active stays the only one, one of another recording is given up."""
        mine = _table.c.visit_id == job.visit_id, _table.c.state.in_(ACTIVE)
        same = select(_table.c.job_key).where(*mine, _table.c.recording_id == job.recording_id)
        if (await connection.execute(same)).first() is not None:
            return
        await connection.execute(_table.update().where(*mine).values(state=GIVEN_UP))
        values = {name: getattr(job, name) for name in VendorJob.__dataclass_fields__}
        await connection.execute(_table.insert().values(**values))

    async def claim(self, holder: str, *, at: datetime, until: datetime, most: int) -> list[VendorJob]:
        """Takes rows that are due and held by nobody, the longest due first."""
        free = or_(_table.c.held_until.is_(None), _table.c.held_until < at)
        due = (
            select(_table.c.job_key)
            .where(_table.c.state.in_(ACTIVE), _table.c.look_at <= at, free)
            .order_by(_table.c.look_at)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        taken = _table.update().where(_table.c.job_key.in_(due)).values(held_by=holder, held_until=until)
        async with self._engine.begin() as connection:
            rows = (await connection.execute(taken.returning(*_FIELDS))).all()
        return sorted((VendorJob(*row) for row in rows), key=lambda one: one.look_at)

    async def next_due(self, *, at: datetime) -> datetime | None:
        """When the next row that nobody holds is to be looked at; None where there is none."""
        free = or_(_table.c.held_until.is_(None), _table.c.held_until < at)
        query = select(func.min(_table.c.look_at)).where(_table.c.state.in_(ACTIVE), free)
        async with for_reading(self._engine).connect() as connection:
            found: datetime | None = (await connection.execute(query)).scalar()
        return found

    async def renew(self, holder: str, keys: Collection[str], *, until: datetime) -> None:
        """Goes on holding rows."""
        await self._change(and_(_table.c.held_by == holder, _table.c.job_key.in_(list(keys))), held_until=until)

    async def put_off(self, job: VendorJob, *, look_at: datetime, tries: int) -> None:
        """Lets a row go until then; where somebody made it due meanwhile it stays due."""
        told_since = _table.c.look_at != job.look_at
        when = case((told_since, func.least(_table.c.look_at, look_at)), else_=look_at)
        await self._change(_as_taken(job), look_at=when, tries=tries, held_by=None, held_until=None)

    async def submit(self, job: VendorJob, job_id: str, *, at: datetime, deadline: datetime, look_at: datetime) -> None:
        """The vendor has the job."""
        told_since = _table.c.look_at != job.look_at
        when = case((told_since, func.least(_table.c.look_at, look_at)), else_=look_at)
        await self._change(
            _as_taken(job),
            state=SUBMITTED,
            job_id=job_id,
            submitted_at=at,
            deadline_at=deadline,
            look_at=when,
            tries=0,
            held_by=None,
            held_until=None,
        )

    async def is_as_taken(self, job: VendorJob) -> bool:
        """Whether nobody took the row further meanwhile: a worker that was stopped for longer than its term finds that
        another has."""
        async with self._engine.connect() as connection:
            return (await connection.execute(select(_table.c.job_key).where(_as_taken(job)))).first() is not None

    async def is_held(self, job: VendorJob, holder: str) -> bool:
        """Whether the row is as it was taken and nobody else took it meanwhile, though the term may be over."""
        mine = select(_table.c.job_key).where(_as_taken(job), _table.c.held_by == holder)
        async with self._engine.connect() as connection:
            return (await connection.execute(mine)).first() is not None

    async def start_over(self, connection: AsyncConnection, job: VendorJob, *, at: datetime) -> bool:
        """From the beginning, with a new upload, in the caller's transaction; False where it is not as it was taken."""
        again = _table.update().where(_as_taken(job))
        anew = {"state": PLANNED, "job_id": None, "deadline_at": None, "look_at": at, "tries": 0}
        values = {"uploads": job.uploads + 1, "held_by": None, "held_until": None, **anew}
        return bool((await connection.execute(again.values(**values))).rowcount)

    async def end(self, connection: AsyncConnection, job_key: str, state: str) -> bool:
        """The row's last state, in the caller's transaction; False where it has ended before."""
        ended = _table.update().where(_active(job_key)).values(state=state, held_by=None, held_until=None)
        return bool((await connection.execute(ended)).rowcount)

    async def keep_secret(self, job_key: str, hashed: str) -> None:
        """The hash of one more secret; the one before stays good, since its job may exist as well."""
        await self._change(_active(job_key), secret_hash_before=_table.c.secret_hash, secret_hash=hashed)

    async def keep_asked(self, visit_id: str, asked: Mapping[str, object]) -> None:
        """What is about to be asked of the vendor for a visit's row, beside what is set aside for it; nothing of a
        patient may stand in it."""
        mine = and_(_table.c.visit_id == visit_id, _table.c.state.in_(ACTIVE))
        await self._change(mine, asked=joined_to_asked(asked))

    async def asked(self, visit_id: str) -> Mapping[str, object] | None:
        """What was asked for the newest of a visit's rows; None where nothing was."""
        query = select(_table.c.asked).where(_table.c.visit_id == visit_id).order_by(_table.c.planned_at.desc())
        async with self._engine.connect() as connection:
            found: Mapping[str, object] | None = (await connection.execute(query.limit(1))).scalar()
        return found

    async def hurry(self, visit_id: str, *, at: datetime) -> None:
        """Makes a visit's row due at once."""
        await self._change(and_(_table.c.visit_id == visit_id, _table.c.state.in_(ACTIVE)), look_at=at)
        self.told.set()

    async def of_visit(self, visit_id: str) -> list[VendorJob]:
        """A visit's rows, the newest first."""
        query = select(*_FIELDS).where(_table.c.visit_id == visit_id).order_by(_table.c.planned_at.desc())
        async with self._engine.connect() as connection:
            return [VendorJob(*row) for row in await connection.execute(query)]

    async def stranded(self, *, before: datetime, limit: int = 1000) -> list[str]:
        """Visits that wait for a transcription nobody works on: no active row, and unchanged since then."""
        visits = schema.visits
        worked_on = exists().where(_table.c.visit_id == visits.c.visit_id, _table.c.state.in_(ACTIVE))
        waits = visits.c.attention_action.in_(["wait", "wait-for-operator"])
        query = select(visits.c.visit_id).where(visits.c.state == "CAPTURED", waits, visits.c.changed_at < before)
        async with self._engine.connect() as connection:
            return [row.visit_id for row in await connection.execute(query.where(~worked_on).limit(limit))]

    async def _change(self, where: ColumnElement[bool], **values: object) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(_table.update().where(where).values(**values))


def joined_to_asked(more: Mapping[str, object]) -> ColumnElement[Any]:
    """What is kept with a row, and this: by name the newer counts, and nothing else is lost."""
    kept = func.coalesce(_table.c.asked, literal({}, JSONB))
    return kept.op("||")(literal(dict(more), JSONB))


def _active(job_key: str) -> ColumnElement[bool]:
    return and_(_table.c.job_key == job_key, _table.c.state.in_(ACTIVE))


def _as_taken(job: VendorJob) -> ColumnElement[bool]:
    same = (
        _table.c.state == job.state,
        _table.c.uploads == job.uploads,
        _table.c.job_id.is_not_distinct_from(job.job_id),
    )
    return and_(_active(job.job_key), *same)
