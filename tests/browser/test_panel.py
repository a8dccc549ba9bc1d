"""In the EHR's side panel: a frame of another site, 420 pixels wide, with cookies and sound of its own."""

from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.browser.screen import Desk, Screen
from tests.fixtures.peers import Chart


def width(screen: Screen) -> list[int]:
    """How wide the frame is, and how wide its page would like to be."""
    return [int(size) for size in screen.place.evaluate("[innerWidth, document.documentElement.scrollWidth]")]


def test_a_visit_is_recorded_reviewed_and_filed_in_the_ehrs_panel(desk: Desk, chart: Chart) -> None:
    screen = desk.launch_in_panel(chart.admit())
    outer, inner = urlsplit(screen.page.url), urlsplit(screen.place.url)
    assert outer.hostname != inner.hostname
    expect(screen.find(".banner__name")).to_be_visible()
    screen.bring_in("billie")
    screen.expect_heading("Review the note")
    shown, wanted = width(screen)
    assert wanted <= shown <= 480
    sentence = screen.find("[data-sentence]").first
    sentence.locator("a[data-text]").click()
    expect(sentence.locator("[data-quotes]")).to_contain_text("Patient:")
    screen.wait_for(lambda: not screen.player()[0])
    screen.find("[data-attest]").check()
    screen.find("[data-sign-button]").click()
    screen.expect_heading("Filed in the EHR")
    assert width(screen)[1] <= shown


def test_two_tabs_hold_note_and_transcript_and_a_sentence_leads_from_one_to_the_other(desk: Desk, chart: Chart) -> None:
    screen = desk.launch_in_panel(chart.admit())
    screen.bring_in("billie")
    screen.expect_heading("Review the note")
    note, said = screen.find("[data-tab=note]"), screen.find("[data-tab=transcript]")
    expect(note).to_have_attribute("aria-selected", "true")
    expect(screen.find("[data-turn]").first).to_be_hidden()
    note.focus()
    screen.page.keyboard.press("ArrowRight")
    expect(said).to_be_focused()
    expect(said).to_have_attribute("aria-selected", "true")
    expect(screen.find("[data-turn]").first).to_be_visible()
    expect(screen.find("[data-sentence]").first).to_be_hidden()
    screen.page.keyboard.press("Home")
    expect(screen.find("[data-sentence]").first).to_be_visible()
    screen.sentence("134/86").locator("a[data-text]").click()
    screen.press("Show in what was said")
    turn = screen.find(".turn--lit")
    expect(turn).to_be_in_viewport()
    expect(turn).to_be_focused()
    expect(turn).to_contain_text("blood pressure is 134 over 86")


def test_a_frame_that_may_not_use_the_clipboard_still_copies(desk: Desk, chart: Chart) -> None:
    screen = desk.launch_in_panel(chart.admit())
    screen.press("Patient declines")
    screen.place.get_by_label("What happened in the visit").fill("Cough for three days.\nPlan: rest.")
    screen.press("Draft the note")
    screen.expect_heading("Review the note")
    screen.press("Copy")
    expect(screen.find("#said")).to_have_text("The note is copied.")
    assert "Cough" in str(screen.page.evaluate("navigator.clipboard.readText()"))


def test_a_panel_pulled_wide_shows_both_columns_at_once(desk: Desk, chart: Chart) -> None:
    screen = desk.drafted(chart.admit(), viewport={"width": 420, "height": 860})
    expect(screen.find("[data-turn]").first).to_be_hidden()
    screen.page.set_viewport_size({"width": 1280, "height": 860})
    expect(screen.find("[data-turn]").first).to_be_visible()
    expect(screen.find("[data-sentence]").first).to_be_visible()
    expect(screen.find("[data-tabs]")).to_be_hidden()
