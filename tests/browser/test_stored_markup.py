"""Case D6: whatever somebody wrote into a chart, a recording, a note or an error, a page shows it as text.

Every payload goes through every panel of a visit in a real browser, with our policy in force or with it off: the
policy is the second line, and must not be needed. A page that did not escape them is noticed, payload by payload.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
import yaml
from connector_sandbox.recordings import load_recording
from connector_sandbox.stack import TENANT, Stack
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.hostile import Charted, Relay, make_chart, relay
from tests.browser.payloads import PAYLOADS, Alarm, wrap
from tests.browser.screen import Desk, Screen
from tests.fixtures.peers import SandboxEhr
from tests.fixtures.stack import OpenStack

BATCH = 14
BATCHES = [PAYLOADS[start : start + BATCH] for start in range(0, len(PAYLOADS), BATCH)]
_ADD = """async ([base, texts]) => {
    const headers = {"Accept": "application/json", "Content-Type": "application/json",
                     "X-CSRF-Token": document.querySelector("meta[name=csrf]").content};
    const note = await (await fetch(`${base}/note`, {headers})).json();
    const sections = Object.fromEntries(note.sections.map((one) =>
        [one.key, one.sentences.map(({id, text}) => ({id, text}))]));
    sections.plan.push(...texts.map((text) => ({id: null, text})));
    const body = JSON.stringify({revision: note.revision, sections});
    return (await fetch(`${base}/note`, {method: "POST", headers, body})).status;
}"""


@pytest.fixture(scope="module")
def heard() -> Iterator[Relay]:
    with relay() as started:
        yield started


@pytest.fixture(scope="module")
def hostile_stack(open_stack: OpenStack, heard: Relay) -> Iterator[Stack]:
    """A stack whose EHR is registered under a payload's name and whose vendor says what it is told."""
    addresses = {
        "CONNECTOR_ASSEMBLYAI_BASE_URL": heard.address,
        "CONNECTOR_GATEWAY_BASE_URL": f"{heard.address}/v1",
    }
    with open_stack(environment=addresses) as stack:
        heard.target = stack.addresses.speech
        path = stack.private / "registrations" / f"{TENANT}.yaml"
        registration = {**yaml.safe_load(path.read_text(encoding="utf-8")), "name": PAYLOADS[3] + PAYLOADS[0]}
        path.write_text(yaml.safe_dump(registration), encoding="utf-8")
        stack.children["web"].stop()
        stack.start_web()
        yield stack


class Ward:
    """Watched tabs on the hostile stack."""

    def __init__(self, desk: Desk, stack: Stack, fhir: str) -> None:
        self.desk, self.stack, self.fhir = desk, stack, fhir
        self.alarm = Alarm(frozenset({stack.addresses.connector, stack.addresses.ehr}))

    def tab(self, *, policy: bool) -> Screen:
        context = self.desk.seat(bypass_csp=not policy)
        self.alarm.arm(context)
        screen = self.desk.tab(context)
        self.alarm.watch(screen.page)
        return screen

    def admit(self, texts: tuple[str, ...]) -> Charted:
        made = make_chart(texts)
        headers = {"Content-Type": "application/fhir+json"}
        answer = httpx.post(self.fhir, json=made.bundle, headers=headers, trust_env=False, timeout=60)
        assert answer.status_code == 200, answer.text[:500]
        return made

    def launch_address(self, made: Charted, **choices: object) -> str:
        body = {"patient": made.patient, "practitioner": made.practitioner, "encounter": made.encounter, **choices}
        answer = httpx.post(f"{self.stack.addresses.ehr}/launches", json=body, trust_env=False)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["launch_url"])

    def expect_inert(self, screen: Screen) -> str:
        """Opens what can be opened; nothing may be at work. Returns the text of the page."""
        screen.place.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        screen.page.wait_for_timeout(100)
        assert self.alarm.look(screen) == []
        return str(screen.place.evaluate("document.body.textContent"))


@pytest.fixture
def ward(chromium: Browser, hostile_stack: Stack, hapi_base: str) -> Iterator[Ward]:
    desk = Desk(chromium, hostile_stack)
    SandboxEhr(hostile_stack).calm()
    yield Ward(desk, hostile_stack, hapi_base)
    desk.close()


def missing(texts: tuple[str, ...], page: str, *, change: Callable[[str], str] = lambda text: text) -> list[str]:
    """Payloads a page does not show to the letter, but for white space."""
    whole = " ".join(page.split())
    return [text for text in texts if " ".join(change(text).split()) not in whole]


