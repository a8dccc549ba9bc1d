"""Asking, adding a person and taking it back on the page: wide and narrow, by keyboard, and without scripts."""

import pytest
from playwright.sync_api import expect

from tests.browser.screen import DESK, PANEL, Desk, Screen
from tests.fixtures.peers import Chart


def add_person(screen: Screen, button: str, *, role: str = "partner", label: str = "Sam") -> None:
    """One further person, noted on the card."""
    screen.find("#consent summary").filter(has_text="Add a person").click()
    screen.place.get_by_label("Who is it?").select_option(role)
    screen.place.get_by_label("Name or short description").fill(label)
    screen.press(button)


@pytest.mark.parametrize("size", [DESK, PANEL], ids=["wide", "narrow"])
def test_everybody_in_the_room_is_asked_before_a_recording(desk: Desk, chart: Chart, size: dict[str, int]) -> None:
    screen = desk.launch(chart.admit(), viewport=size)
    screen.press("Patient agrees")
    expect(screen.find(".answer")).to_contain_text("agreed to be recorded")
    add_person(screen, "Here, not asked yet")
    card = screen.find("#consent")
    expect(card).to_contain_text("Sam (partner) is here and was not asked yet")
    expect(card).to_contain_text("Here everybody has to agree before a recording.")
    expect(screen.find("[data-upload]")).to_have_count(0)
    assert screen.faults() == []
    assert screen.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    screen.place.get_by_role("button", name="Agrees: Sam (partner)").click()
    expect(card).to_contain_text("Sam (partner) agreed to be recorded")
    expect(screen.find("[data-upload]")).to_have_count(1)


def test_the_card_is_worked_with_the_keyboard_alone(desk: Desk, chart: Chart) -> None:
    screen = desk.launch(chart.admit())
    screen.press("Patient agrees")
    expect(screen.find(".answer")).to_contain_text("agreed to be recorded")
    fold = screen.find("#consent summary").filter(has_text="The patient no longer wants")
    fold.focus()
    keys = screen.page.keyboard
    keys.press("Enter")
    expect(screen.place.get_by_role("button", name="Patient withdraws")).to_be_visible()
    keys.press("Tab")
    keys.press("Tab")
    expect(screen.place.get_by_role("button", name="Patient withdraws")).to_be_focused()
    keys.press("Enter")
    expect(screen.find("#consent")).to_contain_text("The patient withdrew consent")


def test_a_draft_is_destroyed_by_a_withdrawal_without_scripts(desk: Desk, chart: Chart) -> None:
    """Recorded with scripts, taken back in a browser that runs none: by a plain form that says what it destroys."""
    screen = desk.drafted(chart.admit())
    plain = desk.tab(java_script_enabled=False)
    plain.page.context.add_cookies(screen.page.context.cookies())  # type: ignore[arg-type]
    plain.page.goto(screen.page.url)
    plain.find("#consent summary").filter(has_text="The patient no longer wants").click()
    expect(plain.find("#consent")).to_contain_text("This destroys the recording, its transcript and the draft")
    plain.press("Patient withdraws")
    plain.expect_heading("Prepare the visit")
    expect(plain.find("#consent")).to_contain_text("Destroyed: the recording, its transcript and the draft")
    expect(plain.find("#consent")).to_contain_text("Nobody can read it any more")
    plain.complaints.clear()
    screen.complaints.clear()
