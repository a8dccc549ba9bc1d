"""Case A26: a browser that keeps the scribe's cookies from it inside the EHR's panel, and one that does not."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from connector_sandbox.stack import Stack
from connector_sandbox.toolchain import find_chromium
from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser.conftest import ARGUMENTS
from tests.browser.screen import DESK, PANEL, Desk, Screen
from tests.fixtures.peers import Chart

BLOCK = 2
Seat = Callable[..., BrowserContext]


@pytest.fixture
def seat(chromium: Browser, stack: Stack, tmp_path: Path) -> Iterator[Seat]:
    """Opens a browser that blocks third-party cookies; with `wholly` none of the scribe's live in the EHR's page."""
    opened: list[BrowserContext] = []

    def open_(*, wholly: bool) -> BrowserContext:
        profile: dict[str, object] = {"cookie_controls_mode": 1, "block_third_party_cookies": True}
        if wholly:
            pair = f"{stack.addresses.connector},{stack.addresses.ehr}"
            profile["content_settings"] = {"exceptions": {"cookies": {pair: {"setting": BLOCK}}}}
        folder = tmp_path / "profile"
        (folder / "Default").mkdir(parents=True)
        (folder / "Default" / "Preferences").write_text(json.dumps({"profile": profile}), encoding="utf-8")
        context = chromium.browser_type.launch_persistent_context(
            folder, executable_path=find_chromium(), args=ARGUMENTS, viewport=DESK
        )
        context.set_default_timeout(20_000)
        opened.append(context)
        return context

    yield open_
    for context in opened:
        context.close()


def open_panel(desk: Desk, stack: Stack, context: BrowserContext, patient: str) -> Screen:
    """The scribe's frame in the chart, wherever it has come to."""
    screen = desk.tab(context)
    screen.page.goto(f"{stack.addresses.ehr}/patients/{patient}")
    screen.page.get_by_role("button", name="Launch scribe").click()
    frame = screen.page.wait_for_selector("#scribe-panel").content_frame()
    assert frame is not None
    screen.visit = frame
    return screen


def test_a26_blocked_third_party_cookies_leave_the_panel_at_work(
    desk: Desk, stack: Stack, seat: Seat, chart: Chart
) -> None:
    """The control: a cookie that is Partitioned lives where others are blocked, and the launch takes no detour."""
    screen = open_panel(desk, stack, seat(wholly=False), chart.admit())
    screen.expect_heading("Prepare the visit")


def test_a26_a_panel_without_cookies_opens_a_window(desk: Desk, stack: Stack, seat: Seat, chart: Chart) -> None:
    screen = open_panel(desk, stack, seat(wholly=True), chart.admit())
    screen.expect_heading("Open the scribe in a window")
    expect(screen.find(".banner__name")).to_have_count(0)
    for size in (DESK, PANEL):
        screen.page.set_viewport_size(size)
        assert screen.faults() == []
    with screen.page.context.expect_page() as opened:
        screen.place.get_by_role("link", name="Open in a window").click()
    window = Screen(opened.value)
    window.expect_heading("Prepare the visit")
    window.press("Patient agrees")
    expect(window.find(".answer")).to_be_visible()
    with screen.page.context.expect_page() as again:
        screen.place.get_by_role("link", name="Open in a window").click()
    Screen(again.value).expect_heading("This launch was refused")
