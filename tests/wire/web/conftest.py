"""The application in this process, on a database of its own, and launches in it without an EHR.

Requests go through the ASGI interface as a server would send them; nothing of the application is replaced.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from connector.app import Composition
from connector.records import Recording
from connector.store.belonging import Belonging
from connector.store.sessions import LaunchRow, digest
from connector.store.visits import Step
from connector.visit.parts import Parts
from connector.web.application import make_application
from connector.web.reading import settle
from connector.web.session import session_cookie
from tests.fixtures.product import EHR, ORIGIN
from tests.unit.web import samples

JSON = {"Accept": "application/json"}
PAGE = {"Accept": "text/html,application/xhtml+xml"}
SOUND = bytes(range(256)) * 40


@dataclass(frozen=True)
class Seat:
    """One launch: its path, its cookie, its CSRF token, and the visit behind it."""

    launch_id: str
    visit_id: str
    secret: str
    csrf: str

    @property
    def path(self) -> str:
        return f"/v/{self.launch_id}"

    @property
    def cookie(self) -> dict[str, str]:
        return {"Cookie": f"{session_cookie(self.launch_id)}={self.secret}"}

    @property
    def changing(self) -> dict[str, str]:
        """Headers of a change from our own page."""
        return {**self.cookie, "X-CSRF-Token": self.csrf, "Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}


@dataclass(frozen=True)
class Site:
    """The application and what it works with."""

    app: FastAPI
    parts: Parts
    client: httpx.AsyncClient

    async def seat(
        self, *records: object, state: str = "PRIMED", tenant: str = "clinic", clinician: str | None = None
    ) -> Seat:
        """A launch whose visit stands in `state` with these records besides the chart; each of another clinician."""
        new, now = self.parts.new_id, self.parts.clock()
        seat = Seat(new(), new(), f"secret-{new()}", f"csrf-{new()}")
        row = LaunchRow(
            launch_id=seat.launch_id,
            visit_id=seat.visit_id,
            tenant=tenant,
            session_hash=digest(seat.secret),
            csrf=seat.csrf,
            created_at=now,
            expires_at=now.replace(year=now.year + 1),
            ended=False,
            seen_at=now,
        )
        launch = replace(samples.facts("LAUNCHED").launch, launch_id=seat.launch_id, visit_id=seat.visit_id)
        launch = replace(launch, tenant=tenant, fhir_base=f"{EHR}/fhir")

        async def open_launch(connection: AsyncConnection) -> None:
            await self.parts.visits.append_record(connection, seat.visit_id, launch, at=now)
            tokens = {"granted": "{}", "token_endpoint": None}
            await self.parts.sessions.open_launch(connection, row, tokens=tokens, expires=None)

        who = clinician or f"Practitioner/{new()}"
        launch = replace(launch, practitioner=clinician or launch.practitioner)
        belonging = Belonging(tenant, who, launch.patient, None)
        await self.parts.visits.create(seat.visit_id, belonging, at=now, also=open_launch)
        kept = (samples.context(), samples.hints(), *records)
        await self.parts.visits.commit(
            Step(seat.visit_id, ("LAUNCHED",), state, "visit.test", "system", now, records=kept)
        )
        return seat

    async def recorded(self) -> Seat:
        """A visit whose recording is SOUND, in two chunks."""
        made = Recording(
            self.parts.new_id(), "ogg", len(SOUND), hashlib.sha256(SOUND).hexdigest(), 2, 1000, samples.stamp()
        )
        seat = await self.seat(samples.consent(), made, samples.transcript(), state="TRANSCRIBED")
        await self.parts.chunks.open_recording(made.recording_id, seat.visit_id, token="t", at=self.parts.clock())
        row = await self.parts.chunks.find(made.recording_id)
        for seq, part in enumerate((SOUND[:6000], SOUND[6000:])):
            await self.parts.chunks.put(row, seq, part, at=self.parts.clock())
        return seat


@asynccontextmanager
async def open_site(parts: Parts) -> AsyncIterator[Site]:
    """The application of some parts. What it reads behind its pages ends before they are taken apart."""
    app = make_application(parts, version="0")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as client:
        yield Site(app, parts, client)
    await settle(app, patience=20)


@pytest.fixture(scope="module")
async def site(product: Composition) -> AsyncIterator[Site]:
    """The application of this module."""
    async with open_site(product.parts) as opened:
        yield opened


@contextmanager
def statements(site: Site) -> Iterator[list[str]]:
    """What the database is asked meanwhile."""
    sent: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        del connection, cursor, rest
        sent.append(statement)

    engine = site.parts.visits.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
