"""In: a test's wish that an upload were older. Out: an upload as the vendor's become after a day or two: gone."""

from __future__ import annotations

from connector_sandbox.assemblyai.parts import SandboxDep
from connector_sandbox.assemblyai.refusals import Refused
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

router = APIRouter()


class Expiry(BaseModel):
    """Which upload; all of them where none is named."""

    model_config = ConfigDict(extra="forbid")

    upload_url: str | None = None


@router.post("/sandbox/control/expire_upload")
async def expire_upload(wanted: Expiry, sandbox: SandboxDep) -> dict[str, int]:
    """Let uploads end now: jobs sent from them fail with the vendor's download error."""
    uploads = sandbox.uploads.listed()
    if wanted.upload_url is not None:
        uploads = [upload for upload in uploads if upload.url == wanted.upload_url]
        if not uploads:
            raise Refused(404, "Not found")
    present = [upload for upload in uploads if upload.present]
    for upload in present:
        sandbox.uploads.remove(upload.url)
    return {"expired": len(present)}
