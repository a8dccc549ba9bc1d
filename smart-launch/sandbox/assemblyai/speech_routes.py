"""In: requests to /v2. Out: the vendor's answers about uploads and transcripts. Never answers about another project."""

from __future__ import annotations

import json
from typing import Any

from connector_sandbox.assemblyai.captions import print_srt, print_vtt, read_chars, search_words
from connector_sandbox.assemblyai.gate import FAULT
from connector_sandbox.assemblyai.listing import print_page, read_query
from connector_sandbox.assemblyai.mishaps import delete_through, read_through
from connector_sandbox.assemblyai.parts import ProjectDep, SandboxDep
from connector_sandbox.assemblyai.passages import print_completed, print_paragraphs, print_sentences
from connector_sandbox.assemblyai.refusals import Refused
from connector_sandbox.assemblyai.submission import read_submission
from connector_sandbox.assemblyai.transcript import print_transcript
from connector_sandbox.assemblyai.uploads import TooLarge
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

router = APIRouter(prefix="/v2")
RECOGNISER = {"x-sandbox": "recogniser"}


@router.post("/upload")
async def upload(request: Request, sandbox: SandboxDep, *, project: ProjectDep) -> dict[str, str]:
    """Take a raw body of any or no content type, sized or chunked."""
    announced = request.headers.get("content-length", "")
    try:
        if announced.isdigit() and int(announced) > sandbox.settings.largest_upload:
            raise TooLarge
        received = await sandbox.uploads.receive(request.stream(), project=project, base_url=str(request.base_url))
    except TooLarge:
        raise Refused(413, "Upload failed, the file is larger than 2.2 GB") from None
    return {"upload_url": received.url}


@router.post("/transcript")
async def submit(request: Request, sandbox: SandboxDep, *, project: ProjectDep) -> dict[str, Any]:
    """Queue a job and answer with its transcript object."""
    try:
        body = json.loads(await request.body())
    except ValueError:
        raise Refused(400, "Request body is not valid JSON") from None
    submission = read_submission(body)
    upload = sandbox.uploads.find(submission.audio_url)
    if upload is not None and upload.project != project:
        raise Refused(403, "Cannot access uploaded file: it belongs to another project")
    job = sandbox.jobs.submit(submission, project=project, fault=request.scope.get(FAULT))
    await sandbox.jobs.announce_early(job)
    return print_transcript(job)


@router.get("/transcript")
async def list_transcripts(request: Request, sandbox: SandboxDep, *, project: ProjectDep) -> dict[str, Any]:
    """One page of the project's transcripts, newest first."""
    query = read_query(dict(request.query_params))
    return print_page(sandbox.jobs.listed(project), query, base_url=str(request.base_url))


@router.get("/transcript/{job_id}")
async def read(job_id: str, request: Request, sandbox: SandboxDep, *, project: ProjectDep) -> JSONResponse:
    """The transcript object as it stands."""
    job = sandbox.find_job(job_id, project=project)
    printed = await read_through(sandbox.jobs, job, fault=request.scope.get(FAULT))
    return JSONResponse(printed, headers=RECOGNISER if job.recognised else None)


@router.get("/transcript/{job_id}/sentences")
async def sentences(job_id: str, sandbox: SandboxDep, *, project: ProjectDep) -> dict[str, Any]:
    """The sentences of a completed transcript."""
    return print_sentences(sandbox.find_job(job_id, project=project))


@router.get("/transcript/{job_id}/paragraphs")
async def paragraphs(job_id: str, sandbox: SandboxDep, *, project: ProjectDep) -> dict[str, Any]:
    """The paragraphs of a completed transcript."""
    return print_paragraphs(sandbox.find_job(job_id, project=project))


@router.get("/transcript/{job_id}/srt")
async def srt(job_id: str, request: Request, sandbox: SandboxDep, *, project: ProjectDep) -> Response:
    """The captions of a completed transcript."""
    words = print_completed(sandbox.find_job(job_id, project=project))["words"]
    chars = read_chars(request.query_params.get("chars_per_caption"))
    return Response(print_srt(words, chars=chars), media_type="text/plain")


@router.get("/transcript/{job_id}/vtt")
async def vtt(job_id: str, request: Request, sandbox: SandboxDep, *, project: ProjectDep) -> Response:
    """The captions of a completed transcript, as WebVTT."""
    words = print_completed(sandbox.find_job(job_id, project=project))["words"]
    chars = read_chars(request.query_params.get("chars_per_caption"))
    return Response(print_vtt(words, chars=chars), media_type="text/plain")


@router.get("/transcript/{job_id}/word-search")
async def word_search(job_id: str, request: Request, sandbox: SandboxDep, *, project: ProjectDep) -> dict[str, Any]:
    """Where words are said in a completed transcript."""
    printed = print_completed(sandbox.find_job(job_id, project=project))
    return {"id": printed["id"], **search_words(printed["words"], request.query_params.get("words", ""))}


@router.delete("/transcript/{job_id}")
async def delete(job_id: str, request: Request, sandbox: SandboxDep, *, project: ProjectDep) -> dict[str, Any]:
    """Delete words and upload; the stub answers now and later, and a second time."""
    job = sandbox.find_job(job_id, project=project)
    return await delete_through(sandbox.jobs, job, fault=request.scope.get(FAULT))
