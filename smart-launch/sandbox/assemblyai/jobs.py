"""In: checked submissions. Out: jobs that go from queued over processing to completed or error in real time.

Never outlives the process, and never hears an upload of another project.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from connector_sandbox.assemblyai.faults import FaultRule
from connector_sandbox.assemblyai.hearing import NO_AUDIO, TOO_SHORT, Heard, Listener, NotTranscribed
from connector_sandbox.assemblyai.languages import settle_language
from connector_sandbox.assemblyai.redacted_audio import RedactedAudio
from connector_sandbox.assemblyai.settings import Controls
from connector_sandbox.assemblyai.submission import Submission
from connector_sandbox.assemblyai.uploads import UploadShelf

SERVER_ERROR = "Server error, developers have been alerted."
NOT_DOWNLOADED = (
    "Download error, unable to download {url}. Please make sure the file exists and is accessible from the internet."
)
_HOLD_SECONDS = 0.1
CAUSES = {
    "download": NOT_DOWNLOADED,
    "no_audio": NO_AUDIO.format(kind="text/plain"),
    "too_short": TOO_SHORT,
    "decoding": "Transcoding failed. The file could not be decoded: it may be damaged.",
    "server": SERVER_ERROR,
}


@dataclass
class Job:
    """One transcript; `status` is queued, processing, completed or error."""

    id: str
    project: str
    submission: Submission
    created: datetime
    fault: FaultRule | None = None
    status: str = "queued"
    error: str | None = None
    heard: Heard | None = None
    completed: datetime | None = None
    webhook_status_code: int | None = None
    recognised: bool = False
    deleted: bool = False
    deleted_at: datetime | None = None
    redacted_audio: RedactedAudio | None = None
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class JobBook:
    """All jobs of all projects, oldest first. `announce` is called once a job has ended; `places` run at a time."""

    def __init__(
        self,
        *,
        uploads: UploadShelf,
        listener: Listener,
        controls: Controls,
        places: int,
        announce: Callable[[Job], Awaitable[None]],
    ) -> None:
        self._uploads = uploads
        self._listener = listener
        self._controls = controls
        self._places = asyncio.Semaphore(places)
        self._jobs: dict[str, Job] = {}
        self._announce = announce

    def submit(self, submission: Submission, *, project: str, fault: FaultRule | None) -> Job:
        """Queue a job; like the vendor, the same submission twice makes two jobs."""
        job = Job(str(uuid.uuid4()), project, submission, datetime.now(UTC), fault)
        self._jobs[job.id] = job
        self._start(job, self._run(job))
        return job

    def find(self, job_id: str, *, project: str) -> Job | None:
        """The project's own job of that id."""
        self.expire()
        job = self._jobs.get(job_id)
        return job if job is not None and job.project == project else None

    def listed(self, project: str) -> list[Job]:
        """The project's jobs, newest first."""
        self.expire()
        return [job for job in reversed(self._jobs.values()) if job.project == project]

    def everybodys(self) -> list[Job]:
        """The jobs of all projects, newest first; for the sandbox's own page."""
        self.expire()
        return list(reversed(self._jobs.values()))

    async def delete(self, job: Job) -> None:
        """Forget what was heard and delete the upload; a job under way ends as if it had been done."""
        await _cancel(job)
        self._uploads.remove(job.submission.audio_url)
        self._empty(job)
        job.status = job.status if job.status == "error" else "completed"
        job.completed = job.completed or datetime.now(UTC)

    async def forget(self, job: Job) -> None:
        """As if the vendor had never known the job: its id is unknown from now on."""
        await _cancel(job)
        self._empty(job)
        del self._jobs[job.id]

    async def announce_early(self, job: Job) -> None:
        """Announce a job that has only just been queued as completed, where its fault says so."""
        if job.fault is not None and job.fault.kind == "webhook_early":
            await self._announce(job)

    def expire(self) -> None:
        """End what is older than the controls let it become: uploads, and the words of transcripts."""
        now = datetime.now(UTC)
        for upload in self._uploads.listed() if self._controls.upload_seconds else ():
            if (now - upload.at).total_seconds() > self._controls.upload_seconds:
                self._uploads.remove(upload.url)
        for job in self._jobs.values() if self._controls.transcript_seconds else ():
            ended = job.completed
            if ended is not None and (now - ended).total_seconds() > self._controls.transcript_seconds:
                self._empty(job)

    def _empty(self, job: Job) -> None:
        job.deleted = True
        job.deleted_at = job.deleted_at or datetime.now(UTC)
        job.heard = None
        if job.redacted_audio is not None:
            job.redacted_audio.remove()

    async def close(self) -> None:
        """Stop everything under way."""
        for job in self._jobs.values():
            await _cancel(job)

    def _start(self, job: Job, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        job.tasks.add(task)
        task.add_done_callback(job.tasks.discard)

    async def _run(self, job: Job) -> None:
        await asyncio.sleep(self._controls.queue_seconds)
        if job.fault is not None and job.fault.kind == "stuck":
            job.status = "processing"
            return
        async with self._places:
            job.status = "processing"
            ends = time.monotonic() + self._controls.process_seconds
            self.expire()
            try:
                heard = await asyncio.to_thread(self._hear, job)
                job.submission = settle_language(job.submission, heard.turns)
            except NotTranscribed as error:
                job.error = str(error)
            except Exception:
                job.error = SERVER_ERROR
            else:
                job.heard = heard
                job.recognised = heard.recognised
            await asyncio.sleep(max(0.0, ends - time.monotonic()))
            while self._controls.jobs_held:
                await asyncio.sleep(_HOLD_SECONDS)
        job.completed = datetime.now(UTC)
        job.status = "error" if job.error else "completed"
        self._start(job, self._announce(job))

    def _hear(self, job: Job) -> Heard:
        if job.fault is not None and job.fault.kind == "job_error":
            words = job.fault.message or CAUSES[job.fault.cause or "server"]
            raise NotTranscribed(words.format(url=job.submission.audio_url))
        upload = self._uploads.find(job.submission.audio_url)
        if upload is None or not upload.present:
            raise NotTranscribed(NOT_DOWNLOADED.format(url=job.submission.audio_url))
        return self._listener.hear_again(upload.path, sha256=upload.sha256)


async def _cancel(job: Job) -> None:
    under_way = list(job.tasks)
    for task in under_way:
        task.cancel()
    await asyncio.gather(*under_way, return_exceptions=True)
