"""The process that cuts a stretch out of an untrusted sound. In: a container, times, bytes asked for over a pipe.

Out: an Ogg file over the other pipe, and one JSON object. Run as a script like the joiner, confined like it. What was
written beside the sound, such as titles and names, does not come along; stretches to be silent hold nothing but zeros.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    # Isolated, an interpreter finds nothing beside its script.
    sys.path.append(str(Path(__file__).parents[2]))

from connector.capture.confinement import PipedFile, PipedOutput, confine, load_all, report
from connector.capture.joiner import (
    LARGEST_OUTPUT,
    LONGEST_SECONDS,
    Encode,
    Input,
    output_channels,
    output_rate,
    packets_of,
    survey,
)

_SAMPLE = 2
"""Bytes of one sample of one channel."""


class Cut(Encode):
    """From `begin` to `end`, in samples of the output, without the sound of `silences`, pairs in order."""

    def __init__(self, av: Any, output: Any, *, rate: int, channels: int) -> None:
        super().__init__(av, output, rate=rate, channels=channels)
        self._width = _SAMPLE * channels
        self.begin, self.end = 0, LONGEST_SECONDS * rate
        self.silences: list[tuple[int, int]] = []
        self.heard = 0

    def pass_frame(self, frame: Any) -> Any:
        """The part of a converted frame that is wanted, None where nothing of it is."""
        first, self.heard = self.heard, self.heard + frame.samples
        start, stop = max(self.begin, first), min(self.end, self.heard)
        if start >= stop:
            return None
        data = bytearray(bytes(frame.planes[0])[: frame.samples * self._width])
        while self.silences and self.silences[0][1] <= first:
            self.silences.pop(0)
        for quiet, loud in self.silences:
            if quiet >= self.heard:
                break
            place, ends = max(quiet, first) - first, min(loud, self.heard) - first
            data[place * self._width : ends * self._width] = bytes((ends - place) * self._width)
        kept = self._av.AudioFrame(format="s16", layout=self._layout, samples=stop - start, align=1)
        kept.sample_rate = self.rate
        kept.planes[0].update(bytes(data[(start - first) * self._width : (stop - first) * self._width]))
        return kept


def cut(av: Any, one: Input, output: PipedOutput, *, times: list[tuple[int, int]]) -> dict[str, Any]:
    """Cut the first of `times` (ms) out of a file, the others of them silent; sample_rate, channels, duration_ms, or
    `unusable` and why."""
    track = survey(av, one)
    if track is None:
        return {"unusable": "unreadable"}
    channels = output_channels([track])
    rate = output_rate([track], seconds=one.duration_ms / 1000, channels=channels)
    with av.open(output, "w", format="ogg") as written:
        way = Cut(av, written, rate=rate, channels=channels)
        (way.begin, way.end), *quiet = [(begin * rate // 1000, -(-end * rate // 1000)) for begin, end in times]
        way.silences = sorted(quiet)
        for packet in packets_of(av, one):
            way.take(packet)
            if way.heard >= way.end:
                break
            if output.written > LARGEST_OUTPUT:
                return {"unusable": "too-long"}
        way.turn()
        way.finish()
    output.finish()
    if not way.played:
        return {"unusable": "unreadable"}
    return {"sample_rate": rate, "channels": channels, "duration_ms": round(way.played * 1000 / rate)}


def main(arguments: list[str]) -> None:
    """Cut a file: arguments are seconds of processor time, `container:size:duration_ms`, then `begin:end` in ms."""
    asks, answers = sys.stdout.buffer, sys.stdin.buffer
    try:
        import av
    except ImportError:
        report({"unusable": "no-reader"}, asks)
        return
    load_all(av)
    confine(int(arguments[0]))
    container, size, duration_ms = arguments[1].split(":")
    file = PipedFile(int(size), asks=asks, answers=answers)
    times = [(int(begin), int(end)) for begin, end in (one.split(":") for one in arguments[2:])]
    report(cut(av, Input(file, container, int(duration_ms)), PipedOutput(asks), times=times), asks)


if __name__ == "__main__":
    main(sys.argv[1:])
