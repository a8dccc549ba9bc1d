"""What the vendor's webhooks brought, durable before it is acknowledged. In: a key, a secret, bytes. Out: a verdict.

The bytes are counted by their hash and not kept: nothing they say is believed. A webhook only makes its job due.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from connector.store import schema
from connector.store.jobs import ACTIVE
from connector.store.reach import lifted

MOST_OF_A_JOB = 10
MOST_IN_ALL = 10_000
_NOBODYS = hashlib.sha256(b"no job has this key").hexdigest()


class Verdict(StrEnum):
    """`taken`: written down, and the job is due. `known`: the same came before. `refused`: no live secret of this job.
    `full`: too much is waiting, it may come again."""

    TAKEN = "taken"
    KNOWN = "known"
    REFUSED = "refused"
    FULL = "full"


def hash_secret(secret: bytes) -> str:
    """How a secret is kept."""
    return hashlib.sha256(secret).hexdigest()


class WebhookInbox:
    """The table `webhook_inbox`."""

    def __init__(self, engine: AsyncEngine, *, most_in_all: int = MOST_IN_ALL) -> None:
        self._engine, self._most = engine, most_in_all

    async def is_authentic(self, job_key: str, secret: bytes) -> bool:
        """Whether this is one of the job's two live secrets; takes as long for a job nobody knows."""
        jobs = schema.vendor_jobs
        query = select(jobs.c.secret_hash, jobs.c.secret_hash_before).where(jobs.c.job_key == job_key)
        with lifted():
            async with self._engine.connect() as connection:
                row = (await connection.execute(query)).first()
        given = hash_secret(secret)
        live = [(row.secret_hash if row else None), (row.secret_hash_before if row else None)]
        matches = [hmac.compare_digest(given, one or _NOBODYS) for one in live]
        return any(matches)

    async def take(self, job_key: str, body: bytes, *, inbox_id: str, at: datetime) -> Verdict:
        """Writes an authentic webhook down and makes its job due, in one transaction."""
        table, jobs = schema.webhook_inbox, schema.vendor_jobs
        row = {"inbox_id": inbox_id, "job_key": job_key, "status": "received", "received_at": at}
        new = insert(table).values(body_sha256=hashlib.sha256(body).hexdigest(), **row)
        new_one = new.on_conflict_do_nothing(index_elements=["job_key", "body_sha256"]).returning(table.c.inbox_id)
        waiting = select(func.count()).select_from(table).where(table.c.handled_at.is_(None))
        with lifted():
            async with self._engine.begin() as connection:
                of_job = (await connection.execute(waiting.where(table.c.job_key == job_key))).scalar_one()
                if of_job >= MOST_OF_A_JOB:
                    return Verdict.KNOWN
                if (await connection.execute(waiting)).scalar_one() >= self._most:
                    return Verdict.FULL
                if (await connection.execute(new_one)).first() is None:
                    return Verdict.KNOWN
                active = jobs.c.job_key == job_key, jobs.c.state.in_(ACTIVE)
                await connection.execute(jobs.update().where(*active).values(look_at=at))
        return Verdict.TAKEN

    async def mark_handled(self, job_key: str, *, at: datetime) -> None:
        """The job was looked at since."""
        table = schema.webhook_inbox
        waiting = table.c.job_key == job_key, table.c.handled_at.is_(None)
        async with self._engine.begin() as connection:
            await connection.execute(table.update().where(*waiting).values(handled_at=at))

    async def told_at(self, job_key: str) -> datetime | None:
        """When the newest webhook of a job came that was no replay; None where none did."""
        table = schema.webhook_inbox
        query = select(func.max(table.c.received_at)).where(table.c.job_key == job_key)
        async with self._engine.connect() as connection:
            found: datetime | None = (await connection.execute(query)).scalar()
        return found

    async def forget(self, *, before: datetime) -> int:
        """Deletes what came before then; how many there were."""
        table = schema.webhook_inbox
        async with self._engine.begin() as connection:
            return (await connection.execute(table.delete().where(table.c.received_at < before))).rowcount
