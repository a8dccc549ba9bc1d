"""In: a sound file nobody has a script of. Out: what PocketSphinx makes of it, badly; each channel a voice of its own.

Runs in a process of its own, with limits on its time and memory; never calls anybody, and needs the extra `sandbox`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from connector_sandbox.assemblyai.playback import HeardTurn, HeardWord

LISTENS_S = 600
CPU_S = 240
WALL_S = 420


class NotRecognised(Exception):
    """The recogniser ended without an answer: it was stopped at a limit, or failed."""


@dataclass(frozen=True)
class Limits:
    """What one recognition may take: seconds of sound, of CPU and of patience."""

    sound_s: int = LISTENS_S
    cpu_s: int = CPU_S
    wall_s: int = WALL_S


Recognise = Callable[[Path], tuple[HeardTurn, ...]]


def find_recogniser() -> Recognise | None:
    """What recognises speech here; None where PocketSphinx is not installed."""
    return recognise if find_spec("pocketsphinx") is not None else None


def recognise(path: Path, *, limits: Limits = Limits()) -> tuple[HeardTurn, ...]:
    """The turns heard in the first ten minutes, in order; a turn is what is said between two pauses."""
    command = [sys.executable, "-m", "connector_sandbox.assemblyai.recogniser", str(path)]
    command += [str(limits.sound_s), str(limits.cpu_s)]
    try:
        ended = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limits.wall_s,
            check=True,
        )
        said = json.loads(ended.stdout)
    except (subprocess.SubprocessError, OSError, ValueError) as error:
        raise NotRecognised from error
    return tuple(
        HeardTurn(
            role=turn["voice"],
            name=None,
            words=tuple(HeardWord(**word) for word in turn["words"]),
            channel=turn["channel"],
        )
        for turn in said
    )
