"""In: the fingerprints of the known recordings and of an upload. Out: which stretches of the upload are from which.

A recording may come late, break off, lose pieces, come twice or beside another: each piece is found for itself.
Never stretches a match over what was not compared: where the sound stops being the same, the stretch ends.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from connector_sandbox.assemblyai.fingerprint import BANDS, Fingerprint, Index, compare, look_through, make_index
from connector_sandbox.assemblyai.sound import FRAME_MS

_SECOND = 1000 // FRAME_MS
LEAST_MS = 3_000
"""What is shorter is not known: two visits of the same voices may be as alike for that long."""


@dataclass(frozen=True)
class Pass:
    """How the upload is looked through: pieces of `length` windows, `step` apart; `likeness` makes a piece known."""

    length: int
    step: int
    likeness: float


# Pieces of a recording score 0.91 and more, through a microphone too; of another, of six seconds at most 0.77 and of
# three at most 0.86.
WIDE = Pass(length=6 * _SECOND, step=4 * _SECOND, likeness=0.84)
NARROW = Pass(length=3 * _SECOND, step=_SECOND, likeness=0.90)
_MOST_PIECES = 300  # of the wide pass: longer sound is looked through in wider steps
_NEAR = 30 * _SECOND  # how far from a known stretch the narrow pass looks
_SHORT = 60 * _SECOND  # sound that is looked through closely even where nothing is known yet
_CANDIDATES = 8
_LEAST_MOVE_DB = 6.0

_SAME_DB = 5.0  # windows that differ by less speak for a stretch, others against it
_MOST_DB = 20.0
_GIVE_UP = 250.0  # some 1.3 seconds of other sound end a stretch
_QUIET_DB = 3.0
_FOLLOW = 0.1


@dataclass(frozen=True)
class Known:
    """A recording to look for."""

    fingerprint: Fingerprint
    index: Index


@dataclass(frozen=True)
class Stretch:
    """Windows `first` up to, not including, `last` of the upload are the recording `number`, `lag` windows later.

    `likeness` is 1 for the same sound; `gains` is how much louder each band is in the upload, `noise` what lies below.
    """

    number: int
    lag: int
    first: int
    last: int
    likeness: float
    gains: tuple[float, ...]
    noise: tuple[float, ...]


def make_known(fingerprint: Fingerprint) -> Known:
    """A recording made ready to be looked for."""
    return Known(fingerprint=fingerprint, index=make_index(fingerprint))


def find_stretches(known: Sequence[Known], heard: Fingerprint) -> tuple[Stretch, ...]:
    """Every stretch of the upload that is known, in order of time, none over another."""
    found: list[Stretch] = []
    wide = replace(WIDE, step=max(WIDE.step, heard.length // _MOST_PIECES))
    _look(known, heard, found=found, within=[(0, heard.length)], how=_fit(wide, heard))
    near = [(0, heard.length)] if heard.length <= _SHORT else _near(found, heard)
    gaps = [gap for first, last in near for gap in _gaps(found, first, last)]
    _look(known, heard, found=found, within=gaps, how=NARROW)
    return tuple(_settle(known, heard, found))


def _fit(how: Pass, heard: Fingerprint) -> Pass:
    """Sound that is shorter than a piece is one piece."""
    return replace(how, length=heard.length, likeness=NARROW.likeness) if heard.length < how.length else how


def _look(
    known: Sequence[Known], heard: Fingerprint, *, found: list[Stretch], within: list[tuple[int, int]], how: Pass
) -> None:
    for first, last in within:
        start = first
        while NARROW.length <= how.length <= last - start:
            piece = _recognise(known, heard, first=start, last=start + how.length)
            if piece is None or piece.likeness < how.likeness:
                start += how.step
                continue
            stretch = _extend(known[piece.number], heard, piece)
            found.append(stretch)
            start = max(stretch.last, start + how.step)


def _near(found: list[Stretch], heard: Fingerprint) -> list[tuple[int, int]]:
    """The surroundings of what is known, joined where they meet."""
    near: list[tuple[int, int]] = []
    for stretch in sorted(found, key=lambda one: one.first):
        first, last = max(0, stretch.first - _NEAR), min(heard.length, stretch.last + _NEAR)
        if near and first <= near[-1][1]:
            near[-1] = (near[-1][0], max(last, near[-1][1]))
        else:
            near.append((first, last))
    return near


def _gaps(found: list[Stretch], first: int, last: int) -> Iterator[tuple[int, int]]:
    """What nothing is known about between `first` and `last`, where a piece of the narrow pass fits in."""
    for stretch in sorted(found, key=lambda one: one.first):
        if stretch.first - first >= NARROW.length:
            yield first, stretch.first
        first = max(first, stretch.last)
    if last - first >= NARROW.length:
        yield first, last


def _recognise(known: Sequence[Known], heard: Fingerprint, *, first: int, last: int) -> Stretch | None:
    """The piece as what it is most alike; None where there is nothing to compare."""
    piece = heard.rows[0][first:last:4]
    ordered = sorted(piece)
    if ordered[len(ordered) * 9 // 10] - ordered[len(ordered) // 10] < _LEAST_MOVE_DB:
        return None
    likely = sorted(
        (likeness, number, first - start)
        for number, one in enumerate(known)
        for likeness, start in sorted(look_through(one.index, piece), reverse=True)[:_CANDIDATES]
    )[-_CANDIDATES:]
    places = [
        _place(known[number], heard, number=number, lag=lag, within=(first, last))
        for number, lag in sorted({(number, lag) for _, number, lag in likely})
    ]
    return max((place for place in places if place), key=lambda one: one.likeness, default=None)


def _place(known: Known, heard: Fingerprint, *, number: int, lag: int, within: tuple[int, int]) -> Stretch | None:
    """The windows `within` as this recording, at the best lag near the given one; None where too little is shared."""
    ours = known.fingerprint
    likeness, lag = max(
        (compare(ours, heard, lag=near, first=within[0], last=within[1]), near) for near in range(lag - 2, lag + 3)
    )
    first, last = max(within[0], lag), min(within[1], lag + ours.length)
    if last - first < _SECOND:
        return None
    bands = [_measure(ours, heard, band=band, lag=lag, within=(first, last)) for band in BANDS]
    gains, noise = tuple(gain for gain, _ in bands), tuple(noise for _, noise in bands)
    return Stretch(number=number, lag=lag, first=first, last=last, likeness=likeness, gains=gains, noise=noise)


def _measure(
    ours: Fingerprint, heard: Fingerprint, *, band: int, lag: int, within: tuple[int, int]
) -> tuple[float, float]:
    """How much louder the band is in the upload, and the level below which there is only its noise."""
    first, last = within
    theirs = heard.rows[band][first:last]
    noise = sorted(theirs)[len(theirs) // 10]
    pairs = zip(theirs, ours.rows[band][first - lag : last - lag], strict=True)
    loud = [
        one - other for one, other in pairs if one > noise + 2 * _QUIET_DB and other > ours.floors[band] + _QUIET_DB
    ]
    return (statistics.median(loud) if loud else 0.0), noise


def _extend(known: Known, heard: Fingerprint, piece: Stretch) -> Stretch:
    """The piece as far as the sound goes on being the same, in both directions.

    Done twice: the piece may have lain across a border, so the lag is taken again from the middle of what was found.
    """
    stretch = _reach(known, heard, piece)
    middle = (stretch.first + stretch.last) // 2
    inside = (max(stretch.first, middle - WIDE.length), min(stretch.last, middle + WIDE.length))
    better = _place(known, heard, number=piece.number, lag=piece.lag, within=inside)
    return _reach(known, heard, better) if better and better.likeness > piece.likeness else stretch


def _reach(known: Known, heard: Fingerprint, piece: Stretch) -> Stretch:
    first, last = max(0, piece.lag), min(heard.length, piece.lag + known.fingerprint.length)
    middle = (piece.first + piece.last) // 2
    ahead = _furthest(_weigh(known, heard, piece, range(middle, last)))
    back = _furthest(_weigh(known, heard, piece, range(middle - 1, first - 1, -1)))
    return replace(piece, first=middle - back, last=middle + ahead)


def _furthest(weights: Iterator[float]) -> int:
    """How many windows belong to the stretch: up to where the sum is greatest."""
    best = total = 0.0
    count = 0
    for position, weight in enumerate(weights, start=1):
        total += weight
        if total >= best:
            best, count = total, position
        elif total < best - _GIVE_UP:
            break
    return count


def _weigh(known: Known, heard: Fingerprint, stretch: Stretch, windows: range) -> Iterator[float]:
    """For each window how much it speaks for the stretch; 0 where both are quiet.

    The gain is followed on the way: a microphone's own control changes it, by some four decibels a second.
    """
    rows = [(heard.rows[band], known.fingerprint.rows[band]) for band in BANDS]
    louder = 0.0
    for window in windows:
        apart, moved = [], []
        for (theirs, ours), gain, noise in zip(rows, stretch.gains, stretch.noise, strict=True):
            here, there = theirs[window], ours[window - stretch.lag] + gain + louder
            off = max(here, noise) - max(there, noise)
            apart.append(min(abs(off), _MOST_DB))
            if max(here, there) > noise + _QUIET_DB:
                moved.append(off)
        yield _SAME_DB - sum(apart) / len(rows) if moved else 0.0
        if moved and statistics.fmean(apart) < _SAME_DB:
            louder += _FOLLOW * statistics.median(moved)


def _settle(known: Sequence[Known], heard: Fingerprint, found: list[Stretch]) -> list[Stretch]:
    """The stretches in order; where two claim the same windows, each gets those that speak for it."""
    settled: list[Stretch] = []
    for stretch in sorted(found, key=lambda one: (one.first, -one.last)):
        if settled and stretch.first < settled[-1].last:
            before = settled.pop()
            border = _border(known, heard, before, stretch)
            settled.append(replace(before, last=min(before.last, border)))
            stretch = replace(stretch, first=max(stretch.first, border))
        settled.append(stretch)
    return [one for one in settled if one.last - one.first >= LEAST_MS // FRAME_MS // 2]


def _border(known: Sequence[Known], heard: Fingerprint, before: Stretch, after: Stretch) -> int:
    """The window at which `before` ends and `after` begins."""
    shared = range(after.first, min(before.last, after.last))
    for_before = list(_weigh(known[before.number], heard, before, shared))
    for_after = list(_weigh(known[after.number], heard, after, shared))
    gained = itertools.accumulate((one - other for one, other in zip(for_before, for_after, strict=True)), initial=0.0)
    best = max(enumerate(gained), key=lambda one: one[1])[0]
    return after.first + best
