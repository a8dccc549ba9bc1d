"""In: measured sound. Out: the course of its loudness, and how alike two courses are at a given shift.

Compares the shape of loudness over time in four bands, so volume, container, codec and sample rate do not matter.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import mul

from connector_sandbox.assemblyai.sound import Sound

WINDOW = 4  # frames: 100 ms windows every 25 ms, so that an offset between frames costs little
BANDS = (1, 2, 3, 4)
RANGE_DB = 40.0  # what lies further below the loudest part is noise of the room or of the codec
_STEP = 4  # of the windows every fourth is compared: they overlap
_PHASES = (0, 2)  # lags are looked through every 50 ms first


@dataclass(frozen=True)
class Fingerprint:
    """Loudness in dB of each 100 ms window, one every 25 ms, per band; the first row is the whole signal."""

    rows: tuple[list[float], ...]
    floors: tuple[float, ...]

    @property
    def length(self) -> int:
        """Windows held."""
        return len(self.rows[0])


@dataclass(frozen=True)
class Index:
    """The first row of a known recording, made ready to be looked through at every 50 ms."""

    phases: tuple[list[float], ...]
    sums: tuple[list[float], ...] = field(repr=False)
    squares: tuple[list[float], ...] = field(repr=False)


def take_fingerprint(sound: Sound) -> Fingerprint:
    """The windows of the first five bands; empty when the sound is shorter than one window."""
    made = [_windows(band) for band in sound.levels[:5]]
    return Fingerprint(rows=tuple(row for row, _ in made), floors=tuple(floor for _, floor in made))


def make_index(known: Fingerprint) -> Index:
    """What `look_through` needs of a known recording; made once."""
    phases = tuple(known.rows[0][phase::_STEP] for phase in _PHASES)
    return Index(
        phases=phases,
        sums=tuple(_add_up(phase) for phase in phases),
        squares=tuple(_add_up([value * value for value in phase]) for phase in phases),
    )


def look_through(index: Index, window: Sequence[float]) -> list[tuple[float, int]]:
    """(likeness, first window in the known recording) for every place 50 ms apart in which `window` fits whole.

    `window` is a piece of the first row of what was heard, every fourth value.
    """
    count = len(window)
    mean = sum(window) / count
    centred = [value - mean for value in window]
    spread = math.sqrt(sum(map(mul, centred, centred)))
    if spread < 1e-3 * count:
        return []
    found: list[tuple[float, int]] = []
    for phase, row, sums, squares in zip(_PHASES, index.phases, index.sums, index.squares, strict=True):
        for start in range(len(row) - count + 1):
            total = sums[start + count] - sums[start]
            varied = squares[start + count] - squares[start] - total * total / count
            if varied > 1e-6 * count:
                likeness = sum(map(mul, centred, row[start : start + count])) / (spread * math.sqrt(varied))
                found.append((likeness, start * _STEP + phase))
    return found


def compare(known: Fingerprint, heard: Fingerprint, *, lag: int, first: int, last: int) -> float:
    """The mean correlation of the four bands between `heard` from `first` to `last` and `known` `lag` windows earlier.

    1 is the same sound. What lies outside `known` is left out; 0 where less than a second is left.
    """
    first, last = max(first, lag, 0), min(last, known.length + lag, heard.length)
    if last - first < 10 * _STEP:
        return 0.0
    pairs = ((known.rows[band][first - lag : last - lag : _STEP], heard.rows[band][first:last:_STEP]) for band in BANDS)
    return sum(_correlate(ours, theirs) for ours, theirs in pairs) / len(BANDS)


def _windows(levels: array[float]) -> tuple[list[float], float]:
    powers = [10 ** (level / 10) for level in levels]
    count = len(powers) - WINDOW + 1
    if count <= 0:
        return [], 0.0
    windows = [10 * math.log10(sum(powers[start : start + WINDOW]) / WINDOW) for start in range(count)]
    floor = sorted(windows)[int(count * 0.97)] - RANGE_DB
    return [max(window, floor) for window in windows], floor


def _add_up(values: list[float]) -> list[float]:
    total, sums = 0.0, [0.0]
    for value in values:
        total += value
        sums.append(total)
    return sums


def _correlate(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Pearson's correlation; 0 where one side does not vary (silence, a steady tone)."""
    count = len(ours)
    sum_ours, sum_theirs = sum(ours), sum(theirs)
    spread_ours = sum(map(mul, ours, ours)) - sum_ours * sum_ours / count
    spread_theirs = sum(map(mul, theirs, theirs)) - sum_theirs * sum_theirs / count
    if min(spread_ours, spread_theirs) < 1e-6 * count:
        return 0.0
    return (sum(map(mul, ours, theirs)) - sum_ours * sum_theirs / count) / math.sqrt(spread_ours * spread_theirs)
