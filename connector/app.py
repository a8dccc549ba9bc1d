"""The composition root: the only file that knows settings and concrete clients together. In: settings. Out: Parts.

Nothing is kept in module variables; whoever calls `compose` closes what it opened.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import importlib.util
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import httpx
from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer
from dbos import EnqueueOptions as _EnqueueOptions
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from connector.assets.catalogue import list_mappings, load_mapping, load_template
from connector.assets.prices import Prices
from connector.assets.registrations import Registration, Registrations, load_registrations, read_client_secret
from connector.clients.assemblyai import AssemblyAI, check_options
from connector.clients.fetching import Fetcher, Ways, resolve_by_system, trust_authorities
from connector.clients.gateway import Gateway, ModelChain
from connector.clients.http import make_client
from connector.clients.key_sets import KeySets
from connector.clients.model_catalogue import ModelNeeds, judge_models, list_models
from connector.clients.redacted_audio import RedactedAudioClient
from connector.clients.smart import SmartServer
from connector.consent.mapping import ConsentRules
from connector.context.mapping import ContextMapping, VendorReading
from connector.drafting.chart_text import ChartBudget
from connector.drafting.note_type import NoteType, read_note_types
from connector.drafting.prompt import PromptTemplates
from connector.erasure.retention import RetentionRules
from connector.errors import Misconfigured
from connector.hints.rules import DRUG_FILES, KeytermRules
from connector.settings import Settings
from connector.store.chunks import ChunkStore
from connector.store.client_keys import ClientKey, read_key_file, read_keys
from connector.store.costs import CostStore
from connector.store.data_keys import DataKeys
from connector.store.database import DatabaseAddress, locate_database, make_engine, open_master_key, open_state_folder
from connector.store.fetches import FetchStore
from connector.store.inbox import WebhookInbox
from connector.store.jobs import JobStore
from connector.store.keyring import MasterKey
from connector.store.ledger import Ledger
from connector.store.migration import migrate, require_current
from connector.store.notices import NoticeStore
from connector.store.returns import ReturnStore
from connector.store.sessions import SessionStore
from connector.store.shredding import Shredder
from connector.store.sweeps import SweepStore
from connector.store.visits import VisitStore
from connector.transcript.languages import SpeechModels
from connector.transcript.rules import SpeechRules
from connector.visit.asking import Present, plan_asking
from connector.visit.directory import EhrDirectory
from connector.visit.parts import Enqueue, Parts, Policy, Rules, Wake, Work
from connector.visit.phi import PhiRules, VendorTerms, require_agreements
from connector.visit.redacting import check_policy
from connector.worker.runner import WorkerSetting, dbos_config
from connector.worker.workflows import APPLICATION, APPLICATION_VERSION, QUEUE, WAKE, register_workflows
from connector.writeback.profile import WriteProfile

TRANSCRIPT_TOKENS = 40_000
"""Room for the transcript of a visit of more than an hour, in a draft's request."""


@dataclass(frozen=True)
class Composition:
    """Everything one process works with, and where its database is."""

    settings: Settings
    address: DatabaseAddress
    engine: AsyncEngine
    master: MasterKey
    parts: Parts
    dbos: DBOSClient


def guard_http_stack() -> None:
    """Refuses to start beside httpx2: Authlib would silently switch to it, and our limits would no longer apply."""
    if importlib.util.find_spec("httpx2") is not None:
        raise Misconfigured("The package httpx2 replaces the HTTP stack underneath: remove it from this environment.")


def load_rules() -> Rules:
    """Every mapping and prompt, parsed and checked; raises Misconfigured naming file and key."""
    note_types = read_note_types(load_mapping("note-types.yaml"))
    context = ContextMapping.from_dict(load_mapping("context.yaml"))
    vendors = {name: load_mapping(f"ehr/{name}.yaml") for name in list_mappings("ehr")}
    return Rules(
        context=context,
        readings={name: VendorReading.from_dict(vendor).apply(context) for name, vendor in vendors.items()},
        keyterms=load_keyterm_rules(),
        note_types=note_types,
        prompts={key: _load_prompt(note_type) for key, note_type in note_types.items()},
        profiles={name: WriteProfile.from_dict(vendor) for name, vendor in vendors.items()},
        speech=SpeechRules.from_dict(load_mapping("speech.yaml")),
        speech_models=SpeechModels.from_dict(load_mapping("speech-models.yaml")),
        consent=ConsentRules.from_dict(load_mapping("consent.yaml")),
        retention=RetentionRules.from_dict(load_mapping("vendor-retention.yaml")),
        prices=Prices.from_dict(load_mapping("prices.yaml")),
    )


