"""Who sits where: roles by channel, by name, or guessed. In: turns as the recogniser gave them, a Seating. Out: turns.

Never touches a word, and never calls decided what two voices share or what only stands first.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from connector.records import Speaker, Turn
from connector.transcript.roles import is_unnamed
from connector.transcript.speech import measure_ms

_NUMBER = re.compile(r"[0-9]{1,3}")
_TWO = 2


@dataclass(frozen=True, slots=True)
class Seating:
    """What was known of a recording before it was heard.

    `sides` are the roles of the first, second ... channel where each is one side's own; `names` the role behind each
    name, where people were told apart by name. With `clinician_first` the first voice is guessed to be `clinician`'s,
    and the other of two `patient`'s. `domain` is what was asked for; `captured_ms` the recording's own length, None
    where it does not matter, 0 where nobody could measure it. Voices with less than `low_trust_ms` of speech are not
    trusted.
    """

    sides: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    clinician: str = "Clinician"
    patient: str = "Patient"
    clinician_first: bool = False
    domain: str | None = None
    captured_ms: int | None = None
    low_trust_ms: int = 30_000


def seat_turns(turns: Sequence[Turn], seating: Seating) -> tuple[Turn, ...]:
    """The same turns with their roles and how each was decided."""
    seated = [_by_name(_by_channel(turn, seating.sides), seating.names) for turn in turns]
    seated = _doubt_shared(seated)
    return tuple(_guess_first(seated, seating) if seating.clinician_first else seated)


def list_speakers(
    turns: Sequence[Turn], *, low_trust_ms: int, names: Mapping[str, str] | None = None
) -> tuple[Speaker, ...]:
    """The voices of a transcript in the order they first speak; `names` are known names by label."""
    own: dict[str, list[Turn]] = defaultdict(list)
    for turn in turns:
        own[turn.speaker].append(turn)
    return tuple(_speaker(label, said, low_trust_ms, (names or {}).get(label)) for label, said in own.items())


def names_by_label(turns: Iterable[Turn], names: Iterable[str]) -> dict[str, str]:
    """Which label the vendor gave to which of the names it was told, from turns that are not seated yet."""
    known = set(names)
    return {turn.speaker: turn.role for turn in turns if turn.role in known}


def _speaker(label: str, said: Sequence[Turn], low_trust_ms: int, name: str | None) -> Speaker:
    heard = measure_ms(said)
    return Speaker(label, said[0].role, said[0].role_from, name, heard, heard < low_trust_ms)


def _by_channel(turn: Turn, sides: Sequence[str]) -> Turn:
    """The role its channel says: a label begins with the channel's number."""
    number = _NUMBER.match(turn.speaker)
    if number is None or not 0 < int(number[0]) <= len(sides):
        return turn
    return replace(turn, role=sides[int(number[0]) - 1], role_from="channel")


def _by_name(turn: Turn, names: Mapping[str, str]) -> Turn:
    return replace(turn, role=names[turn.role]) if turn.role in names else turn


def _doubt_shared(turns: Sequence[Turn]) -> list[Turn]:
    """Two voices of one role, such as two people on one side of a recording, are both a guess."""
    voices: dict[str, set[str]] = defaultdict(set)
    for turn in turns:
        voices[turn.role].add(turn.speaker)
    return [replace(turn, role_from="guess") if len(voices[turn.role]) > 1 else turn for turn in turns]


def _guess_first(turns: Sequence[Turn], seating: Seating) -> list[Turn]:
    """The first voice is the clinician's, where nobody has said whose it is and nobody else is the clinician."""
    voices = list(dict.fromkeys(turn.speaker for turn in turns if turn.speaker != "?"))
    open_ones = {turn.speaker for turn in turns if turn.role_from == "guess" and is_unnamed(turn.role)}
    taken = {turn.role for turn in turns}
    guessed: dict[str, str] = {}
    if voices and voices[0] in open_ones and seating.clinician not in taken:
        guessed[voices[0]] = seating.clinician
        if len(voices) == _TWO and voices[1] in open_ones and seating.patient not in taken:
            guessed[voices[1]] = seating.patient
    return [replace(turn, role=guessed.get(turn.speaker, turn.role)) for turn in turns]
