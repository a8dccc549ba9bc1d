"""In: a sound file and spans of it. Out: the same sound as MP3 or WAV, with a tone or nothing in the spans.

Never writes what lies beyond the limit: what nobody listened to might hold what was to be hidden.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

RATE = 16_000
PAD_MS = 200  # around each span: the times of some words are estimates
_CODECS = {"mp3": "libmp3lame", "wav": "pcm_s16le"}
_TONE = array("h", (round(5_000 * math.sin(2 * math.pi * place / 16)) for place in range(16)))  # 1000 Hz

Span = tuple[int, int]


@dataclass(frozen=True)
class Bleeping:
    """The spans to hide, in milliseconds; `kind` is mp3 or wav, `silences` leaves nothing instead of a tone."""

    spans: Sequence[Span]
    kind: str
    silences: bool
    limit_s: float


def bleep(source: Path, target: Path, *, how: Bleeping) -> None:
    """Write the redacted file, of one or two channels, 16 kHz; what PyAV cannot decode raises its error."""
    hidden = [(max(0, start - PAD_MS) * RATE // 1000, (end + PAD_MS) * RATE // 1000) for start, end in how.spans]
    last = int(how.limit_s * RATE)
    with av.open(str(source)) as read, av.open(str(target), "w", format=how.kind) as written:
        channels = 2 if read.streams.audio[0].layout.nb_channels == 2 else 1
        layout = "stereo" if channels == 2 else "mono"
        stream = written.add_stream(_CODECS[how.kind], rate=RATE, layout=layout)
        first = 0
        for samples in _decode(read, layout=layout):
            samples = samples[: (last - first) * channels]
            _hide(samples, hidden, first=first, channels=channels, silences=how.silences)
            written.mux(stream.encode(_frame(samples, first=first, layout=layout)))
            first += len(samples) // channels
            if first >= last:
                break
        written.mux(stream.encode(None))


def _decode(read: av.container.InputContainer, *, layout: str) -> Iterator[array[int]]:
    """The samples of all channels in turn, piece by piece; of a file that breaks off as far as it goes."""
    resampler = av.AudioResampler(format="s16", layout=layout, rate=RATE)
    width = 2 * (2 if layout == "stereo" else 1)
    frames = read.decode(audio=0)
    going = True
    while going:
        try:
            frame = next(frames, None)
        except av.FFmpegError:
            frame = None
        going = frame is not None
        for piece in resampler.resample(frame):
            if piece.samples:
                yield array("h", bytes(piece.planes[0])[: piece.samples * width])


def _hide(samples: array[int], hidden: Sequence[Span], *, first: int, channels: int, silences: bool) -> None:
    """Overwrite what of the hidden spans is in these samples; `first` is the place of the first of them."""
    length = len(samples) // channels
    for start, end in hidden:
        begin, stop = max(0, start - first), min(length, end - first)
        if begin >= stop:
            continue
        places = range(first + begin, first + stop)
        tone = (0 if silences else _TONE[place % len(_TONE)] for place in places for _ in range(channels))
        samples[begin * channels : stop * channels] = array("h", tone)


def _frame(samples: array[int], *, first: int, layout: str) -> av.AudioFrame:
    channels = 2 if layout == "stereo" else 1
    frame = av.AudioFrame(format="s16", layout=layout, samples=len(samples) // channels)
    frame.planes[0].update(samples.tobytes())
    frame.sample_rate = RATE
    frame.time_base = Fraction(1, RATE)
    frame.pts = first
    return frame