def load_keyterm_rules() -> KeytermRules:
    """mappings/keyterms.yaml and the tables it works with; raises Misconfigured naming file and key."""
    names = ["keyterms.yaml", "problem-names.yaml", "sensitive.yaml", "common-words.yaml"]
    names += [f"drugs/{name}.yaml" for name in DRUG_FILES]
    names += [f"{folder}/{name}.yaml" for folder in ("vocabularies", "lists") for name in list_mappings(folder)]
    return KeytermRules.from_files({name: load_mapping(name) for name in names})


def _load_prompt(note_type: NoteType) -> PromptTemplates:
    name = note_type.prompt
    system, user = load_template(f"prompts/{name}.system.j2"), load_template(f"prompts/{name}.user.j2")
    return PromptTemplates.from_sources(system, user, name)


def make_policy(settings: Settings) -> Policy:
    """What settings say about a visit."""
    return Policy(
        public_base_url=settings.public_base_url,
        speech_models=settings.speech_models,
        speech_domain=settings.speech_domain,
        speech_roles=settings.speech_roles,
        speech_channels=settings.speech_channels,
        speech_prompt=settings.speech_prompt,
        speech_prefers=settings.speech_prefers,
        speech_language=settings.speech_language,
        speech_speaker_count=settings.speech_speaker_count,
        speech_by_name=settings.speech_by_name,
        speech_entities=settings.speech_entities,
        clinician_speaks_first=settings.clinician_speaks_first,
        redaction_policies=settings.redaction_policies,
        redaction_substitution=settings.redaction_substitution,
        redaction_audio=settings.redaction_audio,
        webhooks=settings.webhooks,
        vendor_project_is_ours=settings.vendor_project_is_ours,
        gateway_fallbacks=settings.gateway_fallbacks,
        gateway_fallback_depth=settings.gateway_fallback_depth,
        phi=_make_phi_rules(settings),
        monthly_cap=settings.monthly_cap,
        vendor_region=_vendor_region(settings.assemblyai_base_url),
        gateway_model=settings.gateway_model,
        gateway_max_tokens=settings.gateway_max_tokens,
        chart_budget=ChartBudget(settings.gateway_chart_tokens, settings.gateway_history_tokens),
        transcription_deadline=settings.transcription_deadline,
        transcription_poll_interval=settings.transcription_poll_interval,
        gateway_timeout=settings.gateway_timeout,
        max_chunk_bytes=settings.max_chunk_bytes,
        audio_kept=settings.audio_kept,
        session_absolute=settings.session_absolute,
        session_idle=settings.session_idle,
        launches_per_minute=settings.launches_per_minute,
        failed_callbacks_per_minute=settings.failed_callbacks_per_minute,
        failed_tickets_per_minute=settings.failed_tickets_per_minute,
    )


def _vendor_region(address: str) -> Literal["us", "eu"]:
    return "eu" if ".eu." in (urlsplit(address).hostname or "") else "us"


def _make_phi_rules(settings: Settings) -> PhiRules:
    def tell(address: str, agreement: str | None, signed_on: date | None) -> VendorTerms:
        return VendorTerms(settings.is_real_vendor(address), agreement, signed_on, urlsplit(address).scheme == "https")

    chain = ModelChain(settings.gateway_model, settings.gateway_fallbacks, settings.gateway_fallback_depth)
    return PhiRules(
        on=settings.phi_mode,
        speech=tell(settings.assemblyai_base_url, settings.speech_baa, settings.speech_baa_date),
        gateway=tell(settings.gateway_base_url, settings.gateway_baa, settings.gateway_baa_date),
        models=chain.models,
        covered=settings.covered_models,
    )


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """A fresh id of 128 random bits, safe in a path."""
    return secrets.token_hex(16)


