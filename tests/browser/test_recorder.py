"""The recorder in a window of its own: what is recorded becomes a note, and what is not captured is marked."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.microphones import (
    begin_recording,
    clock,
    expect_phase,
    length_of,
    listening_chromium,
    open_recorder,
    press_control,
    record_for,
    seat,
)
from tests.browser.screen import PANEL, Desk, Screen
from tests.browser.test_accessibility import expect_faultless
from tests.fixtures.peers import Chart


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser with a microphone."""
    with listening_chromium(tmp_path_factory.mktemp("microphone")) as browser:
        yield browser


def finish(screen: Screen, recorder: Screen) -> None:
    recorder.press("Finish")
    expect_phase(recorder, "finished", seconds=30)
    screen.expect_heading("Review the note")


def forgive(screen: Screen, words: str) -> None:
    """Takes what the browser says of a connection or an answer off the list of complaints."""
    assert all(words in line for line in screen.complaints), screen.complaints
    screen.complaints.clear()


def marks(screen: Screen) -> list[str]:
    return [text.strip() for text in screen.find("#pane-transcript .mark").all_inner_texts()]


def test_a_visit_is_recorded_with_pauses_that_are_marked_and_finished(desk: Desk, chart: Chart) -> None:
    screen, recorder = begin_recording(desk, chart.admit())
    record_for(recorder, 22)
    assert recorder.page.title().startswith("● Recording 00:2")
    assert "Waters" not in recorder.page.title()
    assert str(recorder.page.locator("link[rel=icon]").get_attribute("href")).endswith("recording.svg")
    expect(recorder.find("[data-meter]")).not_to_have_attribute("aria-valuenow", "0")
    press_control(recorder, "Pause")
    expect_phase(recorder, "paused")
    expect(screen.find("#record")).to_contain_text("Paused.", timeout=10_000)
    stood = clock(recorder)
    recorder.page.wait_for_timeout(2500)
    assert clock(recorder) == stood
    recorder.press("Off the record")
    expect(recorder.find("[data-words]")).to_have_text("Off the record. Nothing is recorded.")
    recorder.page.wait_for_timeout(1500)
    press_control(recorder, "Back on the record")
    record_for(recorder, 15)
    finish(screen, recorder)
    told = marks(screen)
    assert any("Paused for" in one for one in told), told
    assert any("Off the record" in one for one in told), told
    expect(screen.find("[data-turn]").nth(1)).to_be_attached()


def test_a_reload_leaves_only_its_own_gap_and_says_so(desk: Desk, chart: Chart) -> None:
    screen, recorder = begin_recording(desk, chart.admit())
    record_for(recorder, 18)
    asked: list[str] = []
    recorder.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    recorder.page.reload()
    assert asked == ["beforeunload"]
    expect(recorder.find("[data-words]")).to_have_text("Interrupted. Nothing is recorded.")
    assert clock(recorder) >= 17
    press_control(recorder, "Go on recording")
    expect_phase(recorder, "recording")
    record_for(recorder, 15)
    finish(screen, recorder)
    told = marks(screen)
    assert len(told) == 1, told
    assert "missing here" in told[0]


def test_a_cut_connection_loses_nothing(desk: Desk, chart: Chart) -> None:
    screen, recorder = begin_recording(desk, chart.admit())
    record_for(recorder, 6)
    recorder.page.context.set_offline(True)
    record_for(recorder, 14)
    expect(recorder.find("[data-kept]")).to_contain_text("are kept in this browser and sent by themselves")
    expect_phase(recorder, "recording")
    recorder.page.context.set_offline(False)
    expect(recorder.find("[data-kept]")).to_have_text("All sound is stored safely.", timeout=20_000)
    record_for(recorder, 8)
    seconds = clock(recorder)
    finish(screen, recorder)
    assert marks(screen) == []
    assert abs(length_of(screen) - seconds) < 3
    for one in (screen, recorder):
        forgive(one, "INTERNET_DISCONNECTED")


