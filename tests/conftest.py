"""What every test has: sockets shut but for loopback and unix, and the servers that are started once a run."""

import os
import runpy
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.fixtures.database import database, empty_database, engine, make_database, pattern_database, postgres
from tests.fixtures.hapi import hapi_base, hapi_with_patients
from tests.fixtures.product import compose_product, product, product_folder, product_settings
from tests.fixtures.stack import chart, clinic, ehr, open_stack, shared_stack, stack, vendor

__all__ = [
    "chart",
    "clinic",
    "compose_product",
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
    "product",
    "product_folder",
    "product_settings",
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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows what the connector's own processes logged last, where a test on the shared stack fails."""
    report = yield
    arguments = getattr(item, "funcargs", {})
    stack = arguments.get("stack") or getattr(arguments.get("clinic"), "stack", None)
    if report.failed and stack is not None:
        for name in ("web", "worker"):
            if not stack.children[name].log.exists():
                continue
            lines = stack.children[name].output().splitlines()[-25:]
            report.sections.append((f"log of {name}", "\n".join(lines)))
    return report
