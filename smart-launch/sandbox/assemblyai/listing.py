"""In: a project's jobs, newest first, and the query of GET /v2/transcript. Out: one page of the list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from connector_sandbox.assemblyai.jobs import Job
from connector_sandbox.assemblyai.refusals import Refused
from connector_sandbox.assemblyai.transcript import DELETED_URL, print_time

STATUSES = ("queued", "processing", "completed", "error")


@dataclass(frozen=True)
class ListQuery:
    """What was asked for; ids bound the page on both sides, `created_on` is a date."""

    limit: int = 10
    status: str | None = None
    created_on: str | None = None
    before_id: str | None = None
    after_id: str | None = None


def read_query(query: dict[str, str]) -> ListQuery:
    """Refused (400) for a limit outside 1 to 200 or an unknown status; unknown names are ignored."""
    limit = query.get("limit", "10")
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit) <= 200):
        raise Refused(400, '"limit" must be between 1 and 200')
    status = query.get("status") or None
    if status is not None and status not in STATUSES:
        raise Refused(400, f'"status" must be one of: {", ".join(STATUSES)}')
    rest = {name: query.get(name) or None for name in ("created_on", "before_id", "after_id")}
    return ListQuery(limit=int(limit), status=status, **rest)


def print_page(jobs: list[Job], query: ListQuery, *, base_url: str) -> dict[str, Any]:
    """Newest first. `prev_url` leads to older jobs and `next_url` to newer ones, as the vendor has it."""
    fitting = [job for job in jobs if _fits(job, query)]
    first, last = _bounds(jobs, query)
    places = {job.id: place for place, job in enumerate(jobs)}
    within = [job for job in fitting if first <= places[job.id] < last]
    # Going forward in time, a page is the oldest of the newer jobs; else it is the newest of what is left.
    page = within[-query.limit :] if query.after_id and not query.before_id else within[: query.limit]
    newer = any(places[job.id] < places[page[0].id] for job in fitting) if page else False
    older = any(places[job.id] > places[page[-1].id] for job in fitting) if page else False
    address = f"{base_url.rstrip('/')}/v2/transcript"
    return {
        "page_details": {
            "limit": query.limit,
            "result_count": len(page),
            "current_url": _url(address, query, before_id=query.before_id, after_id=query.after_id),
            "prev_url": _url(address, query, before_id=page[-1].id) if older else None,
            "next_url": _url(address, query, after_id=page[0].id) if newer else None,
        },
        "transcripts": [_print_row(job, address) for job in page],
    }


def _fits(job: Job, query: ListQuery) -> bool:
    on_day = query.created_on is None or job.created.date().isoformat() == query.created_on
    return on_day and query.status in (None, job.status)


def _bounds(jobs: list[Job], query: ListQuery) -> tuple[int, int]:
    """The stretch of the whole list between the ids of the query, neither of them included."""
    places = {job.id: place for place, job in enumerate(jobs)}
    for bound in (query.before_id, query.after_id):
        if bound is not None and bound not in places:
            raise Refused(400, "Transcript lookup error, transcript id not found")
    first = places[query.before_id] + 1 if query.before_id else 0
    last = places[query.after_id] if query.after_id else len(jobs)
    return first, last


def _print_row(job: Job, address: str) -> dict[str, Any]:
    return {
        "id": job.id,
        "resource_url": f"{address}/{job.id}",
        "status": job.status,
        "created": print_time(job.created),
        "completed": print_time(job.completed),
        "audio_url": DELETED_URL if job.deleted else job.submission.audio_url,
        "error": job.error,
    }


def _url(address: str, query: ListQuery, *, before_id: str | None = None, after_id: str | None = None) -> str:
    wanted = {
        "limit": query.limit,
        "status": query.status,
        "created_on": query.created_on,
        "before_id": before_id,
        "after_id": after_id,
    }
    return f"{address}?{urlencode({name: value for name, value in wanted.items() if value is not None})}"
