"""In: requests to the LLM Gateway's paths, with and without /v1. Out: completions, models, deletions."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from typing import Any

from connector_sandbox.assemblyai.completion import CompletionRequest, print_completion, print_failure, read_request
from connector_sandbox.assemblyai.gate import FAULT
from connector_sandbox.assemblyai.models import print_models
from connector_sandbox.assemblyai.parts import GatewayProjectDep, Sandbox, SandboxDep
from connector_sandbox.assemblyai.refusals import GatewayRefused
from fastapi import APIRouter, Request, Response
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
    try:
        body = json.loads(await request.body())
    except ValueError:
        raise GatewayRefused(400, "invalid request body", errors=("the body is not valid JSON",)) from None
    asked = read_request(body)
    fault = request.scope.get(FAULT)
    request_id = str(uuid.uuid4())
    if fault is not None and fault.kind == "error_in_200":
        return JSONResponse(print_failure(asked, request_id=request_id), headers=MARK)
    content = await _draft(sandbox, asked)
    sandbox.completions[request_id] = project
    printed = print_completion(asked, content, request_id=request_id, fault=fault)
    return JSONResponse({**printed, "response_time": time.monotonic_ns() - started}, headers=MARK)


@router.delete("/chat/completions/{request_id}")
@router.delete("/v1/chat/completions/{request_id}")
async def delete(request_id: str, request: Request, sandbox: SandboxDep, *, project: GatewayProjectDep) -> Response:
    """Forget a completion. The vendor's answer is not documented: the status is a control, the body an older one's."""
    if sandbox.completions.get(request_id) != project:
        raise GatewayRefused(404, "request not found")
    status = sandbox.controls.llm_delete_status
    if status >= 300:
        raise GatewayRefused(status, "request not found" if status == 404 else "deletion failed")
    fault = request.scope.get(FAULT)
    if fault is None or fault.kind != "deaf_deletion":
        del sandbox.completions[request_id]
    if status == 204:
        return Response(status_code=204, headers=MARK)
    deleted = {"request_id": str(uuid.uuid4()), "request_id_to_purge": request_id, "deleted": True}
    return JSONResponse(deleted, status_code=status, headers=MARK)


async def _draft(sandbox: Sandbox, asked: CompletionRequest) -> dict[str, object]:
    try:
        return await asyncio.to_thread(sandbox.draft, asked.messages, asked.schema)
    except ValueError as error:
        raise GatewayRefused(400, "Sandbox: the offline drafter cannot work from these messages") from error
