"""Strengths the note says against those the chart lists. In: a sentence and the medications. Out: Findings.

Only flags: a changed dose is often the very point of the visit. Never compares what has another unit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from connector.clinical.drug_names import spoken_names
from connector.clinical.quantities import Quantity, find_quantities
from connector.records import Finding, Medication, Sentence
from connector.review.wording import find_words

_TO_MCG = {"mcg": 1.0, "mg": 1_000.0, "g": 1_000_000.0}
_MASS = "mass"
_SHORTEST_NAME = 3
_JOINS_BEFORE = re.compile(r"\s*(?:of|tablets? of|capsules? of|tablets?|capsules?)?\s*", re.IGNORECASE)
_JOINS_AFTER = re.compile(r"[\s,]*(?:to|at|from|of)?\s*", re.IGNORECASE)
_ENDS = re.compile(r"[.;!?](?:\s|$)")


@dataclass(frozen=True, slots=True)
class _Mention:
    """A charted drug named in a sentence; `strengths` are (dimension, value) pairs, mass in mcg."""

    start: int
    end: int
    medication: Medication
    strengths: frozenset[tuple[str, float]]


def find_dose_differences(sentence: Sentence, medications: Iterable[Medication]) -> Iterator[Finding]:
    """One finding for each drug whose strength the sentence says, none of them being one the chart lists for it."""
    text = sentence.text
    mentions = sorted(_find_mentions(text, medications), key=lambda mention: (mention.start, -mention.end))
    spans = _without_overlap(mentions)
    said = [(_owner(text, quantity, spans), quantity) for quantity in find_quantities(text)]
    for span in spans:
        charted = [mention for mention in mentions if (mention.start, mention.end) == span]
        listed = {strength for mention in charted for strength in mention.strengths}
        told = [quantity for owner, quantity in said if owner == span and _comparable(quantity, listed)]
        if told and not any(listed.intersection(_as_strengths(quantity)) for quantity in told):
            chart = " or ".join(dict.fromkeys(mention.medication.name for mention in charted))
            spoken = " and ".join(dict.fromkeys(quantity.text.strip() for quantity in told))
            finding = f"The note says {text[slice(*span)]} {spoken}; the chart lists {chart}."
            yield Finding(kind="dose-differs", text=finding, sentence_id=sentence.sentence_id)


def _comparable(quantity: Quantity, listed: set[tuple[str, float]]) -> bool:
    return not {dimension for dimension, _ in _as_strengths(quantity)}.isdisjoint(dimension for dimension, _ in listed)


def _find_mentions(text: str, medications: Iterable[Medication]) -> Iterator[_Mention]:
    """Every charted drug the text names. RxNorm parts a combination by a spaced slash, each with its own strength."""
    for medication in medications:
        for part in medication.name.split(" / "):
            strengths = frozenset(
                strength
                for quantity in find_quantities(part)
                if not part[quantity.end :].lstrip().startswith("/")
                for strength in _as_strengths(quantity)
            )
            names = [name for name in spoken_names(part) if len(name) >= _SHORTEST_NAME]
            for start, end in (span for name in names for span in find_words(name, text)):
                yield _Mention(start, end, medication, strengths)


def _without_overlap(mentions: list[_Mention]) -> list[tuple[int, int]]:
    """The places of the mentions, the longest name where names overlap."""
    spans: list[tuple[int, int]] = []
    for mention in mentions:
        if not spans or mention.start >= spans[-1][1]:
            spans.append((mention.start, mention.end))
    return spans


def _owner(text: str, quantity: Quantity, spans: list[tuple[int, int]]) -> tuple[int, int] | None:
    """The drug a quantity belongs to: the one right before it, else right after it, else the last one named before."""
    before = [span for span in spans if span[1] <= quantity.start]
    after = [span for span in spans if span[0] >= quantity.end]
    if before and _JOINS_AFTER.fullmatch(text[before[-1][1] : quantity.start]):
        return before[-1]
    if after and _JOINS_BEFORE.fullmatch(text[quantity.end : after[0][0]]):
        return after[0]
    if before and _ENDS.search(text[before[-1][1] : quantity.start]) is None:
        return before[-1]
    return None


def _as_strengths(quantity: Quantity) -> Iterator[tuple[str, float]]:
    """The strengths a quantity may stand for: a mass in mcg, or units and mEq as they are; both ends of a range."""
    if quantity.kind not in ("amount", "range") or quantity.unit is None:
        return
    for value in quantity.values:
        if quantity.unit in _TO_MCG:
            yield _MASS, round(value * _TO_MCG[quantity.unit], 6)
        elif quantity.unit in ("units", "mEq"):
            yield quantity.unit, round(value, 6)
