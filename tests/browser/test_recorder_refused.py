"""Where nothing can be recorded: a clear sentence, what to do, and the other ways. No microphone is pretended here."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.microphones import expect_phase, open_recorder, press_control
from tests.browser.screen import Desk, Screen
from tests.fixtures.peers import Chart

# What a browser answers where the machine of the test cannot be made to say it.
_ANSWERS = "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', '{name}'));"


def recorder_of(desk: Desk, chart: Chart, *, script: str = "") -> Screen:
    context = desk.seat()
    if script:
        context.add_init_script(script)
    screen = desk.launch(chart.admit(), context=context)
    screen.press("Patient agrees")
    return open_recorder(desk, screen)


def test_a_refused_microphone_is_explained_with_the_other_ways(desk: Desk, chart: Chart) -> None:
    recorder = recorder_of(desk, chart)
    press_control(recorder, "Record")
    told = recorder.find("[data-trouble]")
    expect(told).to_contain_text(re.compile("The microphone was refused|No microphone was found"))
    expect(told).to_contain_text("then press Record again")
    expect_phase(recorder, "ready")
    assert recorder.faults() == []
    told.get_by_role("link", name="Bring in a file, or type the visit").click()
    expect(recorder.find("#bring-in")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("NotAllowedError", "The microphone was refused"),
        ("NotFoundError", "No microphone was found"),
        ("NotReadableError", "The microphone is in use or does not answer"),
        ("AbortError", "The microphone did not start"),
    ],
)
def test_each_refusal_has_a_sentence_of_its_own(desk: Desk, chart: Chart, name: str, words: str) -> None:
    recorder = recorder_of(desk, chart, script=_ANSWERS.format(name=name))
    press_control(recorder, "Record")
    expect(recorder.find("[data-trouble] h2")).to_have_text(words)
    expect(recorder.find("[data-trouble]")).to_contain_text("You can also bring in a file or type the visit")
    press_control(recorder, "Record")
    expect(recorder.find("[data-trouble] h2")).to_have_text(words)


def test_a_browser_that_cannot_record_says_so_before_anything_is_pressed(desk: Desk, chart: Chart) -> None:
    recorder = recorder_of(desk, chart, script="delete window.MediaRecorder;")
    expect_phase(recorder, "unable")
    expect(recorder.find("[data-trouble] h2")).to_have_text("This browser cannot record")
    expect(recorder.find("[data-control]")).to_be_hidden()


def test_a_browser_that_cannot_share_a_tab_says_before_the_start_that_one_side_is_recorded(
    desk: Desk, chart: Chart
) -> None:
    recorder = recorder_of(desk, chart, script="delete MediaDevices.prototype.getDisplayMedia;")
    recorder.find("[value=call]").check()
    expect(recorder.find("[data-sides]")).to_have_text("Only your side is recorded")
    expect(recorder.find("[data-call]")).to_contain_text("this browser cannot record the sound of a tab")
    expect(recorder.find("[data-share]")).to_be_hidden()
    expect_phase(recorder, "ready")


def test_without_an_answer_of_the_patient_there_is_no_recorder(desk: Desk, chart: Chart) -> None:
    screen = desk.launch(chart.admit())
    expect(screen.find("#record")).to_have_count(0)
    screen.page.goto(f"{screen.page.url}/recorder")
    screen.expect_heading("Nothing is recorded here")
    expect(screen.find("main")).to_contain_text("Not everybody has been asked yet")
    expect(screen.find("[data-control]")).to_have_count(0)
