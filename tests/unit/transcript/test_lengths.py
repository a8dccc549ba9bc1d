"""The seconds captured, those the vendor says it heard and the last word's end are compared, and none hides another."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.records import Stamp, Transcript, Turn
from connector.transcript.lengths import compare_lengths

STAMP = Stamp(maker="test", at=datetime(2026, 3, 2, 12, 0, tzinfo=UTC))


def told(captured: int, reported: int, last: int) -> str:
    """What is said of these lengths, in seconds."""
    turn = Turn("t1", "A", "Clinician", "vendor", "Yes.", 0, last * 1000, 0.9)
    lengths = {"captured_ms": captured * 1000, "reported_ms": reported * 1000}
    found = Transcript("x1", "recogniser", "en", max(reported, last) * 1000, (turn,), (), STAMP, **lengths)  # type: ignore[arg-type]
    return " ".join(compare_lengths(found))


@pytest.mark.parametrize(("captured", "reported", "last"), [(60, 60, 58), (60, 62, 61), (60, 58, 60), (60, 60, 62)])
def test_whole_seconds_rounded_up_are_no_difference(captured: int, reported: int, last: int) -> None:
    assert told(captured, reported, last) == ""


def test_a_difference_either_way_is_told_in_seconds() -> None:
    assert "differ by 40 seconds" in told(60, 20, 19)
    assert "differ by 30 seconds" in told(60, 90, 60)


def test_a_short_length_stated_by_the_vendor_is_told_though_words_run_to_the_end() -> None:
    words = told(60, 20, 59)
    assert "differ by 40 seconds" in words
    assert "Words go on for 39 seconds" in words


def test_where_nobody_measured_one_it_is_said_that_nothing_was_compared() -> None:
    assert told(0, 60, 59).startswith("The length of the recording is not known: it was not compared")
    assert told(60, 0, 59).startswith("How much of the recording was heard is not known: it was not compared")
