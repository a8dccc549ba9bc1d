"""In: settings. Out: the ASGI application of one sandbox AssemblyAI. Starts nothing until it is served."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from connector_sandbox.assemblyai import (
    control_routes,
    expiry_routes,
    gateway_routes,
    jobs_page,
    redacted_routes,
    speech_routes,
)
from connector_sandbox.assemblyai.gate import Gate
from connector_sandbox.assemblyai.parts import Draft, build_sandbox
from connector_sandbox.assemblyai.refusals import Refused, answer_refusal
from connector_sandbox.assemblyai.settings import Controls, SandboxSettings
from fastapi import FastAPI


def create_app(settings: SandboxSettings, *, controls: Controls | None = None, draft: Draft | None = None) -> Gate:
    """The application for uvicorn; `draft` stands in for the model, unless told the product's offline drafter."""
    sandbox = build_sandbox(settings, controls=controls or Controls(), draft=draft)

    @asynccontextmanager
    async def serve(_app: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await sandbox.jobs.close()
            sandbox.uploads.clear()
            sandbox.redacted.clear()

    silent = {"tracing": False, "metrics": False, "logs": False}
    app = FastAPI(
        title="Sandbox AssemblyAI", lifespan=serve, docs_url=None, redoc_url=None, openapi_url=None, telemetry=silent
    )
    app.state.sandbox = sandbox
    app.add_exception_handler(Refused, answer_refusal)
    for routes in (speech_routes, redacted_routes, gateway_routes, control_routes, expiry_routes, jobs_page):
        app.include_router(routes.router)
    return Gate(app, faults=sandbox.faults, journal=sandbox.journal)
