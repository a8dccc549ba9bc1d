"""What the commands do. In: settings and a stop signal. Out: running servers, or what an examination found.

Stops in an orderly way: requests under way are finished, durable work is left for whoever comes next.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

import structlog
import uvicorn

from connector.app import (
    Composition,
    client_key_folder,
    compose,
    find_model_faults,
    make_worker,
    migrate_all,
    now,
    version,
)
from connector.assets.registrations import Registration, load_registrations, refuse_open_secret
from connector.clients.http import make_client
from connector.errors import ConnectorError, Misconfigured
from connector.logs import start_logging
from connector.settings import Settings
from connector.store import audit
from connector.store.client_keys import refuse_open_key_file, refuse_open_keys
from connector.store.costs import CostStore, Spent
from connector.store.database import locate_database, make_engine
from connector.store.executors import Executors
from connector.store.migration import require_current
from connector.visit.lapsing import forget_lapsed
from connector.visit.own_audio import SoundSweep
from connector.visit.reconciling import Reconciler
from connector.visit.spending import month_of
from connector.visit.sweeping import sweep_vendor
from connector.visit.vendor_account import wake_waiting
from connector.web.application import make_application
from connector.worker.beside import Beside, keep_stepping
from connector.worker.runner import run_worker

_log = structlog.get_logger("connector.serving")
_LOOKS_EVERY_S = 1.0
"""So soon a worker finds due what another process made due: a webhook taken, a visit tried again."""


class _Server(uvicorn.Server):
    """A server that leaves signals to the command line, which stops everything in order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def forbid_core_dumps() -> None:
    """A process that dies leaves no image of its memory, which holds patients' words and keys."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def refuse_open_secrets(settings: Settings) -> None:
    """Raises Misconfigured where others can read a client secret or a key pair; `compose` looks at the master key."""
    registrations = load_registrations(settings.registrations_folder)
    for one in (*registrations.entries, *registrations.waiting):
        refuse_open(settings, one)


def refuse_open(settings: Settings, registration: Registration) -> None:
    """The same of one registration."""
    refuse_open_secret(registration)
    if registration.client_key_file is not None:
        refuse_open_key_file(registration.client_key_file)
    refuse_open_keys(client_key_folder(settings, registration))


async def serve_web(settings: Settings, stop: asyncio.Event, *, with_worker: bool = False) -> None:
    """Answers requests until `stop`; with a worker in the same process when asked."""
    start_logging()
    forbid_core_dumps()
    refuse_open_secrets(settings)
    async with compose(settings) as composition:
        listening = _listen(settings)
        application = make_application(composition.parts, version=version())
        server = _Server(
            uvicorn.Config(
                application,
                host=settings.host,
                port=settings.port,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=bool(settings.trusted_proxies),
                forwarded_allow_ips=list(settings.trusted_proxies),
                timeout_graceful_shutdown=10,
            )
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(_stop_server(server, stop))
            if with_worker:
                group.create_task(_work(composition, stop))
            _log.info("web.starting", port=settings.port)
            await server.serve(sockets=[listening])
            stop.set()


def _listen(settings: Settings) -> socket.socket:
    """A listening socket, before anything says that the service is up."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listening = socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        raise Misconfigured(
            f"Port {settings.port} cannot be used ({error.strerror}): stop what listens there or set CONNECTOR_PORT."
        ) from error
    # Connections inherit it. Without it the body of an answer may wait 40 ms for its head to be acknowledged: asyncio
    # sets it only on sockets it made itself.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


async def _stop_server(server: uvicorn.Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True


async def serve_work(settings: Settings, stop: asyncio.Event) -> None:
    """Does durable work until `stop`."""
    start_logging()
    forbid_core_dumps()
    refuse_open_secrets(settings)
    async with compose(settings) as composition:
        await _work(composition, stop)


async def _work(composition: Composition, stop: asyncio.Event) -> None:
    setting = make_worker(composition)
    sound, beside = SoundSweep(), Beside()
    reconciler = Reconciler(composition.parts, holder=setting.executor_id, term=2 * setting.lease)
    rest = partial(reconciler.rest, longest=max(_LOOKS_EVERY_S, min(setting.poll, setting.lease)))

    async def sweep() -> None:
        await forget_lapsed(composition.parts)
        await sound(composition.parts)
        await wake_waiting(composition.parts)
        beside.start("reconcile", partial(keep_stepping, reconciler.begin, rest, clock=now))
        beside.start("sweep", partial(sweep_vendor, composition.parts))

    beside.start("models", partial(log_model_faults, composition.settings))
    try:
        await run_worker(setting, Executors(composition.engine), clock=now, stop=stop, sweep=sweep)
    finally:
        await beside.end()
        await reconciler.end()


async def migrate_database(settings: Settings) -> str:
    """Applies every missing migration and returns the revision reached."""
    address = locate_database(settings)
    engine = make_engine(address)
    try:
        return await migrate_all(engine, address)
    finally:
        await engine.dispose()


async def log_model_faults(settings: Settings) -> None:
    """One line on whether the models will do; no network is no reason not to start, and the doctor says more."""
    try:
        async with make_client(timeout=10.0) as client:
            faults = await find_model_faults(client, settings)
    except ConnectorError as error:
        _log.info("models.not-checked", slug=error.slug)
    else:
        (_log.warning if faults else _log.info)("models.checked", count=len(faults))


async def verify_audit(settings: Settings) -> list[audit.ChainReport]:
    """One report per tenant."""
    engine = make_engine(locate_database(settings))
    try:
        await require_current(engine)
        return await audit.verify_all(engine)
    finally:
        await engine.dispose()


async def sum_costs(settings: Settings, month: str | None) -> list[Spent]:
    """What each registration's visits cost at vendors in a month (`2026-11`), this one unless said."""
    moment = now() if month is None else _read_month(month)
    since, until = month_of(moment)
    engine = make_engine(locate_database(settings))
    try:
        await require_current(engine)
        return await CostStore(engine).by_tenant(since=since, until=until)
    finally:
        await engine.dispose()


def _read_month(month: str) -> datetime:
    try:
        return datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        raise Misconfigured("A month is written as 2026-11.") from None
