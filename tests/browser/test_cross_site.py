"""Case D5: a hostile page in the browser that holds a visit's cookie changes nothing in the visit.

The visit is open in one tab, the page of another site in the next; both share one profile. Every way a page has of
sending something without being asked is tried, at every address that changes a visit.
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest
from connector_sandbox.stack import Stack
from playwright.sync_api import BrowserContext, Page, Request

from tests.browser.lair import Lair
from tests.browser.screen import Desk, Screen
from tests.fixtures.peers import Chart

CHANGES = ("consent", "text", "recordings", "note", "sign", "discard", "leave", "copy", "retry", "encounter", "unlock")
FIELDS = {
    "csrf": "guessed",
    "answer": "given",
    "method": "verbal",
    "text": "Cough.",
    "reason": "wrong-patient",
    "attest": "yes",
}
_SEND = """async ([address, options]) => {
    try { const answer = await fetch(address, {method: "POST", credentials: "include", ...options});
          return `${answer.type} ${answer.status}`; }
    catch (error) { return `refused: ${error.name}`; }
}"""


class Lure:
    """A page of the lair in the visit's own browser profile, and what it sent to us."""

    def __init__(self, context: BrowserContext, lair: Lair, origin: str) -> None:
        self.sent: list[Request] = []
        self.lair = lair
        self.page: Page = context.new_page()
        self.page.on("request", lambda request: self._note(request, origin))
        self.show("<p>Nice things</p>")

    def _note(self, request: Request, origin: str) -> None:
        if request.url.startswith(origin):
            self.sent.append(request)

    def show(self, html: str) -> None:
        """The page with something else in it."""
        self.lair.html = html
        self.page.goto(self.lair.origin)

    def with_cookie(self) -> int:
        """How many of the requests brought the visit's cookie."""
        return sum("__Host-visit-" in request.all_headers().get("cookie", "") for request in self.sent)


@pytest.fixture
def lured(desk: Desk, stack: Stack, chart: Chart, lair: Lair) -> tuple[Screen, Lure]:
    """A visit in a tab of its own, before its consent, and the other page beside it."""
    screen = desk.launch(chart.admit())
    return screen, Lure(screen.page.context, lair, stack.addresses.connector)


def standing(screen: Screen) -> str:
    """What the service says of the visit: its state, how far each step is, recordings, consent on its page."""
    read = """async (base) => {
        const status = await (await fetch(base + "/status")).json();
        const steps = status.steps.map((step) => [step.key, step.status]);
        const recordings = await (await fetch(base + "/recordings")).text();
        const page = await (await fetch(base, {headers: {"Accept": "text/html"}})).text();
        const shown = [page.includes('class="answer'), page.includes("Prepare the visit")];
        return JSON.stringify([status.state, status.attention, steps, recordings, shown]);
    }"""
    return str(screen.place.evaluate(read, urlsplit(screen.place.url).path))


def test_d05_a_form_of_another_site_changes_nothing(lured: tuple[Screen, Lure]) -> None:
    """Sent by a hand and by itself, as each kind a form can send, into its own frame and as the whole page."""
    screen, lure = lured
    before, visit = standing(screen), screen.page.url
    inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in FIELDS.items())
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain"):
        for path in CHANGES:
            form = f'<form method="post" enctype="{kind}" action="{visit}/{path}">{inputs}<button>Win</button></form>'
            lure.show(form + "<script>document.forms[0].submit()</script>")
            lure.page.wait_for_url(f"{visit}/{path}", wait_until="commit")
    lure.show(f'<form method="post" action="{visit}/consent">{inputs}<button>Win</button></form>')
    lure.page.get_by_role("button").click()
    lure.page.wait_for_url(f"{visit}/consent", wait_until="commit")
    assert "not" in lure.page.locator("h1").inner_text().lower()
    assert sum(request.method == "POST" for request in lure.sent) >= 3 * len(CHANGES) + 1
    assert lure.with_cookie() >= 3 * len(CHANGES) + 1, "the browser did send the cookie"
    assert standing(screen) == before


def test_d05_a_script_of_another_site_changes_and_reads_nothing(lured: tuple[Screen, Lure]) -> None:
    """fetch with credentials: simple forms, JSON called plain text, no-cors, and what would need leave first."""
    screen, lure = lured
    before, visit = standing(screen), screen.page.url
    form = "&".join(f"{name}={value}" for name, value in FIELDS.items())
    told = json.dumps({**FIELDS, "revision": 1, "chunks": 0})
    tries = [
        {"body": form, "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"body": told, "headers": {"Content-Type": "text/plain"}},
        {"body": told, "headers": {"Content-Type": "text/plain"}, "mode": "no-cors"},
        {"body": form, "headers": {"Content-Type": "application/x-www-form-urlencoded"}, "mode": "no-cors"},
        {"body": told, "headers": {"Content-Type": "application/json", "X-CSRF-Token": "guessed"}},
        {"method": "DELETE"},
        {"method": "PUT", "body": told},
    ]
    answers = [lure.page.evaluate(_SEND, [f"{visit}/{path}", options]) for path in CHANGES for options in tries]
    # What could be read may not be sent, and what may be sent comes back blocked (Cross-Origin-Resource-Policy).
    assert set(answers) == {"refused: TypeError"}
    # A partitioned cookie stays out of another site's requests; the forms above, which go there, do bring it.
    assert len(lure.sent) >= 4 * len(CHANGES) and lure.with_cookie() == 0
    assert standing(screen) == before


def test_d05_nothing_is_changed_by_being_looked_at(lured: tuple[Screen, Lure]) -> None:
    """Addresses that change a visit, as pictures, scripts, styles, frames, links and by going there."""
    screen, lure = lured
    before, visit = standing(screen), screen.page.url
    query = "&".join(f"{name}={value}" for name, value in FIELDS.items())
    parts = [
        f'<img src="{visit}/{path}?{query}"><script src="{visit}/{path}?{query}"></script>'
        f'<link rel="stylesheet" href="{visit}/{path}?{query}"><iframe src="{visit}/{path}?{query}"></iframe>'
        for path in CHANGES
    ]
    lure.show("".join(parts))
    lure.page.wait_for_load_state("load")
    for path in CHANGES:
        lure.page.goto(f"{visit}/{path}?{query}")
    assert len(lure.sent) >= 4 * len(CHANGES)
    assert standing(screen) == before


def test_d05_the_visits_page_is_not_shown_inside_another_site(lured: tuple[Screen, Lure]) -> None:
    """No click can be stolen from a page that is not there."""
    screen, lure = lured
    lure.show(f'<iframe src="{screen.page.url}" width="800" height="600"></iframe>')
    lure.page.wait_for_load_state("load")
    lure.page.wait_for_timeout(300)
    assert all("Prepare the visit" not in frame.content() for frame in lure.page.frames)


def test_d05_the_control_the_visits_own_page_may_change_it(lured: tuple[Screen, Lure]) -> None:
    """The same request from our own page, with the page's token, is carried out: the cookie is there and good."""
    screen, _ = lured
    before = standing(screen)
    csrf = screen.find("meta[name=csrf]").get_attribute("content")
    form = "&".join(f"{name}={value}" for name, value in {**FIELDS, "csrf": csrf}.items() if name != "reason")
    options = {"body": form, "headers": {"Content-Type": "application/x-www-form-urlencoded"}}
    answer = screen.page.evaluate(_SEND, [f"{screen.page.url}/consent", options])
    assert answer == "basic 200"
    assert standing(screen) != before
