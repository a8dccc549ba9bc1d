"""The review page: every sentence leads to what it rests on, no edit is lost, nothing unseen is signed."""

import re
from collections.abc import Iterator

import pytest
from connector_sandbox.stack import Stack
from playwright.sync_api import Browser, expect

from tests.browser.screen import Desk, Screen
from tests.fixtures.peers import Chart, SandboxEhr, text_of

CHANGE = " Advised to rise slowly."


@pytest.fixture(scope="module")
def drafted_once(chromium: Browser, shared_stack: Stack, hapi_base: str) -> Iterator[Screen]:
    """One drafted visit for the tests that only read it."""
    desk = Desk(chromium, shared_stack)
    yield desk.drafted(Chart(hapi_base).admit("billie"))
    desk.close()


@pytest.fixture
def note(drafted_once: Screen) -> Iterator[Screen]:
    """That visit, its page loaded anew; it may leave no complaint on the console."""
    drafted_once.page.reload()
    drafted_once.expect_heading("Review the note")
    yield drafted_once
    assert drafted_once.complaints == []


def spoken_sentence(screen: Screen) -> tuple[str, float, float]:
    """The first sentence that rests on one turn in the middle of the recording: its id, and when that turn is."""
    found = screen.find("[data-sentence]").evaluate_all(
        """(rows) => rows.filter((row) => row.dataset.turns && !row.dataset.turns.includes(" ")).map((row) => {
            const turn = document.querySelector(`[data-turn="${row.dataset.turns}"]`);
            return [row.id, Number(turn.dataset.start), Number(turn.dataset.end)];
        }).filter(([, start, end]) => start > 20 && end - start < 8)"""
    )
    identity, start, end = found[0]
    return str(identity), float(start), float(end)


def edit(screen: Screen, row: str, change: str) -> None:
    """Adds words to the end of a sentence with the keyboard and saves it."""
    screen.find(f"#{row} [data-edit]").click()
    screen.page.keyboard.type(change)
    screen.page.keyboard.press("Enter")
    screen.expect_saved()


def test_a_click_on_a_sentence_lights_its_turn_and_plays_just_that_turn(note: Screen) -> None:
    row, start, end = spoken_sentence(note)
    note.find(f"#{row} a[data-text]").click()
    expect(note.find(".turn--lit")).to_have_count(1)
    assert float(note.find(".turn--lit").get_attribute("data-start") or -1) == start
    expect(note.find(".turn--lit")).to_be_in_viewport()
    expect(note.find(".turn--playing")).to_have_count(1)
    paused, at, _ = note.player()
    assert not paused and start - 0.3 <= at <= end
    note.wait_for(lambda: note.player()[0])
    paused, at, _ = note.player()
    assert end <= at < end + 0.5


def test_enter_on_a_sentence_does_the_same_and_escape_stops_it(note: Screen) -> None:
    row, start, _ = spoken_sentence(note)
    note.find(f"#{row} a[data-text]").focus()
    note.page.keyboard.press("Enter")
    note.wait_for(lambda: note.player()[1] >= start)
    expect(note.find(f"#{row}")).to_have_class(re.compile("sentence--lit"))
    expect(note.find(f"#{row} a[data-text]")).to_be_focused()
    note.page.keyboard.press("Escape")
    assert note.player()[0]
    expect(note.find(".turn--lit")).to_have_count(0)


def test_a_turn_of_the_transcript_plays_by_itself(note: Screen) -> None:
    turn = note.find("[data-turn]").nth(4)
    start = float(turn.get_attribute("data-start") or -1)
    turn.locator("[data-play]").click()
    note.wait_for(lambda: note.player()[1] >= start)
    expect(turn).to_have_class(re.compile("turn--playing"))


