"""Visits a clinician comes back to, and sessions carried to another window. In: keys, secrets. Out: ids.

A ticket opens one window, once, within its short life; what it opened is a session of the same launch and no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from connector.store import schema
from connector.store.belonging import Belonging
from connector.store.database import for_reading
from connector.store.keyring import MasterKey
from connector.store.reach import lifted
from connector.store.sessions import digest
from connector.store.visits import VisitRow, read_visit_row


class ReturnStore:
    """What a relaunch finds again."""

    def __init__(self, engine: AsyncEngine, master: MasterKey) -> None:
        self._engine = engine
        self._looking = for_reading(engine)
        self._master = master

    async def find_visit(
        self,
        belonging: Belonging,
        *,
        states: Sequence[str],
        within: AsyncConnection | None = None,
        beside: str | None = None,
    ) -> str | None:
        """The newest visit of the same clinician, patient and encounter in one of `states`; nobody's is never found.

        In the caller's transaction if it has one; `beside` is a visit that is not meant.
        """
        if belonging.clinician is None or belonging.patient is None:
            return None
        keys, table = belonging.keys(self._master), schema.visits
        same_encounter = (
            table.c.encounter_key.is_(None)
            if keys["encounter_key"] is None
            else table.c.encounter_key == keys["encounter_key"]
        )
        query = (
            select(table.c.visit_id)
            .where(table.c.tenant == belonging.tenant, table.c.state.in_(list(states)), same_encounter)
            .where(table.c.clinician_key == keys["clinician_key"], table.c.patient_key == keys["patient_key"])
            .order_by(table.c.created_at.desc())
            .limit(1)
        )
        if beside is not None:
            query = query.where(table.c.visit_id != beside)
        if within is not None:
            return (await within.execute(query)).scalar_one_or_none()
        async with self._looking.connect() as connection:
            return (await connection.execute(query)).scalar_one_or_none()

    async def list_other_encounters(self, belonging: Belonging, *, states: Sequence[str]) -> list[str]:
        """The visits of the same clinician and patient in `states` that have an encounter, newest first."""
        if belonging.clinician is None or belonging.patient is None:
            return []
        keys, table = belonging.keys(self._master), schema.visits
        query = (
            select(table.c.visit_id)
            .where(table.c.tenant == belonging.tenant, table.c.state.in_(list(states)))
            .where(table.c.clinician_key == keys["clinician_key"], table.c.patient_key == keys["patient_key"])
            .where(table.c.encounter_key.is_not(None))
            .order_by(table.c.created_at.desc())
        )
        async with self._looking.connect() as connection:
            return list((await connection.execute(query)).scalars())

    async def keep_encounter(self, connection: AsyncConnection, visit_id: str, belonging: Belonging) -> None:
        """Lets a relaunch find the visit by another encounter, or by none; in the caller's transaction."""
        key, table = belonging.keys(self._master)["encounter_key"], schema.visits
        await connection.execute(table.update().where(table.c.visit_id == visit_id).values(encounter_key=key))

    async def list_visits(
        self, belonging: Belonging, *, states: Sequence[str], limit: int, skip: int = 0
    ) -> list[VisitRow]:
        """This clinician's visits in `states`, newest first: `limit` of them after the first `skip`."""
        if belonging.clinician is None:
            return []
        table = schema.visits
        query = (
            select(table)
            .where(table.c.tenant == belonging.tenant, table.c.state.in_(list(states)))
            .where(table.c.clinician_key == belonging.keys(self._master)["clinician_key"])
            .order_by(table.c.created_at.desc(), table.c.visit_id)
            .limit(limit)
            .offset(skip)
        )
        async with self._looking.connect() as connection:
            return [read_visit_row(row) for row in (await connection.execute(query)).all()]

    async def keep_ticket(self, ticket: str, launch_id: str, *, expires: datetime) -> None:
        """Remembers a ticket by its hash."""
        async with self._engine.begin() as connection:
            await connection.execute(
                schema.tickets.insert().values(ticket_hash=digest(ticket), launch_id=launch_id, expires_at=expires)
            )

    async def find_ticket_tenant(self, ticket: str) -> str | None:
        """The EHR whose launch a ticket carries or carried until it expired; None for a used or unknown one."""
        table, launches = schema.tickets, schema.launches
        joined = table.join(launches, table.c.launch_id == launches.c.launch_id)
        query = select(launches.c.tenant).select_from(joined).where(table.c.ticket_hash == digest(ticket))
        with lifted():
            async with self._looking.connect() as connection:
                return (await connection.execute(query)).scalar_one_or_none()

    async def take_ticket(self, ticket: str, *, session: str, at: datetime) -> str | None:
        """Consumes a ticket and binds `session` to its launch; the launch's id, or None when it opens nothing."""
        table = schema.tickets
        taken = table.delete().where(table.c.ticket_hash == digest(ticket)).returning(*table.c)
        async with self._engine.begin() as connection:
            with lifted():
                row = (await connection.execute(taken)).first()
            if row is None or row.expires_at <= at:
                return None
            await connection.execute(
                schema.carried_sessions.insert().values(
                    session_hash=digest(session), launch_id=row.launch_id, created_at=at
                )
            )
            return str(row.launch_id)

    async def sweep_tickets(self, *, before: datetime) -> int:
        """Forgets tickets that expired before `before`; returns how many."""
        table = schema.tickets
        async with self._engine.begin() as connection:
            return int((await connection.execute(table.delete().where(table.c.expires_at < before))).rowcount)

    async def is_carried(self, session: str, launch_id: str) -> bool:
        """Whether a ticket carried this launch into the window of that session."""
        table = schema.carried_sessions
        query = select(table.c.launch_id).where(table.c.session_hash == digest(session))
        with lifted():
            async with self._looking.connect() as connection:
                return (await connection.execute(query)).scalar_one_or_none() == launch_id

    async def see(self, launch_id: str, *, at: datetime) -> None:
        """Notes that a person was there."""
        table = schema.launches
        async with self._engine.begin() as connection:
            await connection.execute(table.update().where(table.c.launch_id == launch_id).values(seen_at=at))
