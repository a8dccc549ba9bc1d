"""In: the turns of a job. Out: the entities in them, with the vendor's types and the times of their words.

Finds what the bundled scripts name, and names behind a title. It is no detector: in other speech it misses nearly all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from connector_sandbox.assemblyai.playback import HeardTurn, HeardWord
from connector_sandbox.recordings import load_recordings

_TITLES = ("mr", "mrs", "ms", "dr", "mister", "missus", "doctor")
_ENDINGS = ".,?!;:"


@dataclass(frozen=True)
class Entity:
    """One entity: the words `first` up to, not including, `last` of the turn of that number; times in milliseconds."""

    entity_type: str
    text: str
    start: int
    end: int
    turn: int
    first: int
    last: int


def find_entities(turns: Sequence[HeardTurn]) -> tuple[Entity, ...]:
    """The entities of all turns in their order; of several that begin with one word the longest."""
    return tuple(entity for number, turn in enumerate(turns) for entity in _find_in_turn(turn.words, number))


def _find_in_turn(words: Sequence[HeardWord], turn: int) -> Iterable[Entity]:
    bare = [_bare(word.text) for word in words]
    first = 0
    while first < len(words):
        kind, length = _match(words, bare, first=first)
        if kind is None:
            first += 1
            continue
        last = first + length
        text = " ".join(word.text for word in words[first:last]).rstrip(_ENDINGS)
        yield Entity(kind, text, words[first].start, words[last - 1].end, turn=turn, first=first, last=last)
        first = last


def _match(words: Sequence[HeardWord], bare: Sequence[str], *, first: int) -> tuple[str | None, int]:
    """The type of what begins with this word, and how many words it has."""
    for length in range(min(_longest(), len(bare) - first), 0, -1):
        kind = _phrases().get(tuple(bare[first : first + length]))
        if kind is not None:
            return kind, length
    if first and bare[first - 1] in _TITLES and words[first].text[:1].isupper():
        return "person_name", 1
    return None, 0


@cache
def _phrases() -> Mapping[tuple[str, ...], str]:
    """What the scripts name, by its words."""
    return {
        tuple(_bare(word) for word in phrase.split()): kind
        for recording in load_recordings()
        for phrase, kind in recording.entities.items()
    }


@cache
def _longest() -> int:
    return max(len(phrase) for phrase in _phrases())


def _bare(text: str) -> str:
    return text.strip(_ENDINGS).lower()
