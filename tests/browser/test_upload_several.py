"""A visit in several files: listed in an order the clinician can change, sent one after the other, then finished."""

from __future__ import annotations

from typing import Any

from connector_sandbox.recordings import load_recording
from playwright.sync_api import expect

from tests.browser.screen import Desk, Screen
from tests.browser.test_accessibility import expect_faultless
from tests.fixtures.peers import Chart


def sound_file(name: str, recording: str = "billie") -> dict[str, Any]:
    """A bundled recording under a name of a clinician's choice."""
    return {"name": name, "mimeType": "audio/ogg", "buffer": load_recording(recording).audio.read_bytes()}


def listed(screen: Screen) -> list[str]:
    """The files in their order."""
    return [text.split(",")[0] for text in screen.find("[data-upload-list] .pieces__name").all_inner_texts()]


def test_several_files_are_ordered_by_name_moved_by_hand_and_finished_together(desk: Desk, chart: Chart) -> None:
    screen = desk.launch(chart.admit())
    screen.press("Patient agrees")
    files = [sound_file("part 10.ogg"), sound_file("part 2.ogg"), sound_file("part 1.ogg")]
    screen.find("[data-upload-file]").set_input_files(files)  # type: ignore[arg-type]
    expect(screen.find("[data-upload-list] li")).to_have_count(3)
    assert listed(screen) == ["1. part 1.ogg", "2. part 2.ogg", "3. part 10.ogg"]
    screen.press("Remove part 1.ogg")
    screen.press("Up part 10.ogg")
    assert listed(screen) == ["1. part 10.ogg", "2. part 2.ogg"]
    expect(screen.find("#said")).to_have_text("part 10.ogg is now number 1.")
    expect_faultless(screen)
    closed: list[str] = []
    screen.page.on("request", lambda one: closed.append(one.post_data or "") if one.url.endswith("/close") else None)
    screen.press("Bring them in and finish")
    screen.expect_heading("Review the note")
    assert ['"more":true' in one for one in closed] == [True, False]


def test_files_are_chosen_one_after_the_other_where_the_visit_is_in_several(desk: Desk, chart: Chart) -> None:
    screen = desk.launch(chart.admit())
    screen.press("Patient agrees")
    screen.place.get_by_label("The visit is in several files").check()
    screen.choose(sound_file("b.ogg"))
    expect(screen.find("[data-upload-list] li")).to_have_count(1)
    screen.choose(sound_file("a.ogg", "edmundo"))
    expect(screen.find("[data-upload-list] li")).to_have_count(2)
    assert listed(screen) == ["1. b.ogg", "2. a.ogg"]
    assert screen.find("[data-upload-bar]").is_hidden()


def test_a_file_that_is_no_sound_is_named_and_the_rest_kept(desk: Desk, chart: Chart) -> None:
    screen = desk.launch(chart.admit())
    screen.press("Patient agrees")
    text = {"name": "b.mp3", "mimeType": "audio/mpeg", "buffer": b"this is not sound " * 200}
    screen.find("[data-upload-file]").set_input_files([sound_file("a.ogg"), text])  # type: ignore[list-item]
    screen.press("Bring them in and finish")
    expect(screen.find(".notice")).to_contain_text("b.mp3: This recording cannot be used", timeout=30_000)
    expect(screen.find("[data-upload-kept]")).to_contain_text("File, 1 min 32 s, has arrived")
    assert all("422" in line for line in screen.complaints)
    screen.complaints.clear()
    screen.press("Finish with what has arrived")
    screen.expect_heading("Review the note")


def test_what_has_arrived_can_be_left_out_again(desk: Desk, chart: Chart) -> None:
    screen = desk.launch(chart.admit())
    screen.press("Patient agrees")
    text = {"name": "b.mp3", "mimeType": "audio/mpeg", "buffer": b"this is not sound " * 200}
    screen.find("[data-upload-file]").set_input_files([sound_file("a.ogg"), text])  # type: ignore[list-item]
    screen.press("Bring them in and finish")
    screen.press("Remove File, 1 min 32 s")
    screen.expect_heading("Prepare the visit")
    assert all("422" in line for line in screen.complaints)
    screen.complaints.clear()
