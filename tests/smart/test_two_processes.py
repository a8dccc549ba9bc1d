"""Two processes that need a refresh of the same launch at once: one flight, and both go on with what it brought.

Case A21.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from connector.app import Composition
from tests.house.tree import ROOT
from tests.smart.drafted import sit_down
from tests.smart.scribe import PUBLIC, OpenScribe
from tests.smart.strict_ehr import StrictEhr
from tests.smart.test_withdrawn import refreshes

ROUNDS = 4


class Other:
    """Another process of the product, which waits at a barrier."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def hear(self) -> dict[str, object]:
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), 60)
        told: dict[str, object] = json.loads(line)
        return told

    def go(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"go\n")


@asynccontextmanager
async def another(composition: Composition, folder: Path, launch_id: str) -> AsyncIterator[Other]:
    settings = composition.settings
    environment = os.environ | {
        "CONNECTOR_DATABASE_URL": settings.database_url or "",
        "CONNECTOR_STATE_FOLDER": str(settings.state_folder),
        "CONNECTOR_REGISTRATIONS_FOLDER": str(folder),
        "CONNECTOR_PUBLIC_BASE_URL": PUBLIC,
    }
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.smart.refreshing", launch_id, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe
    )
    try:
        yield Other(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), 30) == 0


async def test_a21_two_processes_that_need_a_refresh_at_once_make_one(
    ehr: StrictEhr, open_scribe: OpenScribe, composition: Composition, tmp_path: Path
) -> None:
    scribe = open_scribe(ehr)
    ehr.records["Patient/p1"] = {"resourceType": "Patient", "id": "p1"}
    async with scribe.browser() as browser, AsyncExitStack() as stack:
        desk = await sit_down(scribe, browser, ehr)
        both = [await stack.enter_async_context(another(composition, tmp_path, desk.launch_id)) for _ in range(2)]
        assert [await one.hear() for one in both] == [{"ready": True}] * 2
        for _ in range(ROUNDS):
            # Whatever they hold is worth nothing any more, and the renewal takes long enough for both to want it.
            ehr.access_tokens.clear()
            ehr.behaviour.seconds = 0.5
            before, heard = refreshes(ehr), len(ehr.heard)
            for one in both:
                one.go()
            assert [await one.hear() for one in both] == [{"told": 200}] * 2
            assert refreshes(ehr) - before == 1
            (token,) = ehr.access_tokens
            bearers = [one.headers.get("authorization") for one in ehr.heard[heard:] if one.method == "GET"]
            assert bearers.count(f"Bearer {token}") == 2
    assert ehr.flaws == []
