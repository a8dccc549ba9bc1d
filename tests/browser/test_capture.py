"""Bringing a visit in: consent, upload, what cannot be used, and typing; all of it on one page that never reloads."""

import io
import wave
from typing import Any

from connector_sandbox.recordings import load_recording
from playwright.sync_api import Route, expect

from tests.browser.microphones import as_wave
from tests.browser.screen import Desk
from tests.fixtures.peers import Chart

RATE = 16_000


def silence() -> bytes:
    """Twenty seconds in which nobody speaks."""
    written = io.BytesIO()
    with wave.open(written, "wb") as made:
        made.setnchannels(1)
        made.setsampwidth(2)
        made.setframerate(RATE)
        made.writeframes(bytes(RATE * 2 * 20))
    return written.getvalue()


def wave_file(name: str) -> dict[str, Any]:
    """A bundled recording as a file a clinician chooses: three megabytes, so that it travels in several parts."""
    return {"name": f"{name}.wav", "mimeType": "audio/wav", "buffer": as_wave(name, rate=RATE)}


def test_consent_upload_transcription_and_draft_follow_each_other_on_one_page(desk: Desk, chart: Chart) -> None:
    screen = desk.launch(chart.admit())
    screen.page.evaluate("window.sameDocument = true")
    expect(screen.find("[data-upload]")).to_have_count(0)
    screen.press("Patient agrees")
    expect(screen.find(".answer")).to_contain_text("The patient agreed to be recorded")
    expect(screen.find("h1")).to_be_focused()
    screen.choose(load_recording("billie").audio)
    screen.expect_heading("Review the note")
    assert screen.page.evaluate("window.sameDocument") is True
    expect(screen.find("h1")).to_be_focused()
    expect(screen.find("#ribbon")).to_contain_text("Sandbox playback: a bundled script, not speech recognition")


def test_the_steps_show_what_is_done_and_what_is_going_on(desk: Desk, chart: Chart, vendor: Any) -> None:
    vendor.pace(2.5)
    screen = desk.launch(chart.admit())
    screen.bring_in("billie")
    screen.expect_heading("Transcribing the visit…")
    expect(screen.find('[data-step="recording"]')).to_contain_text("Recording sealed")
    now = screen.find('[data-step="transcribing"]')
    expect(now).to_contain_text("in progress")
    expect(now.locator(".step__time")).to_have_text("2 s")
    expect(screen.find('[data-step="drafting"]')).to_contain_text("waiting")
    screen.expect_heading("Review the note")


def test_an_upload_broken_off_by_a_reload_goes_on_where_it_stopped(desk: Desk, chart: Chart) -> None:
    screen = desk.launch(chart.admit())
    sent: list[str] = []
    held: list[Route] = []

    def let_the_first_through(route: Route) -> None:
        sent.append(route.request.url.rsplit("/", 1)[1])
        if len(sent) > 1:
            held.append(route)
        else:
            route.continue_()

    screen.page.route("**/chunks/*", let_the_first_through)
    screen.press("Patient agrees")
    screen.choose(wave_file("billie"))
    expect(screen.find("[data-upload-done]")).to_contain_text("1.0 MB of 2.9 MB")
    assert float(screen.find("[data-upload-bar]").get_attribute("value") or 0) > 0.3
    screen.wait_for(lambda: len(held) == 1)
    screen.page.on("dialog", lambda dialog: dialog.accept())
    screen.page.reload()
    screen.page.unroute("**/chunks/*")
    screen.expect_heading("Finish the recording")
    expect(screen.find("[data-upload-resume]")).to_contain_text("1.0 MB of a recording have arrived")
    again: list[str] = []
    screen.page.on("request", lambda one: again.append(one.url.rsplit("/", 1)[1]) if one.method == "PUT" else None)
    screen.choose(wave_file("billie"))
    screen.expect_heading("Review the note")
    assert again == ["1", "2"]


def test_another_file_after_a_broken_upload_begins_anew(desk: Desk, chart: Chart) -> None:
    screen = desk.launch(chart.admit())
    screen.page.route("**/chunks/1", lambda route: route.abort("connectionreset"))
    screen.press("Patient agrees")
    screen.choose(wave_file("edmundo"))
    expect(screen.find("[data-upload-state]")).to_contain_text("The connection is lost")
    screen.press("Stop")
    screen.expect_heading("Finish the recording")
    screen.page.unroute("**/chunks/1")
    again: list[str] = []
    screen.page.on("request", lambda one: again.append(one.url.rsplit("/", 1)[1]) if one.method == "PUT" else None)
    screen.choose(wave_file("billie"))
    screen.expect_heading("Review the note")
    assert again == ["0", "1", "2"]
    expect(screen.find("[data-turn]").first).to_contain_text("Waters")
    assert all("CONNECTION_RESET" in line for line in screen.complaints)
    screen.complaints.clear()


