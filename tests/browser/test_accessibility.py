"""For everybody: axe-core finds nothing on any page, and a visit can be done with the keyboard alone."""

from connector_sandbox.recordings import load_recording
from connector_sandbox.stack import Stack
from playwright.sync_api import expect

from tests.browser.screen import DESK, PANEL, Desk, Screen
from tests.fixtures.peers import Chart

# The element in focus, and whether a sighted person sees that it is. The browser draws the ring of its own player.
_FOCUS = """() => {
    const held = document.activeElement;
    const ring = held.closest(".drop__choose") || held;
    return [getComputedStyle(ring).outlineStyle !== "none" || held.matches("audio, body"), held.outerHTML.slice(0, 80)];
}"""


def expect_faultless(screen: Screen) -> None:
    """Wide in light colours, narrow in dark ones."""
    for size, scheme in ((DESK, "light"), (PANEL, "dark")):
        screen.page.set_viewport_size(size)
        screen.page.emulate_media(color_scheme=scheme)
        assert screen.faults() == []
    screen.page.set_viewport_size(DESK)


def walk_to(screen: Screen, selector: str) -> None:
    """Presses Tab until the element is in focus; every stop on the way must be visible."""
    for _ in range(200):
        screen.page.keyboard.press("Tab")
        visible, where = screen.page.evaluate(_FOCUS)
        assert visible, where
        if screen.find(selector).first.evaluate("(wanted) => wanted === document.activeElement"):
            return
    raise AssertionError(f"the keyboard does not reach {selector}")


def test_no_page_of_a_visit_has_a_fault(desk: Desk, chart: Chart) -> None:
    screen = desk.launch(chart.admit("billie"))
    expect_faultless(screen)
    for fold in screen.find("details > summary").all():
        fold.click()
    expect_faultless(screen)
    screen.bring_in("billie")
    screen.expect_heading("Review the note")
    screen.find("a[data-text]").first.click()
    screen.find("[data-sentence]").nth(3).locator("[data-edit]").click()
    expect_faultless(screen)
    screen.page.keyboard.press("Escape")
    screen.expect_saved()
    screen.find("[data-attest]").check()
    screen.find("[data-sign-button]").click()
    screen.expect_heading("Filed in the EHR")
    expect_faultless(screen)


def test_a_page_that_says_what_went_wrong_has_no_fault(desk: Desk, stack: Stack) -> None:
    screen = desk.tab()
    screen.page.goto(f"{stack.addresses.connector}/launch?iss=https%3A%2F%2Fehr.invalid%2Ffhir&launch=x")
    screen.expect_heading("This launch was refused")
    expect(screen.find("main")).to_contain_text("Support code")
    expect_faultless(screen)
    assert all("400" in line for line in screen.complaints)
    screen.complaints.clear()


def test_a_visit_is_done_with_the_keyboard_alone(desk: Desk, chart: Chart) -> None:
    screen = desk.launch(chart.admit())
    keys = screen.page.keyboard
    walk_to(screen, "button[value=given]")
    keys.press("Enter")
    expect(screen.find(".answer")).to_be_visible()
    walk_to(screen, "[data-upload-file]")
    with screen.page.expect_file_chooser() as chooser:
        keys.press("Space")
    chooser.value.set_files(load_recording("billie").audio)
    screen.expect_heading("Review the note")
    walk_to(screen, "a[data-text]")
    keys.press("Enter")
    expect(screen.find(".turn--lit").first).to_be_visible()
    keys.press("e")
    keys.type(" Noted.")
    keys.press("Enter")
    screen.expect_saved()
    walk_to(screen, "[data-rendition]")
    expect(screen.find("[data-rendition]")).to_contain_text("Noted.")
    walk_to(screen, "[data-attest]")
    keys.press("Space")
    walk_to(screen, "[data-sign-button]")
    keys.press("Enter")
    screen.expect_heading("Filed in the EHR")


def test_the_page_can_be_read_at_twice_its_size(desk: Desk, chart: Chart) -> None:
    """WCAG 1.4.10: 320 CSS pixels, which is 1280 at 400 per cent, without scrolling sideways."""
    screen = desk.drafted(chart.admit(), viewport={"width": 320, "height": 640})
    assert screen.page.evaluate("document.documentElement.scrollWidth") <= 320
