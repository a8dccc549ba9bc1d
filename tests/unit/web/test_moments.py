"""Times as people read them."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from connector.web.moments import (
    count,
    describe_age,
    describe_length,
    show_day,
    show_moment,
    show_offset,
    years_between,
)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "moments ago"),
        (59, "moments ago"),
        (60, "1 minute ago"),
        (7199, "1 hour ago"),
        (7200, "2 hours ago"),
        (86_400 * 3 + 5, "3 days ago"),
    ],
)
def test_an_age_is_told_in_its_largest_whole_unit(seconds: float, words: str) -> None:
    assert describe_age(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-1, "0 s"), (8.4, "8 s"), (59.6, "1 min 0 s"), (91, "1 min 31 s"), (3899, "1 h 4 min")],
)
def test_a_length_of_time(seconds: float, words: str) -> None:
    assert describe_length(seconds) == words


@pytest.mark.parametrize(
    ("milliseconds", "words"), [(-1, "0:00"), (999, "0:00"), (83_400, "1:23"), (3_723_000, "1:02:03")]
)
def test_a_place_in_a_recording(milliseconds: int, words: str) -> None:
    assert show_offset(milliseconds) == words


def test_a_date_cannot_be_taken_for_another() -> None:
    assert show_day(date(2026, 3, 4)) == "4 Mar 2026"


def test_an_age_in_years_counts_completed_ones() -> None:
    assert years_between(date(1992, 7, 7), date(2026, 7, 6)) == 33
    assert years_between(date(1992, 7, 7), date(2026, 7, 7)) == 34
    assert years_between(date(2024, 2, 29), date(2025, 2, 28)) == 0


def test_a_moment_is_shown_in_utc_whatever_zone_it_came_in() -> None:
    there = datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=2)))
    moment = show_moment(there, datetime(2025, 12, 31, 23, 0, tzinfo=UTC))
    assert (moment.text, moment.age) == ("31 Dec 2025, 22:30 UTC", "30 minutes ago")
    assert moment.iso == "2025-12-31T22:30:00+00:00"


def test_one_thing_and_several() -> None:
    assert (count(1, "entry", "entries"), count(2, "entry", "entries"), count(0, "year")) == (
        "1 entry",
        "2 entries",
        "0 years",
    )
