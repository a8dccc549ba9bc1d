"""One process of two that need the same launch's access at once. In: a launch id, signals on stdin. Out: lines of JSON.

Started by tests/smart/test_two_processes.py with the product's settings in its environment.
"""

from __future__ import annotations

import asyncio
import json
import sys

from connector.app import compose
from connector.errors import ConnectorError
from connector.logs import start_logging
from connector.settings import Settings
from connector.visit.access import open_ehr


async def _main(launch_id: str) -> None:
    start_logging()
    async with compose(Settings()) as composition:
        row = await composition.parts.sessions.find_launch(launch_id)
        assert row is not None
        ehr = open_ehr(composition.parts, row)
        print(json.dumps({"ready": True}), flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            try:
                told: object = (await ehr.chart().read("Patient/p1", {})).status
            except ConnectorError as error:
                told = error.slug
            print(json.dumps({"told": told}), flush=True)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
