"""A Chromium whose microphone plays a bundled recording, and the recorder as a clinician works with it.

In: a browser and a visit on the screen. Out: what the recorder's window shows. Everything goes through the page.
"""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from connector_sandbox.recordings import load_recording
from connector_sandbox.toolchain import find_chromium
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.browser.conftest import ARGUMENTS
from tests.browser.screen import Desk, Screen

RATE = 48_000


@contextmanager
def listening_chromium(folder: Path, *, name: str = "billie", more: tuple[str, ...] = ()) -> Iterator[Browser]:
    """A browser whose only microphone plays a bundled recording again and again, from the moment it is opened."""
    path = find_chromium()
    assert path is not None, "install Chromium, or name it in CHROMIUM"
    sound = folder / "microphone.wav"
    sound.write_bytes(as_wave(name, rate=RATE))
    fake = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={sound}",
        *more,
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS, *fake])
        yield browser
        browser.close()


def as_wave(name: str, *, rate: int) -> bytes:
    """A bundled recording as WAV of one channel."""
    written = io.BytesIO()
    resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
    with av.open(str(load_recording(name).audio)) as sound, wave.open(written, "wb") as made:
        made.setnchannels(1)
        made.setsampwidth(2)
        made.setframerate(rate)
        for frame in sound.decode(audio=0):
            for piece in resampler.resample(frame):
                made.writeframes(bytes(piece.planes[0])[: piece.samples * 2])
    return written.getvalue()


def seat(desk: Desk, **options: object) -> BrowserContext:
    """A browser profile that has allowed the microphone."""
    context = desk.seat(**options)
    context.grant_permissions(["microphone", "clipboard-read", "clipboard-write"])
    return context


def open_recorder(desk: Desk, screen: Screen, words: str = "Record") -> Screen:
    """The recorder's window, opened from the visit's page by the button of these words."""
    with screen.page.context.expect_page() as opened:
        screen.press(words)
    return desk.watch(opened.value)


def expect_phase(recorder: Screen, phase: str, *, seconds: float = 15.0) -> None:
    """Waits until the recorder says where it is."""
    expect(recorder.find("[data-recorder]")).to_have_attribute("data-phase", phase, timeout=seconds * 1000)


def press_control(recorder: Screen, words: str) -> None:
    """Presses the large control, which has to say what it will do."""
    control = recorder.find("[data-control]")
    expect(control).to_have_text(words)
    control.click()


def clock(recorder: Screen) -> int:
    """The seconds recorded so far, as the page shows them."""
    minutes, seconds = recorder.find("[data-clock]").inner_text().split(":")[-2:]
    return int(minutes) * 60 + int(seconds)


def record_for(recorder: Screen, seconds: int) -> None:
    """Waits until the clock of the recorder has gone on by so much."""
    until = clock(recorder) + seconds
    recorder.wait_for(lambda: clock(recorder) >= until, seconds=seconds + 15)


def begin_recording(desk: Desk, patient: str) -> tuple[Screen, Screen]:
    """A visit with consent, and its recorder recording: the visit's page, the recorder's."""
    screen = desk.launch(patient, context=seat(desk))
    screen.press("Patient agrees")
    recorder = open_recorder(desk, screen)
    press_control(recorder, "Record")
    expect_phase(recorder, "recording")
    return screen, recorder


def length_of(screen: Screen) -> float:
    """The seconds the visit's player says there are."""
    told = screen.find("audio").evaluate(
        "(audio) => audio.readyState ? audio.duration : new Promise((tell) => "
        "audio.addEventListener('loadedmetadata', () => tell(audio.duration)))"
    )
    return float(told)
