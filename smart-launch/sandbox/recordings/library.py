"""In: the visits folder (one script, one sound file and one timing file a visit). Out: frozen records.

Never synthesises and never decodes sound; a script that no longer fits its timing file is refused.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

VISITS = Path(__file__).parent / "visits"
ROLES = ("clinician", "patient", "partner")


@dataclass(frozen=True)
class Word:
    """One printed word; times in milliseconds from the start of the sound file."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Turn:
    """What one speaker says before another speaks; role is one of ROLES."""

    role: str
    text: str
    start: int
    end: int
    words: tuple[Word, ...]


@dataclass(frozen=True)
class BundledRecording:
    """A scripted visit; `patient_bundle` is a file of smart-launch/patients, `planted` is what it is there to test.

    `names` are those the script knows, by role. `entities` gives for words of the turns, in small letters, the vendor's
    type of entity.
    """

    id: str
    title: str
    patient_bundle: str
    patient_name: str
    names: dict[str, str]
    language: str
    planted: dict[str, str]
    unsure: dict[str, float]
    entities: dict[str, str]
    audio: Path
    duration_ms: int
    turns: tuple[Turn, ...]


@dataclass(frozen=True)
class ScriptTurn:
    """One authored turn: what is printed, what the synthesiser reads, and the silence before it."""

    role: str
    text: str
    say: str
    pause_ms: int


def load_recordings(visits: Path = VISITS) -> tuple[BundledRecording, ...]:
    """Every bundled visit, in the order of its id."""
    return tuple(load_recording(path.stem, visits=visits) for path in sorted(visits.glob("*.yaml")))


def load_recording(recording_id: str, *, visits: Path = VISITS) -> BundledRecording:
    """One visit; KeyError if there is none of that id, ValueError if script, timing and sound do not fit together."""
    if not (visits / f"{recording_id}.yaml").is_file():
        raise KeyError(recording_id)
    script = read_script(visits / f"{recording_id}.yaml")
    audio = visits / f"{recording_id}.opus"
    timing = json.loads((visits / f"{recording_id}.json").read_text(encoding="utf-8"))
    turns = tuple(_read_turn(turn) for turn in timing["turns"])
    if [(turn.role, turn.text) for turn in turns] != [(turn.role, turn.text) for turn in script_turns(script)]:
        raise ValueError(f"{recording_id}: script and timing differ, run python -m connector_sandbox.recordings.make")
    if hashlib.sha256(audio.read_bytes()).hexdigest() != timing["audio_sha256"]:
        raise ValueError(
            f"{recording_id}: sound file and timing differ, run python -m connector_sandbox.recordings.make"
        )
    return BundledRecording(
        id=recording_id,
        title=script["title"],
        patient_bundle=script["patient"]["bundle"],
        patient_name=script["patient"]["name"],
        names={"patient": script["patient"]["name"], **script.get("names", {})},
        language=script.get("language", "en"),
        planted=dict(script["planted"]),
        unsure={str(word).lower(): float(value) for word, value in script["unsure"].items()},
        entities={str(phrase).lower(): kind for kind, phrases in script["entities"].items() for phrase in phrases},
        audio=audio,
        duration_ms=timing["duration_ms"],
        turns=turns,
    )


def read_script(path: Path) -> dict[str, Any]:
    """The authored YAML of one visit as it stands."""
    script = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(script, dict) or script.get("id") != path.stem:
        raise ValueError(f"{path.name}: a script is a mapping whose id is the file's name")
    return script


def script_turns(script: dict[str, Any]) -> tuple[ScriptTurn, ...]:
    """The authored turns in order; a turn has exactly one of the roles."""
    return tuple(_script_turn(turn, number=number) for number, turn in enumerate(script["turns"]))


def _script_turn(turn: dict[str, Any], *, number: int) -> ScriptTurn:
    roles = [role for role in ROLES if role in turn]
    if len(roles) != 1 or set(turn) - {*ROLES, "say", "pause_ms"}:
        raise ValueError(f"turn {number}: one of {ROLES}, and beside it only say and pause_ms")
    text = str(turn[roles[0]])
    # Pauses between turns vary a little, as people do, yet are the same each time the sound is made.
    pause_ms = int(turn.get("pause_ms", 280 + number * 97 % 260))
    return ScriptTurn(role=roles[0], text=text, say=str(turn.get("say", text)), pause_ms=pause_ms)


def _read_turn(turn: dict[str, Any]) -> Turn:
    words = tuple(Word(text=word["text"], start=word["start"], end=word["end"]) for word in turn["words"])
    return Turn(role=turn["speaker"], text=turn["text"], start=turn["start"], end=turn["end"], words=words)
