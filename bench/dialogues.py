"""Dialogues of public visits as transcripts. In: folders of shared data. Out: frozen Transcripts, as a recogniser's.

Words of a turn are spread evenly over its time; ACI-Bench states no times, so a turn takes 400 ms a word.
"""

import csv
import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from connector_sandbox.recordings import BundledRecording

from connector.records import Stamp, Transcript, Turn, Word

_INTERVAL = re.compile(r'xmin = ([\d.]+)\s+xmax = ([\d.]+)\s+text = "(.*)"')
_MARK = re.compile(r"<[^>]*>")
_SPEAKER = re.compile(r"^\[(\w+)\]\s*(.*)$")
_WORD_MS = 400


def read_primock(stem: str, folder: Path, *, now: datetime) -> Transcript:
    """One PriMock57 consultation: two tiers, one a speaker."""
    rows: list[tuple[int, int, str, str]] = []
    for role in ("doctor", "patient"):
        file = folder / "transcripts" / f"{stem}_{role}.TextGrid"
        for start, end, text in _INTERVAL.findall(file.read_text(encoding="utf-8")):
            said = " ".join(_MARK.sub(" ", text).split())
            if said:
                rows.append((round(float(start) * 1000), round(float(end) * 1000), role, said))
    return _transcript(stem, [_turn(n, *row) for n, row in enumerate(sorted(rows), start=1)], now)


def read_aci(file: Path, *, now: datetime) -> list[Transcript]:
    """Every dialogue of one ACI-Bench file."""
    found = []
    with file.open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            at, turns = 0, []
            for line in row["dialogue"].splitlines():
                match = _SPEAKER.match(line.strip())
                if match and match[2]:
                    end = at + _WORD_MS * len(match[2].split())
                    turns.append(_turn(len(turns) + 1, at, end, match[1], match[2]))
                    at = end
            found.append(_transcript(row["encounter_id"], turns, now))
    return found


def read_bundled(recording: BundledRecording, *, now: datetime) -> Transcript:
    """One bundled visit, as its script and its timing say."""
    turns = [_turn(n, turn.start, turn.end, turn.role, turn.text) for n, turn in enumerate(recording.turns, start=1)]
    return _transcript(recording.id, turns, now)


def _turn(number: int, start: int, end: int, role: str, text: str) -> Turn:
    words = text.split()
    step = max(1, (end - start) // len(words))
    timed = tuple(Word(word, start + n * step, start + (n + 1) * step, 0.9) for n, word in enumerate(words))
    shown = "Patient" if role == "patient" else "Clinician"
    return Turn(f"t{number}", role, shown, "vendor", text, start, end, 0.9, timed)


def _transcript(identity: str, turns: Iterable[Turn], now: datetime) -> Transcript:
    every = tuple(turns)
    end = max((turn.end_ms for turn in every), default=0)
    return Transcript(identity, "recogniser", "en", end, every, (), Stamp("bench@1", now))
