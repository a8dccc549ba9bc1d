"""Where a turn's words stand in its text. In: a turn, a text or a place. Out: the turn reworded, or cut in two.

Every word keeps its place and its times: a correction changes what stands there, and a cut loses nothing.
"""

from __future__ import annotations

import re
from dataclasses import replace

from rapidfuzz.distance import Levenshtein

from connector.errors import InputRefused
from connector.records import Turn, Word

_TOKEN = re.compile(r"\S+")
SURE = 1.0
"""Confidence of a word the clinician has corrected."""


def reword(turn: Turn, text: str) -> tuple[Turn, frozenset[int]]:
    """The turn with another text, and which of its words (counted from 0) the clinician replaced or took out.

    A word that fell away leaves an empty one in its place; words that came in belong to the place before them, and the
    word that stands there is as sure as it was: nobody has said anything of it.
    """
    owners = _own_tokens(turn)
    if not owners:
        return replace(turn, text=text), frozenset()
    held, touched, grown = _lay_out(turn.text.split(), text.split(), owners)
    words = tuple(
        replace(word, text=" ".join(held.get(place, [])), confidence=SURE if place in touched else word.confidence)
        if place in touched or place in grown
        else word
        for place, word in enumerate(turn.words)
    )
    return replace(turn, text=text, words=words), frozenset(touched)


def cut_turn(turn: Turn, word: int, *, turn_id: str) -> tuple[Turn, Turn]:
    """The turn up to a word (counted from 0), and from it on under a new id; raises InputRefused where it cannot be cut
    there."""
    spans = _place_words(turn)
    if not spans or not 0 < word < len(turn.words):
        raise InputRefused("This turn cannot be cut here: choose one of its words but the first.")
    at = spans[word][0]
    texts = turn.text[:at].strip(), turn.text[at:].strip()
    if not all(texts) or _TOKEN.match(turn.text, at - 1):
        raise InputRefused("This turn cannot be cut here: choose one of its words but the first.")
    ends = max(turn.start_ms, turn.words[word - 1].end_ms)
    begins = turn.words[word].start_ms
    before, after = turn.words[:word], turn.words[word:]
    return (
        replace(turn, text=texts[0], end_ms=ends, words=before, confidence=_mean(before)),
        replace(
            turn,
            turn_id=turn_id,
            text=texts[1],
            start_ms=begins,
            end_ms=max(begins, turn.end_ms),
            words=after,
            confidence=_mean(after),
        ),
    )


def places_to_cut(turn: Turn) -> tuple[int, ...]:
    """The words (counted from 0) a turn can be cut before."""
    spans = _place_words(turn)
    begin = [
        place for place, (start, end) in enumerate(spans) if start < end and turn.text[start - 1 : start].isspace()
    ]
    return tuple(place for place in begin if place and turn.text[: spans[place][0]].strip())


def _mean(words: tuple[Word, ...]) -> float:
    return sum(word.confidence for word in words) / len(words)


def _place_words(turn: Turn) -> list[tuple[int, int]]:
    """From where to where each word stands in the text; empty where they do not all stand there in their order."""
    spans, at = [], 0
    for word in turn.words:
        found = turn.text.find(word.text, at)
        if found < 0:
            return []
        spans.append((found, found + len(word.text)) if word.text else (at, at))
        at = spans[-1][1]
    return spans


def _own_tokens(turn: Turn) -> list[list[int]]:
    """For each token of the text the words that stand in it, or the one before it; empty for a turn without words."""
    if not turn.words:
        return []
    spans = _place_words(turn)
    tokens = list(_TOKEN.finditer(turn.text))
    if not spans:
        return [[place * len(turn.words) // len(tokens)] for place in range(len(tokens))]
    owners: list[list[int]] = []
    first = 0
    for token in tokens:
        # Words stand in their order: none before the first that reaches into this token can reach into a later one.
        while first < len(spans) and spans[first][1] <= token.start():
            first += 1
        past = first
        while past < len(spans) and spans[past][0] < token.end():
            past += 1
        within = [place for place in range(first, past) if spans[place][0] < spans[place][1]]
        owners.append(within or (owners[-1][-1:] if owners else [0]))
    return owners


def _lay_out(
    before: list[str], after: list[str], owners: list[list[int]]
) -> tuple[dict[int, list[str]], set[int], set[int]]:
    """What stands at each word's place once `before` has become `after`; the places of which something is gone, and
    those to which something came."""
    held: dict[int, list[str]] = {}
    touched: set[int] = set()
    grown: set[int] = set()
    for change in Levenshtein.opcodes(before, after):
        first, last = change.src_start, change.src_end
        # What comes in between two tokens belongs to the one before it.
        of = range(first, last) if first < last else range(max(0, first - 1), max(1, first))
        if change.tag != "equal":
            (grown if change.tag == "insert" else touched).update(place for token in of for place in owners[token])
        for count, token in enumerate(after[change.dest_start : change.dest_end]):
            held.setdefault(owners[min(of.start + count, of.stop - 1)][0], []).append(token)
    return held, touched, grown
