"""In: a job that has ended. Out: a POST to the webhook it named, repeated until it is taken.

Never follows a redirect and never sends more than the id and the status.
"""

from __future__ import annotations

import asyncio

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
        body = job.submission.body
        if not body.get("webhook_url"):
            return
        headers = {}
        if body.get("webhook_auth_header_name"):
            headers[body["webhook_auth_header_name"]] = body["webhook_auth_header_value"]
        async with httpx.AsyncClient(timeout=WAIT_SECONDS, trust_env=False, headers=headers) as client:
            for _ in range(TRIES):
                job.webhook_status_code = await self._post(client, job)
                if job.webhook_status_code is not None and job.webhook_status_code // 100 in (2, 4):
                    return
                await asyncio.sleep(self._controls.webhook_spacing)

    async def _post(self, client: httpx.AsyncClient, job: Job) -> int | None:
        news = {"transcript_id": job.id, "status": job.status}
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                return (await client.post(job.submission.body["webhook_url"], json=news)).status_code
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
            return None
