"""One worker process: DBOS, its lease, and the recovery of others' work. In: parts and an address. Out: work done.

Recovery is level-triggered: every beat looks for pending work of executors whose lease ran out, and for what lapsed
and may be kept no longer, so that a sweep that was missed is made up by the next.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer

from connector.store.executors import Executors
from connector.worker.workflows import APPLICATION, APPLICATION_VERSION, QUEUE

_log = structlog.get_logger("connector.worker")
_SLOTS = 200
_THREADS = 8
"""What blocks for a moment: DBOS's own statements, files, names looked up. No workflow and no step needs a thread."""


@dataclass(frozen=True)
class WorkerSetting:
    """How one worker runs: `lease` in seconds, `poll` seconds between looks into the queue."""

    executor_id: str
    libpq_url: str
    lease: float
    poll: float


def dbos_config(setting: WorkerSetting) -> DBOSConfig:
    """DBOS's configuration: JSON instead of pickle, a pinned version, no telemetry, no console."""
    return DBOSConfig(
        name=APPLICATION,
        system_database_url=setting.libpq_url,
        application_version=APPLICATION_VERSION,
        executor_id=setting.executor_id,
        serializer=DBOSPortableJSONSerializer(),
        enable_otlp=False,
        log_level="ERROR",
        notification_listener_polling_interval_sec=0.5,
        notification_coalesce_sec=0.1,
        max_executor_threads=_THREADS,
    )


async def run_worker(
    setting: WorkerSetting,
    executors: Executors,
    *,
    clock: Callable[[], datetime],
    stop: asyncio.Event,
    sweep: Callable[[], Awaitable[None]],
) -> None:
    """Works until `stop` is set, and calls `sweep` at every beat, a third of the lease apart.

    Workflows must be registered on a DBOS made with `dbos_config` before.
    """
    logging.getLogger("dbos").addFilter(_without_exceptions)
    await executors.beat(setting.executor_id, at=clock(), term=setting.lease)
    DBOS.launch()
    await DBOS.register_queue_async(
        QUEUE, worker_concurrency=_SLOTS, polling_interval_sec=setting.poll, on_conflict="always_update"
    )
    _log.info("worker.ready", executor=setting.executor_id)
    try:
        while not stop.is_set():
            await executors.beat(setting.executor_id, at=clock(), term=setting.lease)
            await _recover(setting, executors, clock())
            await sweep()
            await _wait(stop, setting.lease / 3)
    finally:
        await asyncio.to_thread(DBOS.destroy, workflow_completion_timeout_sec=0)
        await executors.leave(setting.executor_id)


async def _recover(setting: WorkerSetting, executors: Executors, now: datetime) -> None:
    alive = await executors.alive(at=now)
    pending = await DBOS.list_workflows_async(status="PENDING", load_input=False, load_output=False)
    dead = sorted({row.executor_id for row in pending if row.executor_id} - alive)
    if dead:
        _log.info("worker.recovering", executors=len(dead))
        await asyncio.to_thread(DBOS._recover_pending_workflows, dead)


async def forget_finished(*, before: datetime) -> int:
    """Deletes finished workflows older than `before` from DBOS's own tables; returns how many."""
    done = await DBOS.list_workflows_async(
        status=["SUCCESS", "ERROR", "CANCELLED"], completed_before=before.isoformat(), load_input=False
    )
    await DBOS.delete_workflows_async([row.workflow_id for row in done])
    return len(done)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


def retention(now: datetime) -> datetime:
    """Finished workflows are kept a day, for the operator who looks into yesterday."""
    return now - timedelta(days=1)


def _without_exceptions(record: logging.LogRecord) -> bool:
    """Keeps exception texts, which could hold anything, out of DBOS's log lines."""
    record.exc_info, record.exc_text, record.args = None, None, None
    record.msg = "a workflow reported a problem"
    return True