def test_a_text_file_named_mp3_is_refused_in_words_and_another_may_follow(desk: Desk, chart: Chart) -> None:
    screen = desk.launch(chart.admit())
    screen.press("Patient agrees")
    screen.choose({"name": "visit.mp3", "mimeType": "audio/mpeg", "buffer": b"this is not sound " * 200})
    expect(screen.find(".notice")).to_contain_text("This recording cannot be used")
    expect(screen.find(".notice")).to_contain_text("Support code")
    screen.expect_heading("Prepare the visit")
    assert all("422" in line for line in screen.complaints)
    screen.complaints.clear()
    screen.choose(load_recording("billie").audio)
    screen.expect_heading("Review the note")
    expect(screen.find(".notice")).to_have_count(0)


def test_an_empty_file_never_leaves_the_page(desk: Desk, chart: Chart) -> None:
    screen = desk.launch(chart.admit())
    screen.press("Patient agrees")
    screen.choose({"name": "visit.wav", "mimeType": "audio/wav", "buffer": b""})
    expect(screen.find(".notice")).to_contain_text("This file is empty.")
    expect(screen.find("[data-upload-drop]")).to_be_visible()


def test_after_a_recording_without_speech_the_page_says_why_there_is_no_note(desk: Desk, chart: Chart) -> None:
    screen = desk.launch(chart.admit())
    screen.press("Patient agrees")
    screen.choose({"name": "silence.wav", "mimeType": "audio/wav", "buffer": silence()})
    expect(screen.find("#attention")).to_contain_text("No note was written", timeout=60_000)
    screen.find("#attention").get_by_role("link", name="type the visit").click()
    expect(screen.find("#typed")).to_be_in_viewport()
    screen.choose(load_recording("billie").audio)
    screen.expect_heading("Review the note")
    expect(screen.find("#attention")).to_have_count(0)


def test_a_patient_who_declines_leaves_only_typing(desk: Desk, chart: Chart) -> None:
    screen = desk.launch(chart.admit())
    screen.press("Patient declines")
    expect(screen.find(".answer")).to_contain_text("The patient declined to be recorded")
    expect(screen.find("[data-upload]")).to_have_count(0)
    screen.place.get_by_label("What happened in the visit").fill("Cough for three days.\nPlan: rest and fluids.")
    screen.press("Draft the note")
    screen.expect_heading("Review the note")
    expect(screen.find("audio")).to_have_count(0)
    expect(screen.find("#pane-transcript")).to_contain_text("Typed by the clinician")


def test_a_patient_who_changes_their_mind_ends_an_upload_under_way(desk: Desk, chart: Chart) -> None:
    screen = desk.launch(chart.admit())
    screen.page.route("**/chunks/1", lambda route: route.abort("connectionreset"))
    screen.press("Patient agrees")
    screen.choose(wave_file("billie"))
    expect(screen.find("[data-upload-state]")).to_contain_text("The connection is lost")
    screen.press("Stop")
    screen.expect_heading("Finish the recording")
    screen.find("#consent summary").filter(has_text="no longer wants").click()
    screen.press("Patient withdraws")
    screen.expect_heading("Prepare the visit")
    expect(screen.find(".answer")).to_contain_text("withdrew consent")
    expect(screen.find("#consent")).to_contain_text("Destroyed: the recording")
    expect(screen.find("[data-upload]")).to_have_count(0)
    screen.complaints.clear()


def test_what_was_typed_is_not_left_unasked(desk: Desk, chart: Chart) -> None:
    screen = desk.launch(chart.admit())
    leaving = "dispatchEvent(new Event('beforeunload', {cancelable: true}))"
    assert screen.page.evaluate(leaving) is True
    screen.press("Patient declines")
    screen.place.get_by_label("What happened in the visit").fill("Cough")
    assert screen.page.evaluate(leaving) is False


def test_what_was_typed_outlives_the_page_being_drawn_anew(desk: Desk, chart: Chart) -> None:
    """The answer to another form draws the page: words, caret, focus and the question on leaving stay."""
    screen = desk.launch(chart.admit())
    screen.find("summary").filter(has_text="Type the visit instead").click()
    box = screen.place.get_by_label("What happened in the visit")
    box.fill("Cough for three days.")
    box.evaluate("(box) => box.setSelectionRange(5, 5)")
    # Pressed by a script, so that the focus stays in the field, as it does where the page is drawn by itself.
    screen.find("button[value=declined]").first.evaluate("(button) => button.form.requestSubmit(button)")
    expect(screen.find(".answer")).to_contain_text("declined")
    expect(box).to_have_value("Cough for three days.")
    expect(box).to_be_focused()
    screen.page.keyboard.type("ing")
    expect(box).to_have_value("Coughing for three days.")
    assert screen.page.evaluate("dispatchEvent(new Event('beforeunload', {cancelable: true}))") is False
    screen.press("Draft the note")
    screen.expect_heading("Review the note")
    expect(screen.find("#pane-transcript")).to_contain_text("Coughing for three days.")
    assert screen.page.evaluate("dispatchEvent(new Event('beforeunload', {cancelable: true}))") is True
