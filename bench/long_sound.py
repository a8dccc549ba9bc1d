"""An hour of a bundled visit, said again and again, as one Ogg Opus file. In: a recording. Out: the file."""

from pathlib import Path

import av

from bench.report import NotMeasured


def make_long_sound(source: Path, target: Path, *, seconds: int) -> None:
    """Packets are copied, not encoded anew, until the file lasts `seconds`. Raises NotMeasured for a silent source."""
    with av.open(str(target), "w", format="ogg") as written:
        at, stream = 0, None
        while stream is None or at * stream.time_base < seconds:
            before = at
            with av.open(str(source)) as read:
                stream = stream or written.add_stream_from_template(read.streams.audio[0])
                for packet in read.demux(audio=0):
                    if packet.dts is None or not packet.duration:
                        continue
                    packet.pts = packet.dts = at
                    at += packet.duration
                    packet.stream = stream
                    written.mux(packet)
            if at == before:
                raise NotMeasured("the bundled recording holds no sound")
