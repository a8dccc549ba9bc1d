"""In: settings. Out: the things one running sandbox is made of, and who is asking for them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from connector_sandbox.assemblyai.aftermath import Aftermath
from connector_sandbox.assemblyai.faults import FaultBook
from connector_sandbox.assemblyai.hearing import Listener
from connector_sandbox.assemblyai.jobs import Job, JobBook
from connector_sandbox.assemblyai.journal import Journal
from connector_sandbox.assemblyai.pace import Pace
from connector_sandbox.assemblyai.recognising import find_recogniser
from connector_sandbox.assemblyai.redacted_audio import RedactedShelf
from connector_sandbox.assemblyai.refusals import UNAUTHORIZED, GatewayRefused, Refused
from connector_sandbox.assemblyai.settings import Controls, SandboxSettings
from connector_sandbox.assemblyai.uploads import UploadShelf
from fastapi import Depends, Request

UNKNOWN_ID = "Transcript lookup error, transcript id not found"
Draft = Callable[[list[dict[str, str]], dict[str, object]], dict[str, object]]


@dataclass
class KeptCompletion:
    """What the gateway keeps of a completion until it is deleted, at `gone`."""

    project: str
    model: str
    at: datetime
    gone: datetime | None = None


@dataclass
class Sandbox:
    """One running sandbox. `completions` are known by the gateway's request ids."""

    settings: SandboxSettings
    controls: Controls
    uploads: UploadShelf
    redacted: RedactedShelf
    listener: Listener
    jobs: JobBook
    draft: Draft
    faults: FaultBook = field(default_factory=FaultBook)
    journal: Journal = field(default_factory=Journal)
    completions: dict[str, KeptCompletion] = field(default_factory=dict)
    pace: Pace = field(default_factory=Pace)

    def find_job(self, job_id: str, *, project: str) -> Job:
        """The project's own job of that id; Refused (404, or 400 as the vendor once had it) where there is none."""
        job = self.jobs.find(job_id, project=project)
        if job is None:
            older = self.controls.unknown_id_status == 400
            raise Refused(400, UNKNOWN_ID) if older else Refused(404, "Not found")
        return job


def build_sandbox(settings: SandboxSettings, *, controls: Controls, draft: Draft | None = None) -> Sandbox:
    """An empty sandbox; `draft` stands in for the model, the product's offline drafter unless told."""
    uploads = UploadShelf(settings.state / "uploads", largest=settings.largest_upload)
    redacted = RedactedShelf(settings.state / "redacted", controls=controls)
    listener = Listener(recognise=find_recogniser() if settings.recognises else None)
    jobs = JobBook(
        uploads=uploads,
        listener=listener,
        controls=controls,
        places=settings.concurrent_jobs,
        announce=Aftermath(controls, uploads=uploads, redacted=redacted).follow,
    )
    return Sandbox(settings, controls, uploads, redacted, listener, jobs, draft or _draft_offline)


def sandbox_of(request: Request) -> Sandbox:
    """The sandbox that serves this request."""
    sandbox: Sandbox = request.app.state.sandbox
    return sandbox


def project_of(request: Request) -> str:
    """The project behind the API key, sent raw or as Bearer; Refused (401) without a valid one."""
    project = _find_project(request)
    if project is None:
        raise Refused(401, UNAUTHORIZED)
    return project


def gateway_project_of(request: Request) -> str:
    """As `project_of`, refusing in the gateway's envelope."""
    project = _find_project(request)
    if project is None:
        raise GatewayRefused(401, UNAUTHORIZED)
    return project


def _find_project(request: Request) -> str | None:
    sent = request.headers.get("authorization", "").strip()
    scheme, _, rest = sent.partition(" ")
    key = rest.strip() if scheme.lower() == "bearer" else sent
    accepted = sandbox_of(request).settings.keys
    known = not accepted or any(hmac.compare_digest(key.encode(), one.encode()) for one in accepted)
    return hashlib.sha256(key.encode()).hexdigest() if key and known else None


def _draft_offline(messages: list[dict[str, str]], schema: dict[str, Any]) -> dict[str, object]:
    # Imported here: the sandbox must start, and speech must work, without the drafter's files.
    from connector.drafting.offline import draft_from_messages

    return draft_from_messages(messages, schema)


SandboxDep = Annotated[Sandbox, Depends(sandbox_of)]
ProjectDep = Annotated[str, Depends(project_of)]
GatewayProjectDep = Annotated[str, Depends(gateway_project_of)]
