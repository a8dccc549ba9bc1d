"""In: requests to the LLM Gateway's paths, with and without /v1. Out: completions, models, deletions, roles."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from connector_sandbox.assemblyai.completion import DRAFTER, CompletionRequest, print_completion, print_failure
from connector_sandbox.assemblyai.fallbacks import choose_answering, read_chain
from connector_sandbox.assemblyai.faults import FaultRule
from connector_sandbox.assemblyai.gate import FAULT
from connector_sandbox.assemblyai.models import print_models
from connector_sandbox.assemblyai.parts import (
    GatewayProjectDep,
    KeptCompletion,
    Sandbox,
    SandboxDep,
    gateway_project_of,
)
from connector_sandbox.assemblyai.refusals import GatewayRefused
from connector_sandbox.assemblyai.understanding import (
    check_understanding,
    fill_transcript,
    find_finished,
    print_understanding,
)
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

router = APIRouter()
MARK = {"x-sandbox": "offline-drafter"}


@router.get("/models")
@router.get("/v1/models")
async def list_models() -> dict[str, Any]:
    """The catalogue; open, as the vendor's is."""
    return {"data": print_models()}


@router.post("/chat/completions")
@router.post("/v1/chat/completions")
async def complete(request: Request, sandbox: SandboxDep, *, project: GatewayProjectDep) -> JSONResponse:
    """One completion, written by the product's offline drafter from the messages sent."""
    started = time.monotonic_ns()
    body = await _read_body(request)
    if isinstance(body, dict) and body.get("transcript_id") is not None:
        body = fill_transcript(body, find_finished(sandbox.jobs, body["transcript_id"], project=project))
    chain = read_chain(body)
    room = sandbox.pace.take(project, chain.requests[0].model, limit=sandbox.controls.completions_per_minute)
    headers = {**MARK, **room.headers()}
    if not room.allowed:
        raise GatewayRefused(429, "rate limit exceeded", headers=headers)
    fault = request.scope.get(FAULT)
    request_id = str(uuid.uuid4())
    if fault is not None and fault.kind == "error_in_200":
        return JSONResponse(print_failure(chain.requests[0], request_id=request_id), headers=headers)
    asked = await choose_answering(chain, fails=_failing(sandbox, fault))
    content = await _draft(sandbox, asked)
    printed = print_completion(asked, content, request_id=request_id, fault=fault)
    if asked is not chain.requests[0]:
        printed["model"] = f"{DRAFTER} ({asked.model})"
    sandbox.completions[request_id] = KeptCompletion(project, printed["model"], datetime.now(UTC))
    return JSONResponse({**printed, "response_time": time.monotonic_ns() - started}, headers=headers)


@router.delete("/chat/completions/{request_id}")
@router.delete("/v1/chat/completions/{request_id}")
async def delete(request_id: str, request: Request, sandbox: SandboxDep, *, project: GatewayProjectDep) -> Response:
    """Forget a completion. The vendor's answer is not documented: the status is a control, the body an older one's."""
    kept = sandbox.completions.get(request_id)
    if kept is None or kept.project != project or kept.gone:
        raise GatewayRefused(404, "request not found")
    status = sandbox.controls.llm_delete_status
    if status >= 300:
        raise GatewayRefused(status, "request not found" if status == 404 else "deletion failed")
    fault = request.scope.get(FAULT)
    if fault is None or fault.kind != "deaf_deletion":
        kept.gone = datetime.now(UTC)
    if status == 204:
        return Response(status_code=204, headers=MARK)
    deleted = {"request_id": str(uuid.uuid4()), "request_id_to_purge": request_id, "deleted": True}
    return JSONResponse(deleted, status_code=status, headers=MARK)


@router.post("/understanding")
@router.post("/v1/understanding")
async def understand(request: Request, sandbox: SandboxDep, *, project: GatewayProjectDep) -> JSONResponse:
    """Roles or names for the speakers of a transcript that is there already; nothing of it is kept."""
    body = await _read_body(request)
    job = find_finished(sandbox.jobs, body.get("transcript_id") if isinstance(body, dict) else None, project=project)
    return JSONResponse(print_understanding(body, job))


@router.post("/understanding/validate", dependencies=[Depends(gateway_project_of)])
@router.post("/v1/understanding/validate", dependencies=[Depends(gateway_project_of)])
async def validate(request: Request) -> JSONResponse:
    """Whether such a request would be taken."""
    check_understanding(await _read_body(request), audio_url="http://not-looked-at/")
    return JSONResponse({})


async def _read_body(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except ValueError:
        raise GatewayRefused(400, "invalid request body", errors=("the body is not valid JSON",)) from None


def _failing(sandbox: Sandbox, fault: FaultRule | None) -> Callable[[str], bool]:
    """Which models fail: those the controls name always, and under `provider_error` whoever is asked first, once."""
    due = [fault is not None and fault.kind == "provider_error"]

    def fails(model: str) -> bool:
        once, due[0] = due[0], False
        return once or model in sandbox.controls.failing_models

    return fails


async def _draft(sandbox: Sandbox, asked: CompletionRequest) -> dict[str, object]:
    try:
        return await asyncio.to_thread(sandbox.draft, asked.messages, asked.schema)
    except ValueError as error:
        raise GatewayRefused(400, "Sandbox: the offline drafter cannot work from these messages") from error
