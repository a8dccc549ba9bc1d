"""One visit, one recorder: a second tab, a panel that is closed, a recorder that is gone, consent taken back."""

import time
from collections.abc import Iterator

import pytest
from connector_sandbox.stack import Stack
from playwright.sync_api import Browser, expect

from tests.browser.microphones import (
    clock,
    expect_phase,
    listening_chromium,
    open_recorder,
    press_control,
    record_for,
    seat,
)
from tests.browser.screen import Desk, Screen
from tests.fixtures.peers import Chart
from tests.fixtures.visits import encounter_of


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser with a microphone."""
    with listening_chromium(tmp_path_factory.mktemp("microphone")) as browser:
        yield browser


def record_from_panel(desk: Desk, chart: Chart) -> tuple[Screen, Screen, str]:
    """The panel of a patient, and the recorder opened from it: its window has none of the frame's cookies."""
    patient = chart.admit()
    panel = desk.launch_in_panel(patient, context=seat(desk))
    panel.press("Patient agrees")
    recorder = open_recorder(desk, panel)
    assert recorder.page.url.endswith("/recorder")
    press_control(recorder, "Record")
    expect_phase(recorder, "recording")
    return panel, recorder, patient


def launch_again(desk: Desk, stack: Stack, patient: str) -> Screen:
    """The same visit in a browser of its own: launched once more in its encounter."""
    again = desk.tab(seat(desk))
    again.page.goto(desk.launch_address(patient, encounter=encounter_of(stack, patient)))
    return again


def test_closing_the_panel_stops_nothing(desk: Desk, chart: Chart, stack: Stack) -> None:
    panel, recorder, patient = record_from_panel(desk, chart)
    expect(panel.find("#record")).to_contain_text("Recording goes on in its own window since", timeout=15_000)
    expect(panel.find("#record")).to_contain_text("last sound")
    panel.page.close()
    record_for(recorder, 20)
    recorder.press("Finish")
    expect_phase(recorder, "finished", seconds=30)
    launch_again(desk, stack, patient).expect_heading("Review the note")


def test_a_recorder_that_is_gone_is_missed_and_the_visit_finished_with_what_arrived(desk: Desk, chart: Chart) -> None:
    panel, recorder, _ = record_from_panel(desk, chart)
    record_for(recorder, 20)
    recorder.page.close()
    told = panel.find("[data-record-words]")
    expect(told).to_contain_text(
        "The recorder is not answering. Open it again, or finish with what has", timeout=30_000
    )
    expect(told).to_contain_text("s).")
    panel.press("Finish with what has arrived")
    panel.expect_heading("Review the note")


def test_a_recorder_that_was_closed_goes_on_in_a_new_window(desk: Desk, chart: Chart) -> None:
    panel, recorder, _ = record_from_panel(desk, chart)
    record_for(recorder, 8)
    recorder.page.close()
    expect(panel.find("[data-record-words]")).to_contain_text("is not answering", timeout=30_000)
    with panel.page.context.expect_page() as opened:
        panel.press("Open it again")
    again = desk.watch(opened.value)
    expect(again.find("[data-words]")).to_have_text("Interrupted. Nothing is recorded.")
    press_control(again, "Go on recording")
    expect_phase(again, "recording")
    assert clock(again) >= 7
    again.press("Finish")
    expect_phase(again, "finished", seconds=30)
    panel.expect_heading("Review the note")
    # The last piece may have been too short to be read: it is named, and costs nothing of the first.
    assert all("422" in line for line in again.complaints), again.complaints
    again.complaints.clear()


def test_a_second_tab_records_only_when_it_is_told_to_and_the_first_one_stops(desk: Desk, chart: Chart) -> None:
    screen = desk.launch(chart.admit(), context=seat(desk))
    screen.press("Patient agrees")
    first = open_recorder(desk, screen)
    press_control(first, "Record")
    expect_phase(first, "recording")
    record_for(first, 4)
    second = desk.tab(screen.page.context)
    second.page.goto(first.page.url)
    expect(second.find("[data-words]")).to_have_text("This visit is being recorded in another window")
    expect_phase(first, "recording")
    press_control(second, "Record here instead")
    expect_phase(second, "recording")
    expect_phase(first, "superseded", seconds=3)
    expect(first.find("[data-words]")).to_contain_text("Nothing is recorded here")
    record_for(second, 14)
    second.press("Finish")
    expect_phase(second, "finished", seconds=30)
    screen.expect_heading("Review the note")


def test_another_browser_is_told_that_the_visit_is_being_recorded_and_may_take_over(
    desk: Desk, chart: Chart, stack: Stack
) -> None:
    _, first, patient = record_from_panel(desk, chart)
    record_for(first, 4)
    other = launch_again(desk, stack, patient)
    other.expect_heading("Finish the recording")
    second = open_recorder(desk, other, "Show the recorder")
    expect(second.find("[data-words]")).to_have_text("This visit is being recorded in another window")
    press_control(second, "Record here instead")
    expect_phase(second, "recording")
    expect_phase(first, "superseded", seconds=4)


@pytest.mark.parametrize("resting", [False, True], ids=["recording", "paused"])
def test_consent_taken_back_in_the_panel_ends_capture_within_two_seconds(
    desk: Desk, chart: Chart, resting: bool
) -> None:
    panel, recorder, _ = record_from_panel(desk, chart)
    record_for(recorder, 3)
    if resting:
        press_control(recorder, "Pause")
        expect_phase(recorder, "paused")
    panel.find("#consent summary").filter(has_text="no longer wants").click()
    begun = time.monotonic()
    panel.press("Patient withdraws")
    expect_phase(recorder, "withdrawn", seconds=2)
    assert time.monotonic() - begun < 2.5
    expect(recorder.find("[data-control]")).to_be_hidden()
    tracks = recorder.page.evaluate("navigator.mediaDevices.enumerateDevices().then((all) => all.length)")
    assert tracks
    left = recorder.page.evaluate("indexedDB.databases().then((all) => all.length)")
    assert left == 1
    panel.expect_heading("Prepare the visit")
    for one in (panel, recorder):
        assert all("403" in line for line in one.complaints), one.complaints
        one.complaints.clear()


def test_consent_taken_back_in_the_recorder_reaches_the_visit(desk: Desk, chart: Chart) -> None:
    panel, recorder, _ = record_from_panel(desk, chart)
    record_for(recorder, 3)
    recorder.press("Patient withdraws")
    expect_phase(recorder, "paused")
    recorder.find("[data-dialog-yes]").click()
    expect_phase(recorder, "withdrawn", seconds=2)
    panel.expect_heading("Prepare the visit")
    expect(panel.find("#consent")).to_contain_text("withdrew")
    expect(panel.find("#record")).to_have_count(0)


def test_the_panel_itself_records_where_the_ehr_gave_it_the_microphone(desk: Desk, chart: Chart) -> None:
    panel = desk.launch_in_panel(chart.admit(), context=seat(desk))
    panel.press("Patient agrees")
    here = panel.find("[data-record-here]")
    expect(here).to_be_visible()
    here.locator("input").check()
    panel.press("Record")
    expect(panel.find("[data-recorder]")).to_be_visible()
    panel.expect_heading("Record the visit")
    press_control(panel, "Record")
    expect_phase(panel, "recording")
    record_for(panel, 18)
    panel.press("Finish")
    panel.expect_heading("Review the note")
