"""In: a sound file and how many seconds of it. Out, on standard output: turns with words, as JSON. A program.

Limits its own CPU time and memory before it reads anything; never writes a file.
"""

from __future__ import annotations

import io
import json
import re
import resource
import sys
from array import array
from collections.abc import Iterator
from operator import mul
from typing import Any

RATE = 16_000
MEMORY = 2 * 1024**3
_FRAMES_PER_S = 100
_SAME = 0.1  # of the loudness: two channels that differ by less are one
_LOUDER = 0.5  # of the other channel's power: what is quieter is the other one's voice coming through


def main(path: str, seconds: str, cpu_seconds: str) -> None:
    """Recognise one file."""
    limit = int(cpu_seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    channels = read_channels(path, limit_s=int(seconds))
    turns = sorted(recognise(channels), key=lambda turn: turn["words"][0]["start"])
    json.dump(turns, sys.stdout)


def read_channels(path: str, *, limit_s: int) -> list[array[int]]:
    """The samples of one channel, or of two where they hold different sound."""
    import av

    with av.open(path) as container:
        stereo = container.streams.audio[0].layout.nb_channels == 2
        resampler = av.AudioResampler(format="s16p", layout="stereo" if stereo else "mono", rate=RATE)
        channels = [array("h") for _ in range(2 if stereo else 1)]
        for frame in _decode(container, av.FFmpegError):
            for piece in resampler.resample(frame):
                for samples, plane in zip(channels, piece.planes, strict=True):
                    samples.frombytes(bytes(plane)[: 2 * piece.samples])
            if len(channels[0]) >= limit_s * RATE:
                break
    channels = [samples[: limit_s * RATE] for samples in channels]
    if len(channels) == 2 and _alike(*channels):
        return channels[:1]
    return channels


def recognise(channels: list[array[int]]) -> Iterator[dict[str, Any]]:
    """What is said on each channel between two pauses, with times in milliseconds; confidence is the posterior."""
    from pocketsphinx import Decoder, Segmenter

    decoder = Decoder(samprate=RATE, loglevel="FATAL", bestpath=True)
    for number, samples in enumerate(channels, start=1):
        for segment in Segmenter(sample_rate=RATE).segment(io.BytesIO(samples.tobytes())):
            first, last = int(segment.start_time * RATE), int(segment.end_time * RATE)
            other = channels[2 - number] if len(channels) == 2 else None
            if other is not None and _power(samples[first:last]) < _LOUDER * _power(other[first:last]):
                continue
            decoder.start_utt()
            decoder.process_raw(segment.pcm, full_utt=True)
            decoder.end_utt()
            words = list(_words(decoder, start_ms=int(segment.start_time * 1000)))
            if words:
                voice = f"voice {number}" if len(channels) == 2 else None
                yield {"channel": number, "voice": voice, "words": words}


def _decode(container: Any, failure: type[Exception]) -> Iterator[Any]:
    """The frames, of a file that breaks off as far as it goes; None at the end, for what the resampler holds back."""
    frames = container.decode(audio=0)
    while True:
        try:
            frame = next(frames, None)
        except failure:
            frame = None
        yield frame
        if frame is None:
            return


def _words(decoder: Any, *, start_ms: int) -> Iterator[dict[str, Any]]:
    if decoder.hyp() is None:
        return
    for segment in decoder.seg():
        text = re.sub(r"\(\d+\)$", "", segment.word)  # the number of a pronunciation
        if not re.match(r"[a-z']", text):
            continue  # silence and noise stand in brackets
        yield {
            "text": text,
            "start": start_ms + segment.start_frame * 1000 // _FRAMES_PER_S,
            "end": start_ms + (segment.end_frame + 1) * 1000 // _FRAMES_PER_S,
            "confidence": round(min(1.0, max(0.0, segment.prob)), 5),
        }


def _alike(left: array[int], right: array[int]) -> bool:
    apart = sum(abs(one - two) for one, two in zip(left[::8], right[::8], strict=False))
    return apart <= _SAME * (sum(map(abs, left[::8])) + sum(map(abs, right[::8])))


def _power(samples: array[int]) -> float:
    part = samples[::8]
    return sum(map(mul, part, part)) / max(1, len(part))


if __name__ == "__main__":
    main(*sys.argv[1:])
