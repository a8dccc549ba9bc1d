"""In: the measured sound of a bundled recording and of an upload. Out: how well, and where, the first is in the second.

Compares the shape of loudness over time in four bands, so volume, container, codec and sample rate do not matter.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from operator import mul

from connector_sandbox.assemblyai.sound import FRAME_MS, Sound

RECOGNISED = 0.85
"""Score from which a recording counts as recognised. Re-encodings score above 0.97, other sound below 0.75."""

LONGEST_LEAD_MS = 30_000
CUT_START_MS = 1_000
LEAST_OVERLAP_MS = 3_000
_COARSE_MS = 10_000
_WINDOW = 4  # frames: 100 ms windows every 25 ms, so that an offset between frames costs little
_RANGE_DB = 45.0  # what lies further below the loudest part is noise of the room or of the codec
_COMPARED = (1, 2, 3, 4)


@dataclass(frozen=True)
class Fingerprint:
    """Loudness in dB of each 100 ms window, one every 25 ms, per band; the first row is the whole signal."""

    rows: tuple[array[float], ...]

    @property
    def length(self) -> int:
        """Windows held."""
        return len(self.rows[0])


@dataclass(frozen=True)
class Match:
    """`score` is the mean correlation of the bands (1 is the same sound); `lag_ms` is where the recording starts."""

    score: float
    lag_ms: int


def take_fingerprint(sound: Sound) -> Fingerprint:
    """The windows of the first five bands; empty when the sound is shorter than one window."""
    return Fingerprint(rows=tuple(_windows(band) for band in sound.levels[:5]))


def find_recording(known: Fingerprint, heard: Fingerprint) -> Match:
    """Where `known` fits best into `heard`: after up to 30 s of lead-in, or with up to 1 s of its start cut off.

    `heard` may end early; the overlap must be three seconds at least, else the score is 0.
    """
    lags = range(-CUT_START_MS // FRAME_MS, min(LONGEST_LEAD_MS // FRAME_MS, heard.length), 2)
    coarse = [(_score(known, heard, lag=lag, bands=(0,), longest=_COARSE_MS // FRAME_MS), lag) for lag in lags]
    best = sorted(coarse, reverse=True)[:6]
    fine = [(_score(known, heard, lag=near), near) for _, lag in best for near in (lag - 1, lag, lag + 1)]
    score, lag = max(fine, default=(0.0, 0))
    return Match(score=score, lag_ms=lag * FRAME_MS)


def _windows(levels: array[float]) -> array[float]:
    powers = [10 ** (level / 10) for level in levels]
    count = len(powers) - _WINDOW + 1
    if count <= 0:
        return array("d")
    windows = [10 * math.log10(sum(powers[start : start + _WINDOW]) / _WINDOW) for start in range(count)]
    floor = sorted(windows)[int(count * 0.97)] - _RANGE_DB
    return array("d", (max(window, floor) for window in windows))


def _score(
    known: Fingerprint,
    heard: Fingerprint,
    *,
    lag: int,
    bands: tuple[int, ...] = _COMPARED,
    longest: int | None = None,
) -> float:
    start = max(0, -lag)
    overlap = min(known.length - start, heard.length - lag - start)
    if overlap < LEAST_OVERLAP_MS // FRAME_MS:
        return 0.0
    overlap = min(overlap, longest or overlap)
    pairs = (
        (
            known.rows[band][start : start + overlap : _WINDOW],
            heard.rows[band][start + lag : start + lag + overlap : _WINDOW],
        )
        for band in bands
    )
    return sum(_correlate(ours, theirs) for ours, theirs in pairs) / len(bands)


def _correlate(ours: array[float], theirs: array[float]) -> float:
    """Pearson's correlation; 0 where one side does not vary (silence, a steady tone)."""
    count = len(ours)
    sum_ours, sum_theirs = sum(ours), sum(theirs)
    spread_ours = sum(map(mul, ours, ours)) - sum_ours * sum_ours / count
    spread_theirs = sum(map(mul, theirs, theirs)) - sum_theirs * sum_theirs / count
    if min(spread_ours, spread_theirs) < 1e-6 * count:
        return 0.0
    return (sum(map(mul, ours, theirs)) - sum_ours * sum_theirs / count) / math.sqrt(spread_ours * spread_theirs)
