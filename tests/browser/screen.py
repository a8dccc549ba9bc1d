"""A visit on the screen of a real Chromium, as a clinician works with it. In: a stack and a browser. Out: a Screen.

Everything goes through the page; what the page complains about (policy, scripts, missing files) is kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from connector_sandbox.clinician import first_clinician
from connector_sandbox.recordings import load_recording
from connector_sandbox.stack import Stack
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Frame, Locator, Page, Request, expect

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PANEL = {"width": 420, "height": 860}
DESK = {"width": 1280, "height": 860}
# A policy violation is told to the page only by an event; this makes it one more line of the console.
_TELL_VIOLATIONS = (
    "document.addEventListener('securitypolicyviolation', (event) => "
    "console.error('policy: ' + event.violatedDirective + ' ' + event.blockedURI));"
)
_PLAYED = "(audio) => [audio.paused, audio.currentTime, audio.readyState]"


@dataclass
class Screen:
    """One tab. `visit` is where the visit's page is: the tab itself, or a frame of it."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    visit: Page | Frame | None = None

    @property
    def place(self) -> Page | Frame:
        """Where to look for things of the visit."""
        return self.visit or self.page

    def find(self, selector: str) -> Locator:
        """Elements of the visit's page."""
        return self.place.locator(selector)

    def press(self, name: str) -> None:
        """Presses the button of that name."""
        self.place.get_by_role("button", name=name, exact=True).click()

    def expect_heading(self, text: str, *, seconds: float = 60.0) -> None:
        """Waits until the page says where it is, without loading it again."""
        expect(self.find("h1")).to_have_text(text, timeout=seconds * 1000)

    def expect_saved(self) -> None:
        """Waits until every edit is with the service and the page shows what it made of it."""
        expect(self.find("[data-saved]")).to_have_attribute("data-saved-state", "saved")
        expect(self.find(".editor")).to_have_count(0)
        expect(self.find("[data-attest]")).to_be_enabled()

    def bring_in(self, name: str) -> None:
        """Consent given, and a bundled recording chosen."""
        self.press("Patient agrees")
        self.choose(load_recording(name).audio)

    def choose(self, file: Path | dict[str, Any]) -> None:
        """Chooses a file to upload: a path, or name, mimeType and buffer."""
        self.find("[data-upload-file]").set_input_files(file)  # type: ignore[arg-type]

    def sentence(self, words: str) -> Locator:
        """The sentence of the note that holds these words."""
        return self.find("[data-sentence]").filter(has_text=words).first

    def player(self) -> tuple[bool, float, int]:
        """Whether the recording rests, where it is in seconds, and how much of it is there."""
        paused, at, ready = self.find("audio").evaluate(_PLAYED)
        return bool(paused), float(at), int(ready)

    def wait_for(self, holds: Callable[[], bool], *, seconds: float = 20.0) -> None:
        """Asks again and again, from outside: a policy without eval forbids Playwright's own waiting in the page."""
        until = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < until, "this never came"
            self.page.wait_for_timeout(50)

    def faults(self) -> list[str]:
        """What axe-core finds wrong with the page as it stands."""
        self.place.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.place.evaluate(f"axe.run(document, {{runOnly: {RULES!r}}})")
        assert len(found["passes"]) > 20
        return [
            f"{one['id']}: {node['html'][:120]} ({node['failureSummary']})"
            for one in found["violations"]
            for node in one["nodes"]
        ]


class Desk:
    """Opens tabs in one browser and closes them; `size` is a width and a height in pixels."""

    def __init__(self, browser: Browser, stack: Stack) -> None:
        self._browser = browser
        self._stack = stack
        self._contexts: list[BrowserContext] = []
        self.screens: list[Screen] = []

    def seat(self, **options: Any) -> BrowserContext:
        """A browser profile of its own, with a clipboard."""
        context = self._browser.new_context(**({"viewport": DESK} | options))
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        context.add_init_script(_TELL_VIOLATIONS)
        context.set_default_timeout(20_000)
        self._contexts.append(context)
        return context

    def tab(self, context: BrowserContext | None = None, **options: Any) -> Screen:
        """An empty tab that remembers what it complains about."""
        return self.watch((context or self.seat(**options)).new_page())

    def watch(self, page: Page) -> Screen:
        """A tab that is open already, such as one a page has opened."""
        screen = Screen(page)
        screen.page.on("console", lambda message: _note(screen, message))
        screen.page.on("pageerror", lambda error: screen.complaints.append(f"script: {error}"))
        screen.page.on("requestfailed", lambda request: _note_failure(screen, request))
        self.screens.append(screen)
        return screen

    def launch(self, patient: str, *, context: BrowserContext | None = None, **options: Any) -> Screen:
        """The scribe opened from a patient's chart in a window of its own, up to the chart read."""
        screen = self.tab(context, **options)
        screen.page.goto(self.launch_address(patient))
        screen.expect_heading("Prepare the visit")
        return screen

    def launch_address(self, patient: str, *, encounter: str | None = None) -> str:
        """What the EHR opens for this patient, in an encounter of its own or in one there is."""
        ehr = self._stack.addresses.ehr
        body = {"patient": patient, "practitioner": first_clinician(ehr)}
        body |= {"encounter": encounter} if encounter else {}
        with httpx.Client(trust_env=False) as client:
            answer = client.post(f"{ehr}/launches", json=body, headers={"Accept": "application/json"})
        answer.raise_for_status()
        return str(answer.json()["launch_url"])

    def launch_in_panel(self, patient: str, **options: Any) -> Screen:
        """The scribe opened in the EHR's side panel: a frame of another site."""
        screen = self.tab(**({"viewport": {"width": 1280, "height": 900}} | options))
        screen.page.goto(f"{self._stack.addresses.ehr}/patients/{patient}")
        screen.page.get_by_role("button", name="Launch scribe").click()
        frame = screen.page.wait_for_selector("#scribe-panel").content_frame()
        assert frame is not None
        screen.visit = frame
        screen.expect_heading("Prepare the visit")
        return screen

    def drafted(self, patient: str, *, name: str = "billie", **options: Any) -> Screen:
        """A recorded visit with its draft on the screen."""
        screen = self.launch(patient, **options)
        screen.bring_in(name)
        screen.expect_heading("Review the note")
        return screen

    def close(self) -> None:
        """Closes every tab."""
        for context in self._contexts:
            context.close()


def _note(screen: Screen, message: ConsoleMessage) -> None:
    if message.type in ("error", "warning"):
        screen.complaints.append(f"console: {message.text}")


def _note_failure(screen: Screen, request: Request) -> None:
    # Leaving a page, or a new place in a recording, breaks off what is under way.
    if request.failure != "net::ERR_ABORTED":
        screen.complaints.append(f"request: {request.failure}")
