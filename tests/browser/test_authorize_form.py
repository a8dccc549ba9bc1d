"""The way to the EHR by form: in the panel and in a window, with the small script and without (requirement 52)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml
from connector_sandbox.stack import TENANT, Stack
from playwright.sync_api import Browser, expect

from tests.browser.screen import Desk
from tests.fixtures.peers import Chart
from tests.fixtures.stack import OpenStack


@pytest.fixture(scope="module")
def posting_stack(open_stack: OpenStack) -> Iterator[Stack]:
    """A stack whose registration wants the authorization request by POST."""
    with open_stack() as stack:
        path = stack.private / "registrations" / f"{TENANT}.yaml"
        registration = {**yaml.safe_load(path.read_text(encoding="utf-8")), "authorize_method": "post"}
        path.write_text(yaml.safe_dump(registration), encoding="utf-8")
        stack.children["web"].stop()
        stack.start_web()
        yield stack


@pytest.fixture
def posting(chromium: Browser, posting_stack: Stack) -> Iterator[Desk]:
    opened = Desk(chromium, posting_stack)
    yield opened
    complaints = [line for screen in opened.screens for line in screen.complaints]
    opened.close()
    assert complaints == []


def test_the_form_sends_itself_in_the_ehrs_panel(posting: Desk, chart: Chart) -> None:
    """Another site's frame, our policy: only the EHR's own origin may be sent to, and it comes back here."""
    screen = posting.launch_in_panel(chart.admit())
    expect(screen.find(".banner__name")).to_be_visible()


def test_without_scripts_the_button_sends_it(posting: Desk, chart: Chart) -> None:
    screen = posting.tab(java_script_enabled=False)
    screen.page.goto(posting.launch_address(chart.admit()))
    screen.expect_heading("On to the EHR")
    assert "state=" not in screen.page.url
    screen.press("Continue")
    screen.wait_for(lambda: "/v/" in screen.page.url)
