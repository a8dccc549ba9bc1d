"""Which words to look at twice. In: a Transcript, thresholds, the names of drugs. Out: the same with its spans. Pure.

Never changes or leaves out a word: a drug, a dose or a denial the recogniser was unsure of is only pointed at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from connector.clinical.drug_book import DrugBook
from connector.clinical.lexicon import looks_like_drug
from connector.clinical.negation import find_negated
from connector.clinical.quantities import Quantity, find_quantities
from connector.records import DoubtfulSpan, Transcript, Turn
from connector.transcript.rules import DoubtfulWords, SpeechRules, fold_words
from connector.transcript.said_drugs import known_names

_LONGEST_NAME = 3
_NEAR = 3
"""A bare number this many words from a drug's name is its dose."""
_DOSE_UNITS = frozenset(
    {"mg", "mcg", "g", "mL", "units", "mEq", "%", "tablet", "capsule", "puff", "drop", "spray", "time"}
)
_DOSE_KINDS = frozenset({"rate", "interval"})
Span = tuple[int, int]
"""First and last word of a turn, counted from 0."""


@dataclass(frozen=True, slots=True)
class _Placed:
    """A turn whose words stand at these characters of `text`, which is the words with one blank between them."""

    turn: Turn
    text: str
    places: tuple[Span, ...]

    def covering(self, start: int, end: int) -> Span | None:
        """The words that characters [start, end) touch."""
        touched = [n for n, (first, last) in enumerate(self.places) if first < end and start < last]
        return (touched[0], touched[-1]) if touched else None


def mark_doubtful(transcript: Transcript, *, rules: SpeechRules, book: DrugBook) -> Transcript:
    """The transcript with `spans` found anew, in the order of its words and never two on one word.

    A span is marked where its least certain word is below the threshold of its kind; a word that belongs to no drug,
    dose or denial only below that of plain words. What was typed has none.
    """
    if transcript.origin == "typed":
        return replace(transcript, spans=())
    names = known_names(book)
    spans = [span for turn in transcript.turns for span in _mark_turn(turn, rules.doubtful, names=names)]
    return replace(transcript, spans=tuple(spans))


def _mark_turn(turn: Turn, limits: DoubtfulWords, *, names: frozenset[str]) -> Iterator[DoubtfulSpan]:
    highest = max(limits.word, limits.drug, limits.dose, limits.negation)
    if not any(word.confidence < highest for word in turn.words):
        return
    placed = _place(turn)
    drugs = list(_find_drugs(placed, names))
    found: list[tuple[str, float, list[Span]]] = [
        ("drug", limits.drug, drugs),
        ("dose", limits.dose, list(_find_doses(placed, drugs))),
        ("negation", limits.negation, list(_find_denials(placed))),
        ("word", limits.word, [(n, n) for n in range(len(turn.words))]),
    ]
    taken: set[int] = set()
    marked: list[DoubtfulSpan] = []
    for kind, limit, spans in found:
        for first, last in spans:
            own = range(first, last + 1)
            if taken.isdisjoint(own):
                taken.update(own)
                least = min(turn.words[n].confidence for n in own)
                if least < limit:
                    marked.append(DoubtfulSpan(turn.turn_id, first, last, kind, least))
    yield from sorted(marked, key=lambda span: span.first)


def _place(turn: Turn) -> _Placed:
    places: list[Span] = []
    at = 0
    for word in turn.words:
        places.append((at, at + len(word.text)))
        at += len(word.text) + 1
    return _Placed(turn, " ".join(word.text for word in turn.words), tuple(places))


def _find_drugs(placed: _Placed, names: frozenset[str]) -> Iterator[Span]:
    """The longest known name from each word on, and single words that look like one."""
    folded = [" ".join(fold_words(word.text)) for word in placed.turn.words]
    place = 0
    while place < len(folded):
        length = next((n for n in range(_LONGEST_NAME, 0, -1) if _is_drug(folded[place : place + n], names, n)), 0)
        if length:
            yield place, place + length - 1
        place += length or 1


def _is_drug(words: list[str], names: frozenset[str], length: int) -> bool:
    if len(words) < length or not all(words):
        return False
    return " ".join(words) in names or (length == 1 and looks_like_drug(words[0]))


def _find_doses(placed: _Placed, drugs: list[Span]) -> Iterator[Span]:
    """Amounts drugs are taken in, how often, and bare numbers beside a drug's name."""
    for quantity in find_quantities(placed.text):
        span = placed.covering(quantity.start, quantity.end)
        if span is not None and _is_dose(quantity, span, drugs):
            yield span


def _is_dose(quantity: Quantity, span: Span, drugs: list[Span]) -> bool:
    if quantity.kind in _DOSE_KINDS or quantity.unit in _DOSE_UNITS:
        return True
    near = any(span[0] - last <= _NEAR and first - span[1] <= _NEAR for first, last in drugs)
    return near and quantity.unit is None and quantity.kind == "amount"


def _find_denials(placed: _Placed) -> Iterator[Span]:
    """The words that deny: no, not, denies, without, never, "is negative" and their like."""
    for denied in find_negated(placed.text):
        before = placed.text[: denied.start].endswith(denied.trigger)
        start = denied.start - len(denied.trigger) if before else denied.end
        span = placed.covering(start, start + len(denied.trigger))
        if span is not None:
            yield span
