"""In: an uploaded file. Out: the words a recogniser would have heard, taken from the script of the recognised visit.

Other speech than the bundled visits is really recognised, if badly, where there is something to do it with, and says
so; else it raises NotTranscribed with an honest sentence.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from connector_sandbox.assemblyai.fingerprint import take_fingerprint
from connector_sandbox.assemblyai.playback import HeardTurn, HeardWord, play_back
from connector_sandbox.assemblyai.recognising import LISTENS_S, NotRecognised, Recognise
from connector_sandbox.assemblyai.sound import FRAME_MS, NotSound, Sound, read_sound
from connector_sandbox.assemblyai.stretches import LEAST_MS, Known, Stretch, find_stretches, make_known
from connector_sandbox.assemblyai.voice import Voice, VoiceReport, judge_voice
from connector_sandbox.recordings import BundledRecording, load_recordings

SHORTEST_MS = 160
LIMIT_S = 1800.0
REMEMBERED = 32
OTHER_SPEECH = (
    "Sandbox: this recording is not one of the bundled ones; a sandbox cannot recognise other speech. "
    "Use a recording from smart-launch/sandbox/recordings, or set a real AssemblyAI key."
)
TOO_SHORT = "Audio duration is too short."
NO_AUDIO = "Transcoding failed. File does not appear to contain audio. File type is {kind}."
LEFT_OUT = "Sandbox: {seconds} s of other speech were left out; a sandbox knows only the bundled recordings."
NOT_RECOGNISED = "Sandbox: the recogniser gave up on this recording: it took too long, or failed."
NOT_HEARD = "Sandbox: only the first {seconds} s were listened to."
_ECHO_MS = 500
_MUMBLED = ("Mm", "the", "uh", "mhm,", "and", "okay.")


class NotTranscribed(Exception):
    """The job ends in status error; the text is the job's `error`."""


@dataclass(frozen=True)
class Heard:
    """What was heard in an upload of `duration_ms`; no turns when nobody speaks. `warnings` say what was left out.

    `recognised` is whether the words are a recogniser's, not a script's.
    """

    duration_ms: int
    turns: tuple[HeardTurn, ...]
    warnings: tuple[str, ...] = ()
    recognised: bool = False


class Listener:
    """Knows the bundled visits by their sound; measures them once, for the first job. Hears `limit_s` of an upload.

    `recognise` is what makes words of other speech; None where nothing does.
    """

    def __init__(self, *, limit_s: float = LIMIT_S, recognise: Recognise | None = None) -> None:
        self._limit_s = limit_s
        self._recognise = recognise
        self._lock = threading.Lock()
        self._known: list[tuple[BundledRecording, Known]] = []
        self._heard: OrderedDict[str, Heard] = OrderedDict()

    def hear_again(self, path: Path, *, sha256: str) -> Heard:
        """As `hear`, from memory for a file that was heard lately."""
        heard = self._heard.get(sha256)
        if heard is None:
            heard = self._heard[sha256] = self.hear(path)
            while len(self._heard) > REMEMBERED:
                self._heard.popitem(last=False)
        return heard

    def hear(self, path: Path) -> Heard:
        """The words of the visits this file has sound of; NotTranscribed where the vendor's job would fail.

        Of a visit that comes late, breaks off or has gaps, the words whose sound is there.
        """
        try:
            sound = read_sound(path, limit_s=self._limit_s)
        except NotSound:
            raise NotTranscribed(NO_AUDIO.format(kind=_kind_of(path))) from None
        if sound.duration_ms < SHORTEST_MS:
            raise NotTranscribed(TOO_SHORT)
        turns, other_ms = self.recognise(sound)
        if turns:
            return Heard(duration_ms=sound.duration_ms, turns=turns, warnings=_warn(sound, other_ms=other_ms))
        report = judge_voice(sound)
        if report.voice is Voice.SPEECH:
            return self._hear_other(path, sound)
        turns = _mumbled_turns(report) if report.voice is Voice.UNCLEAR else ()
        return Heard(duration_ms=sound.duration_ms, turns=turns, warnings=_warn(sound, other_ms=0))

    def _hear_other(self, path: Path, sound: Sound) -> Heard:
        if self._recognise is None:
            raise NotTranscribed(OTHER_SPEECH)
        try:
            turns = self._recognise(path)
        except NotRecognised:
            raise NotTranscribed(NOT_RECOGNISED) from None
        beyond = sound.duration_ms > LISTENS_S * 1000
        warnings = (NOT_HEARD.format(seconds=LISTENS_S),) if beyond else ()
        return Heard(duration_ms=sound.duration_ms, turns=turns, warnings=warnings, recognised=True)

    def recognise(self, sound: Sound) -> tuple[tuple[HeardTurn, ...], int]:
        """The turns of bundled visits in this sound, and how many milliseconds of other speech are beside them.

        None where there is more of the other.
        """
        stretches = self.find(sound)
        beside = self._find_beside(sound, stretches)
        both = [*stretches, *(stretch for one in beside for stretch in one)]
        other_ms = _other_speech(sound, both)
        if other_ms > FRAME_MS * sum(stretch.last - stretch.first for stretch in both):
            return (), other_ms
        recordings = [recording for recording, _ in self.learn()]
        turns = play_back(recordings, stretches, sound=sound)
        for channel, one in enumerate(beside, start=1):
            turns += [replace(turn, channel=channel) for turn in play_back(recordings, one, sound=sound)]
        return tuple(sorted(turns, key=lambda turn: turn.words[0].start)), other_ms

    def find(self, sound: Sound) -> tuple[Stretch, ...]:
        """The stretches of this sound that are of bundled visits, by their number in `learn`."""
        return find_stretches([known for _, known in self.learn()], take_fingerprint(sound))

    def _find_beside(self, sound: Sound, stretches: Sequence[Stretch]) -> list[list[Stretch]]:
        """What each of two channels holds where both together are not known: two visits at a time, or an echo."""
        unknown = [
            part for part in _between(stretches, sound) if judge_voice(sound.part(*part)).voice is not Voice.NONE
        ]
        if not sound.sides or not unknown:
            return []
        left, right = (_clip(self.find(side), unknown) for side in sound.sides)
        return [left, [one for one in right if not any(_is_echo(one, of=other) for other in left)]]

    def learn(self) -> list[tuple[BundledRecording, Known]]:
        """Every bundled visit and its sound; measured by the first call."""
        with self._lock:
            if not self._known:
                for recording in load_recordings():
                    sound = read_sound(recording.audio, limit_s=LIMIT_S)
                    self._known.append((recording, make_known(take_fingerprint(sound))))
            return self._known


