"""Correcting a transcript on the screen: by keyboard, in place, spoken aloud, without a fault axe knows of."""

import re

from playwright.sync_api import expect

from tests.browser.screen import DESK, PANEL, Desk, Screen
from tests.fixtures.peers import Chart


def open_tools(screen: Screen) -> None:
    """Opens "Correct the transcript" with the keyboard."""
    screen.find("#correct > summary").focus()
    screen.page.keyboard.press("Enter")
    expect(screen.find("#said-by")).to_be_visible()


def role_of(screen: Screen, turn: str) -> str:
    return screen.find(f"#turn-{turn} .turn__role").inner_text()


def test_speakers_turns_and_words_are_corrected_with_the_keyboard_and_the_note_is_drafted_again(
    desk: Desk, chart: Chart
) -> None:
    screen = desk.drafted(chart.admit("billie"))
    keys = screen.page.keyboard
    expect(screen.find(".turn__pick").first).to_be_hidden()
    open_tools(screen)

    first, second = role_of(screen, "t1"), role_of(screen, "t2")
    assert first != second
    screen.find("#swap").press("Enter")
    expect(screen.find("#turn-t1 .turn__role")).to_have_text(second)
    expect(screen.find("#said")).to_contain_text("Corrected.")
    expect(screen.find("#swap")).to_be_focused()
    expect(screen.find("#redraft-title")).to_contain_text("corrected after this note was drafted")
    screen.find("#undo-correction").press("Enter")
    expect(screen.find("#turn-t1 .turn__role")).to_have_text(first)
    expect(screen.find("#redraft")).to_have_count(0)

    screen.find('#turn-t1 input[name="turns"]').press("Space")
    screen.find('#said-by input[name="role"]').fill("Interpreter")
    expect(screen.find("#said-by select")).to_have_value("")
    keys.press("Enter")
    expect(screen.find("#turn-t1 .turn__role")).to_have_text("Interpreter")
    expect(screen.find(".speaker")).to_have_count(3)
    expect(screen.find("#undo-correction")).to_have_text("Undo: turns of somebody else")

    screen.find('#turn-t2 [data-turn-forms="t2"]').press("Enter")
    words = screen.find("#turn-t2 textarea")
    expect(words).to_be_focused()
    said = words.input_value()
    keys.press("Escape")
    expect(screen.find("#turn-t2 textarea")).to_have_count(0)
    expect(screen.find('#turn-t2 [data-turn-forms="t2"]')).to_be_focused()
    keys.press("Enter")
    screen.find("#turn-t2 textarea").fill(f"{said} Metoprolol.")
    screen.find("#turn-t2").get_by_role("button", name="Save the words").press("Enter")
    expect(screen.find("#turn-t2 .turn__text")).to_contain_text("Metoprolol.")
    expect(screen.find("#turn-t2")).to_be_focused()
    expect(screen.find("#correct")).to_have_attribute("open", "")

    screen.press("Draft again")
    expect(screen.find("#redraft-title")).to_contain_text(re.compile("being drafted|was drafted again"))
    expect(screen.find("#redraft-title")).to_contain_text("was drafted again from the corrected", timeout=60_000)
    cited = screen.find("[data-sentence][data-turns]").evaluate_all(
        "(rows) => rows.flatMap((r) => r.dataset.turns.split(' '))"
    )
    assert [one for one in cited if one and not screen.find(f'[data-turn="{one}"]').count()] == []
    screen.find("a[data-text]").first.click()
    expect(screen.find(".turn--lit").first).to_be_visible()


def test_words_typed_for_a_turn_stay_when_something_else_is_corrected_or_drafted_again(
    desk: Desk, chart: Chart
) -> None:
    screen = desk.drafted(chart.admit("billie"))
    open_tools(screen)
    first, second = role_of(screen, "t1"), role_of(screen, "t2")
    screen.find('[data-turn-forms="t2"]').click()
    screen.find("#turn-t2 textarea").fill("My back, and metoprolol.")
    screen.find('#turn-t3 input[name="turns"]').check()
    screen.find("#swap").click()
    expect(screen.find("#turn-t1 .turn__role")).to_have_text(second)
    expect(screen.find("#turn-t2 textarea")).to_have_value("My back, and metoprolol.")
    expect(screen.find('#turn-t3 input[name="turns"]')).to_be_checked()

    expect(screen.find("#redraft [name=replace]")).to_have_count(0)
    screen.find("[data-sentence]").nth(1).locator("[data-edit]").click()
    screen.page.keyboard.type(" Noted.")
    screen.page.keyboard.press("Enter")
    screen.find("#redraft [name=replace]").check()
    screen.press("Draft again")
    expect(screen.find("#redraft-title")).to_contain_text("being drafted again")
    expect(screen.find("#turn-t2 textarea")).to_have_value("My back, and metoprolol.")
    screen.find("#turn-t2").get_by_role("button", name="Save the words").click()
    expect(screen.find("#turn-t2 .turn__text")).to_contain_text("My back, and metoprolol.")
    expect(screen.find("#turn-t2 textarea")).to_have_count(0)
    assert role_of(screen, "t2") == first


def test_the_corrections_have_no_fault_wide_or_narrow(desk: Desk, chart: Chart) -> None:
    screen = desk.drafted(chart.admit())
    for size, scheme in ((DESK, "light"), (PANEL, "dark")):
        screen.page.set_viewport_size(size)
        screen.page.emulate_media(color_scheme=scheme)
        if size is PANEL:
            screen.find("#tab-transcript").click()
        if screen.find("#correct").get_attribute("open") is None:
            open_tools(screen)
            screen.find('[data-turn-forms="t2"]').click()
            expect(screen.find("#turn-t2 textarea")).to_be_focused()
        assert screen.faults() == []
        over = screen.page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0
    screen.find("#swap").click()
    expect(screen.find("#undo-correction")).to_be_visible()
    expect(screen.find("#pane-transcript")).to_be_visible()
    screen.find("#tab-note").click()
    expect(screen.find("#redraft-title")).to_be_visible()
    assert screen.faults() == []
