"""The page "What the scribe knows" in Chromium: it follows the reading, keeps what is typed, and needs no mouse."""

from __future__ import annotations

from typing import Any

import pytest
from connector_sandbox.stack import Stack
from playwright.sync_api import expect

from tests.browser.screen import PANEL, Desk, Screen
from tests.browser.test_accessibility import expect_faultless, walk_to
from tests.fixtures.peers import Chart, SandboxEhr

LATER = {"path_regex": "^/fhir/(Goal|Procedure)"}
ALLERGIES = {"path_regex": "^/fhir/AllergyIntolerance"}


def open_knows(screen: Screen) -> Screen:
    """From the visit's page to this one."""
    screen.find("#chart .knows a").click()
    screen.expect_heading("What the scribe knows")
    return screen


def expect_read(screen: Screen) -> None:
    expect(screen.find("main")).to_have_attribute("data-reading", "no", timeout=20_000)


def held(screen: Screen) -> list[Any]:
    """The element in focus: its id, its text, and where its caret stands."""
    found = "const one = document.activeElement; return [one.id, one.value, one.selectionStart];"
    return list(screen.place.evaluate(f"() => {{ {found} }}"))


def test_the_page_has_no_fault_in_any_of_its_states(desk: Desk, chart: Chart, ehr: SandboxEhr) -> None:
    ehr.strike("status", status=503, match=ALLERGIES)
    ehr.strike("slow", seconds=4, match=LATER)
    screen = open_knows(desk.launch(chart.admit("chasidy")))
    expect(screen.find(".reading")).to_be_visible()
    expect_faultless(screen)
    expect_read(screen)
    screen.find("#add-name").fill("Lakeside Heart")
    screen.press("Add")
    expect(screen.find("#undo")).to_be_visible()
    screen.place.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    expect_faultless(screen)
    screen.find("[data-filter]").fill("lo")
    expect_faultless(screen)


def test_what_is_typed_and_open_stays_while_the_chart_arrives(desk: Desk, chart: Chart, ehr: SandboxEhr) -> None:
    ehr.strike("slow", seconds=5, match=LATER)
    screen = open_knows(desk.launch(chart.admit("billie"), viewport=PANEL))
    screen.place.evaluate("window.kept = true")
    screen.find("#part-medications > summary").click()
    screen.find("#terms-vocabulary > summary").click()
    screen.find("#add-instead").select_option("lisinopril")
    screen.find("#add-name").fill("Lakeside")
    screen.page.keyboard.press("ArrowLeft")
    screen.place.evaluate("document.getElementById('add-name').scrollIntoView({block: 'center'})")
    before = held(screen)
    place = screen.find("#add-name").bounding_box()
    expect(screen.find("#part-goals")).to_contain_text("Not read yet.")
    assert before == ["add-name", "Lakeside", len("Lakeside") - 1]
    expect(screen.find("#said")).to_have_text("The chart has been read.", timeout=20_000)
    expect(screen.find("#part-goals")).not_to_contain_text("Not read yet.")
    expect(screen.find(".reading")).to_have_count(0)
    assert held(screen) == before
    assert screen.find("#add-instead").input_value() == "lisinopril"
    assert screen.find("#add-name").bounding_box() == place, "the page has not moved under the eye"
    for fold in ("part-medications", "terms-vocabulary"):
        assert screen.find(f"#{fold}").evaluate("(one) => one.open"), fold
    assert screen.place.evaluate("window.kept") is True, "the page was not loaded again"


def test_the_visits_own_page_says_that_the_rest_has_arrived(desk: Desk, chart: Chart, ehr: SandboxEhr) -> None:
    ehr.strike("slow", seconds=4, match=LATER)
    screen = desk.launch(chart.admit("billie"))
    screen.find("#typed > summary").click()
    box = screen.place.get_by_label("What happened in the visit")
    box.fill("Cough")
    expect(screen.find("#chart")).to_contain_text("The rest of the chart is being read.")
    expect(screen.find("#said")).to_have_text("The chart has been read.", timeout=20_000)
    expect(screen.find("#chart")).not_to_contain_text("being read")
    expect(box).to_have_value("Cough")
    expect(box).to_be_focused()


@pytest.mark.parametrize("page", ["visit", "knows"])
def test_what_failed_is_read_again_by_a_button(desk: Desk, chart: Chart, ehr: SandboxEhr, page: str) -> None:
    ehr.strike("status", status=503, match=ALLERGIES)
    screen = desk.launch(chart.admit("chasidy"))
    place = "chart" if page == "visit" else "part"
    if page == "knows":
        open_knows(screen)
    expect_read(screen)
    expect(screen.find(f"#{place}-allergies")).to_contain_text("Could not be read.")
    ehr.calm()
    ehr.strike("slow", seconds=1.5, match=ALLERGIES)
    screen.press("Read again")
    expect(screen.find("#said")).to_have_text("The chart is being read again.")
    expect(screen.find(f"#{place}-allergies")).to_contain_text("Not read yet.")
    expect(screen.find("#chart-title")).to_be_focused()
    expect(screen.find("#said")).to_have_text("The chart has been read.", timeout=20_000)
    expect(screen.find(f"#{place}-allergies")).to_contain_text("8 allergies")
    expect(screen.find(".unread")).to_have_count(0)


