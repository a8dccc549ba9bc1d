"""In: the turns of a job and what was asked about speakers. Out: for each turn whose it is, as label and as name.

Knows from the script who speaks; a number of speakers that does not fit makes it err, as it does the vendor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from connector_sandbox.assemblyai.playback import HeardTurn
from connector_sandbox.assemblyai.submission import RoleRequest, Submission

_SAME_ROLE = {
    "clinician": ("clinician", "doctor", "physician", "provider", "practitioner", "nurse", "therapist", "gp"),
    "patient": ("patient", "client"),
    "partner": ("partner", "spouse", "husband", "wife", "relative", "family member", "companion", "caregiver"),
}


@dataclass(frozen=True)
class Seat:
    """Whose a turn is: `label` is A, B, … by first appearance, or the channel; `name` the role or name that fits.

    All None where nobody asked; `channel` only where it was asked by channel.
    """

    label: str | None = None
    name: str | None = None
    channel: str | None = None

    def shown(self, *, by_label: bool = False) -> dict[str, str | None]:
        """The fields of a word or an utterance."""
        speaker = {"speaker": self.label if by_label else self.name}
        return {**speaker, "channel": self.channel} if self.channel else speaker


def seat_turns(asked: Submission, turns: Sequence[HeardTurn]) -> tuple[Seat, ...]:
    """One seat for each turn, in their order."""
    if not asked.tells_speakers_apart:
        return tuple(Seat() for _ in turns)
    voices = [str(turn.channel) for turn in turns] if asked.multichannel else _by_voice(asked, turns)
    names = {voice: _fitting(asked.roles, _mostly(turns, voices, voice=voice)) for voice in voices}
    seats = {
        voice: Seat(label=voice, name=names[voice] or voice, channel=voice if asked.multichannel else None)
        for voice in voices
    }
    return tuple(seats[voice] for voice in voices)


def map_labels(seats: Sequence[Seat]) -> dict[str, str]:
    """The names that were found, by label."""
    return {seat.label: seat.name for seat in seats if seat.label and seat.name and seat.name != seat.label}


def _by_voice(asked: Submission, turns: Sequence[HeardTurn]) -> list[str]:
    """A label for each turn: one a voice of the script, or as many as the job wants there to be."""
    voices = [turn.role or "" for turn in turns]
    least, most = asked.speakers_range
    while len(set(voices)) > most:
        quietest, next_quietest = sorted(set(voices), key=lambda voice: _words_of(turns, voices, voice=voice))[:2]
        voices = [next_quietest if voice == quietest else voice for voice in voices]
    while len(set(voices)) < least and _split(voices):
        pass
    order = list(dict.fromkeys(voices))
    return [chr(ord("A") + order.index(voice)) for voice in voices]


def _split(voices: list[str]) -> bool:
    """Take every third turn of the voice that has most turns for somebody else's; False where it has too few."""
    voice, turns = Counter(voices).most_common(1)[0] if voices else ("", 0)
    own = [place for place, one in enumerate(voices) if one == voice]
    if turns < 3:
        return False
    for place in own[2::3]:
        voices[place] = f"{voice}+{len(set(voices))}" if place == own[2] else voices[own[2]]
    return True


def _words_of(turns: Sequence[HeardTurn], voices: Sequence[str], *, voice: str) -> int:
    return sum(len(turn.words) for turn, one in zip(turns, voices, strict=True) if one == voice)


def _mostly(turns: Sequence[HeardTurn], voices: Sequence[str], *, voice: str) -> HeardTurn:
    """A turn of whoever says most under this label."""
    said: Counter[str | None] = Counter()
    for turn, one in zip(turns, voices, strict=True):
        said[turn.role] += len(turn.words) if one == voice else 0
    role = said.most_common(1)[0][0]
    return next(turn for turn, one in zip(turns, voices, strict=True) if one == voice and turn.role == role)


def _fitting(wanted: RoleRequest | None, turn: HeardTurn) -> str | None:
    if wanted is None:
        return None
    fitting = _SAME_ROLE.get(turn.role or "", ()) if wanted.kind == "role" else ((turn.name or "").lower(),)
    return next((value for value in wanted.values if value.lower() in fitting), None)
