"""What the commands do. In: settings and a stop signal. Out: running servers, or what an examination found.

Stops in an orderly way: requests under way are finished, durable work is left for whoever comes next.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import structlog
import uvicorn

from connector.app import (
    Composition,
    client_key_folder,
    compose,
    find_model_faults,
    guard_http_stack,
    load_rules,
    make_policy,
    make_worker,
    migrate_all,
    now,
    read_client_keys,
    version,
)
from connector.assets.registrations import Registration, load_registrations, read_client_secret, refuse_open_secret
from connector.clients.http import make_client
from connector.clients.model_catalogue import check_speech_key
from connector.errors import ConnectorError, Misconfigured, VendorAccount, VendorUnavailable
from connector.logs import start_logging
from connector.settings import Settings
from connector.store import audit
from connector.store.client_keys import refuse_open_key_file, refuse_open_keys
from connector.store.costs import CostStore, Spent
from connector.store.database import locate_database, make_engine
from connector.store.executors import Executors
from connector.store.migration import require_current
from connector.store.notices import Notice
from connector.visit.lapsing import forget_lapsed
from connector.visit.own_audio import SoundSweep
from connector.visit.phi import require_agreements
from connector.visit.reconciling import Reconciler
from connector.visit.redacting import check_policy
from connector.visit.spending import month_of
from connector.visit.sweeping import sweep_vendor
from connector.visit.vendor_account import MEND, wake_waiting
from connector.web.application import make_application
from connector.web.moments import count
from connector.worker.beside import Beside, keep_stepping
from connector.worker.runner import run_worker

_log = structlog.get_logger("connector.serving")


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
        _refuse_open(settings, one)


def _refuse_open(settings: Settings, registration: Registration) -> None:
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

    async def sweep() -> None:
        await forget_lapsed(composition.parts)
        await sound(composition.parts)
        await wake_waiting(composition.parts)
        beside.start("reconcile", partial(keep_stepping, reconciler.begin, clock=now, every=setting.poll))
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


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing an examination looked at; `noted` where it could not be, and nothing is said against it."""

    good: bool
    text: str
    noted: bool = False


async def examine(settings: Settings) -> list[Finding]:
    """Looks at everything a start needs and says what is missing, all of it at once."""
    findings: list[Finding] = []

    def look(what: str, check: object) -> None:
        try:
            result = check() if callable(check) else check
        except ConnectorError as error:
            findings.append(Finding(False, f"{what}: {error.detail}"))
        else:
            findings.append(Finding(True, f"{what}{f': {result}' if isinstance(result, str) else ''}"))

    look("HTTP stack", guard_http_stack)
    look("Mappings and prompts", lambda: count(len(load_rules().note_types), "note type"))
    look("Redacted copies", partial(_check_redaction, settings))
    registered, waiting = list[Registration](), list[Registration]()

    def read_registrations() -> str:
        found = load_registrations(settings.registrations_folder)
        registered.extend(found.entries)
        waiting.extend(found.waiting)
        if not registered:
            raise Misconfigured("nobody can launch: no EHR is registered. Add one with `connector ehr add`.")
        return count(len(registered), "EHR")

    look("EHR registrations", read_registrations)
    for one in registered:
        look(f"Secret or key for {one.tenant}", partial(_check_credentials, settings, one))
    for one in waiting:
        look(f"Secret or key for {one.tenant}, which waits for a client id", partial(_refuse_open, settings, one))
    look("PHI mode", partial(_check_agreements, settings))
    findings += await examine_vendors(settings)
    try:
        async with compose(settings) as composition:
            findings.append(Finding(True, "Database and master key: they open and fit each other"))
            findings += [_tell(notice) for notice in await composition.parts.notices.open()]
    except ConnectorError as error:
        findings.append(Finding(False, f"Database and master key: {error.detail}"))
    return findings


def _check_agreements(settings: Settings) -> str:
    if not settings.phi_mode:
        return "off, every page says that it is for synthetic data only"
    require_agreements(make_policy(settings).phi, now().date())
    return "on, and each vendor's agreement is recorded"


async def examine_vendors(settings: Settings) -> list[Finding]:
    """Asks both vendors whether our keys and models will do. One that is away is noted: nothing is wrong here then."""
    key = settings.assemblyai_api_key.get_secret_value()
    if not key:
        return [Finding(False, "AssemblyAI: set CONNECTOR_ASSEMBLYAI_API_KEY.")]
    async with make_client(timeout=10.0) as client:
        speech = check_speech_key(client, base_url=settings.assemblyai_base_url, api_key=key)
        found = [await _ask_vendor("Transcription service", speech, good="the key is accepted")]
        try:
            faults = await find_model_faults(client, settings)
        except VendorUnavailable as error:
            return [*found, _note("Language models", error)]
        except ConnectorError as error:
            return [*found, Finding(False, f"Language models: {error.detail}")]
    models = count(len(make_policy(settings).phi.models), "model")
    wrong = [Finding(False, f"Language models: {fault}") for fault in faults]
    return [*found, *(wrong or [Finding(True, f"Language models: {models} listed and fit")])]


async def _ask_vendor(name: str, asking: Awaitable[None], *, good: str) -> Finding:
    try:
        await asking
    except VendorAccount as error:
        return Finding(False, f"{name}: {error.detail}")
    except VendorUnavailable as error:
        return _note(name, error)
    except ConnectorError as error:
        return Finding(False, f"{name}: {error.detail}")
    return Finding(True, f"{name}: {good}")


def _note(name: str, error: ConnectorError) -> Finding:
    return Finding(True, f"{name}: not looked at. {error.detail}", noted=True)


async def log_model_faults(settings: Settings) -> None:
    """One line on whether the models will do; no network is no reason not to start, and the doctor says more."""
    try:
        async with make_client(timeout=10.0) as client:
            faults = await find_model_faults(client, settings)
    except ConnectorError as error:
        _log.info("models.not-checked", slug=error.slug)
    else:
        (_log.warning if faults else _log.info)("models.checked", count=len(faults))


def _tell(notice: Notice) -> Finding:
    name = "Transcription service" if notice.vendor == "speech" else "Language model service"
    since = f"since {notice.opened_at:%Y-%m-%d %H:%M} UTC, {count(notice.times, 'call')} turned away"
    return Finding(False, f"{name}: {MEND[notice.kind]} ({since}). Visits wait, and go on by themselves.")


def _check_redaction(settings: Settings) -> str:
    """What redacted copies leave out; each has to be one of the vendor's own names."""
    policy = make_policy(settings)
    check_policy(policy)
    taken = ", ".join(policy.redaction_policies)
    return f"without {taken}{', with sound' if policy.redaction_audio else ''}" if taken else "none are made"


def _check_credentials(settings: Settings, registration: Registration) -> str:
    """Whether what proves us to one EHR is there and nobody else's; says which kind it is, and nothing of it."""
    _refuse_open(settings, registration)
    secret = read_client_secret(registration, os.environ)
    keys = read_client_keys(settings, registration)
    if registration.auth_method == "private_key_jwt":
        return count(len(keys), "key pair")
    return "a secret is set" if secret is not None else "none is needed"


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