def test_names_are_found_changed_removed_and_brought_back_with_the_keyboard_alone(desk: Desk, chart: Chart) -> None:
    screen = desk.launch(chart.admit("chasidy"))
    keys = screen.page.keyboard
    walk_to(screen, "#chart .knows a")
    keys.press("Enter")
    screen.expect_heading("What the scribe knows")
    expect_read(screen)
    walk_to(screen, "#add-name")
    keys.type("Lakeside Heart")
    keys.press("Enter")
    expect(screen.find("#said")).to_have_text("Lakeside Heart added.")
    expect(screen.find("#add-name")).to_be_focused()
    expect(screen.find("#add-name")).to_have_value("")
    walk_to(screen, "[data-filter]")
    keys.type("TACRO")
    expect(screen.find("[data-term]:visible").first).to_have_attribute("data-term", "tacrolimus")
    expect(screen.find("[data-term]:visible")).to_have_count(6)
    walk_to(screen, "[data-correct]:visible")
    keys.press("Enter")
    expect(screen.find("#add-name")).to_be_focused()
    expect(screen.find("#add-instead")).to_have_value("tacrolimus")
    keys.type("Prograf XL")
    keys.press("Enter")
    expect(screen.find("#said")).to_have_text("tacrolimus changed to Prograf XL.")
    expect(screen.find("[data-filter]")).to_have_value("TACRO")
    expect(screen.find("[data-filter-count]")).to_contain_text("of")
    walk_to(screen, "[data-filter]")
    keys.press("Escape")
    expect(screen.find("[data-filter]")).to_have_value("")
    walk_to(screen, "#terms-own button[name=remove]")
    first = str(screen.find("#terms-own [data-term]").first.get_attribute("data-term"))
    keys.press("Enter")
    expect(screen.find("#said")).to_have_text(f"{first} removed.")
    assert screen.place.evaluate("document.activeElement.matches('button[name=remove]')")
    expect(screen.find("#undo")).to_have_text(f"Undo: “{first}” removed")
    screen.find("#undo").focus()
    keys.press("Enter")
    expect(screen.find("#said")).to_have_text("The last change is undone.")
    expect(screen.find(f'[data-term="{first}"]')).to_be_visible()


def test_a_name_that_cannot_be_sent_is_refused_in_words_and_stays_in_the_box(desk: Desk, chart: Chart) -> None:
    screen = open_knows(desk.launch(chart.admit("billie")))
    screen.find("#add-name").fill("lisinopril")
    screen.press("Add")
    expect(screen.find("#notices")).to_contain_text("This name is in the list already.")
    expect(screen.find("#add-name")).to_have_value("lisinopril")
    assert all("422" in line for line in screen.complaints)
    screen.complaints.clear()


def test_without_scripts_names_are_changed_by_forms_alone(desk: Desk, chart: Chart, ehr: SandboxEhr) -> None:
    ehr.strike("status", status=503, match=ALLERGIES)
    screen = open_knows(desk.launch(chart.admit("chasidy"), java_script_enabled=False))
    expect(screen.find("[data-filter]")).to_be_hidden()
    expect(screen.find("[data-correct]").first).to_be_hidden()
    screen.find("#add-name").fill("Prograf XL")
    screen.find("#add-instead").select_option("tacrolimus")
    screen.press("Add")
    screen.expect_heading("What the scribe knows")
    expect(screen.find('[data-term="Prograf XL"]')).to_be_visible()
    expect(screen.find('[data-term="tacrolimus"]')).to_have_count(0)
    screen.press("Remove aspirin")
    expect(screen.find('[data-term="aspirin"]')).to_have_count(0)
    screen.press("Undo: “aspirin” removed")
    expect(screen.find('[data-term="aspirin"]')).to_be_visible()
    ehr.calm()
    for _ in range(90):
        if not screen.find(".unread").count() and "Not read yet" not in screen.page.content():
            break
        again = screen.place.get_by_role("button", name="Read again")
        if again.count():
            again.click()
        screen.page.wait_for_timeout(300)
        screen.page.reload()
    expect(screen.find("#part-allergies")).to_contain_text("8 allergies")


def test_it_can_be_read_in_the_panel_and_at_twice_its_size(desk: Desk, chart: Chart, stack: Stack) -> None:
    del stack
    screen = desk.launch_in_panel(chart.admit("chasidy"))
    open_knows(screen)
    shown, wanted = screen.place.evaluate("[innerWidth, document.documentElement.scrollWidth]")
    assert wanted <= shown <= 480
    expect(screen.find(".banner__name")).to_be_visible()
    narrow = open_knows(desk.launch(chart.admit("chasidy"), viewport={"width": 320, "height": 640}))
    narrow.place.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert narrow.page.evaluate("document.documentElement.scrollWidth") <= 320
