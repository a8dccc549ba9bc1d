"""In: an uploaded file. Out: the words a recogniser would have heard, taken from the script of the recognised visit.

Never recognises speech: other speech than the bundled visits raises NotTranscribed with an honest sentence.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from connector_sandbox.assemblyai.fingerprint import RECOGNISED, Fingerprint, Match, find_recording, take_fingerprint
from connector_sandbox.assemblyai.sound import FRAME_MS, NotSound, Sound, read_sound
from connector_sandbox.assemblyai.voice import Voice, VoiceReport, judge_voice, last_sound
from connector_sandbox.recordings import BundledRecording, Turn, load_recordings

SHORTEST_MS = 160
LIMIT_S = 900.0
REMEMBERED = 32
OTHER_SPEECH = (
    "Sandbox: this recording is not one of the bundled ones; a sandbox cannot recognise other speech. "
    "Use a recording from smart-launch/sandbox/recordings, or set a real AssemblyAI key."
)
TOO_SHORT = "Audio duration is too short."
NO_AUDIO = "Transcoding failed. File does not appear to contain audio. File type is {kind}."
_EDGE_MS = 120
_MUMBLED = ("Mm", "the", "uh", "mhm,", "and", "okay.")


class NotTranscribed(Exception):
    """The job ends in status error; the text is the job's `error`."""


@dataclass(frozen=True)
class HeardWord:
    """One word; times in milliseconds of the upload, confidence 0 to 1."""

    text: str
    start: int
    end: int
    confidence: float


@dataclass(frozen=True)
class HeardTurn:
    """One speaker's words; `role` is None where the sandbox cannot tell who speaks, `name` where no script says."""

    role: str | None
    name: str | None
    words: tuple[HeardWord, ...]


@dataclass(frozen=True)
class Heard:
    """What was heard in an upload of `duration_ms`; no turns when nobody speaks."""

    duration_ms: int
    turns: tuple[HeardTurn, ...]


class Listener:
    """Knows the bundled visits by their sound; measures them once, for the first job."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: list[tuple[BundledRecording, Fingerprint, int]] = []
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
        """The words of the visit this file is a recording of; NotTranscribed where the vendor's job would fail.

        Whole turns only: of a recording that breaks off, the turn in which it breaks off is left out.
        """
        try:
            sound = read_sound(path, limit_s=LIMIT_S)
        except NotSound:
            raise NotTranscribed(NO_AUDIO.format(kind=_kind_of(path))) from None
        if sound.duration_ms < SHORTEST_MS:
            raise NotTranscribed(TOO_SHORT)
        report = judge_voice(sound)
        if report.voice is Voice.NONE:
            return Heard(duration_ms=sound.duration_ms, turns=())
        recording, match = self.recognise(sound)
        if recording is None and report.voice is Voice.UNCLEAR:
            return Heard(duration_ms=sound.duration_ms, turns=_mumbled_turns(report))
        if recording is None:
            raise NotTranscribed(OTHER_SPEECH)
        return Heard(duration_ms=sound.duration_ms, turns=_scripted_turns(recording, match, sound=sound))

    def recognise(self, sound: Sound) -> tuple[BundledRecording | None, Match]:
        """The bundled visit in this sound, or None; and the best match, recognised or not."""
        ends = last_sound(sound)
        heard = take_fingerprint(sound.part(0, ends))
        found = [(find_recording(known, heard), recording, frames) for recording, known, frames in self.learn()]
        match, recording, frames = max(found, key=lambda one: one[0].score)
        start = match.lag_ms // FRAME_MS
        outside = (sound.part(0, start), sound.part(start + frames, sound.frames))
        alone = all(judge_voice(part).voice is not Voice.SPEECH for part in outside)
        whole = sound.frames * FRAME_MS >= sound.duration_ms - FRAME_MS
        recognised = match.score >= RECOGNISED and alone and whole
        return (recording if recognised else None), match

    def learn(self) -> list[tuple[BundledRecording, Fingerprint, int]]:
        """Every bundled visit with its fingerprint and its length in frames."""
        with self._lock:
            if not self._known:
                for recording in load_recordings():
                    sound = read_sound(recording.audio, limit_s=LIMIT_S)
                    self._known.append((recording, take_fingerprint(sound), sound.frames))
            return self._known


def _scripted_turns(recording: BundledRecording, match: Match, *, sound: Sound) -> tuple[HeardTurn, ...]:
    ends = last_sound(sound) * FRAME_MS + _EDGE_MS
    return tuple(
        HeardTurn(
            role=turn.role,
            name=recording.patient_name if turn.role == "patient" else None,
            words=_scripted_words(recording, turn, number=number, lag=match.lag_ms),
        )
        for number, turn in enumerate(recording.turns)
        if turn.start + match.lag_ms >= -_EDGE_MS and turn.end + match.lag_ms <= ends
    )


def _scripted_words(recording: BundledRecording, turn: Turn, *, number: int, lag: int) -> tuple[HeardWord, ...]:
    return tuple(
        HeardWord(
            text=word.text,
            start=max(0, word.start + lag),
            end=max(1, word.end + lag),
            confidence=_confidence(recording, word.text, place=f"{number}:{position}"),
        )
        for position, word in enumerate(turn.words)
    )


def _confidence(recording: BundledRecording, text: str, *, place: str) -> float:
    """Between 0.86 and 0.99, lower for the words the script calls unsure; the same each time."""
    share = int.from_bytes(hashlib.sha256(f"{recording.id}:{place}".encode()).digest()[:4]) / 2**32
    unsure = recording.unsure.get(text.strip(".,?!;:").lower())
    return round(unsure + 0.04 * (share - 0.5) if unsure is not None else 0.86 + 0.13 * share, 5)


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
