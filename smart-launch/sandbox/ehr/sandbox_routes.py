"""In: a test's wishes. Out: fault rules, the request journal, health.
Never part of what a real EHR offers: everything here is under /sandbox, but for /health."""

import json
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from .faults import FaultRefused
from .origins import refuse_foreign_origin
from .parts import EhrParts
from .refusals import Refusal


def build_sandbox_router(parts: EhrParts) -> APIRouter:
    """The routes /health, /sandbox/faults and /sandbox/requests."""
    router = APIRouter()

    @router.get("/health")
    async def health() -> Response:
        """`ready` is true once the FHIR server has answered and holds the sandbox's clinicians."""
        try:
            await parts.clinicians.ensure_own()
        except Refusal:
            pass
        return JSONResponse({"status": "ok", "name": "Sandbox EHR", "ready": parts.clinicians.ready})

    @router.get("/sandbox/faults")
    async def list_faults() -> Response:
        """The rules in force and how often each has struck."""
        return JSONResponse(_describe(parts))

    @router.post("/sandbox/faults")
    async def add_faults(request: Request) -> Response:
        """Add one rule or a list of rules; 422 when one of them cannot be understood."""
        refuse_foreign_origin(request, parts.config.base_url)
        try:
            parts.faults.add(json.loads(await request.body()))
        except FaultRefused as error:
            return JSONResponse({"detail": str(error)}, status_code=422)
        except ValueError:
            return JSONResponse({"detail": "the body is not JSON"}, status_code=422)
        return JSONResponse(_describe(parts), status_code=201)

    @router.delete("/sandbox/faults")
    async def clear_faults(request: Request) -> Response:
        """Forget all rules."""
        refuse_foreign_origin(request, parts.config.base_url)
        parts.faults.clear()
        return Response(status_code=204)

    @router.get("/sandbox/requests")
    async def list_requests(after: int = 0) -> Response:
        """The journal's entries numbered higher than `after`."""
        return JSONResponse({"requests": parts.journal.list_after(after)})

    return router


def _describe(parts: EhrParts) -> dict[str, Any]:
    return {"faults": [rule.describe() for rule in parts.faults.rules]}