def _between(stretches: Sequence[Stretch], sound: Sound) -> list[tuple[int, int]]:
    """The frames before, between and behind the stretches, where they are long enough to be known."""
    parts, first = [], 0
    for stretch in sorted(stretches, key=lambda one: one.first):
        parts.append((first, stretch.first))
        first = max(first, stretch.last)
    parts.append((first, sound.frames))
    return [part for part in parts if (part[1] - part[0]) * FRAME_MS >= LEAST_MS]


def _clip(stretches: Sequence[Stretch], parts: Sequence[tuple[int, int]]) -> list[Stretch]:
    clipped = [
        replace(stretch, first=max(stretch.first, first), last=min(stretch.last, last))
        for stretch in stretches
        for first, last in parts
    ]
    return [stretch for stretch in clipped if stretch.first < stretch.last]


def _is_echo(stretch: Stretch, *, of: Stretch) -> bool:
    same = stretch.number == of.number and abs(stretch.lag - of.lag) * FRAME_MS <= _ECHO_MS
    return same and stretch.first < of.last and of.first < stretch.last


def _other_speech(sound: Sound, stretches: Sequence[Stretch]) -> int:
    """How many milliseconds somebody speaks clearly outside the stretches."""
    reports = [judge_voice(sound.part(*part)) for part in _between(stretches, sound)]
    frames = [last - first for one in reports if one.voice is Voice.SPEECH for first, last in one.stretches]
    return sum(frames) * FRAME_MS


def _warn(sound: Sound, *, other_ms: int) -> tuple[str, ...]:
    warnings = [LEFT_OUT.format(seconds=max(1, round(other_ms / 1000)))] if other_ms else []
    if sound.duration_ms > (sound.frames + 1) * FRAME_MS:
        warnings.append(NOT_HEARD.format(seconds=sound.frames * FRAME_MS // 1000))
    return tuple(warnings)


def _mumbled_turns(report: VoiceReport) -> tuple[HeardTurn, ...]:
    words = tuple(
        HeardWord(text=text, start=first * FRAME_MS, end=last * FRAME_MS, confidence=round(0.21 + 0.03 * number, 2))
        for number, (text, (first, last)) in enumerate(zip(_MUMBLED, report.stretches, strict=False))
    )
    return (HeardTurn(role=None, name=None, words=words),)


def _kind_of(path: Path) -> str:
    """What the file is instead of sound, in the words of file(1) that the vendor quotes."""
    with path.open("rb") as file:
        start = file.read(4096)
    if not start:
        return "application/x-empty (empty)"
    if b"\0" in start:
        return "application/octet-stream (data)"
    return "text/plain (ASCII text)" if start.isascii() else "application/octet-stream (data)"
