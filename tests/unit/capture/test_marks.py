"""Marks: taken as told within what a visit can hold, and laid into the one line of the whole sound."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.capture.marks import KINDS, MOST_MARKS, lay_out, place_marks, read_mark
from connector.errors import InputRefused
from connector.records import Mark, Segment


def piece(name: str, duration_ms: int) -> Segment:
    return Segment(name, "microphone", "webm", 1, "0" * 64, 1, duration_ms)


def test_a_mark_is_taken_as_it_is_told() -> None:
    assert read_mark({"kind": "paused", "at_ms": 1500, "missing_ms": 60_000}, number=0) == Mark("paused", 1500, 60_000)
    assert read_mark({"kind": "gap", "at_ms": 0}, number=MOST_MARKS - 1) == Mark("gap", 0, 0)


@pytest.mark.parametrize(
    "given_",
    [
        None,
        [],
        {},
        {"kind": "nap", "at_ms": 1},
        {"kind": "gap"},
        {"kind": "gap", "at_ms": -1},
        {"kind": "gap", "at_ms": 1.5},
        {"kind": "gap", "at_ms": True},
        {"kind": "gap", "at_ms": 10**15},
        {"kind": "gap", "at_ms": 1, "missing_ms": "2"},
        {"kind": ["gap"], "at_ms": 1},
    ],
)
def test_anything_else_is_refused_with_what_to_send(given_: object) -> None:
    with pytest.raises(InputRefused, match="mark"):
        read_mark(given_, number=0)


@pytest.mark.parametrize("number", [-1, MOST_MARKS])
def test_a_number_beyond_what_a_visit_can_hold_is_refused(number: int) -> None:
    with pytest.raises(InputRefused, match="numbered"):
        read_mark({"kind": "gap", "at_ms": 1}, number=number)


def test_pieces_lie_end_to_end_and_their_marks_move_with_them() -> None:
    laid = lay_out([piece("a", 10_000), piece("b", 5_000), piece("c", 7_000)])
    assert [one.offset_ms for one in laid] == [0, 10_000, 15_000]
    marks = place_marks(laid, [[Mark("paused", 4_000, 9)], [], [Mark("off-record", 500, 8)]], [None, 3_000, None])
    assert marks == (Mark("paused", 4_000, 9), Mark("gap", 10_000, 3_000), Mark("off-record", 15_500, 8))


@pytest.mark.parametrize("missing", [None, 0, 250])
def test_what_nobody_would_hear_is_no_gap(missing: int | None) -> None:
    laid = lay_out([piece("a", 10), piece("b", 10)])
    assert place_marks(laid, [[], []], [9_999, missing]) == ()


times = st.integers(0, 10**7)
told = st.lists(st.builds(Mark, st.sampled_from(KINDS), times, times), max_size=5)


@given(st.lists(st.tuples(st.integers(1, 10**6), told, st.none() | times), min_size=1, max_size=6))
def test_no_mark_is_lost_or_lies_outside_its_piece(
    given_: list[tuple[int, list[Mark], int | None]],
) -> None:
    laid = lay_out(piece(str(place), duration) for place, (duration, _, _) in enumerate(given_))
    marks = place_marks(laid, [one for _, one, _ in given_], [one for _, _, one in given_])
    gaps = sum(place > 0 and (missing or 0) > 250 for place, (_, _, missing) in enumerate(given_))
    assert len(marks) == sum(len(one) for _, one, _ in given_) + gaps
    assert list(marks) == sorted(marks, key=lambda mark: mark.at_ms)
    assert all(0 <= mark.at_ms <= laid[-1].offset_ms + laid[-1].duration_ms for mark in marks)