@pytest.mark.parametrize("batch", range(len(BATCHES)))
def test_d06_payloads_stay_text_through_a_whole_visit(ward: Ward, heard: Relay, batch: int) -> None:
    texts = BATCHES[batch]
    made = ward.admit(texts)
    screen = ward.tab(policy=batch % 2 == 0)
    screen.page.goto(ward.launch_address(made))
    screen.expect_heading("Prepare the visit")
    shown = ward.expect_inert(screen)
    assert missing(texts, shown) == [], "every one is an allergy, a drug and a problem"
    banner = screen.find("#banner").inner_text()
    assert missing(texts[:2], banner) == []
    _look_behind(ward, screen, texts)
    screen.press("Patient agrees")
    heard.texts, heard.added = texts, 0
    _bring_in(ward, screen, texts)
    # Drugs and names of this chart are payloads, so what was said fits none of them: that is asked first.
    screen.expect_heading("One question before the note")
    ward.expect_inert(screen)
    screen.find("#question form button").first.click()
    screen.expect_heading("Review the note")
    shown = ward.expect_inert(screen)
    said, noted = screen.find("#pane-transcript").text_content(), screen.find("#note-part").text_content()
    assert heard.added > 10
    assert missing(texts[:8], said or "") == [] and missing(texts[:4], noted or "") == []
    _edit(ward, screen, texts)
    _file(ward, screen, texts)
    screen.place.get_by_role("link", name="My visits").click()
    screen.expect_heading("My visits")
    ward.expect_inert(screen)


def _look_behind(ward: Ward, screen: Screen, texts: tuple[str, ...]) -> None:
    """What the scribe knows: everything listed, looked for, added by hand and put in the place of another name."""
    address = screen.place.url
    screen.find("#chart .knows a").click()
    screen.expect_heading("What the scribe knows")
    expect(screen.find("main")).to_have_attribute("data-reading", "no", timeout=20_000)
    assert missing(texts, ward.expect_inert(screen)) == []
    sayable = next((text for text in texts if len(text) <= 40 and len(text.split()) < 5), "<b onclick=pwn(81)>x</b>")
    for name in (f"{sayable} a", f"{sayable} b"):
        screen.find("[data-filter]").fill(sayable)
        screen.find("#add-name").fill(name)
        if name.endswith("b"):
            screen.find("#add-instead").select_option(f"{sayable} a")
        screen.press("Add")
        expect(screen.find("#undo")).to_contain_text(name)
        ward.expect_inert(screen)
    screen.page.goto(address)
    screen.expect_heading("Prepare the visit")


def _bring_in(ward: Ward, screen: Screen, texts: tuple[str, ...]) -> None:
    """A recording whose file has a payload for its name, looked at while it is on its way."""
    held: list[Route] = []
    screen.page.route(
        "**/recordings",
        lambda route: held.append(route) if not held and route.request.method == "POST" else route.continue_(),
    )
    names = [text for text in texts if "/" not in text][:1] or ["<img src=x onerror=pwn(80)>"]
    screen.choose({"name": names[0], "mimeType": "audio/ogg", "buffer": load_recording("billie").audio.read_bytes()})
    screen.wait_for(lambda: bool(held))
    expect(screen.find("[data-upload-name]")).to_have_text(names[0])
    ward.expect_inert(screen)
    held[0].continue_()


def _edit(ward: Ward, screen: Screen, texts: tuple[str, ...]) -> None:
    """One sentence by hand, all of them by the page's own request, the page loaded anew."""
    screen.find("[data-section=plan] [data-add]").click()
    screen.find(".editor textarea").fill(texts[0])
    screen.page.keyboard.press("Enter")
    screen.expect_saved()
    ward.expect_inert(screen)
    row = screen.find("[data-section=plan] [data-sentence]").last
    row.locator("[data-edit]").click()
    ward.expect_inert(screen)
    screen.page.keyboard.press("Escape")
    assert screen.place.evaluate(_ADD, [urlsplit(screen.place.url).path, list(texts)]) == 200
    screen.page.reload()
    screen.expect_heading("Review the note")
    shown = ward.expect_inert(screen)
    assert missing(texts, shown) == []
    assert missing(texts, screen.find("[data-rendition]").text_content() or "") == []


def _file(ward: Ward, screen: Screen, texts: tuple[str, ...]) -> None:
    """Signed, refused by an EHR that says why, signed once more and filed."""
    issues = [{"severity": "error", "code": "invalid", "diagnostics": one, "details": {"text": one}} for one in texts]
    outcome = {"resourceType": "OperationOutcome", "issue": issues}
    SandboxEhr(ward.stack).strike("status", status=422, body=outcome, times=1)
    screen.find("[data-attest]").check()
    screen.find("[data-sign-button]").click()
    screen.find("#attention").wait_for(timeout=60_000)
    ward.expect_inert(screen)
    screen.find("#attention form button").click()
    screen.expect_heading("Filed in the EHR")
    assert missing(texts, ward.expect_inert(screen)) == []


