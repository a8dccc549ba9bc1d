"""In: a sound file of any container PyAV reads. Out: its length and its loudness per frame in six bands.

Never keeps the samples and never writes anything; a file without decodable sound raises NotSound.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from operator import mul
from pathlib import Path

import av
from av.filter import Graph

RATE = 16_000
FRAME_MS = 25
SILENCE_DB = -120.0
# The first entry is the whole signal. Up to 3600 Hz everything survives a telephone line and low-rate MP3 or Opus.
BANDS: tuple[tuple[int, int] | None, ...] = (None, (250, 600), (600, 1200), (1200, 2200), (2200, 3600), (3600, 7000))
_FRAME = FRAME_MS * RATE // 1000
_BLOCK = 40 * _FRAME  # samples taken out of the filters at a time: few calls, and little is held
_EVERY = 4  # of the samples: a quarter of the work, and the same power but for half a decibel
_PULL_AFTER = 50

Levels = tuple["array[float]", ...]


class NotSound(Exception):
    """The file holds no sound that can be decoded."""


@dataclass(frozen=True)
class Sound:
    """`levels[band][frame]` in dBFS, one frame every 25 ms; `duration_ms` is of the whole file.

    Of two channels the levels are of both together, by power; each is in `sides` on its own, else there are none.
    """

    levels: Levels
    duration_ms: int
    sides: tuple[Sound, ...] = ()

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
    """Decode the file to 16 kHz and measure its first `limit_s` seconds; NotSound if there is nothing to decode.

    A file that breaks off in the middle is measured as far as it goes, as a recogniser would hear it. Of what lies
    beyond the limit only the length is taken, without decoding it.
    """
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise NotSound
            return _measure(container, limit_s=limit_s)
    except av.FFmpegError as error:
        raise NotSound from error


def _measure(container: av.container.InputContainer, *, limit_s: float) -> Sound:
    stream = container.streams.audio[0]
    meter: _Meter | None = None
    seconds = beyond = 0.0
    packets = container.demux(stream)
    try:
        for frame in _decode(packets):
            meter = meter or _Meter(frame)
            meter.push(frame)
            seconds += frame.samples / frame.sample_rate
            if seconds >= limit_s:
                beyond = sum(float((packet.duration or 0) * packet.time_base) for packet in packets)
                break
    except av.FFmpegError:
        if meter is None:
            raise
    if meter is None:
        raise NotSound
    channels = meter.finish()
    duration_ms = int((seconds + beyond) * 1000)
    sides = tuple(Sound(levels=levels, duration_ms=duration_ms) for levels in channels)
    if len(sides) == 1:
        return sides[0]
    return Sound(levels=_both(channels[0], channels[1]), duration_ms=duration_ms, sides=sides)


def _decode(packets: Iterator[av.Packet]) -> Iterator[av.AudioFrame]:
    for packet in packets:
        yield from packet.decode()


def _both(left: Levels, right: Levels) -> Levels:
    """The level of two channels played together, as if they had nothing to do with each other."""
    return tuple(
        array("d", (_level(10 ** (one / 10) + 10 ** (two / 10)) for one, two in zip(*bands, strict=True)))
        for bands in zip(left, right, strict=True)
    )


def _level(power: float) -> float:
    return max(SILENCE_DB, 10 * math.log10(power)) if power > 0 else SILENCE_DB


class _Meter:
    """A filter graph that splits each channel into bands, and the level of every 25 ms of each."""

    def __init__(self, frame: av.AudioFrame) -> None:
        self._graph = Graph()
        self._source = self._graph.add_abuffer(
            format=frame.format.name,
            sample_rate=frame.sample_rate,
            layout=frame.layout.name,
            time_base=frame.time_base,
        )
        self._channels = 2 if frame.layout.nb_channels == 2 else 1
        layout = "stereo" if self._channels == 2 else "mono"
        last = self._follow(self._source, "aresample", str(RATE))
        last = self._follow(last, "aformat", f"sample_fmts=s16p:channel_layouts={layout}:sample_rates={RATE}")
        split = self._follow(last, "asplit", str(len(BANDS)))
        self._sinks = [self._add_band(split, output, band=band) for output, band in enumerate(BANDS)]
        self._levels = [tuple(array("d") for _ in BANDS) for _ in range(self._channels)]
        self._waiting = 0
        self._graph.configure()

    def push(self, frame: av.AudioFrame) -> None:
        """Take one frame of the format the first one had."""
        self._source.push(frame)
        self._waiting += 1
        if self._waiting >= _PULL_AFTER:
            self._pull()

    def finish(self) -> list[Levels]:
        """The levels of each channel."""
        self._source.push(None)
        self._pull()
        shortest = min(len(band) for levels in self._levels for band in levels)
        return [tuple(band[:shortest] for band in levels) for levels in self._levels]

    def _add_band(
        self, split: av.filter.context.FilterContext, output: int, *, band: tuple[int, int] | None
    ) -> av.filter.context.FilterContext:
        steps = [("asetnsamples", f"n={_BLOCK}:p=0")]
        if band:
            steps = [*[("highpass", f"f={band[0]}")] * 2, *[("lowpass", f"f={band[1]}")] * 2, *steps]
        last = split
        for name, arguments in steps:
            last = self._follow(last, name, arguments, output=output if last is split else 0)
        return self._follow(last, "abuffersink", None)

    def _follow(
        self, last: av.filter.context.FilterContext, name: str, arguments: str | None, *, output: int = 0
    ) -> av.filter.context.FilterContext:
        step = self._graph.add(name, arguments)
        last.link_to(step, output, 0)
        return step

    def _pull(self) -> None:
        self._waiting = 0
        for number, sink in enumerate(self._sinks):
            while True:
                try:
                    block = sink.pull()
                except (av.BlockingIOError, av.EOFError):
                    break
                self._take(block, band=number)

    def _take(self, block: av.AudioFrame, *, band: int) -> None:
        for levels, plane in zip(self._levels, block.planes, strict=True):
            samples = array("h")
            samples.frombytes(bytes(plane)[: block.samples * samples.itemsize])
            for start in range(0, len(samples), _FRAME):
                measured = samples[start : start + _FRAME : _EVERY]
                power = sum(map(mul, measured, measured)) / (len(measured) * 32768**2)
                levels[band].append(_level(power))
