"""In: a sound file of any container PyAV reads. Out: its length and its loudness per frame in six bands.

Never keeps the samples and never writes anything; a file without decodable sound raises NotSound.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.filter import Graph

RATE = 16_000
FRAME_MS = 25
SILENCE_DB = -120.0
# The first entry is the whole signal. Up to 3600 Hz everything survives a telephone line and low-rate MP3 or Opus.
BANDS: tuple[tuple[int, int] | None, ...] = (None, (250, 600), (600, 1200), (1200, 2200), (2200, 3600), (3600, 7000))


class NotSound(Exception):
    """The file holds no sound that can be decoded."""


@dataclass(frozen=True)
class Sound:
    """`levels[band][frame]` in dBFS, one frame every 25 ms; `duration_ms` is of the whole file."""

    levels: tuple[array[float], ...]
    duration_ms: int

    @property
    def frames(self) -> int:
        """How many frames were measured; fewer than the file has when it is longer than the limit."""
        return len(self.levels[0])

    def part(self, first: int, last: int) -> Sound:
        """The frames from `first` up to, not including, `last`."""
        first, last = max(0, first), max(0, last)
        levels = tuple(band[first:last] for band in self.levels)
        return Sound(levels=levels, duration_ms=len(levels[0]) * FRAME_MS)


def read_sound(path: Path, *, limit_s: float) -> Sound:
    """Decode the file to 16 kHz mono and measure its first `limit_s` seconds; NotSound if there is nothing to decode.

    A file that breaks off in the middle is measured as far as it goes, as a recogniser would hear it.
    """
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise NotSound
            return _measure(container, limit=int(limit_s * RATE))
    except av.FFmpegError as error:
        raise NotSound from error


def _measure(container: av.container.InputContainer, *, limit: int) -> Sound:
    meter = _Meter()
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    samples = 0
    try:
        for frame in container.decode(audio=0):
            for resampled in resampler.resample(frame):
                if samples < limit:
                    meter.push(resampled)
                samples += resampled.samples
    except av.FFmpegError:
        if samples == 0:
            raise
    for resampled in resampler.resample(None) if samples else []:
        if samples < limit:
            meter.push(resampled)
        samples += resampled.samples
    if samples == 0:
        raise NotSound
    return Sound(levels=meter.finish(), duration_ms=samples * 1000 // RATE)


class _Meter:
    """A filter graph that splits the signal into bands and states the level of every 25 ms of each."""

    def __init__(self) -> None:
        self._graph = Graph()
        tick = Fraction(1, RATE)
        self._source = self._graph.add_abuffer(format="s16", sample_rate=RATE, layout="mono", time_base=tick)
        split = self._graph.add("asplit", str(len(BANDS)))
        self._source.link_to(split)
        self._sinks = [self._add_band(split, output, band=band) for output, band in enumerate(BANDS)]
        self._levels = tuple(array("d") for _ in BANDS)
        self._graph.configure()

    def _add_band(
        self, split: av.filter.context.FilterContext, output: int, *, band: tuple[int, int] | None
    ) -> av.filter.context.FilterContext:
        steps = [
            ("asetnsamples", f"n={FRAME_MS * RATE // 1000}:p=1"),
            ("astats", "metadata=1:reset=1:measure_perchannel=none:measure_overall=RMS_level"),
        ]
        if band:
            steps = [*[("highpass", f"f={band[0]}")] * 2, *[("lowpass", f"f={band[1]}")] * 2, *steps]
        last = split
        for name, arguments in steps:
            step = self._graph.add(name, arguments)
            last.link_to(step, output if last is split else 0, 0)
            last = step
        sink = self._graph.add("abuffersink")
        last.link_to(sink)
        return sink

    def push(self, frame: av.AudioFrame) -> None:
        self._source.push(frame)
        self._pull()

    def finish(self) -> tuple[array[float], ...]:
        self._source.push(None)
        self._pull()
        shortest = min(len(levels) for levels in self._levels)
        return tuple(levels[:shortest] for levels in self._levels)

    def _pull(self) -> None:
        for sink, levels in zip(self._sinks, self._levels, strict=True):
            while True:
                try:
                    frame = sink.pull()
                except (av.BlockingIOError, av.EOFError):
                    break
                stated = frame.metadata.get("lavfi.astats.Overall.RMS_level", "-inf")
                level = SILENCE_DB if stated in ("-inf", "nan", "-nan") else max(SILENCE_DB, float(stated))
                levels.append(level)
