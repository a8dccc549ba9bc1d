"""A browser that runs no scripts: consent, typing, signing and copying are plain forms."""

from playwright.sync_api import expect

from tests.browser.screen import Desk
from tests.fixtures.peers import ONE_OF_EACH, Chart


def test_a_typed_visit_is_signed_and_filed_by_forms_alone(desk: Desk, chart: Chart) -> None:
    patient = chart.admit()
    screen = desk.launch(patient, java_script_enabled=False)
    screen.press("Patient declines")
    expect(screen.find(".answer")).to_contain_text("declined")
    screen.place.get_by_label("What happened in the visit").fill("Cough for three days.\nPlan: rest and fluids.")
    screen.press("Draft the note")
    screen.expect_heading("Review the note")
    assert screen.find("[data-sentence]").count() >= 2
    expect(screen.find("[data-edit]").first).to_be_hidden()
    screen.find("a[data-text]").first.click()
    expect(screen.find(".turn").first).to_be_in_viewport()
    screen.find("[data-attest]").check()
    screen.press("Sign and file")
    screen.expect_heading("Filed in the EHR")
    assert chart.counts(patient) == ONE_OF_EACH
    screen.press("Copy the note")
    expect(screen.find("body")).to_contain_text("Progress note")
    # A browser looks for an icon beside a plain text.
    assert all("404" in line for line in screen.complaints)
    screen.complaints.clear()


def test_the_browser_itself_asks_for_the_declaration(desk: Desk, chart: Chart) -> None:
    screen = desk.launch(chart.admit(), java_script_enabled=False)
    screen.find("summary").filter(has_text="Type the visit instead").click()
    screen.place.get_by_label("What happened in the visit").fill("Cough for three days.")
    screen.press("Draft the note")
    screen.expect_heading("Review the note")
    screen.press("Sign and file")
    expect(screen.find("h1")).to_have_text("Review the note")
    expect(screen.find("[data-attest]")).to_be_focused()