def test_after_a_reload_without_a_connection_what_was_kept_is_sent_first(desk: Desk, chart: Chart) -> None:
    screen, recorder = begin_recording(desk, chart.admit())
    record_for(recorder, 5)
    sent: list[str] = []

    def note(url: str) -> None:
        sent.append(url.rsplit("/", 3)[1] + " " + "/".join(url.rsplit("/", 3)[-2:]))

    recorder.page.context.route("**/chunks/*", lambda route: route.abort("connectionreset"))
    record_for(recorder, 10)
    recorder.page.on("dialog", lambda dialog: dialog.accept())
    recorder.page.on("request", lambda one: note(one.url) if one.method in ("PUT", "POST") else None)
    recorder.page.reload()
    recorder.page.context.unroute("**/chunks/*")
    expect(recorder.find("[data-kept]")).to_have_text("All sound is stored safely.", timeout=30_000)
    expect(recorder.find("[data-words]")).to_have_text("Interrupted. Nothing is recorded.")
    held = recorder.page.evaluate(
        "fetch(document.getElementById('main').dataset.base + '/recorder/watch').then((answer) => answer.json())"
    )
    assert held["sound"]["seconds"] >= 13
    assert len(sent) >= 9, sent
    recorder.press("Finish")
    expect_phase(recorder, "finished", seconds=30)
    screen.expect_heading("Review the note")
    for one in (screen, recorder):
        forgive(one, "CONNECTION_RESET")


def test_what_was_stopped_is_forgotten_here_and_at_the_service(desk: Desk, chart: Chart) -> None:
    screen, recorder = begin_recording(desk, chart.admit())
    record_for(recorder, 3)
    recorder.press("Stop and forget")
    expect(recorder.find("dialog")).to_contain_text("cannot be brought back")
    expect_phase(recorder, "paused")
    recorder.page.keyboard.press("Escape")
    expect_phase(recorder, "recording")
    recorder.press("Stop and forget")
    recorder.find("[data-dialog-yes]").click()
    expect_phase(recorder, "forgotten")
    left = recorder.page.evaluate(
        """new Promise((tell) => { indexedDB.open("scribe-recorder").onsuccess = ({ target }) => {
            const asked = target.result.transaction("slices").objectStore("slices").count();
            asked.onsuccess = () => tell(asked.result);
        }; })"""
    )
    assert left == 0
    screen.expect_heading("Prepare the visit")
    expect(screen.find("[data-record-open]")).to_have_text("Record")


def test_the_microphone_is_checked_without_anything_leaving_the_browser(desk: Desk, chart: Chart) -> None:
    screen = desk.launch(chart.admit(), context=seat(desk))
    screen.press("Patient agrees")
    recorder = open_recorder(desk, screen)
    sent: list[str] = []
    recorder.page.on("request", lambda one: sent.append(one.url) if one.method != "GET" else None)
    recorder.press("Check it for 3 seconds")
    expect(recorder.find("[data-check-words]")).to_contain_text("this is what was heard", timeout=10_000)
    sound = recorder.find("[data-check-sound]")
    expect(sound).to_be_visible()
    assert str(sound.get_attribute("src")).startswith("blob:")
    assert sent == []
    expect(recorder.find("[data-microphones] option")).not_to_have_count(1)


def test_the_recorder_has_no_fault_in_any_phase_and_fits_a_panel(desk: Desk, chart: Chart) -> None:
    screen = desk.launch(chart.admit(), context=seat(desk))
    screen.press("Patient agrees")
    expect_faultless(screen)
    recorder = open_recorder(desk, screen)
    expect_phase(recorder, "ready")
    recorder.find("[value=call]").check()
    expect_faultless(recorder)
    recorder.page.set_viewport_size(PANEL)
    expect(recorder.find("[data-control]")).to_be_in_viewport()
    recorder.find("[data-control]").focus()
    recorder.page.keyboard.press("Space")
    expect_phase(recorder, "recording")
    expect(recorder.find("#said")).to_have_text("Recording.")
    expect(recorder.find("[data-sides]")).to_have_text("Only your side is recorded")
    expect_faultless(recorder)
    recorder.page.keyboard.press("Space")
    expect_phase(recorder, "paused")
    expect_faultless(recorder)
    recorder.press("Off the record")
    expect_faultless(recorder)
    recorder.page.set_viewport_size(PANEL)
    assert recorder.page.evaluate("document.documentElement.scrollWidth") <= PANEL["width"]
