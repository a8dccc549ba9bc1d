"""The process that makes one sound of several untrusted ones. In: containers, sizes, and bytes asked for over a pipe.

Out: an Ogg file over the other pipe, and one JSON object. Run as a script like the demuxer, confined like it. Keeps no
more of a sound than a few blocks and frames.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    # Isolated, an interpreter finds nothing beside its script.
    sys.path.append(str(Path(__file__).parents[2]))

from connector.capture.confinement import PipedFile, PipedOutput, confine, load_all, open_sound, report
from connector.capture.frames import opus_samples

# The vendor takes an upload of 2.2 GB; a plan stays below it by more than Ogg and FLAC can add to plain samples.
LARGEST_OUTPUT = 2_200_000_000
_LARGEST_PLAN = 2_100_000_000
LONGEST_SECONDS = 10 * 3600
# What speech is kept at: the first of these that the inputs need and that the longest visit fits in.
_RATES = (24000, 16000, 12000, 8000)
_OPUS_RATE = 48000
# What an Opus decoder throws away at the beginning (RFC 7845, section 4.2), as the encoder here and browsers' write it.
_PRE_SKIP = 312


@dataclass(frozen=True, slots=True)
class Input:
    """One file to read: what `open_sound` wants to know of it, and its length in ms where that is known."""

    file: PipedFile
    container: str
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Track:
    """The sound track of one file as its header states it; `plain` says that its packets are Opus to be copied."""

    rate: int
    channels: int
    plain: bool


class TooLong(Exception):
    """More sound than the vendor takes."""


def survey(av: Any, one: Input) -> Track | None:
    """Return what a file's first sound track is, None when it cannot be opened or has none."""
    opened = open_sound(av, one.file, container=one.container)
    if opened is None:
        return None
    with opened:
        if not opened.streams.audio:
            return None
        context = opened.streams.audio[0].codec_context
        head = bytes(context.extradata or b"")
        one.file.rewind()
        plain = context.name == "opus" and head[:8] == b"OpusHead" and len(head) >= 19 and not any(head[16:19])
        return Track(int(context.sample_rate or 0), int(context.channels or 0), plain)


def output_channels(tracks: list[Track]) -> int:
    """Two where any track is stereo, one otherwise: more than two are mixed down to one."""
    return 2 if any(track.channels == 2 for track in tracks) else 1


def output_rate(tracks: list[Track], *, seconds: float, channels: int) -> int:
    """Return the rate to encode at: never above the highest of the inputs, and small enough for the vendor's limit."""
    highest = max(track.rate for track in tracks) or _RATES[1]
    for rate in (min(highest, _RATES[0]), *(rate for rate in _RATES if rate < highest)):
        if seconds * rate * channels * 2 <= _LARGEST_PLAN:
            return rate
    return min(highest, _RATES[-1])


class Copy:
    """Opus packets into Ogg as they are, each right after the one before, whatever their files say of time."""

    rate = _OPUS_RATE

    def __init__(self, av: Any, output: Any, *, channels: int) -> None:
        self._packet = av.Packet
        self._output = output
        self._stream = output.add_stream("libopus", rate=_OPUS_RATE, layout=_layout(channels))
        self._stream.codec_context.open()
        self._samples = 0
        self._tick = Fraction(1, _OPUS_RATE)

    @property
    def played(self) -> int:
        """Samples that will be heard."""
        return max(0, self._samples - _PRE_SKIP)

    def take(self, packet: Any) -> None:
        """Write one packet; what is no Opus packet is left out."""
        data = bytes(packet)
        lasts = opus_samples(data)
        if not lasts:
            return
        copy = self._packet(data)
        copy.stream, copy.time_base, copy.duration = self._stream, self._tick, lasts
        copy.pts = copy.dts = self._samples - _PRE_SKIP
        self._output.mux(copy)
        self._samples += lasts

    def turn(self) -> None:
        """Pass from one file to the next."""

    def finish(self) -> None:
        """Nothing is held back."""