def version() -> str:
    """The installed version of the product."""
    return importlib.metadata.version("smart-scribe-connector")


async def migrate_all(engine: AsyncEngine, address: DatabaseAddress) -> str:
    """Brings our tables and those of the durable engine up to date; returns our revision."""
    revision = await migrate(engine)
    await asyncio.to_thread(DBOS.migrate, address.libpq)
    return revision


def _read_rules(settings: Settings) -> tuple[Rules, Policy]:
    """Mappings and policy, checked against each other; raises Misconfigured before anything is opened."""
    guard_http_stack()
    rules = load_rules()
    policy = make_policy(settings)
    check_policy(policy)
    check_options(plan_asking(policy, rules, Present()).options)
    require_agreements(policy.phi, now().date())
    return rules, policy


def _read_registrations(settings: Settings, rules: Rules) -> Registrations:
    folder, jurisdictions = settings.registrations_folder, rules.consent.jurisdictions
    return load_registrations(folder, profiles=rules.profiles, jurisdictions=jurisdictions)


@asynccontextmanager
async def compose(settings: Settings) -> AsyncIterator[Composition]:
    """Opens database, key and clients, and closes them again. Migrates an embedded database by itself."""
    rules, policy = _read_rules(settings)
    registrations = _read_registrations(settings, rules)
    open_state_folder(settings.state_folder)
    address = locate_database(settings)
    engine = make_engine(address)
    ehr = make_client(timeout=settings.ehr_timeout, ca_file=settings.ehr_ca_file)
    vendor = make_client(timeout=60.0)
    speech, gateway = _speak_to_vendor(settings, vendor)
    smart = SmartServer(ehr)
    directory, key_sets = EhrDirectory(smart, registrations, settings.public_base_url), KeySets(smart)
    dbos: DBOSClient | None = None
    try:
        if settings.database_url is None:
            await migrate_all(engine, address)
        await require_current(engine)
        master = await open_master_key(engine, settings.key_file)
        dbos = _reach_worker(address)
        parts = Parts(
            visits=VisitStore(engine, master),
            sessions=SessionStore(engine, master),
            chunks=ChunkStore(engine, master, settings.audio_folder, reserve=settings.audio_disk_reserve),
            shredder=Shredder(engine, DataKeys(master), settings.audio_folder),
            ledger=Ledger(engine),
            costs=CostStore(engine),
            sweeps=SweepStore(engine),
            notices=NoticeStore(engine),
            jobs=JobStore(engine),
            inbox=WebhookInbox(engine),
            returns=ReturnStore(engine, master),
            registrations=registrations,
            smart=smart,
            directory=directory,
            key_sets=key_sets,
            ehr=ehr,
            speech=speech,
            redacted_audio=_make_redacted_audio(settings, vendor),
            gateway=gateway,
            fetcher=make_fetcher(settings),
            fetches=FetchStore(engine, master),
            rules=rules,
            policy=policy,
            client_secret=_client_secret,
            client_keys=lambda registration: read_client_keys(settings, registration),
            clock=now,
            new_id=new_id,
            enqueue=_make_enqueue(dbos),
            wake=_make_wake(dbos),
        )
        yield Composition(settings, address, engine, master, parts, dbos)
    finally:
        if dbos is not None:
            dbos.destroy()
        await directory.aclose()
        await key_sets.aclose()
        await ehr.aclose()
        await vendor.aclose()
        await engine.dispose()


def _reach_worker(address: DatabaseAddress) -> DBOSClient:
    return DBOSClient(
        system_database_url=address.libpq,
        serializer=DBOSPortableJSONSerializer(),
        application_name=APPLICATION,
        system_database_pool_size=2,
    )


def make_fetcher(settings: Settings) -> Fetcher:
    """What fetches recordings from public hosts; in a sandbox that says so from this machine, and from nowhere else."""
    if settings.sandbox_audio_ca_file is None:
        return Fetcher(Ways(resolve_by_system, trust_authorities()))

    async def resolve(host: str, port: int) -> tuple[str]:
        del host, port
        return ("127.0.0.1",)

    trusted = trust_authorities(settings.sandbox_audio_ca_file)
    return Fetcher(Ways(resolve, trusted, lambda number: number == "127.0.0.1"))


