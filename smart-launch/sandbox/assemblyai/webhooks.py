"""In: a job that has ended. Out: a POST to the webhook it named, repeated until it is taken.

Never follows a redirect and never sends more than the id and the status. The job's fault may silence, double, delay or
falsify the call.
"""

from __future__ import annotations

import asyncio
import uuid

import httpx
from connector_sandbox.assemblyai.jobs import Job
from connector_sandbox.assemblyai.settings import Controls

TRIES = 10
WAIT_SECONDS = 10.0


class WebhookCaller:
    """Tells the submitter that a job has ended: 2xx within 10 s is success, a 4xx ends it, all else is tried again."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls

    async def announce(self, job: Job) -> None:
        """Deliver the webhook of one job, at most ten times; notes the last status on the job."""
        kind = job.fault.kind if job.fault else None
        if not job.submission.body.get("webhook_url") or kind == "webhook_mute":
            return
        if job.fault is not None and kind == "webhook_late":
            await asyncio.sleep(job.fault.seconds)
        early = job.status not in ("completed", "error")
        for _ in range(2 if kind == "webhook_twice" else 1):
            await self.deliver(job, _news(job), tries=1 if early else TRIES)

    async def deliver(self, job: Job, news: dict[str, str], *, tries: int = TRIES) -> None:
        """POST `news` to the job's webhook with its secret: 2xx and 4xx end it, all else is tried again."""
        body = job.submission.body
        headers = {}
        if body.get("webhook_auth_header_name"):
            headers[body["webhook_auth_header_name"]] = body["webhook_auth_header_value"]
        async with httpx.AsyncClient(timeout=WAIT_SECONDS, trust_env=False, headers=headers) as client:
            for _ in range(tries):
                job.webhook_status_code = await _post(client, body["webhook_url"], news=news)
                if job.webhook_status_code is not None and job.webhook_status_code // 100 in (2, 4):
                    return
                if tries > 1:
                    await asyncio.sleep(self._controls.webhook_spacing)


def _news(job: Job) -> dict[str, str]:
    """What the webhook says of the job: the truth, unless a fault has it lie, or speak before there is anything."""
    if job.fault is not None and job.fault.kind == "webhook_lie":
        return {"transcript_id": str(uuid.uuid4()), "status": "error" if job.status == "completed" else "completed"}
    ended = job.status in ("completed", "error")
    return {"transcript_id": job.id, "status": job.status if ended else "completed"}


async def _post(client: httpx.AsyncClient, url: str, *, news: dict[str, str]) -> int | None:
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            return (await client.post(url, json=news)).status_code
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
        return None
