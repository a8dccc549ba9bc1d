"""In: command line or test. Out: how one sandbox behaves. Never read from the environment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SandboxSettings:
    """What is fixed for the life of a sandbox.

    `keys`: the accepted API keys, each a project of its own; empty accepts any key. `largest_upload` in bytes.
    `recognises`: whether other speech than the bundled visits is recognised, where PocketSphinx is installed.
    """

    state: Path
    keys: tuple[str, ...] = ()
    largest_upload: int = 2_200_000_000
    concurrent_jobs: int = 2
    recognises: bool = True


@dataclass
class Controls:
    """What a test may change while the sandbox runs; times in seconds, `llm_delete_status` is 200, 204 or 404.

    Uploads end after `upload_seconds`, the words of a transcript `transcript_seconds` after it was completed; 0: never.
    `completions_per_minute` are for a project and a model, `gateway_envelope` is current or nested (an older shape of
    errors), `failing_models` are those whose provider fails. While `jobs_held`, no job ends.
    """

    queue_seconds: float = 0.3
    process_seconds: float = 0.3
    webhook_spacing: float = 10.0
    llm_delete_status: int = 200
    upload_seconds: float = 0.0
    transcript_seconds: float = 0.0
    completions_per_minute: int = 10_000
    gateway_envelope: str = "current"
    failing_models: tuple[str, ...] = ()
    jobs_held: bool = False
    redaction_seconds: float = 0.3
    redacted_audio_seconds: float = 86_400.0
    link_seconds: float = 1_800.0
    unknown_id_status: int = 404