def _speak_to_vendor(settings: Settings, client: httpx.AsyncClient) -> tuple[AssemblyAI, Gateway]:
    key = settings.assemblyai_api_key.get_secret_value()
    speech = AssemblyAI(client, base_url=settings.assemblyai_base_url, api_key=key)
    gateway = Gateway(
        client, base_url=settings.gateway_base_url, api_key=_gateway_key(settings), kind=settings.gateway_kind
    )
    return speech, gateway


def _gateway_key(settings: Settings) -> str:
    """Another service than the vendor's own is never shown the vendor's key."""
    own = settings.gateway_api_key.get_secret_value()
    shared = settings.assemblyai_api_key.get_secret_value() if settings.gateway_kind == "assemblyai" else ""
    return own or shared


async def find_model_faults(client: httpx.AsyncClient, settings: Settings) -> list[str]:
    """What speaks against the models of the chain, by the service's own list. Raises what asking for it raises."""
    listed = await list_models(client, base_url=settings.gateway_base_url, api_key=_gateway_key(settings))
    policy = make_policy(settings)
    tokens = policy.chart_budget.chart + policy.chart_budget.note + policy.gateway_max_tokens
    region = _vendor_region(settings.gateway_base_url) if settings.gateway_kind == "assemblyai" else None
    needs = ModelNeeds(tokens + TRANSCRIPT_TOKENS, region, now().date())
    return judge_models(listed, policy.phi.models, needs)


def _make_redacted_audio(settings: Settings, client: httpx.AsyncClient) -> RedactedAudioClient:
    """What fetches redacted sound: from public hosts of the vendor's, or from the address that is set for it."""
    key = settings.assemblyai_api_key.get_secret_value()
    fetcher = Fetcher(Ways(resolve_by_system, trust_authorities()))
    return RedactedAudioClient(client, fetcher, base_url=settings.assemblyai_base_url, api_key=key)


def _client_secret(registration: Registration) -> str | None:
    return read_client_secret(registration, os.environ)


def client_key_folder(settings: Settings, registration: Registration) -> Path:
    """Where the key pairs one EHR knows us by lie."""
    return registration.client_key_folder or settings.client_keys / registration.tenant


def read_client_keys(settings: Settings, registration: Registration) -> tuple[ClientKey, ...]:
    """The key pairs one EHR knows us by, newest first, read anew each time: a rotation needs no restart."""
    if registration.client_key_file is not None:
        return read_key_file(registration.client_key_file, algorithm=registration.assertion.algorithm)
    return read_keys(client_key_folder(settings, registration))


def _make_enqueue(client: DBOSClient) -> Enqueue:
    """Work becomes due in the same transaction as the state that calls for it, and once per run key."""

    async def enqueue(connection: AsyncConnection, work: Work) -> None:
        options = _EnqueueOptions(
            workflow_name=work.workflow,
            queue_name=QUEUE,
            workflow_id=f"{work.visit_id}:{work.workflow}:{work.run}",
            app_version=APPLICATION_VERSION,
        )
        arguments = (work.visit_id,) if work.argument is None else (work.visit_id, work.argument)
        await connection.run_sync(lambda sync: client.enqueue_in_transaction(sync, options, *arguments))

    return enqueue


def _make_wake(client: DBOSClient) -> Wake:
    async def wake(visit_id: str) -> None:
        running = await client.list_workflows_async(
            workflow_id_prefix=f"{visit_id}:", status="PENDING", load_input=False, load_output=False
        )
        for workflow in running:
            await client.send_async(workflow.workflow_id, "now", WAKE)

    return wake


def make_worker(composition: Composition) -> WorkerSetting:
    """Configures DBOS for this process and registers the workflows; `run_worker` launches it."""
    settings = composition.settings
    setting = WorkerSetting(
        f"worker-{new_id()}", composition.address.libpq, settings.executor_lease, settings.work_poll_interval
    )
    DBOS(config=dbos_config(setting))
    register_workflows(composition.parts)
    return setting