def test_an_edit_is_saved_survives_a_reload_and_is_in_the_text_to_be_signed(desk: Desk, chart: Chart) -> None:
    screen = desk.drafted(chart.admit())
    row, _, _ = spoken_sentence(screen)
    screen.find(f"#{row} a[data-text]").focus()
    screen.page.keyboard.press("e")
    expect(screen.find(f"#{row} textarea")).to_be_focused()
    screen.page.keyboard.type(CHANGE)
    screen.page.keyboard.press("Enter")
    screen.expect_saved()
    expect(screen.find(f"#{row} a[data-text]")).to_be_focused()
    expect(screen.find(f"#{row} .evidence")).to_contain_text("Edited by you")
    expect(screen.find("[data-rendition]")).to_contain_text(CHANGE.strip())
    screen.page.reload()
    expect(screen.find(f"#{row} [data-text]")).to_contain_text(CHANGE.strip())


def test_what_is_being_typed_is_saved_by_itself_and_escape_takes_it_back(desk: Desk, chart: Chart) -> None:
    screen = desk.drafted(chart.admit())
    row, _, _ = spoken_sentence(screen)
    before = screen.find(f"#{row} [data-text]").inner_text()
    screen.find(f"#{row} [data-edit]").click()
    screen.page.keyboard.type(CHANGE)
    saved = screen.find("[data-saved]")
    expect(saved).to_have_text("Not saved yet")
    expect(saved).to_have_text("Saved")
    expect(screen.find(f"#{row} textarea")).to_be_focused()
    screen.page.keyboard.press("Escape")
    screen.expect_saved()
    screen.page.reload()
    assert screen.find(f"#{row} [data-text]").inner_text() == before


def test_sentences_are_added_and_deleted_and_undo_brings_them_back(desk: Desk, chart: Chart) -> None:
    screen = desk.drafted(chart.admit())
    rows = screen.find("[data-sentence]")
    count = rows.count()
    screen.find('[data-section="plan"] [data-add]').click()
    screen.page.keyboard.type("Work note given.")
    screen.page.keyboard.press("Enter")
    expect(screen.sentence("Work note given.").locator(".evidence")).to_contain_text("Written by you")
    expect(rows).to_have_count(count + 1)
    first = rows.first
    text = first.locator("[data-text]").inner_text()
    first.locator("[data-delete]").click()
    expect(rows).to_have_count(count)
    expect(screen.find(":focus")).to_have_attribute("aria-label", re.compile("^Delete: "))
    screen.press("Undo")
    expect(rows).to_have_count(count + 1)
    expect(rows.first.locator("[data-text]")).to_have_text(text)
    screen.press("Undo")
    expect(rows).to_have_count(count)
    expect(screen.sentence("Work note given.")).to_have_count(0)


def test_without_a_network_the_text_stays_is_said_to_be_unsaved_and_is_sent_later(desk: Desk, chart: Chart) -> None:
    screen = desk.drafted(chart.admit())
    row, _, _ = spoken_sentence(screen)
    screen.page.context.set_offline(True)
    screen.find(f"#{row} [data-edit]").click()
    screen.page.keyboard.type(CHANGE)
    screen.page.keyboard.press("Enter")
    expect(screen.find("[data-saved]")).to_have_text("Not saved – retrying")
    expect(screen.find("[data-attest]")).to_be_disabled()
    expect(screen.find("[data-sign-hint]")).to_have_text("Your change is being saved first.")
    expect(screen.find(f"#{row} [data-text]")).to_contain_text(CHANGE.strip())
    assert screen.page.evaluate("dispatchEvent(new Event('beforeunload', {cancelable: true}))") is False
    kept = screen.page.evaluate("Object.entries(sessionStorage).concat(Object.entries(localStorage))")
    assert [key for key, _ in kept if not key.startswith("scribe-begun ")] == []
    assert {value for _, value in kept} == {"1"}
    screen.page.context.set_offline(False)
    screen.expect_saved()
    expect(screen.find("[data-rendition]")).to_contain_text(CHANGE.strip())
    assert screen.page.evaluate("dispatchEvent(new Event('beforeunload', {cancelable: true}))") is True
    assert {line.split(":")[0] for line in screen.complaints} <= {"request", "console"}
    assert all("ERR_INTERNET_DISCONNECTED" in line for line in screen.complaints)
    screen.complaints.clear()


