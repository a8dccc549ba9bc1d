"""Takes the pictures of the handbooks from a running stack. In: their names; none is all. Out: PNG files here.

    .venv/bin/python docs/pictures/take.py [corrections.png …]

Never shows anything but the bundled patients; a picture over 300 KB is refused.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connector_sandbox import hapi, toolchain
from connector_sandbox.recordings.library import BundledRecording, load_recording
from connector_sandbox.stack import Choices, Stack, running_stack
from connector_sandbox.state import claim_state_folder
from playwright.sync_api import Browser, Frame, Page, sync_playwright

FOLDER = Path(__file__).parent
LARGEST = 300_000
PAINT_MS = 1000
"""A frame of another site is painted by a process of its own, some time after it is there."""
ARGUMENTS = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
RECORDER = {"width": 560, "height": 760}
PANEL = {"width": 420, "height": 900}
DESKTOP = {"width": 1280, "height": 860}
CHART = {"width": 1440, "height": 900}


def main() -> int:
    """0 when every picture was taken."""
    hapi.build()
    state = claim_state_folder()
    try:
        with running_stack(state.path, Choices(), say=_say) as stack, _browser() as browser:
            take_pictures(stack, browser)
    finally:
        state.release()
    return 0


@contextmanager
def _browser() -> Iterator[Browser]:
    toolchain.ensure_tools(["chromium"])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(toolchain.find_chromium()), args=ARGUMENTS)
        yield browser
        browser.close()


def take_pictures(stack: Stack, browser: Browser) -> None:
    """The chart with the panel; what the scribe knows; the recorder; the review; the corrections; the filing."""
    recording = load_recording("chasidy")
    page = browser.new_page(viewport=CHART)
    page.goto(f"{stack.addresses.ehr}/patients/{_patient(recording)}")
    page.click("#launch-panel")
    panel = _panel(page)
    panel.wait_for_selector("#consent")
    page.wait_for_timeout(PAINT_MS)
    _save(page, "ehr-chart.png")

    visit = browser.new_page(viewport=DESKTOP)
    _launch(visit, stack, recording)
    visit.click("#chart .knows a")
    visit.wait_for_selector("[data-reading=no]", state="attached")
    visit.wait_for_timeout(PAINT_MS)
    _save(visit, "knows.png")
    visit.go_back()
    visit.wait_for_selector("#consent")
    visit.click("button[value=given]")
    if _is_wanted("recorder.png"):
        _show_recorder(visit)
    _record(visit, recording)
    visit.wait_for_selector("[data-note]", timeout=60_000)
    visit.locator(".sentence--flagged [data-text]").first.click()
    visit.wait_for_timeout(PAINT_MS)
    _save(visit, "review.png")
    visit.set_viewport_size(PANEL)
    visit.evaluate("window.scrollTo(0, 0)")
    visit.wait_for_timeout(PAINT_MS)
    _save(visit, "review-panel.png")

    visit.set_viewport_size(DESKTOP)
    _show_corrections(visit)
    visit.check("[data-attest]")
    visit.click("[data-sign-button]")
    visit.wait_for_selector("#filed-title", timeout=60_000)
    visit.wait_for_selector("#erasure-title", timeout=60_000)
    visit.wait_for_timeout(PAINT_MS)
    _save(visit, "filed.png")


def _panel(page: Page) -> Frame:
    handle = page.wait_for_selector("iframe#scribe-panel")
    frame = handle.content_frame() if handle is not None else None
    if frame is None:
        raise RuntimeError("the panel shows no frame")
    return frame


def _launch(page: Page, stack: Stack, recording: BundledRecording) -> None:
    """Launches the scribe from the chart into this page."""
    page.goto(f"{stack.addresses.ehr}/patients/{_patient(recording)}")
    page.evaluate("document.getElementById('launch-form').removeAttribute('target')")
    page.click("#launch-window")
    page.wait_for_selector("#consent")
    page.wait_for_load_state("networkidle")


def _show_recorder(page: Page) -> None:
    """The recorder at work in its own window; what it heard is forgotten afterwards."""
    with page.expect_popup() as opened:
        page.click("[data-record-open]")
    recorder = opened.value
    recorder.set_viewport_size(RECORDER)
    recorder.click("[data-control]")
    recorder.wait_for_timeout(8 * PAINT_MS)
    _save(recorder, "recorder.png")
    recorder.click("[data-forget]")
    recorder.click("[data-dialog-yes]")
    recorder.wait_for_timeout(2 * PAINT_MS)
    recorder.close()


def _show_corrections(page: Page) -> None:
    """The corrections opened beside the note; nothing is corrected."""
    page.evaluate("window.scrollTo(0, 0)")
    page.click("#correct > summary")
    page.click('[data-turn-forms="t2"]')
    page.wait_for_selector("#turn-t2 textarea")
    page.wait_for_timeout(PAINT_MS)
    _save(page, "corrections.png")
    page.click('[data-turn-forms="t2"]')
    page.click("#correct > summary")


def _record(page: Page, recording: BundledRecording) -> None:
    page.wait_for_selector("[data-upload-file]", state="attached")
    page.set_input_files("[data-upload-file]", str(recording.audio))


def _patient(recording: BundledRecording) -> str:
    bundle = json.loads((hapi.PATIENTS / recording.patient_bundle).read_text(encoding="utf-8"))
    resources = (entry["resource"] for entry in bundle["entry"])
    return next(str(one["id"]) for one in resources if one["resourceType"] == "Patient")


def _is_wanted(name: str) -> bool:
    return not sys.argv[1:] or name in sys.argv[1:]


def _save(page: Page, name: str) -> None:
    if not _is_wanted(name):
        return
    file = FOLDER / name
    page.screenshot(path=file, animations="disabled", caret="hide")
    size = file.stat().st_size
    _say(f"{name}: {size / 1000:.0f} KB")
    if size > LARGEST:
        raise RuntimeError(f"{name} is larger than {LARGEST} bytes")


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
