"""In: a job that has ended. Out: its webhook; and its redacted sound with a second webhook, where that was asked for.

The second webhook names no transcript, as the vendor's does not.
"""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import av
from connector_sandbox.assemblyai.bleeping import Bleeping, bleep
from connector_sandbox.assemblyai.entities import find_entities
from connector_sandbox.assemblyai.hearing import LIMIT_S
from connector_sandbox.assemblyai.jobs import Job
from connector_sandbox.assemblyai.redacted_audio import READY, RedactedShelf
from connector_sandbox.assemblyai.settings import Controls
from connector_sandbox.assemblyai.uploads import UploadShelf
from connector_sandbox.assemblyai.webhooks import WebhookCaller


class Aftermath:
    """What comes once a job has ended."""

    def __init__(self, controls: Controls, *, uploads: UploadShelf, redacted: RedactedShelf) -> None:
        self._controls = controls
        self._uploads = uploads
        self._redacted = redacted
        self._caller = WebhookCaller(controls)

    async def follow(self, job: Job) -> None:
        """Announce the end, and make the redacted sound meanwhile."""
        await asyncio.gather(self._caller.announce(job), self._redact(job))

    async def _redact(self, job: Job) -> None:
        redaction = job.submission.redaction
        upload = self._uploads.find(job.submission.audio_url)
        if job.status != "completed" or redaction is None or redaction.audio is None or upload is None:
            return
        audio = job.redacted_audio = self._redacted.place(redaction.audio)
        hidden = redaction.chosen(find_entities(job.heard.turns if job.heard else ()))
        how = Bleeping(
            spans=[(entity.start, entity.end) for entity in hidden],
            kind=redaction.audio,
            silences=redaction.silences,
            limit_s=LIMIT_S,
        )
        await asyncio.sleep(self._controls.redaction_seconds)
        try:
            await asyncio.to_thread(bleep, upload.path, audio.path, how=how)
        except (av.FFmpegError, OSError):  # the upload has gone meanwhile
            audio.remove()
            return
        self._redacted.finish(audio)
        if job.submission.body.get("webhook_url"):
            link = self._redacted.link(audio, base_url=_base_of(upload.url))
            await self._caller.deliver(job, {"status": READY, "redacted_audio_url": link})


def _base_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