def test_two_windows_do_not_overwrite_each_other(desk: Desk, chart: Chart) -> None:
    mine = desk.drafted(chart.admit())
    theirs = desk.tab(mine.page.context)
    theirs.page.goto(mine.page.url)
    row, _, _ = spoken_sentence(mine)
    edit(theirs, row, " Theirs.")
    mine.find(f"#{row} [data-edit]").click()
    mine.page.keyboard.type(" Mine.")
    mine.page.keyboard.press("Enter")
    expect(mine.find("[data-saved]")).to_have_text("Not saved")
    expect(mine.find(".notice")).to_contain_text("could not be saved")
    expect(mine.find(f"#{row} [data-text]")).to_contain_text("Mine.")
    expect(mine.find("[data-attest]")).to_be_disabled()
    mine.press("Load the saved note")
    expect(mine.find(f"#{row} [data-text]")).to_contain_text("Theirs.")
    assert all("409" in line for line in mine.complaints)
    mine.complaints.clear()


def test_a_thing_to_check_leads_to_its_sentence(note: Screen) -> None:
    check = note.find("#check li").filter(has_text="Dose differs").first
    expect(check).to_contain_text("10 MG")
    link = check.locator("a[data-jump]").first
    target = link.get_attribute("data-jump")
    link.click()
    row = note.find(f'[data-sentence="{target}"]')
    expect(row).to_be_in_viewport()
    expect(row.locator("a[data-text]")).to_be_focused()
    expect(row.locator(".finding")).to_contain_text("Dose differs")


def test_the_note_is_copied_by_button_and_by_key(note: Screen) -> None:
    expect(note.find("[data-sign]")).to_be_visible()
    note.press("Copy")
    expect(note.find("#said")).to_have_text("The note is copied.")
    copied = note.page.evaluate("navigator.clipboard.readText()")
    assert note.find("[data-sentence] [data-text]").first.inner_text() in copied
    note.page.evaluate("navigator.clipboard.writeText('')")
    with note.page.expect_response("**/copy"):
        note.page.keyboard.press("Control+Shift+C")
    note.page.wait_for_timeout(200)
    assert note.page.evaluate("navigator.clipboard.readText()") == copied


def test_what_is_signed_is_what_was_shown_and_only_after_the_declaration(desk: Desk, chart: Chart) -> None:
    patient = chart.admit()
    screen = desk.drafted(patient)
    button = screen.find("[data-sign-button]")
    expect(button).to_be_disabled()
    screen.find("[data-attest]").check()
    expect(button).to_be_enabled()
    row, _, _ = spoken_sentence(screen)
    edit(screen, row, CHANGE)
    expect(button).to_be_disabled()
    expect(screen.find("[data-attest]")).not_to_be_checked()
    shown = screen.find("[data-rendition]").evaluate("(pre) => pre.textContent")
    screen.find("[data-attest]").check()
    button.click()
    screen.expect_heading("Filed in the EHR")
    expect(screen.find(".facts")).to_contain_text("identical to what you signed")
    reference = screen.find(".facts code").first.inner_text()
    assert text_of(chart.read(reference)) == shown
    assert CHANGE.strip() in shown


def test_while_the_ehr_is_down_the_page_says_that_the_note_is_safe_and_files_it_later(
    desk: Desk, chart: Chart, ehr: SandboxEhr
) -> None:
    patient = chart.admit()
    screen = desk.drafted(patient)
    ehr.strike("status", status=503)
    screen.find("[data-attest]").check()
    screen.find("[data-sign-button]").click()
    screen.expect_heading("Signed, not yet in the EHR")
    expect(screen.find("#attention")).to_contain_text("The EHR cannot be reached")
    expect(screen.find("#attention")).to_contain_text("stays here until it is filed")
    ehr.calm()
    if screen.find("#attention").get_by_role("button").count():
        screen.press("Try again now")
    screen.expect_heading("Filed in the EHR")
    expect(screen.find("#attention")).to_have_count(0)
