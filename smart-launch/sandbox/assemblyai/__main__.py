"""In: the command line. Out: a sandbox AssemblyAI on loopback until it is stopped. Never prints what it is sent."""

from __future__ import annotations

import argparse
from pathlib import Path

import uvicorn
from connector_sandbox.assemblyai.app import create_app
from connector_sandbox.assemblyai.settings import Controls, SandboxSettings


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGINT or SIGTERM."""
    wanted = _read_arguments(arguments)
    settings = SandboxSettings(
        state=wanted.state,
        keys=tuple(wanted.key),
        largest_upload=wanted.largest_upload,
        concurrent_jobs=wanted.places,
        recognises=not wanted.no_recogniser,
    )
    controls = Controls(
        queue_seconds=wanted.queue_seconds,
        process_seconds=wanted.process_seconds,
        webhook_spacing=wanted.webhook_spacing,
        llm_delete_status=wanted.llm_delete_status,
    )
    uvicorn.run(
        create_app(settings, controls=controls),
        host=wanted.host,
        port=wanted.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
    )


def _read_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m connector_sandbox.assemblyai",
        description="A sandbox AssemblyAI: plays back the bundled visits, recognises other speech badly or not at all.",
    )
    defaults = Controls()
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback only)")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True, help="folder for uploads; emptied at start and end")
    parser.add_argument("--key", action="append", default=[], help="an accepted API key, may be repeated; any if none")
    parser.add_argument("--queue-seconds", type=float, default=defaults.queue_seconds)
    parser.add_argument("--process-seconds", type=float, default=defaults.process_seconds)
    parser.add_argument("--webhook-spacing", type=float, default=defaults.webhook_spacing, help="seconds between tries")
    parser.add_argument("--llm-delete-status", type=int, choices=(200, 204, 404), default=defaults.llm_delete_status)
    parser.add_argument("--largest-upload", type=int, default=SandboxSettings.largest_upload, help="bytes")
    parser.add_argument("--places", type=int, default=SandboxSettings.concurrent_jobs, help="jobs heard at a time")
    parser.add_argument("--no-recogniser", action="store_true", help="other speech is an error")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
