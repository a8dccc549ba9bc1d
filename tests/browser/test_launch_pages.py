"""The pages of a launch before and after its visit, for everybody: no faults, and the keyboard is enough.

The pages are drawn from their templates into the connector's own site, with its styles: what stands on them is given.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from connector_sandbox.clinician import first_clinician
from connector_sandbox.stack import Stack
from playwright.sync_api import Route, expect
from starlette.requests import Request

from connector.visit.carrying import BlockedLaunch
from connector.web.chart_view import PatientView
from connector.web.pages import Pages
from tests.browser import test_blocked_microphone
from tests.browser.screen import Desk, Screen
from tests.browser.test_accessibility import expect_faultless, walk_to
from tests.fixtures.peers import Chart

JULIA = PatientView("Julia Okafor-Díaz", "31 Jul 1980 (45 years)", "female", "A-17")
UNKNOWN = PatientView("Julie Okafor", None, None, None)
SEARCH: dict[str, Any] = {
    "base": "/pick/one",
    "csrf": "token",
    "clinician": "Dr. Maya Okafor",
    "asked": {"name": "", "born": "", "identifier": ""},
    "people": None,
    "more": False,
    "looked_at": None,
    "problem": None,
}
ASKED = {"name": "okafor, jul", "born": "", "identifier": ""}
PEOPLE = [{"id": "p8", "view": UNKNOWN}, {"id": "p9", "view": JULIA}]
FOUND = SEARCH | {"asked": ASKED, "people": PEOPLE, "more": True}
REFUSED = SEARCH | {"problem": "Give at least two letters of the name."}
LOOKED_AT = SEARCH | {"looked_at": {"id": "p9", "view": JULIA}}
PAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "search": ("pick.html", SEARCH),
    "found": ("pick.html", FOUND),
    "nobody": ("pick.html", SEARCH | {"asked": ASKED, "people": []}),
    "refused": ("pick.html", REFUSED),
    "looked at": ("pick.html", LOOKED_AT),
    "blocked": ("blocked.html", {"launch": BlockedLaunch("reference", "ticket")}),
    "left": ("left.html", {"note_waiting": False}),
    "left, a note waiting": ("left.html", {"note_waiting": True}),
}

# Numbers every control in reading order; the skip link is the first. Then: which one is in focus, and whether it shows.
_MARK = """() => {
    const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), textarea, select")];
    all.forEach((one, at) => { one.dataset.stop = at; });
}"""
_WHERE = """() => {
    const held = document.activeElement;
    return [held.dataset.stop ?? null, getComputedStyle(held).outlineStyle !== "none"];
}"""


def draw(name: str, values: dict[str, Any]) -> str:
    return bytes(Pages("test").render(Request({"type": "http"}), name, values).body).decode()


def show(screen: Screen, stack: Stack, ends: dict[str, str]) -> list[tuple[str, str]]:
    """Puts pages below /pick/one of the connector's site and opens the first; returns what forms send to them."""
    sent: list[tuple[str, str]] = []

    def answer(route: Route) -> None:
        end = route.request.url.rpartition("/")[2]
        if route.request.method == "POST":
            sent.append((end, route.request.post_data or ""))
        route.fulfill(body=ends[end], content_type="text/html")

    screen.page.route("**/pick/**", answer)
    screen.page.goto(f"{stack.addresses.connector}/pick/one")
    return sent


def expect_no_trap(screen: Screen) -> None:
    """Tab passes every control, seen and in reading order, and comes out again; Shift+Tab goes the way back."""
    page, seen = screen.page, ["0"]
    page.evaluate(_MARK)
    page.locator("[data-stop]").first.focus()
    for _ in range(60):
        page.keyboard.press("Tab")
        mark, visible = page.evaluate(_WHERE)
        if mark in (None, "0"):
            break
        assert visible, mark
        if mark != seen[-1]:  # a date has more than one stop
            seen.append(mark)
    else:
        raise AssertionError(f"the keyboard does not come out of {seen[-1]}")
    assert seen == [str(number) for number in range(page.locator("[data-stop]").count())]
    page.locator("[data-stop]").last.focus()
    while len(seen) > 1:
        mark = page.evaluate(_WHERE)[0]
        if mark == seen[-1]:
            page.keyboard.press("Shift+Tab")
        else:
            assert mark == seen[-2]
            seen.pop()