class Encode:
    """Anything decodable into FLAC in Ogg, 16 bit; damaged packets are left out."""

    def __init__(self, av: Any, output: Any, *, rate: int, channels: int) -> None:
        self.rate = rate
        self._av = av
        self._output = output
        self._layout = _layout(channels)
        self._stream = output.add_stream("flac", rate=rate, layout=self._layout)
        self._stream.codec_context.format = "s16"
        self._stream.codec_context.open()
        self._pieces = self._stream.codec_context.frame_size or 4096
        self._fifo = av.AudioFifo()
        self._graph: Any = None
        self._shape: tuple[object, ...] = ()
        self.played = 0
        self._encoded = 0
        self._tick = Fraction(1, rate)

    def take(self, packet: Any) -> None:
        """Decode one packet and encode what it gives."""
        try:
            frames = packet.decode()
        except (self._av.error.FFmpegError, ValueError):
            return
        for frame in frames:
            if frame.samples:
                self._convert(frame)

    def turn(self) -> None:
        """Bring out what the converter holds of one file before the next."""
        if self._graph is not None:
            self._graph.push(None)
            self._pull()
        self._graph, self._shape = None, ()

    def finish(self) -> None:
        """Encode the rest."""
        self._encode(self._fifo.read_many(self._pieces, partial=True) if self._fifo.samples else [])
        self._output.mux(self._stream.encode(None))

    def pass_frame(self, frame: Any) -> Any:
        """What of a converted frame is wanted: all of it. None where nothing is."""
        return frame

    def _convert(self, frame: Any) -> None:
        shape = (frame.format.name, frame.layout.name, frame.layout.nb_channels, frame.sample_rate)
        if shape != self._shape:
            self.turn()
            self._graph, self._shape = self._converter(frame), shape
        frame.pts = None
        self._graph.push(frame)
        self._pull()

    def _converter(self, frame: Any) -> Any:
        """A chain of filters from one kind of frame to that of the output; channels beyond two are mixed evenly."""
        graph = self._av.filter.Graph()
        chain = [
            graph.add(
                "abuffer",
                sample_rate=str(frame.sample_rate),
                sample_fmt=frame.format.name,
                channel_layout=frame.layout.name,
                time_base=f"1/{frame.sample_rate}",
            )
        ]
        if (count := frame.layout.nb_channels) > 2:
            chain.append(graph.add("pan", "mono|c0<" + "+".join(f"c{number}" for number in range(count))))
        chain.append(graph.add("aformat", sample_rates=str(self.rate), sample_fmts="s16", channel_layouts=self._layout))
        chain.append(graph.add("abuffersink"))
        graph.link_nodes(*chain).configure()
        return graph

    def _pull(self) -> None:
        while True:
            try:
                frame = self._graph.pull()
            except (self._av.error.BlockingIOError, self._av.error.EOFError):
                break
            frame.pts = None
            wanted = self.pass_frame(frame)
            if wanted is not None:
                self._fifo.write(wanted)
                self.played += wanted.samples
        self._encode(self._fifo.read_many(self._pieces) if self._fifo.samples >= self._pieces else [])

    def _encode(self, frames: list[Any]) -> None:
        for frame in frames:
            frame.pts, frame.time_base = self._encoded, self._tick
            self._encoded += frame.samples
            self._output.mux(self._stream.encode(frame))


def join(av: Any, inputs: list[Input], output: PipedOutput) -> dict[str, Any]:
    """Join the files in order; return copied, sample_rate, channels, duration_ms, offsets_ms; or `unusable` and why."""
    tracks = [survey(av, one) for one in inputs]
    found = [track for track in tracks if track is not None]
    if not found:
        return {"unusable": "unreadable"}
    channels = output_channels(found)
    copied = all(track.plain for track in found) and sum(one.file.size for one in inputs) <= _LARGEST_PLAN
    offsets = []
    try:
        with av.open(output, "w", format="ogg") as written:
            way: Copy | Encode
            if copied:
                way = Copy(av, written, channels=channels)
            else:
                seconds = sum(one.duration_ms for one in inputs) / 1000
                rate = output_rate(found, seconds=seconds, channels=channels)
                way = Encode(av, written, rate=rate, channels=channels)
            for one, track in zip(inputs, tracks, strict=True):
                offsets.append(round(way.played * 1000 / way.rate))
                for packet in packets_of(av, one) if track is not None else ():
                    way.take(packet)
                    if way.played > LONGEST_SECONDS * way.rate or output.written > LARGEST_OUTPUT:
                        raise TooLong
                way.turn()
            way.finish()
    except TooLong:
        return {"unusable": "too-long"}
    output.finish()
    if not way.played:
        return {"unusable": "unreadable"}
    return {
        "copied": copied,
        "sample_rate": way.rate,
        "channels": channels,
        "duration_ms": round(way.played * 1000 / way.rate),
        "offsets_ms": offsets,
    }


def packets_of(av: Any, one: Input) -> Iterator[Any]:
    """Yield the packets of a file's first sound track, as far as they can be read; the last one is empty."""
    opened = open_sound(av, one.file, container=one.container)
    if opened is None:
        return
    with opened:
        try:
            yield from opened.demux(opened.streams.audio[0])
        except (av.error.FFmpegError, OSError):
            return
        finally:
            one.file.rewind()


def _layout(channels: int) -> str:
    return "stereo" if channels == 2 else "mono"


def main(arguments: list[str]) -> None:
    """Join files: arguments are seconds of processor time, then `container:size:duration_ms` for each file."""
    asks, answers = sys.stdout.buffer, sys.stdin.buffer
    try:
        import av
    except ImportError:
        report({"unusable": "no-reader"}, asks)
        return
    load_all(av)
    confine(int(arguments[0]))
    inputs, base = [], 0
    for argument in arguments[1:]:
        container, size, duration_ms = argument.split(":")
        file = PipedFile(int(size), asks=asks, answers=answers, base=base)
        inputs.append(Input(file, container, int(duration_ms)))
        base += int(size)
    report(join(av, inputs, PipedOutput(asks)), asks)


if __name__ == "__main__":
    main(sys.argv[1:])
