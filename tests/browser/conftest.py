"""Chromium for the browser tests: started once a module, one profile a test. No test may leave a complaint behind."""

import threading
from collections.abc import Iterator

import pytest
from connector_sandbox.stack import Stack
from connector_sandbox.toolchain import find_chromium
from playwright.sync_api import Browser, sync_playwright

from tests.browser.lair import Lair, LairPage
from tests.browser.screen import Desk

# Nothing of the machine but loopback is there for it, and a sound may start without a hand on the mouse.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser of one module: as long as it lives, its driver's event loop stands in the way of every other one."""
    path = find_chromium()
    assert path is not None, "install Chromium, or name it in CHROMIUM"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def desk(chromium: Browser, stack: Stack) -> Iterator[Desk]:
    """Tabs of one test. Whatever a page complained of, and no test took off its list, fails the test."""
    opened = Desk(chromium, stack)
    yield opened
    complaints = [line for screen in opened.screens for line in screen.complaints]
    opened.close()
    assert complaints == []


@pytest.fixture
def lair() -> Iterator[Lair]:
    """A hostile server on the EHR's own site."""
    server = Lair(("127.0.0.1", 0), LairPage)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
