"""In: measured sound. Out: whether somebody speaks in it clearly, unclearly or not at all, and when.

A rough decision by loudness and colour of 25 ms frames, good enough for a sandbox; never a claim about what is said.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from enum import Enum

from connector_sandbox.assemblyai.sound import FRAME_MS, Sound

_LEAST_ACTIVE = 1_000 // FRAME_MS
_GAP = 150 // FRAME_MS


class Voice(Enum):
    """What kind of voice a sound holds."""

    NONE = "none"
    UNCLEAR = "unclear"
    SPEECH = "speech"


@dataclass(frozen=True)
class VoiceReport:
    """The decision, and the stretches in which something is heard, as (first, last) frame numbers."""

    voice: Voice
    stretches: tuple[tuple[int, int], ...]


def judge_voice(sound: Sound) -> VoiceReport:
    """Tell speech from humming and mumbling, and both from silence, noise, clicks and tones.

    Speech alternates between dark frames (vowels) and bright ones (s, t, f), and its loudness moves with the
    syllables. A hum moves in loudness but stays dark. Noise is bright throughout, tones do not move.
    """
    active = _active_frames(sound)
    if len(active) < _LEAST_ACTIVE:
        return VoiceReport(Voice.NONE, ())
    whole = sound.levels[0]
    low = [max(sound.levels[1][frame], sound.levels[2][frame]) for frame in active]
    high = [max(band[frame] for band in sound.levels[3:]) for frame in active]
    tilts = [above - below for above, below in zip(high, low, strict=True)]
    bright = sum(tilt > -8 for tilt in tilts) / len(tilts)
    darkness = statistics.median(above - whole[frame] for above, frame in zip(high, active, strict=True))
    moves = statistics.pstdev(whole[frame] for frame in active) >= 1.0 and statistics.pstdev(tilts) >= 3.3
    if not moves or bright > 0.75 or darkness < -60:
        return VoiceReport(Voice.NONE, ())
    clear = bright >= 0.08 and darkness >= -34
    return VoiceReport(Voice.SPEECH if clear else Voice.UNCLEAR, _join(active))


def last_sound(sound: Sound) -> int:
    """The number of the frame after the last one in which something is heard; 0 for silence."""
    active = _active_frames(sound)
    return active[-1] + 1 if active else 0


def _active_frames(sound: Sound) -> list[int]:
    """Frames well above the quietest tenth and not far below the loudest: what stands out of the background."""
    whole = sound.levels[0]
    if not whole:
        return []
    ordered = sorted(whole)
    quiet = max(ordered[len(ordered) // 10], -75.0)
    loud = ordered[int(len(ordered) * 0.97)]
    least = max(quiet + 10, loud - 25, -65.0)
    return [frame for frame, level in enumerate(whole) if level > least]


def _join(active: list[int]) -> tuple[tuple[int, int], ...]:
    stretches: list[tuple[int, int]] = []
    for frame in active:
        if stretches and frame - stretches[-1][1] <= _GAP:
            stretches[-1] = (stretches[-1][0], frame + 1)
        else:
            stretches.append((frame, frame + 1))
    return tuple(stretches)