@pytest.mark.parametrize(("name", "values"), PAGES.values(), ids=PAGES)
def test_no_page_of_a_launch_has_a_fault(desk: Desk, stack: Stack, name: str, values: dict[str, Any]) -> None:
    screen = desk.tab()
    show(screen, stack, {"one": draw(name, values)})
    expect(screen.find("h1")).to_be_visible()
    expect_faultless(screen)
    expect_no_trap(screen)
    for width in (1280, 420, 320):
        screen.page.set_viewport_size({"width": width, "height": 860})
        assert screen.page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_patient_is_picked_with_the_keyboard_alone(desk: Desk, stack: Stack) -> None:
    screen = desk.tab()
    keys = screen.page.keyboard
    ends = {name: draw("pick.html", values) for name, values in
            {"one": SEARCH, "search": FOUND, "look": LOOKED_AT, "confirm": SEARCH}.items()}  # fmt: skip
    sent = show(screen, stack, ends)
    expect(screen.find("#find-name")).to_be_focused()
    keys.type("okafor, jul")
    keys.press("Enter")
    expect(screen.find("#found-title")).to_have_text("2 patients found")
    walk_to(screen, "button[value=p9]")
    keys.press("Enter")
    screen.expect_heading("Is this the patient?")
    expect(screen.find("#heading")).to_be_focused()
    keys.press("Enter")
    assert [end for end, _ in sent] == ["search", "look"], "a second press of Enter confirms nobody"
    walk_to(screen, "form[action$=confirm] button")
    keys.press("Enter")
    screen.expect_heading("Find the patient")
    assert [end for end, _ in sent] == ["search", "look", "confirm"]
    assert all("csrf=token" in body for _, body in sent)
    assert "patient=p9" in sent[1][1] and "patient=p9" in sent[2][1]


def test_what_a_search_found_is_the_first_thing_told(desk: Desk, stack: Stack) -> None:
    """A page that came anew announces its title and what is in focus, and no live region."""
    screen = desk.tab()
    ends = {"one": draw("pick.html", FOUND), "search": draw("pick.html", REFUSED)}
    show(screen, stack, ends)
    expect(screen.page).to_have_title("2 patients found – Scribe")
    expect(screen.find("#found-title")).to_be_focused()
    screen.press("Search")
    expect(screen.find("[role=alert]").filter(has_text="at least two letters")).to_be_visible()
    expect(screen.find("#find-name")).to_be_focused()
    expect(screen.find("#find-name")).to_have_accessible_description("Give at least two letters of the name.")


def launch_without_encounter(desk: Desk, stack: Stack, patient: str) -> Screen:
    screen = desk.tab()
    body = {"patient": patient, "practitioner": first_clinician(stack.addresses.ehr), "encounter": "none"}
    with httpx.Client(trust_env=False) as client:
        opened = client.post(f"{stack.addresses.ehr}/launches", json=body)
    screen.page.goto(opened.json()["launch_url"])
    screen.expect_heading("Prepare the visit")
    return screen


def test_an_encounter_is_chosen_with_the_keyboard_on_a_page_without_fault(
    desk: Desk, stack: Stack, chart: Chart
) -> None:
    screen = launch_without_encounter(desk, stack, chart.admit())
    expect_faultless(screen)
    radios = screen.find("input[name=encounter]")
    walk_to(screen, "input[name=encounter]:checked")
    screen.page.keyboard.press("ArrowUp")
    chosen = screen.find("input[name=encounter]:checked").get_attribute("value")
    assert chosen and radios.count() > 2
    walk_to(screen, "form[action$=encounter] button")
    screen.page.keyboard.press("Enter")
    expect(screen.find("#encounter summary")).to_have_text("Change the encounter")
    screen.find("#encounter summary").click()
    expect(screen.find(f'input[name=encounter][value="{chosen}"]')).to_be_checked()
    expect_faultless(screen)


@pytest.mark.parametrize("width", [1280, 420])
def test_a_panel_without_a_microphone_has_no_fault(desk: Desk, chart: Chart, width: int) -> None:
    screen = test_blocked_microphone.open_panel(desk, chart, allow="autoplay")
    screen.page.set_viewport_size({"width": width, "height": 860})
    expect(screen.find("[data-microphone]")).to_be_visible()
    assert screen.faults() == []
