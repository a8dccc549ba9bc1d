"""Three real minutes at the microphone: a reload, a cut connection, a killed and a drained server. One note, filed.

Whatever befalls it, only the reload's own gap is missing, it is marked, and nothing was sent twice.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from connector_sandbox.stack import Stack
from playwright.sync_api import Browser, expect

from tests.browser.microphones import (
    begin_recording,
    clock,
    expect_phase,
    length_of,
    listening_chromium,
    press_control,
    record_for,
)
from tests.browser.screen import Desk, Screen
from tests.fixtures.peers import ONE_OF_EACH, Chart, SandboxVendor, text_of

SAFE = "All sound is stored safely."
# What a browser says of connections that are cut on purpose.
_CUT = ("INTERNET_DISCONNECTED", "CONNECTION_REFUSED", "CONNECTION_RESET", "EMPTY_RESPONSE", "SOCKET_NOT_CONNECTED")


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser with a microphone."""
    with listening_chromium(tmp_path_factory.mktemp("microphone")) as browser:
        yield browser


def forgive_cuts(*screens: Screen) -> None:
    for screen in screens:
        left = [line for line in screen.complaints if not any(words in line for words in _CUT)]
        screen.complaints[:] = left


@pytest.mark.timeout(420)
def test_three_minutes_with_a_reload_and_a_cut_become_a_note_in_the_ehr(
    desk: Desk, chart: Chart, vendor: SandboxVendor
) -> None:
    patient = chart.admit()
    screen, recorder = begin_recording(desk, patient)
    record_for(recorder, 60)
    recorder.page.on("dialog", lambda dialog: dialog.accept())
    recorder.page.reload()
    press_control(recorder, "Go on recording")
    expect_phase(recorder, "recording")
    record_for(recorder, 40)
    recorder.page.context.set_offline(True)
    record_for(recorder, 30)
    expect(recorder.find("[data-kept]")).to_contain_text("are kept in this browser")
    recorder.page.context.set_offline(False)
    expect(recorder.find("[data-kept]")).to_have_text(SAFE, timeout=30_000)
    record_for(recorder, 50)
    seconds = clock(recorder)
    assert seconds >= 180
    recorder.press("Finish")
    expect_phase(recorder, "finished", seconds=30)
    screen.expect_heading("Review the note")
    told = screen.find("#pane-transcript .mark").all_inner_texts()
    assert len(told) == 1 and "missing here" in told[0], told
    assert abs(length_of(screen) - seconds) < 3
    assert screen.find("[data-turn]").count() > 8
    assert len(vendor.uploads()) == len(vendor.jobs()) == 1
    screen.find("[name=attest]").check()
    screen.press("Sign and file")
    screen.expect_heading("Filed in the EHR")
    written = chart.notes_of(patient)
    assert {kind: len(found) for kind, found in written.items()} == ONE_OF_EACH
    assert "The patient gave verbal consent to recording" in text_of(written["DocumentReference"][0])
    forgive_cuts(screen, recorder)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "drained"])
def test_a_server_that_goes_and_comes_back_costs_no_sound(
    desk: Desk, chart: Chart, stack: Stack, how: signal.Signals
) -> None:
    screen, recorder = begin_recording(desk, chart.admit())
    record_for(recorder, 8)
    web = stack.children["web"]
    os.kill(web.pid, how)
    web.wait()
    record_for(recorder, 6)
    expect_phase(recorder, "recording")
    stack.start_web()
    expect(recorder.find("[data-kept]")).to_have_text(SAFE, timeout=40_000)
    record_for(recorder, 8)
    seconds = clock(recorder)
    recorder.press("Finish")
    expect_phase(recorder, "finished", seconds=30)
    screen.expect_heading("Review the note")
    assert screen.find("#pane-transcript .mark").count() == 0
    assert abs(length_of(screen) - seconds) < 3
    forgive_cuts(screen, recorder)
