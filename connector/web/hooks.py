"""Where the vendor tells that a job has ended. In: a POST with the job's secret. Out: a row in the inbox, then 204.

Nothing in the body is believed or kept: the job is looked at, as it would have been anyway. An authentic webhook is
never answered with a refusal, which would end the vendor's tries for good.
"""

from __future__ import annotations

import re

import structlog
from fastapi import APIRouter, Request
from starlette.responses import Response

from connector.store.inbox import Verdict
from connector.visit.parts import Parts
from connector.visit.webhooks import HEADER

LARGEST = 16 * 1024
"""Bytes of a body that are looked at; the vendor's have a hundred."""
_KEY = re.compile(r"[0-9a-f]{32}")
_LONGEST_SECRET = 200
_ANSWERS = {Verdict.TAKEN: 204, Verdict.KNOWN: 204, Verdict.FULL: 503, Verdict.REFUSED: 401}

router = APIRouter()
_log = structlog.get_logger("connector.web.hooks")


@router.post("/hooks/assemblyai/{job_key}")
async def take_webhook(request: Request, job_key: str) -> Response:
    """204 once it is written down, or was before; 401 without the secret, 503 where too much is waiting."""
    verdict = await _take(request, job_key)
    if verdict is Verdict.REFUSED:
        _log.warning("webhook.refused")
    return Response(status_code=_ANSWERS[verdict])


async def _take(request: Request, job_key: str) -> Verdict:
    parts: Parts = request.app.state.parts
    secrets = [value for name, value in request.scope["headers"] if name == HEADER.lower().encode()]
    if len(secrets) != 1 or not 0 < len(secrets[0]) <= _LONGEST_SECRET or not _KEY.fullmatch(job_key):
        return Verdict.REFUSED
    if not await parts.inbox.is_authentic(job_key, secrets[0]):
        return Verdict.REFUSED
    body = bytearray()
    async for piece in request.stream():
        body += piece[: LARGEST - len(body)]
    return await parts.inbox.take(job_key, bytes(body), inbox_id=parts.new_id(), at=parts.clock())
