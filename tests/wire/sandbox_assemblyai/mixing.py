"""Sound put together from pieces of bundled visits and of an empty room, and the words that have to be heard in it."""

from __future__ import annotations

import functools
import itertools
import random
from array import array
from dataclasses import dataclass
from pathlib import Path

import av
from connector_sandbox.assemblyai.playback import HeardTurn, HeardWord
from connector_sandbox.recordings import load_recording

RATE = 16_000
WITHIN_MS = 150


@dataclass(frozen=True)
class Piece:
    """Seconds `first` to `last` of a visit; without a visit, that much of a room in which nobody speaks."""

    first: float
    last: float
    visit: str | None = None

    def samples(self) -> array[int]:
        if self.visit is None:
            return array("h", bytes(2 * int((self.last - self.first) * RATE)))
        return samples_of(self.visit)[int(self.first * RATE) : int(self.last * RATE)]


@dataclass(frozen=True)
class Microphone:
    """How a microphone hears: `gain` in the end, `first_gain` sinking to it in four seconds, `noise` in samples."""

    gain: float = 0.4
    first_gain: float | None = None
    noise: float = 30.0


@functools.cache
def samples_of(visit: str) -> array[int]:
    """A bundled visit as 16 kHz mono; do not write into it."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    samples = array("h")
    with av.open(str(load_recording(visit).audio)) as sound:
        for frame in [*sound.decode(audio=0), None]:
            for resampled in resampler.resample(frame):
                samples.frombytes(bytes(resampled.planes[0])[: resampled.samples * 2])
    return samples


def join(pieces: list[Piece]) -> array[int]:
    """The pieces end to end, nothing in between."""
    samples = array("h")
    for piece in pieces:
        samples.extend(piece.samples())
    return samples


def through(microphone: Microphone, samples: array[int]) -> array[int]:
    """The samples as the microphone gives them."""
    chance = random.Random(11)
    noise = [chance.gauss(0, microphone.noise) for _ in range(3 * RATE + 7)]
    begin = microphone.first_gain or microphone.gain
    sinking = ((microphone.gain / begin) ** min(1.0, place / (4 * RATE)) * begin for place in itertools.count())
    return array(
        "h",
        (
            max(-32768, min(32767, int(sample * gain + hiss)))
            for sample, gain, hiss in zip(samples, sinking, itertools.cycle(noise), strict=False)
        ),
    )


def write(
    target: Path, left: array[int], right: array[int] | None = None, *, codec: str = "libopus", rate: int = 48_000
) -> Path:
    """A sound file of one channel or two; Opus as MediaRecorder makes it: 32 kbit/s."""
    layout = "mono" if right is None else "stereo"
    channels = [left] if right is None else [left, right]
    together = array("h", bytes(2 * len(channels) * max(map(len, channels))))
    for number, channel in enumerate(channels):
        together[number : number + len(channels) * len(channel) : len(channels)] = channel
    with av.open(str(target), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        if codec == "libopus":
            stream.bit_rate = 32_000
        wanted = stream.codec.audio_formats[0].name
        resampler = av.AudioResampler(format=wanted, layout=layout, rate=rate, frame_size=rate // 50)
        for start in range(0, len(together), RATE * len(channels)):
            second = together[start : start + RATE * len(channels)]
            frame = av.AudioFrame(format="s16", layout=layout, samples=len(second) // len(channels))
            frame.sample_rate = RATE
            frame.planes[0].update(second.tobytes().ljust(frame.planes[0].buffer_size, b"\0"))
            for resampled in resampler.resample(frame):
                container.mux(stream.encode(resampled))
        for resampled in resampler.resample(None):
            container.mux(stream.encode(resampled))
        container.mux(stream.encode(None))
    return target


def check_words(turns: tuple[HeardTurn, ...], pieces: list[Piece], *, begins_ms: int = 0) -> int:
    """Every word that lies in a piece was heard, at its time, and no other; how many had to be.

    A word within 150 ms of a piece's edge may be heard or not.
    """
    heard = [word for turn in turns for word in turn.words]
    assert [word.start for word in heard] == sorted(word.start for word in heard)
    required, allowed = _expect(pieces, begins_ms=begins_ms)
    missed = [word for word in required if not any(_is_same(word, one) for one in heard)]
    assert not missed, missed
    wrong = [word for word in heard if not any(_is_same(word, one) for one in allowed)]
    assert not wrong, wrong
    assert len(heard) <= len(allowed)
    return len(required)


def _expect(pieces: list[Piece], *, begins_ms: int) -> tuple[list[HeardWord], list[HeardWord]]:
    required, allowed, offset = [], [], float(begins_ms)
    for piece in pieces:
        first, last = piece.first * 1000, piece.last * 1000
        for turn in load_recording(piece.visit).turns if piece.visit else ():
            for word in turn.words:
                moved = HeardWord(word.text, round(word.start - first + offset), round(word.end - first + offset), 1.0)
                if word.start >= first + WITHIN_MS and word.end <= last - WITHIN_MS:
                    required.append(moved)
                if word.end > first and word.start < last:
                    allowed.append(moved)
        offset += last - first
    return required, allowed


def _is_same(one: HeardWord, other: HeardWord) -> bool:
    near = abs(one.start - other.start) <= WITHIN_MS and abs(one.end - other.end) <= WITHIN_MS
    return one.text == other.text and near
