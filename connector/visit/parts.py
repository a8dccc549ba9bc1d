"""What a visit is made with: stores, clients, rules, clock. In: nothing. Out: one frozen Parts that app composes.

Nothing here decides anything; it only says what the steps of a visit may hold in their hands.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import httpx
from sqlalchemy.ext.asyncio import AsyncConnection

from connector.assets.prices import Prices
from connector.assets.registrations import Registration, Registrations
from connector.clients.assemblyai import AssemblyAI
from connector.clients.fetching import Fetcher
from connector.clients.gateway import Gateway
from connector.clients.key_sets import KeySets
from connector.clients.redacted_audio import RedactedAudioClient
from connector.clients.smart import SmartServer
from connector.consent.mapping import ConsentRules
from connector.context.mapping import ContextMapping
from connector.drafting.chart_text import ChartBudget
from connector.drafting.note_type import NoteType
from connector.drafting.prompt import PromptTemplates
from connector.erasure.retention import RetentionRules
from connector.hints.rules import KeytermRules
from connector.store.chunks import ChunkStore
from connector.store.client_keys import ClientKey
from connector.store.costs import CostStore
from connector.store.fetches import FetchStore
from connector.store.inbox import WebhookInbox
from connector.store.jobs import JobStore
from connector.store.ledger import Ledger
from connector.store.notices import NoticeStore
from connector.store.returns import ReturnStore
from connector.store.sessions import SessionStore
from connector.store.shredding import Shredder
from connector.store.sweeps import SweepStore
from connector.store.visits import VisitStore
from connector.transcript.languages import SpeechModels
from connector.transcript.rules import SpeechRules
from connector.visit.directory import EhrDirectory
from connector.visit.phi import PhiRules
from connector.writeback.profile import WriteProfile


@dataclass(frozen=True, slots=True)
class Work:
    """One durable workflow to start. `run` names this run of it: the same run is started once, however often asked."""

    workflow: str
    visit_id: str
    run: str
    argument: str | None = None


PREPARE = "prepare_transcription"
"""The workflow that puts a recording together and plans its transcription."""
# Starts a durable workflow inside the transaction that makes it due.
Enqueue = Callable[[AsyncConnection, Work], Awaitable[None]]
# Ends the pauses of a visit's waiting workflows.
Wake = Callable[[str], Awaitable[None]]


@dataclass(frozen=True)
class Rules:
    """Everything mappings/ and templates/prompts/ say, checked at start. `readings` is `context` for each vendor."""

    context: ContextMapping
    readings: Mapping[str, ContextMapping]
    keyterms: KeytermRules
    note_types: Mapping[str, NoteType]
    prompts: Mapping[str, PromptTemplates]
    profiles: Mapping[str, WriteProfile]
    speech: SpeechRules
    speech_models: SpeechModels
    consent: ConsentRules
    retention: RetentionRules
    prices: Prices


@dataclass(frozen=True)
class Policy:
    """What settings say about a visit. Times in seconds, sizes in bytes."""

    public_base_url: str
    speech_models: tuple[str, ...]
    speech_domain: str | None
    speech_roles: tuple[str, ...]
    gateway_model: str
    gateway_max_tokens: int
    transcription_deadline: float
    transcription_poll_interval: float
    gateway_timeout: float
    max_chunk_bytes: int
    session_absolute: float
    session_idle: float
    probe_timeout: float = 120.0
    join_timeout: float = 1800.0
    note_type: str = "soap"
    chart_budget: ChartBudget = field(default_factory=ChartBudget)
    launches_per_minute: int = 30
    failed_callbacks_per_minute: int = 10
    failed_tickets_per_minute: int = 10
    speech_prompt: str | None = None
    speech_prefers: Literal["keyterms", "prompt"] = "keyterms"
    speech_channels: tuple[str, ...] = ()
    audio_kept: Literal["until-filed", "until-transcribed"] = "until-filed"
    speech_language: str = "chart"
    speech_speaker_count: Literal["range", "exact", "off"] = "range"
    speech_by_name: bool = False
    speech_entities: bool = False
    clinician_speaks_first: bool = False
    redaction_policies: tuple[str, ...] = ()
    redaction_substitution: Literal["hash", "entity_name"] = "entity_name"
    redaction_audio: bool = False
    webhooks: Literal["auto", "on", "off"] = "auto"
    vendor_project_is_ours: bool = False
    gateway_fallbacks: tuple[str, ...] = ()
    gateway_fallback_depth: int = 2
    phi: PhiRules = field(default_factory=PhiRules)
    monthly_cap: float | None = None
    vendor_region: Literal["us", "eu"] = "us"


@dataclass(frozen=True)
class Parts:
    """What the steps of a visit work with."""

    visits: VisitStore
    sessions: SessionStore
    chunks: ChunkStore
    shredder: Shredder
    ledger: Ledger
    costs: CostStore
    sweeps: SweepStore
    notices: NoticeStore
    jobs: JobStore
    inbox: WebhookInbox
    returns: ReturnStore
    registrations: Registrations
    smart: SmartServer
    directory: EhrDirectory
    key_sets: KeySets
    ehr: httpx.AsyncClient
    speech: AssemblyAI
    redacted_audio: RedactedAudioClient
    gateway: Gateway
    fetcher: Fetcher
    fetches: FetchStore
    rules: Rules
    policy: Policy
    client_secret: Callable[[Registration], str | None]
    client_keys: Callable[[Registration], tuple[ClientKey, ...]]
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    enqueue: Enqueue
    wake: Wake
