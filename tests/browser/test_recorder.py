"""The recorder: from the card of a visit to a drafted note, in a window of its own, with a microphone that plays."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.microphones import expect_phase, listening_chromium, open_recorder, press_control, record_for, seat
from tests.browser.screen import Desk
from tests.fixtures.peers import Chart


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser with a microphone."""
    with listening_chromium(tmp_path_factory.mktemp("microphone")) as browser:
        yield browser


def test_a_visit_is_recorded_in_a_window_of_its_own_and_finished(desk: Desk, chart: Chart) -> None:
    screen = desk.launch(chart.admit(), context=seat(desk))
    screen.press("Patient agrees")
    recorder = open_recorder(desk, screen)
    press_control(recorder, "Record")
    expect_phase(recorder, "recording")
    record_for(recorder, 20)
    recorder.press("Finish")
    expect_phase(recorder, "finished", seconds=30)
    screen.expect_heading("Review the note")
