"""In: a job, and the fault a request about it meets. Out: the answer then: another's words, a stub, nothing.

Faults on the wire are the gate's, those of a job while it runs are the job's, those of completions the gateway's.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from connector_sandbox.assemblyai.faults import FaultRule
from connector_sandbox.assemblyai.jobs import Job, JobBook
from connector_sandbox.assemblyai.refusals import Refused
from connector_sandbox.assemblyai.transcript import print_transcript

OTHER_LANGUAGE = "es"
OTHER_WORDS = "Sandbox: the words of another visit."


async def read_through(jobs: JobBook, job: Job, *, fault: FaultRule | None) -> dict[str, Any]:
    """The transcript object as GET answers it under a fault; Refused (404) where the vendor knows it no more."""
    kind = fault.kind if fault else None
    if kind == "deleted_under":
        await jobs.delete(job)
    if kind == "forgotten":
        await jobs.forget(job)
        raise Refused(404, "Not found")
    if kind == "wrong_job":
        return _print_another(jobs, job)
    if kind == "wrong_result":
        return {**_print_another(jobs, job), "id": job.id}
    printed = print_transcript(job)
    heard_other = job.fault is not None and job.fault.kind == "other_language" and job.status == "completed"
    return {**printed, "language_code": OTHER_LANGUAGE, "language_confidence": 0.97} if heard_other else printed


async def delete_through(jobs: JobBook, job: Job, *, fault: FaultRule | None) -> dict[str, Any]:
    """The stub DELETE answers with; under `deaf_deletion` all that was deleted is this answer."""
    if fault is not None and fault.kind == "deaf_deletion":
        return print_transcript(replace(job, deleted=True))
    if not job.deleted:
        await jobs.delete(job)
    return print_transcript(job)


def _print_another(jobs: JobBook, job: Job) -> dict[str, Any]:
    """The newest completed job of the project about another upload; a made-up one where there is none."""
    address = job.submission.audio_url
    for other in jobs.listed(job.project):
        if other.status == "completed" and not other.deleted and other.submission.audio_url != address:
            return print_transcript(other)
    texts = OTHER_WORDS.split()
    words = [
        {"text": text, "start": 400 * place, "end": 400 * place + 300, "confidence": 0.9, "speaker": "A"}
        for place, text in enumerate(texts)
    ]
    utterance = {**words[0], "text": OTHER_WORDS, "end": words[-1]["end"], "words": words}
    return {
        **print_transcript(job),
        "id": str(uuid.uuid4()),
        "audio_url": f"{address.rpartition('/')[0]}/{uuid.uuid4()}",
        "status": "completed",
        "text": OTHER_WORDS,
        "words": words,
        "utterances": [utterance],
        "confidence": 0.9,
        "audio_duration": 3,
    }
