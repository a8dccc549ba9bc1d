"""What every test has: sockets shut but for loopback and unix, and the servers that are started once a run."""

import os
import runpy
from pathlib import Path

from tests.fixtures.database import database, empty_database, engine, make_database, pattern_database, postgres
from tests.fixtures.hapi import hapi_base, hapi_with_patients
from tests.fixtures.stack import chart, clinic, ehr, open_stack, shared_stack, stack, vendor

__all__ = [
    "chart",
    "clinic",
    "database",
    "ehr",
    "empty_database",
    "engine",
    "hapi_base",
    "hapi_with_patients",
    "make_database",
    "open_stack",
    "pattern_database",
    "postgres",
    "shared_stack",
    "stack",
    "vendor",
]

_GUARD = Path(__file__).parent / "fixtures" / "network_guard"


def pytest_configure() -> None:
    """Shuts the network here, and in every Python process the tests will start."""
    runpy.run_path(str(_GUARD / "sitecustomize.py"))
    inherited = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(_GUARD), *([inherited] if inherited else [])])
