"""Readings of charts that go on behind the pages: one at a time per visit. In: requests. Out: what was kept.

Nothing is lost when the process dies: the next request of the visit begins the reading again.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from fastapi import FastAPI, Request

from connector.store.reach import Reach, narrowed
from connector.visit.arriving import OpenedLaunch
from connector.visit.parts import Parts
from connector.visit.priming import Primed, complete_chart, is_unfinished, prime
from connector.visit.states import State
from connector.web.session import Session
from connector.web.visit_facts import VisitFacts

_log = structlog.get_logger("connector.web.reading")
_PRIMING = "priming "


async def prime_visit(request: Request, session: Session, *, patience: float) -> Primed | None:
    """Reads the chart once per visit in the background, and waits up to `patience` seconds; what it kept, if anything.

    Nothing is lost when the process dies: the next request of a visit still LAUNCHED starts the reading again.
    """
    tasks: dict[str, asyncio.Task[Any]] = request.app.state.priming
    task = tasks.get(session.row.visit_id)
    if task is not None and not task.get_name().startswith(_PRIMING):
        task = None
    mine = f"{_PRIMING}{session.row.launch_id}"
    if task is None and (await session.parts.visits.row(session.row.visit_id)).state != State.LAUNCHED:
        return None
    if task is None:
        task = _begin_priming(request, session)
    if patience or task.done():
        await asyncio.wait({task}, timeout=patience)
        if task.done() and not task.cancelled() and task.exception() is not None and task.get_name() != mine:
            # Another launch's access came to its end; this one's may be good.
            _begin_priming(request, session)
        elif task.done() and isinstance(kept := task.result(), Primed):
            return kept
    return None


def _begin_priming(request: Request, session: Session) -> asyncio.Task[Any]:
    tasks: dict[str, asyncio.Task[Any]] = request.app.state.priming
    visit_id = session.row.visit_id
    task = asyncio.create_task(prime(session.parts, session.row), name=f"{_PRIMING}{session.row.launch_id}")
    tasks[visit_id] = task
    task.add_done_callback(lambda done: _put_away(tasks, visit_id, done))
    return task


def keep_reading(app: FastAPI, parts: Parts, opened: OpenedLaunch) -> None:
    """Takes a reading that was begun while its visit was being opened on to its end, whoever asks for the page."""
    if opened.ahead is None or opened.row is None:
        return
    tasks: dict[str, asyncio.Task[Any]] = app.state.priming
    with narrowed(Reach(tenant=opened.row.tenant, visit_id=opened.visit_id)):
        task = asyncio.create_task(
            prime(parts, opened.row, facts=opened.facts, ahead=opened.ahead), name=f"{_PRIMING}{opened.launch_id}"
        )
    tasks[opened.visit_id] = task
    task.add_done_callback(lambda done: _put_away(tasks, opened.visit_id, done))


def read_on(request: Request, session: Session, facts: VisitFacts) -> None:
    """Reads the rest of the chart behind the page, once at a time per visit; nothing waits for it.

    Nothing is lost when the process dies: the next request of a visit with a part unread starts the reading again.
    """
    tasks: dict[str, asyncio.Task[Any]] = request.app.state.priming
    visit_id = session.row.visit_id
    if visit_id in tasks or not is_unfinished(facts.row, facts.context):
        return
    task = asyncio.create_task(complete_chart(session.parts, session.row))
    tasks[visit_id] = task
    task.add_done_callback(lambda done: _put_away(tasks, visit_id, done))


async def settle(app: FastAPI, *, patience: float = 2.0) -> None:
    """Lets the readings under way end within `patience` seconds, then ends them: their visits read them again."""
    tasks = list(app.state.priming.values())
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=patience)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)


def _put_away(tasks: dict[str, asyncio.Task[Any]], visit_id: str, done: asyncio.Task[Any]) -> None:
    if tasks.get(visit_id) is done:
        del tasks[visit_id]
    if not done.cancelled() and (error := done.exception()) is not None:
        _log.warning("chart.not-completed", visit_id=visit_id, kind=type(error).__name__)
