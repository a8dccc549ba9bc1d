"""A server for strict EHRs, the connector composed once a module, and a clock for both."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from connector.app import Composition, compose
from connector.settings import Settings
from connector.store.database import DatabaseAddress
from connector.web.reading import settle
from tests.smart.clock import Clock
from tests.smart.scribe import PUBLIC, MakeEhr, OpenScribe, Scribe, make_parts, register
from tests.smart.strict_ehr import Client, StrictEhr, make_app


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Host:
    """Where strict EHRs live; each is found by the first folder of a path."""

    def __init__(self) -> None:
        self.ehrs: dict[str, StrictEhr] = {}
        self.origin = ""


@pytest.fixture(scope="session")
async def host() -> AsyncIterator[Host]:
    made = Host()
    config = uvicorn.Config(make_app(made.ehrs.get), host="127.0.0.1", port=0, log_config=None, lifespan="off")
    server = _Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    made.origin = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    yield made
    server.should_exit = True
    await serving


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_ehr(host: Host, clock: Clock) -> Iterator[MakeEhr]:
    """Makes one more EHR; keywords say how the app is registered with it."""
    mine: list[str] = []

    def make(**client: Any) -> StrictEhr:
        ehr = StrictEhr(host.origin, clock, Client("scribe", "", **client))
        ehr.client.redirect_uri = f"{PUBLIC}/launch/callback/{ehr.name}"
        host.ehrs[ehr.name] = ehr
        mine.append(ehr.name)
        return ehr

    yield make
    for name in mine:
        del host.ehrs[name]


@pytest.fixture
def ehr(make_ehr: MakeEhr) -> StrictEhr:
    """An EHR that knows the app as a public client."""
    return make_ehr()


@pytest.fixture(scope="module")
async def composition(
    database: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Composition]:
    folder = tmp_path_factory.mktemp("composed")
    (folder / "registrations").mkdir()
    settings = Settings(
        database_url=database.libpq,
        state_folder=folder,
        registrations_folder=folder / "registrations",
        public_base_url=PUBLIC,
        launches_per_minute=100_000,
        failed_callbacks_per_minute=100_000,
        failed_tickets_per_minute=100_000,
    )
    async with compose(settings) as composed:
        yield composed


@pytest.fixture
async def open_scribe(composition: Composition, clock: Clock, tmp_path: Path) -> AsyncIterator[OpenScribe]:
    """Opens the connector for some EHRs; keywords are changes to every registration."""
    opened: list[Scribe] = []

    def open_(*ehrs: StrictEhr, **changes: Any) -> Scribe:
        for one in ehrs:
            register(tmp_path, one, **changes)
        secret = next((one.client.secret for one in ehrs if one.client.secret), None)
        scribe = Scribe(make_parts(composition, tmp_path, clock, secret))
        opened.append(scribe)
        return scribe

    yield open_
    for scribe in opened:
        # A reading that is cut off while it takes a connection loses it, which fails whatever test comes next.
        await settle(scribe.app, patience=20)
        await scribe.parts.directory.aclose()
        await scribe.parts.key_sets.aclose()
