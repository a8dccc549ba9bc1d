"""In: requests for redacted sound. Out: where it is, as the vendor says it, and the file behind a link."""

from __future__ import annotations

from connector_sandbox.assemblyai.parts import ProjectDep, SandboxDep
from connector_sandbox.assemblyai.redacted_audio import READY
from connector_sandbox.assemblyai.refusals import Refused
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, JSONResponse

router = APIRouter()
TYPES = {"mp3": "audio/mpeg", "wav": "audio/wav"}
# The words of the store behind the links, not of the API.
_DENIED = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>{why}</Message></Error>'


@router.get("/v2/transcript/{job_id}/redacted-audio")
async def find(job_id: str, request: Request, sandbox: SandboxDep, *, project: ProjectDep) -> JSONResponse:
    """A fresh link (200), not yet (202), or never, and no more (400)."""
    job = sandbox.find_job(job_id, project=project)
    redaction = job.submission.redaction
    if redaction is None or redaction.audio is None:
        raise Refused(400, "Redacted audio was not requested for this transcript")
    audio = job.redacted_audio
    if job.deleted or job.status == "error" or (audio is not None and sandbox.redacted.state(audio) == "gone"):
        raise Refused(400, "The redacted audio of this transcript has expired or does not exist")
    if audio is None or sandbox.redacted.state(audio) == "pending":
        return JSONResponse({"status": "processing"}, status_code=202)
    link = sandbox.redacted.link(audio, base_url=str(request.base_url))
    return JSONResponse({"status": READY, "redacted_audio_url": link})


@router.get("/redacted-audio/{name}")
async def download(name: str, sandbox: SandboxDep, *, expires: str = "", signature: str = "") -> Response:
    """The file, for whoever has a link that is still good."""
    audio = sandbox.redacted.open(name, expires=expires, signature=signature)
    if audio is None:
        return _deny("Request has expired")
    return FileResponse(audio.path, media_type=TYPES[audio.path.suffix[1:]])


@router.head("/redacted-audio/{name}")
async def refuse_head(name: str) -> Response:
    """Nothing about a file: a link is signed for GET alone."""
    del name
    return _deny("The request signature does not match")


def _deny(why: str) -> Response:
    return Response(_DENIED.format(why=why), status_code=403, media_type="application/xml")
