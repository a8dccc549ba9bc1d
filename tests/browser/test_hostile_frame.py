"""Case A25: a page of another origin that frames ours gets nothing; the EHR's own pages do.

The hostile pages stand on the EHR's own site, where a panel's partitioned cookie goes along: without the policy they
would show the patient. The last test holds the cookie, the second one that the frame shows the visit where it may.
"""

from __future__ import annotations

import time
from urllib.parse import quote

import pytest
from connector_sandbox.stack import Stack
from playwright.sync_api import BrowserContext, Frame, Page, expect

from tests.browser.lair import Lair
from tests.browser.screen import Desk, Screen
from tests.fixtures.peers import Chart

FAMILY = "Framedale"
NOTHING = "chrome-error://chromewebdata/"
_PUT_IN = """(address) => {
    const frame = document.createElement("iframe");
    frame.src = address;
    document.body.replaceChildren(frame);
}"""


@pytest.fixture
def panel(desk: Desk, chart: Chart) -> Screen:
    """A visit in the EHR's panel; its cookie is in this profile."""
    return desk.launch_in_panel(chart.admit(family=FAMILY))


def frame_in(context: BrowserContext, around: str, address: str) -> tuple[Page, list[str]]:
    """The real page `around` with `address` in a frame, and what the browser says on its console."""
    page, told = context.new_page(), list[str]()
    page.on("console", lambda message: told.append(message.text))
    page.goto(around)
    with page.expect_event("frameattached"):
        page.evaluate(_PUT_IN, address)
    return page, told


def innermost(page: Page) -> Frame:
    return page.frames[-1]


def expect_refused(page: Page, told: list[str]) -> None:
    """Because of the policy, and with nothing of ours in any frame."""
    until = time.monotonic() + 20
    while innermost(page).url != NOTHING or not any("frame-ancestors" in line for line in told):
        assert time.monotonic() < until, (innermost(page).url, told)
        page.wait_for_timeout(50)
    assert all(FAMILY not in frame.content() and "Scribe" not in frame.content() for frame in page.frames)


def test_a25_a_foreign_origin_frames_no_page_of_ours(
    panel: Screen, desk: Desk, stack: Stack, chart: Chart, lair: Lair
) -> None:
    """Pages with a patient on them, refusals, and a launch that is still good."""
    own, visit = stack.addresses.connector, panel.place.url
    tried = (
        visit,
        f"{visit}/visits",
        f"{own}/launch?iss={quote(stack.addresses.ehr + '/fhir', safe='')}",
        f"{own}/launch/callback/sandbox?state=unknown&code=x",
        f"{own}/nowhere",
        desk.launch_address(chart.admit(family=FAMILY)),
    )
    for address in tried:
        page, told = frame_in(panel.page.context, lair.origin, address)
        expect_refused(page, told)
        page.close()


def test_a25_the_ehrs_own_origin_frames_the_visit_and_its_refusals(panel: Screen, stack: Stack) -> None:
    context, around = panel.page.context, f"{stack.addresses.ehr}/"
    visit, _ = frame_in(context, around, panel.place.url)
    expect(innermost(visit).locator("h1")).to_have_text("Prepare the visit")
    expect(innermost(visit).locator(".banner__name")).to_contain_text(FAMILY)
    iss = quote(f"{stack.addresses.ehr}/fhir", safe="")
    refused, _ = frame_in(context, around, f"{stack.addresses.connector}/launch?iss={iss}")
    expect(innermost(refused).locator("h1")).to_have_text("This launch was refused")


def test_a25_a_foreign_frame_between_the_ehr_and_us_shows_nothing(panel: Screen, stack: Stack, lair: Lair) -> None:
    """Every page around ours counts, not the outermost or the nearest alone."""
    lair.html = f'<iframe src="{panel.place.url}"></iframe>'
    page, told = frame_in(panel.page.context, f"{stack.addresses.ehr}/", lair.origin)
    expect_refused(page, told)
    assert len(page.frames) == 3


def test_a25_the_control_the_visits_cookie_goes_along_into_the_foreign_frame(panel: Screen, lair: Lair) -> None:
    """Our answer is refused by its policy alone: the request came with the cookie that opens the visit, and was 200."""
    page, visit = panel.page.context.new_page(), panel.place.url
    page.goto(lair.origin)
    with page.expect_response(visit) as answered:
        page.evaluate(_PUT_IN, visit)
    assert answered.value.status == 200
    assert "__Host-visit-" in answered.value.request.all_headers()["cookie"]
