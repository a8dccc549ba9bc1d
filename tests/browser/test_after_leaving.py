"""Case D7: after leaving, and behind the lock, neither the back button nor any cache shows the patient.

In a browser that keeps whole pages for the back button as well, which the tests' usual one does not.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from connector_sandbox.stack import Stack
from connector_sandbox.toolchain import find_chromium
from playwright.sync_api import Browser, Page, expect

from connector.store.database import start_embedded
from tests.browser.conftest import ARGUMENTS
from tests.browser.screen import Desk, Screen
from tests.fixtures.peers import Chart

FAMILY = "Backwater"
_CACHED = """async (address) => {
    try { return (await fetch(address, {cache: "only-if-cached", mode: "same-origin"})).status; }
    catch (error) { return error.name; }
}"""


@pytest.fixture(scope="module")
def keeping(chromium: Browser) -> Iterator[Browser]:
    """A browser that keeps whole pages for the back button, as people's browsers do."""
    browser = chromium.browser_type.launch(
        executable_path=find_chromium(), args=ARGUMENTS, ignore_default_args=["--disable-back-forward-cache"]
    )
    yield browser
    browser.close()


@pytest.fixture(params=["kept pages", "read again"])
def seat(request: pytest.FixtureRequest, keeping: Browser, chromium: Browser, stack: Stack) -> Iterator[Desk]:
    """Tabs in one of the two browsers. What pages complain of is told by each test, since refusals are wanted here."""
    desk = Desk(keeping if request.param == "kept pages" else chromium, stack)
    yield desk
    desk.close()


def wander(desk: Desk, chart: Chart) -> tuple[Screen, list[str]]:
    """The visit, its list of visits and the visit again: three pages with the patient's name in one tab's history."""
    screen = desk.launch(chart.admit(family=FAMILY))
    page, visit = screen.page, screen.page.url
    expect(screen.find(".banner__name")).to_contain_text(FAMILY)
    screen.place.get_by_role("link", name="My visits").click()
    screen.expect_heading("My visits")
    expect(screen.find(".work")).to_contain_text(FAMILY)
    page.get_by_role("link", name="Back to the visit").click()
    screen.expect_heading("Prepare the visit")
    return screen, [visit, f"{visit}/visits", f"{visit}/status", f"{visit}/context"]


def expect_nothing(page: Page) -> None:
    """No patient in the page, seen or unseen, nor in its title."""
    page.wait_for_load_state("load")
    page.wait_for_timeout(200)
    assert FAMILY not in page.content() and FAMILY not in page.title()


def test_d07_after_leaving_back_forward_and_caches_show_nobody(seat: Desk, chart: Chart) -> None:
    screen, addresses = wander(seat, chart)
    page = screen.page
    screen.press("Leave")
    screen.expect_heading("You have left")
    expect_nothing(page)
    assert {page.evaluate(_CACHED, address) for address in addresses} == {"TypeError"}
    for _ in range(3):
        page.go_back()
        expect_nothing(page)
        expect(page.locator("h1")).to_have_text("Not found")
    for _ in range(2):
        page.go_forward()
        expect_nothing(page)
    for address in addresses[:2]:
        page.goto(address)
        expect_nothing(page)


def test_d07_another_window_of_the_visit_shows_nobody_soon_after_leaving(desk: Desk, chart: Chart) -> None:
    """By itself: it asks how the visit stands every half a minute."""
    screen, (visit, *_) = wander(desk, chart)
    other = desk.tab(screen.page.context)
    other.page.goto(visit)
    expect(other.find(".banner__name")).to_contain_text(FAMILY)
    screen.press("Leave")
    screen.expect_heading("You have left")
    other.expect_heading("Not found", seconds=45)
    expect_nothing(other.page)
    assert all("404" in line for line in other.complaints)
    other.complaints.clear()


def test_d07_behind_the_lock_back_and_forward_show_nobody(seat: Desk, stack: Stack, chart: Chart) -> None:
    screen, addresses = wander(seat, chart)
    page = screen.page
    pass_an_hour(stack, addresses[0])
    page.reload()
    screen.expect_heading("Hidden after a pause")
    expect_nothing(page)
    for move in (page.go_back, page.go_back, page.go_forward):
        move()
        expect_nothing(page)
    assert {page.evaluate(_CACHED, address) for address in addresses} == {"TypeError"}


def test_d07_the_control_the_browser_does_keep_pages_and_files(keeping: Browser, stack: Stack, chart: Chart) -> None:
    """On the EHR's pages, which forbid neither: a page comes back as it was left, and a file out of the cache."""
    page = Desk(keeping, stack).tab().page
    page.goto(f"{stack.addresses.ehr}/patients/{chart.admit(family=FAMILY)}")
    page.evaluate("() => { window.kept = true; }")
    page.goto(f"{stack.addresses.ehr}/")
    assert page.evaluate(_CACHED, "/static/ehr.css") == 200
    page.go_back(wait_until="commit")
    assert page.evaluate("() => window.kept") is True
    page.context.close()


def pass_an_hour(stack: Stack, visit: str) -> None:
    """Nobody was there for an hour: the launch was last seen that long ago."""
    with psycopg.connect(start_embedded(stack.folder).libpq, autocommit=True) as connection:
        statement = (
            "UPDATE launches SET seen_at = coalesce(seen_at, created_at) - interval '1 hour' WHERE launch_id = %s"
        )
        assert connection.execute(statement, (visit.rsplit("/", 1)[1],)).rowcount == 1
