"""Marks: where a recorder captured nothing, and why. In: what a recorder tells. Out: frozen marks, in one line.

Never believes a number it is told beyond what a visit can hold.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace

from connector.errors import InputRefused
from connector.records import Mark, Segment

KINDS = ("gap", "paused", "off-record")
MOST_MARKS = 10_000
_LONGEST_MS = 48 * 3600 * 1000
# A gap between two pieces that nobody would hear.
_NO_GAP_MS = 250


def read_mark(given: object, *, number: int) -> Mark:
    """A mark as a recorder sends it: `kind`, `at_ms` from the beginning of its piece, `missing_ms`, both whole.

    Raises InputRefused, with what to send instead, for anything else.
    """
    if not 0 <= number < MOST_MARKS:
        raise InputRefused(f"Marks are numbered from 0 to {MOST_MARKS - 1}.")
    if not isinstance(given, dict) or given.get("kind") not in KINDS:
        raise InputRefused(f"The kind of a mark is one of {', '.join(KINDS)}.")
    return Mark(given["kind"], _read_time(given.get("at_ms")), _read_time(given.get("missing_ms", 0)))


def _read_time(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LONGEST_MS:
        return value
    raise InputRefused("A mark needs at_ms and missing_ms: milliseconds as whole numbers, of two days at most.")


def lay_out(pieces: Iterable[Segment]) -> tuple[Segment, ...]:
    """The pieces laid end to end: each with its `offset_ms` in the whole sound."""
    laid: list[Segment] = []
    offset = 0
    for piece in pieces:
        laid.append(replace(piece, offset_ms=offset))
        offset += piece.duration_ms
    return tuple(laid)


def place_marks(
    pieces: Sequence[Segment], told: Sequence[Sequence[Mark]], missing: Sequence[int | None]
) -> tuple[Mark, ...]:
    """All marks of the whole sound, by their place in it.

    `told` are each piece's own marks, `missing` what was not captured before it in ms: None or next to nothing makes
    no mark, and nothing is missing before the first. A mark beyond the end of its piece counts as at its end.
    """
    marks: list[Mark] = []
    for place, piece in enumerate(pieces):
        lost = missing[place]
        if place and lost is not None and lost > _NO_GAP_MS:
            marks.append(Mark("gap", piece.offset_ms, lost))
        marks.extend(
            replace(mark, at_ms=piece.offset_ms + min(mark.at_ms, piece.duration_ms or mark.at_ms))
            for mark in told[place]
        )
    return tuple(sorted(marks, key=lambda mark: mark.at_ms))


def move_marks(marks: Iterable[Mark], before: Sequence[Segment], after: Sequence[Segment]) -> tuple[Mark, ...]:
    """The marks of a whole sound whose segments lie otherwise `after` than `before`: each stays with its segment.

    A mark between two segments goes with the later one; none goes beyond where the next segment begins.
    """
    if not before:
        return tuple(marks)
    starts = [one.offset_ms for one in before]
    moved: list[Mark] = []
    for mark in marks:
        place = max(0, bisect_right(starts, mark.at_ms) - 1)
        at_ms = after[place].offset_ms + max(0, mark.at_ms - starts[place])
        if place + 1 < len(after):
            at_ms = min(at_ms, after[place + 1].offset_ms)
        moved.append(replace(mark, at_ms=at_ms))
    return tuple(sorted(moved, key=lambda mark: mark.at_ms))
