"""What a recorder reckons without a microphone: time, gaps, silence, words. Its own module, run where it runs."""

from __future__ import annotations

from typing import Any

import pytest
from connector_sandbox.stack import Stack
from playwright.sync_api import Page

from tests.browser.screen import Desk

MODULE = "/static/js/recorder-state.js"


@pytest.fixture
def page(desk: Desk, stack: Stack) -> Page:
    """A page of the service in which nothing goes on, whose modules can be asked: a launch that is refused."""
    screen = desk.tab()
    screen.page.goto(f"{stack.addresses.connector}/launch")
    assert all("400" in line for line in screen.complaints)
    screen.complaints.clear()
    return screen.page


def reckon(page: Page, expression: str) -> Any:
    """What an expression over the module `m` comes to."""
    return page.evaluate(f"import('{MODULE}').then((m) => {expression})")


def test_slices_that_come_late_but_hold_their_sound_are_no_gap(page: Page) -> None:
    """A page that was busy for eight seconds: the hardware's clock went on with the wall's."""
    found = reckon(
        page, "{ const t = new m.Timeline(0, 0); return [t.slice(1000, 1000), t.slice(9000, 9000), t.captured]; }"
    )
    assert found == [None, None, 9000]


def test_a_sleep_is_a_gap_as_long_as_the_clock_ran_ahead_of_the_sound(page: Page) -> None:
    found = reckon(
        page, "{ const t = new m.Timeline(0, 0); t.slice(1000, 1000); return [t.slice(61000, 1500), t.captured]; }"
    )
    assert found == [{"kind": "gap", "at_ms": 1000, "missing_ms": 59500}, 1500]


def test_without_the_hardwares_clock_a_late_slice_counts_as_two(page: Page) -> None:
    found = reckon(
        page, "{ const t = new m.Timeline(0, null); t.slice(1000, null); return [t.slice(31000, null), t.captured]; }"
    )
    assert found == [{"kind": "gap", "at_ms": 1000, "missing_ms": 28000}, 3000]


def test_a_gap_of_less_than_five_seconds_is_not_marked(page: Page) -> None:
    assert reckon(page, "{ const t = new m.Timeline(0, 0); return t.slice(5900, 1000); }") is None


def test_a_pause_counts_as_no_sound_and_no_gap(page: Page) -> None:
    found = reckon(
        page,
        "{ const t = new m.Timeline(0, 0); t.slice(1000, 1000); t.pause(1400, 1400);"
        " const held = t.reading(50000, 50000); t.resume(60000, 60000);"
        " return [held, t.slice(60600, 60600), t.captured]; }",
    )
    assert found == [1400, None, 2000]


def test_twenty_seconds_without_a_sound_are_asked_about_until_one_comes(page: Page) -> None:
    told = "[[19999, false], [20000, false], [20100, true], [40000, false], [40100, false]]"
    found = reckon(
        page, f"{{ const s = new m.SilenceWatch(0); return {told}.map(([now, heard]) => s.hear(now, heard)); }}"
    )
    assert found == [False, True, False, False, True]


def test_loudness_goes_from_an_empty_meter_to_a_full_one(page: Page) -> None:
    found = reckon(page, "[0, 0.0005, 0.1, 1].map((sample) => m.measure(new Array(64).fill(sample)))")
    levels = [one["level"] for one in found]
    assert levels == sorted(levels)
    assert (levels[0], levels[-1]) == (0, 1)
    assert [one["heard"] for one in found] == [False, False, True, True]


def test_clocks_and_titles_tell_time_and_never_a_name(page: Page) -> None:
    assert reckon(page, "[0, 192400, 3792000].map(m.showClock)") == ["00:00", "03:12", "1:03:12"]
    assert reckon(page, "[800, 192400, 3792000].map(m.tellLength)") == ["1 s", "3 min 12 s", "1 h 3 min"]
    assert reckon(page, "m.titleOf('recording', 192400)") == "● Recording 03:12 – Scribe"
    assert reckon(page, "m.titleOf('off', 192400)") == "‖ Off the record 03:12 – Scribe"


def test_a_missing_span_is_what_the_service_takes(page: Page) -> None:
    assert reckon(page, "[m.spanOf(5, 5), m.spanOf(0, 1234.4), m.spanOf(0, 9e12)]") == [1, 1234, 172_800_000]
