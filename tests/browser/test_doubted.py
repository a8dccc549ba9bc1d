"""The question before a draft and a refused recording, as a clinician meets them: heard, read, answered by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.screen import DESK, PANEL, Desk, Screen
from tests.fixtures.peers import Chart
from tests.fixtures.shared_data import clip_bytes


def ask(desk: Desk, chart: Chart, size: dict[str, int]) -> Screen:
    """Chasidy's visit brought into Billie's chart."""
    screen = desk.launch(chart.admit("billie"), viewport=size)
    screen.bring_in("chasidy")
    screen.expect_heading("One question before the note")
    return screen


@pytest.mark.parametrize("size", [DESK, PANEL], ids=["desk", "panel"])
def test_the_question_is_read_heard_and_answered(desk: Desk, chart: Chart, size: dict[str, int]) -> None:
    screen = ask(desk, chart, size)
    question = screen.find("#question")
    expect(question).to_contain_text("Prosacco")
    assert screen.faults() == []
    width = screen.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1], "nothing has to be scrolled sideways"
    question.locator("[data-play]").first.click()
    screen.wait_for(lambda: not screen.player()[0])
    screen.page.keyboard.press("Escape")
    screen.wait_for(lambda: screen.player()[0])
    yes = screen.place.get_by_role("button", name="It is this visit: draft the note")
    yes.focus()
    screen.page.keyboard.press("Enter")
    screen.expect_heading("Review the note")
    told = screen.find("#confirmed")
    expect(told).to_contain_text("confirmed that this recording is this visit")
    told.locator("summary").click()
    expect(told).to_contain_text("Prosacco")
    assert screen.faults() == []
    expect(screen.find("#until")).to_contain_text("until the note is filed")


def test_not_this_patients_recording_is_destroyed_only_after_a_second_step(desk: Desk, chart: Chart) -> None:
    screen = ask(desk, chart, PANEL)
    destroy = screen.place.get_by_role("button", name="Destroy this recording")
    expect(destroy).to_be_hidden()
    screen.find(".reason__no summary").click()
    destroy.click()
    screen.expect_heading("Prepare the visit")
    expect(screen.find("#sound-gone")).to_contain_text("it was not this patient's")
    expect(screen.find("audio")).to_have_count(0)


@pytest.mark.parametrize("size", [DESK, PANEL], ids=["desk", "panel"])
def test_a_refused_recording_is_listened_to_drafted_all_the_same_and_discarded(
    desk: Desk, chart: Chart, size: dict[str, int]
) -> None:
    screen = desk.launch(chart.admit("billie"), viewport=size)
    screen.press("Patient agrees")
    screen.choose({"name": "visit.mp3", "mimeType": "audio/mpeg", "buffer": clip_bytes("mumbling.mp3")})
    kept = screen.find("#kept")
    expect(kept).to_be_visible(timeout=60_000)
    expect(kept).to_contain_text("until you decide")
    assert screen.faults() == []
    screen.find("audio").evaluate("(audio) => audio.play()")
    screen.wait_for(lambda: screen.player()[1] > 0)
    screen.press("Draft from it anyway")
    screen.expect_heading("The draft is waiting")
    expect(screen.find("#attention")).to_contain_text("No usable draft came back")
    assert screen.faults() == []
    screen.press("Discard the recording")
    screen.expect_heading("Prepare the visit")
    expect(screen.find("#sound-gone")).to_contain_text("you discarded it")


def test_the_end_of_the_sound_is_told_beside_the_vendors_copies(desk: Desk, chart: Chart) -> None:
    screen = desk.drafted(chart.admit("billie"))
    screen.find("[data-attest]").check()
    screen.press("Sign and file")
    screen.expect_heading("Filed in the EHR")
    expect(screen.find("#own-recording")).to_contain_text("when the note was filed")
    expect(screen.find("audio")).to_have_count(0)
    assert screen.faults() == []
