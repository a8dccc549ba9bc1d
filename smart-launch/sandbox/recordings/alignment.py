"""In: a turn whose edges are known, and words heard in its sound. Out: when each printed word is spoken.

Never moves the edges of a turn, and never lets two words overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Protocol

from connector_sandbox.recordings.library import Turn, Word

_ENDINGS = ".,?!;:"
LEAST_MS = 20  # a word is this long at least


class HeardWord(Protocol):
    """A word a recogniser heard; times in milliseconds of the same sound."""

    @property
    def text(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


def time_words(text: str, *, start: int, end: int) -> tuple[Word, ...]:
    """Each printed word's share of that time, in proportion to its length (plus one for the gap after it)."""
    printed = text.split()
    weights = [len(word) + 1 for word in printed]
    words = []
    passed = 0
    for word, weight in zip(printed, weights, strict=True):
        first = start + (end - start) * passed // sum(weights)
        passed += weight
        last = start + (end - start) * (passed - 1) // sum(weights)
        words.append(Word(text=word, start=first, end=max(first + 1, last)))
    return (*words[:-1], Word(text=words[-1].text, start=words[-1].start, end=end))


def place_words(turn: Turn, heard: Sequence[HeardWord]) -> tuple[Word, ...]:
    """The words of the turn: those that were heard too at their times there, those between in proportion."""
    within = [word for word in heard if turn.start <= word.start and word.end <= turn.end]
    matches = SequenceMatcher(
        None, [_bare(word.text) for word in turn.words], [_bare(word.text) for word in within], autojunk=False
    ).get_matching_blocks()
    anchors = {one.a + place: within[one.b + place] for one in matches for place in range(one.size)}
    words: list[Word] = []
    waiting: list[str] = []
    at = turn.start
    for place, word in enumerate(turn.words):
        anchor = anchors.get(place)
        behind = len(turn.words) - place - 1
        if anchor is None or not _fits(anchor, first=at + LEAST_MS * len(waiting), last=turn.end - LEAST_MS * behind):
            waiting.append(word.text)
            continue
        start = turn.start if not words and not waiting else anchor.start
        words += _spread(waiting, start=at, end=start)
        words.append(Word(text=word.text, start=start, end=anchor.end))
        waiting, at = [], words[-1].end
    words += _spread(waiting, start=at, end=turn.end)
    last = words[-1]
    return (*words[:-1], Word(text=last.text, start=last.start, end=turn.end))


def _fits(heard: HeardWord, *, first: int, last: int) -> bool:
    """Whether the word leaves those before it and those behind it their time."""
    return first <= heard.start and heard.end <= last and heard.end - heard.start >= LEAST_MS


def _spread(texts: Sequence[str], *, start: int, end: int) -> tuple[Word, ...]:
    return time_words(" ".join(texts), start=start, end=end) if texts else ()


def _bare(text: str) -> str:
    return text.strip(_ENDINGS).lower()
