"""Case A26: a frame whose page or browser keeps the microphone from it says so beside the way out."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route, expect

from tests.browser.screen import Desk, Screen
from tests.fixtures.peers import Chart

ALLOWED = 'frame.allow = "microphone; autoplay";'
WORDS = "This frame may not use the microphone; a window of its own can."


def open_panel(desk: Desk, chart: Chart, *, allow: str) -> Screen:
    """The scribe in the chart's panel; the EHR's page gives the frame the permissions of `allow`."""
    context = desk.seat(viewport={"width": 1280, "height": 900})
    context.grant_permissions(["microphone", "clipboard-read", "clipboard-write"])

    def change(route: Route) -> None:
        script = route.fetch().text()
        assert ALLOWED in script
        route.fulfill(body=script.replace(ALLOWED, f'frame.allow = "{allow}";'), content_type="text/javascript")

    context.route("**/static/ehr.js", change)
    return desk.launch_in_panel(chart.admit(), context=context)


@pytest.mark.parametrize(("allow", "blocked"), [("autoplay", True), ("microphone; autoplay", False)])
def test_a26_a_frame_that_may_not_use_the_microphone_says_so(
    desk: Desk, chart: Chart, allow: str, blocked: bool
) -> None:
    screen = open_panel(desk, chart, allow=allow)
    expect(screen.find("[data-window]")).to_be_visible()
    told = screen.find("[data-microphone]")
    if blocked:
        expect(told).to_have_text(WORDS)
        expect(told).to_be_visible()
    else:
        assert screen.place.evaluate("() => document.featurePolicy.allowsFeature('microphone')")
        expect(told).to_be_hidden()


def test_a26_a_window_of_its_own_says_nothing_of_the_microphone(desk: Desk, chart: Chart) -> None:
    screen = desk.launch(chart.admit())
    expect(screen.find("[data-microphone]")).to_be_hidden()
