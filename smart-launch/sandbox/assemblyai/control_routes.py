"""In: a test's wishes. Out: faults put in force, and what the sandbox has seen. Open to whoever reaches the port."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from connector_sandbox.assemblyai.faults import FaultRule
from connector_sandbox.assemblyai.parts import SandboxDep
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

router = APIRouter()


class ControlChange(BaseModel):
    """New values for some of the controls; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    queue_seconds: float = Field(default=0, ge=0)
    process_seconds: float = Field(default=0, ge=0)
    webhook_spacing: float = Field(default=0, ge=0)
    llm_delete_status: int = Field(default=200, ge=200, le=599)
    upload_seconds: float = Field(default=0, ge=0)
    transcript_seconds: float = Field(default=0, ge=0)
    completions_per_minute: int = Field(default=1, ge=1)
    gateway_envelope: Literal["current", "nested"] = "current"
    failing_models: tuple[str, ...] = ()
    jobs_held: bool = False
    redaction_seconds: float = Field(default=0, ge=0)
    redacted_audio_seconds: float = Field(default=0, ge=0)
    link_seconds: float = Field(default=0, ge=0)
    unknown_id_status: Literal[400, 404] = 404


@router.get("/health")
async def health() -> dict[str, str]:
    """Up, and what this is."""
    return {"status": "ok", "sandbox": "assemblyai"}


@router.post("/sandbox/faults")
async def set_faults(rules: list[FaultRule], sandbox: SandboxDep) -> dict[str, int]:
    """Add rules to those in force."""
    return {"rules": sandbox.faults.add(rules)}


@router.get("/sandbox/faults")
async def list_faults(sandbox: SandboxDep) -> dict[str, Any]:
    """The rules in force and how many requests each has met."""
    return {"faults": sandbox.faults.listed()}


@router.delete("/sandbox/faults", status_code=204)
async def clear_faults(sandbox: SandboxDep) -> None:
    """Take every rule away."""
    sandbox.faults.clear()


@router.get("/sandbox/requests")
async def list_requests(sandbox: SandboxDep) -> dict[str, Any]:
    """Every request so far, oldest first."""
    return {"requests": sandbox.journal.listed()}


@router.delete("/sandbox/requests", status_code=204)
async def clear_requests(sandbox: SandboxDep) -> None:
    """Forget every request so far."""
    sandbox.journal.clear()


@router.get("/sandbox/uploads")
async def list_uploads(sandbox: SandboxDep) -> dict[str, Any]:
    """Every upload, with `present` false once it is deleted."""
    sandbox.jobs.expire()
    uploads = [
        {
            "upload_url": upload.url,
            "size": upload.size,
            "sha256": upload.sha256,
            "at": upload.at.isoformat(),
            "present": upload.present,
        }
        for upload in sandbox.uploads.listed()
    ]
    return {"uploads": uploads}


@router.get("/sandbox/controls")
async def read_controls(sandbox: SandboxDep) -> dict[str, Any]:
    """The controls as they stand."""
    return asdict(sandbox.controls)


@router.patch("/sandbox/controls")
async def change_controls(change: ControlChange, sandbox: SandboxDep) -> dict[str, Any]:
    """Change some controls; the new state."""
    for name, value in change.model_dump(exclude_unset=True).items():
        setattr(sandbox.controls, name, value)
    return asdict(sandbox.controls)
