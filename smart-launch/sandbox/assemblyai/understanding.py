"""In: the id of a transcript, and what is to be understood of it later. Out: roles and utterances, for one answer.

Never changes the transcript: GET shows it as it was submitted.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from connector_sandbox.assemblyai.completion import refuse_body
from connector_sandbox.assemblyai.jobs import Job, JobBook
from connector_sandbox.assemblyai.refusals import GatewayRefused, Refused
from connector_sandbox.assemblyai.submission import Submission, read_submission
from connector_sandbox.assemblyai.transcript import print_transcript

TAG = "{{ transcript }}"
NO_TRANSCRIPT = "transcript not found"


def find_finished(jobs: JobBook, transcript_id: Any, *, project: str) -> Job:
    """The completed job of that id; GatewayRefused (404) where it is unknown, another project's, or deleted."""
    job = jobs.find(transcript_id, project=project) if isinstance(transcript_id, str) else None
    if job is None or job.deleted:
        raise GatewayRefused(404, NO_TRANSCRIPT)
    if job.status != "completed":
        refuse_body("the transcript is not completed")
    return job


def fill_transcript(body: dict[str, Any], job: Job) -> dict[str, Any]:
    """The body with the transcript's words wherever a message holds the tag; other spellings of it stay."""
    words = str(print_transcript(job)["text"])
    filled = {name: value for name, value in body.items() if name != "transcript_id"}
    if isinstance(filled.get("prompt"), str):
        filled["prompt"] = filled["prompt"].replace(TAG, words)
    if isinstance(filled.get("messages"), list):
        filled["messages"] = [_fill_message(message, words) for message in filled["messages"]]
    return filled


def check_understanding(body: Any, *, audio_url: str, tells_speakers_apart: bool = True) -> Submission:
    """The request as a submission would read it; GatewayRefused (400) with the reason."""
    wanted = body.get("speech_understanding") if isinstance(body, dict) else None
    if not isinstance(wanted, dict) or not isinstance(wanted.get("request"), dict) or not wanted["request"]:
        refuse_body('"speech_understanding" must hold a "request"')
    asked = {"audio_url": audio_url, "speaker_labels": tells_speakers_apart, "speech_understanding": wanted}
    try:
        return read_submission(asked)
    except Refused as refusal:
        refuse_body(refusal.text)


def print_understanding(body: Any, job: Job) -> dict[str, Any]:
    """The slim answer about a completed job."""
    asked = job.submission
    checked = check_understanding(body, audio_url=asked.audio_url, tells_speakers_apart=asked.tells_speakers_apart)
    understood = replace(
        asked, roles=checked.roles, body={**asked.body, "speech_understanding": body["speech_understanding"]}
    )
    printed = print_transcript(replace(job, submission=understood))
    return {
        "speech_understanding": printed["speech_understanding"],
        "utterances": printed["utterances"],
        "request_id": str(uuid.uuid4()),
    }


def _fill_message(message: Any, words: str) -> Any:
    if not isinstance(message, dict):
        return message
    content = message.get("content")
    if isinstance(content, str):
        return {**message, "content": content.replace(TAG, words)}
    if isinstance(content, list):
        parts = [
            {**part, "text": part["text"].replace(TAG, words)}
            if isinstance(part, dict) and isinstance(part.get("text"), str)
            else part
            for part in content
        ]
        return {**message, "content": parts}
    return message
