"""5. Recording. In: nothing. Out: frozen records. Never refers to a later one."""

from __future__ import annotations

from dataclasses import dataclass

from connector.records.stamps import Stamp


@dataclass(frozen=True, slots=True)
class Segment:
    """One piece of a visit's sound as it came in: a file, an address fetched, or one run of a browser's recorder.

    `source` is microphone, file or url; `duration_ms` by demuxing; `offset_ms` is where it begins in the whole sound;
    `sample_rate` in Hz. `rewrite` says that it can be sent or played only in another form.
    """

    recording_id: str
    source: str
    container: str
    size: int
    sha256: str
    chunks: int
    duration_ms: int
    sample_rate: int = 0
    channels: int = 0
    offset_ms: int = 0
    truncated: bool = False
    rewrite: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the whole sound where something was not captured.

    `kind` is gap (reload, crash, sleep), paused or off-record; `missing_ms` how long nothing was captured, 0 where
    nobody knows.
    """

    kind: str
    at_ms: int
    missing_ms: int = 0


@dataclass(frozen=True, slots=True)
class Recording:
    """A visit's sealed sound: `size` in bytes, `sha256` in hex over the plain bytes, `duration_ms` by demuxing.

    `truncated` says that it breaks off: its end is missing. `two_sided` says that the first channel is the clinician's
    side and the second the other one. `segments` are the pieces in order, laid end to end;
    `joined` says that `recording_id` holds them as one file, else it is that of the only piece. `warnings` are
    sentences for the clinician.
    """

    recording_id: str
    container: str
    size: int
    sha256: str
    chunks: int
    duration_ms: int
    stamp: Stamp
    truncated: bool = False
    source: str = "file"
    sample_rate: int = 0
    channels: int = 0
    segments: tuple[Segment, ...] = ()
    marks: tuple[Mark, ...] = ()
    warnings: tuple[str, ...] = ()
    joined: bool = False
    two_sided: bool = False
