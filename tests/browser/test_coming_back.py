"""Coming back on the screen: after a pause, in another window, to the other visits; and giving a visit up."""

from playwright.sync_api import expect

from tests.browser.screen import Desk
from tests.fixtures.peers import Chart

# What the service answers after a pause (tests/journeys waits for a real one).
LOCKED = {"title": "Hidden after a pause", "detail": "Continue with one click.", "status": 423}


def test_an_edit_that_meets_the_lock_is_saved_after_one_press(desk: Desk, chart: Chart) -> None:
    screen = desk.launch(chart.admit())
    screen.press("Patient declines")
    screen.place.get_by_label("What happened in the visit").fill("Cough for three days.\nPlan: rest and fluids.")
    screen.press("Draft the note")
    screen.expect_heading("Review the note")
    screen.page.route("**/note", lambda route: route.fulfill(status=423, json=LOCKED), times=1)
    row = screen.find("[data-sentence]").first
    row.locator("[data-edit]").click()
    screen.page.keyboard.type(" Kept behind the lock.")
    screen.place.get_by_role("heading", name="Hidden after a pause").wait_for()
    assert not screen.find("main").is_visible()
    assert not screen.find(".banner__name").is_visible()
    expect(screen.place.get_by_role("button", name="Continue")).to_be_focused()
    screen.press("Continue")
    expect(row.locator("textarea")).to_be_focused()
    screen.page.keyboard.press("Enter")
    screen.expect_saved()
    expect(screen.find("[data-rendition]")).to_contain_text("Kept behind the lock.")
    assert all("423" in line for line in screen.complaints)
    screen.complaints.clear()


def test_the_visit_opens_in_a_window_of_its_own(desk: Desk, chart: Chart) -> None:
    screen = desk.launch_in_panel(chart.admit())
    with screen.page.expect_popup() as popup:
        screen.place.get_by_role("button", name="Open in a window of its own").click()
    expect(popup.value.locator("h1")).to_have_text("Prepare the visit")
    assert popup.value.url == screen.place.url
    expect(popup.value.get_by_role("link", name="My visits")).to_be_visible()
    expect(popup.value.get_by_role("button", name="Open in a window")).to_have_count(0)
    popup.value.get_by_role("button", name="Patient declines").click()
    expect(popup.value.locator(".answer")).to_contain_text("declined")


def test_the_other_visits_are_listed_and_lead_back(desk: Desk, chart: Chart) -> None:
    screen = desk.launch(chart.admit(family="Listman"))
    screen.place.get_by_role("link", name="My visits").click()
    screen.expect_heading("My visits")
    mine = screen.find(".work li").filter(has_text="Listman")
    expect(mine).to_contain_text("waiting for consent or recording")
    mine.get_by_role("link", name="Open").click()
    screen.expect_heading("Prepare the visit")


def test_a_visit_is_given_up_only_for_a_reason(desk: Desk, chart: Chart) -> None:
    screen = desk.launch(chart.admit())
    screen.find("summary").filter(has_text="Discard this visit").click()
    screen.press("Discard this visit")
    screen.expect_heading("Prepare the visit")
    screen.place.get_by_label("Wrong patient").check()
    screen.press("Discard this visit")
    screen.expect_heading("This visit was discarded")
    expect(screen.find("main")).to_contain_text("Nothing was filed")
