"""In: a browser's request. Out: one page that lists uploads, jobs, redacted sound and completions, and what is deleted.

Never shows a word of a transcript, a note or a prompt; renews itself, so that a person can watch deletion happen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from connector_sandbox.assemblyai.jobs import Job
from connector_sandbox.assemblyai.parts import KeptCompletion, Sandbox, SandboxDep
from connector_sandbox.assemblyai.uploads import Upload
from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from jinja2 import Environment, StrictUndefined

router = APIRouter()
MOST_ROWS = 100
_TEMPLATE = Path(__file__).with_name("jobs.html")
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}


@dataclass(frozen=True)
class Row:
    """One line; the last cell says what has become of it."""

    cells: tuple[str, ...]
    gone: bool


@dataclass(frozen=True)
class Table:
    """One list of the page, newest first, and how many older lines were left out."""

    key: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    left_out: int
    held: int


@router.get("/sandbox/jobs")
async def show_jobs(sandbox: SandboxDep) -> HTMLResponse:
    """The page."""
    page = print_page(make_tables(sandbox, now=datetime.now(UTC)))
    return HTMLResponse(page, headers=_HEADERS)


def print_page(tables: list[Table]) -> str:
    """The page as HTML; every value is escaped."""
    held = [f"{table.held} of {len(table.rows) + table.left_out} {table.title.lower()}" for table in tables]
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(_TEMPLATE.read_text("utf-8"))
    total = sum(table.held for table in tables)
    return template.render(tables=tables, held=total, summary=f"Held now: {', '.join(held)}.")


def make_tables(sandbox: Sandbox, *, now: datetime) -> list[Table]:
    """The lists as they stand at `now`."""
    jobs = sandbox.jobs.everybodys()
    uploads = list(reversed(sandbox.uploads.listed()))
    completions = list(reversed(sandbox.completions.items()))
    return [
        _table("Uploads", ("Upload", "Project", "Size", "Came", "Now"), [_upload(one, now) for one in uploads]),
        _table(
            "Transcripts",
            ("Transcript", "Project", "Of upload", "Submitted", "Job", "Webhook", "Now"),
            [_job(one, now) for one in jobs],
        ),
        _table(
            "Redacted recordings",
            ("Recording", "Project", "Of transcript", "Ready", "Now"),
            [_redacted(sandbox, one, now=now) for one in jobs if one.redacted_audio is not None],
        ),
        _table(
            "Completions",
            ("Request", "Project", "Answered by", "Came", "Now"),
            [_completion(request_id, one, now=now) for request_id, one in completions],
        ),
    ]


def _table(title: str, columns: tuple[str, ...], rows: list[Row]) -> Table:
    held = sum(not row.gone for row in rows)
    shown = tuple(rows[:MOST_ROWS])
    return Table(title.split()[0].lower(), title, columns, shown, len(rows) - len(shown), held)


def _upload(upload: Upload, now: datetime) -> Row:
    name = urlsplit(upload.url).path.rpartition("/")[2]
    cells = (name, upload.project[:8], _size(upload.size), _ago(upload.at, now))
    return Row((*cells, "held" if upload.present else _deleted(upload.gone, now)), not upload.present)


def _job(job: Job, now: datetime) -> Row:
    upload = urlsplit(job.submission.audio_url).path.rpartition("/")[2][:8]
    called = "" if not job.submission.body.get("webhook_url") else str(job.webhook_status_code or "not answered yet")
    cells = (job.id, job.project[:8], upload or "—", _ago(job.created, now), job.status, called or "—")
    return Row((*cells, _deleted(job.deleted_at, now) if job.deleted else "held"), job.deleted)


def _redacted(sandbox: Sandbox, job: Job, *, now: datetime) -> Row:
    audio = job.redacted_audio
    if audio is None:
        raise ValueError("a job without redacted sound has no such line")
    state = sandbox.redacted.state(audio)
    cells = (audio.name, job.project[:8], job.id[:8], _ago(audio.at, now) if audio.at else "not yet")
    return Row((*cells, {"ready": "held", "pending": "being made"}.get(state, "deleted")), state == "gone")


def _completion(request_id: str, kept: KeptCompletion, *, now: datetime) -> Row:
    cells = (request_id, kept.project[:8], kept.model, _ago(kept.at, now))
    return Row((*cells, _deleted(kept.gone, now) if kept.gone else "held"), kept.gone is not None)


def _deleted(at: datetime | None, now: datetime) -> str:
    return f"deleted {_ago(at, now)}" if at else "deleted"


def _ago(at: datetime, now: datetime) -> str:
    seconds = max(0, int((now - at).total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago"


def _size(count: int) -> str:
    return f"{count / 1_000_000:.1f} MB" if count >= 100_000 else f"{count / 1000:.1f} kB"
