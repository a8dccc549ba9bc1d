"""How many threads a worker has, however much it does at once: the durable engine itself, on a database."""

from __future__ import annotations

import asyncio
import threading

from dbos import DBOS

from connector.store.database import DatabaseAddress
from connector.worker.runner import WorkerSetting, dbos_config

AT_ONCE = 60
MOST = 8


async def work_at_once(address: DatabaseAddress, count: int) -> tuple[int, int]:
    """Workflows of two steps, all under way together: how many ended well, and the engine's threads for what blocks."""
    DBOS(config=dbos_config(WorkerSetting("test", address.libpq, 3.0, 0.2)))
    under_way, all_there = 0, asyncio.Event()

    @DBOS.step(name="test_step")
    async def meet() -> int:
        nonlocal under_way
        under_way += 1
        if under_way == count:
            all_there.set()
        await all_there.wait()
        return await asyncio.to_thread(lambda: 1)

    @DBOS.workflow(name="test_workflow")
    async def meet_all() -> int:
        return await meet()

    try:
        DBOS.launch()
        handles = [await DBOS.start_workflow_async(meet_all) for _ in range(count)]
        ended = sum(await asyncio.gather(*(handle.get_result() for handle in handles)))
        threads = sum(one.name.startswith("dbos-executor") for one in threading.enumerate())
    finally:
        await asyncio.to_thread(DBOS.destroy, destroy_registry=True)
    return ended, threads


def test_workflows_that_wait_for_each_other_share_a_handful_of_threads(empty_database: DatabaseAddress) -> None:
    ended, threads = asyncio.run(work_at_once(empty_database, AT_ONCE))
    assert ended == AT_ONCE
    assert 0 < threads <= MOST