def test_d06_payloads_that_are_typed_stay_text(ward: Ward, heard: Relay) -> None:
    """All of them in one visit: in the field, as what was said, in the draft; beside a chart that cannot be read."""
    heard.texts = ()
    made = ward.admit(PAYLOADS[:4])
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "forbidden"}]}
    outcome["issue"][0]["diagnostics"] = "".join(PAYLOADS)  # type: ignore[index]
    match = {"path_regex": "^/fhir/Condition"}
    SandboxEhr(ward.stack).strike("status", match=match, status=403, body=outcome, times=None)
    screen = ward.tab(policy=False)
    screen.page.goto(ward.launch_address(made, encounter="none"))
    screen.expect_heading("Prepare the visit")
    screen.find("#encounter").wait_for()
    assert "The EHR did not allow this to be read" in ward.expect_inert(screen)
    # The answer to this draws the page anew while the field is being filled.
    screen.press("Patient declines")
    screen.place.get_by_label("What happened in the visit").fill("\n".join(PAYLOADS))
    expect(screen.find(".answer")).to_contain_text("declined")
    assert missing(PAYLOADS, screen.place.get_by_label("What happened in the visit").input_value()) == []
    ward.expect_inert(screen)
    screen.press("Draft the note")
    screen.expect_heading("Review the note")
    assert missing(PAYLOADS, ward.expect_inert(screen)) == []


def test_d06_what_an_ehr_says_of_a_refused_launch_is_not_repeated(ward: Ward) -> None:
    """`error`, `error_description` and `error_uri` of the callback, and an address nobody has."""
    made = ward.admit(PAYLOADS[:4])
    for text in (PAYLOADS[0], PAYLOADS[3], "".join(PAYLOADS)):
        screen = ward.tab(policy=False)
        state = _depart(ward, screen.page, made)
        query = {"state": state, "iss": f"{ward.stack.addresses.ehr}/auth", "error": text[:200]}
        query |= {"error_description": text, "error_uri": "javascript:pwn(81)"}
        screen.page.goto(f"{ward.stack.addresses.connector}/launch/callback/{TENANT}?{urlencode(query)}")
        screen.expect_heading("This launch was refused")
        assert "pwn" not in ward.expect_inert(screen)
        screen.page.goto(f"{ward.stack.addresses.connector}/v/{base64.urlsafe_b64encode(text.encode()).decode()[:200]}")
        ward.expect_inert(screen)


def _depart(ward: Ward, page: Page, made: Charted) -> str:
    """A launch as far as the EHR's authorization; returns its state."""
    asked: list[str] = []

    def stop(route: Route) -> None:
        answer = route.fetch(max_redirects=0)
        asked.append(answer.headers["location"])
        route.fulfill(status=200, headers={"set-cookie": answer.headers["set-cookie"]}, body="stopped here")

    page.route("**/launch?*", stop)
    page.goto(ward.launch_address(made))
    page.unroute("**/launch?*")
    return parse_qs(urlsplit(asked[0]).query)["state"][0]


# Positive controls: what is not escaped is noticed.


def test_d06_a_page_with_any_one_payload_unescaped_is_noticed(ward: Ward) -> None:
    assert len(PAYLOADS) >= 60 and len(set(PAYLOADS)) == len(PAYLOADS)
    screen = ward.tab(policy=False)
    screen.page.goto(f"{ward.stack.addresses.connector}/static/scribe.svg")
    unnoticed = []
    for text in PAYLOADS:
        screen.page.goto(f"{ward.stack.addresses.connector}/health/live")
        screen.page.set_content(wrap(text), wait_until="domcontentloaded")
        screen.page.wait_for_timeout(20)
        if not ward.alarm.look(screen):
            unnoticed.append(text)
        ward.alarm.dialogs.clear()
        ward.alarm.strangers.clear()
        screen.complaints.clear()
    assert unnoticed == []


@pytest.mark.parametrize(
    ("text", "policy", "told"),
    [
        ("<script>pwn(1)</script>", True, "policy: script-src"),
        ("<img src=x onerror=pwn(4)>", False, "dialog: 4"),
        ("<img src=x onerror=pwn(4)>", False, "ran: 4"),
        ("<img src=https://pwn.invalid/39>", False, "request: https://pwn.invalid/39"),
        ("<x onclick=pwn(43)>x</x>", True, "element: x"),
    ],
)
def test_d06_each_alarm_sounds_on_a_page_of_ours(ward: Ward, text: str, policy: bool, told: str) -> None:
    """A real page of ours, under our policy or without it, spoilt on its way to the browser."""
    screen = ward.tab(policy=policy)

    def spoil(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("</main>", f"{text}</main>"))

    screen.page.route("**/launch", spoil)
    screen.page.goto(f"{ward.stack.addresses.connector}/launch")
    screen.wait_for(lambda: any(line.startswith(told) or told in line for line in ward.alarm.look(screen)))
