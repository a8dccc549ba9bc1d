"""Keyterms for speech recognition. In: PatientContext, mapping, people. Out: SpeechHints.

Never holds a term without a chart source, a named person or the vocabulary behind it, and never exceeds the limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from connector.clinical.drug_names import spoken_names
from connector.clinical.person_names import spoken_people
from connector.clinical.problem_names import spoken_problems, spoken_substances
from connector.hints.mapping import KeytermMapping
from connector.records import Keyterm, PatientContext, Source, SpeechHints, Stamp

_REFUTED = frozenset({"refuted", "entered-in-error"})


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A term as found: `rank` is its place among the spoken forms of one chart entry."""

    text: str
    kind: str
    rank: int
    sources: tuple[Source, ...]


def derive_hints(
    context: PatientContext, *, mapping: KeytermMapping, limit: int, people: tuple[str, ...], now: datetime
) -> SpeechHints:
    """The terms worth telling a recogniser, best first: kinds in the mapping's order, within a kind each entry's best
    form before any entry's second form.

    Terms have at most `mapping.max_words` words, stand once (case ignored, sources merged) and are cut at `limit`;
    `left_out` counts what did not fit. A section that could not be read yields nothing.
    """
    merged: dict[str, Keyterm] = {}
    for candidate in _ranked(_candidates(context, mapping, people), mapping.order):
        text = " ".join(candidate.text.split())
        key = text.casefold()
        if not text or len(text.split()) > mapping.max_words or key in mapping.drop:
            continue
        before = merged.get(key)
        if before is None:
            merged[key] = Keyterm(text, candidate.kind, candidate.sources)
        else:
            merged[key] = Keyterm(before.text, before.kind, _united(before.sources, candidate.sources))
    terms = tuple(merged.values())
    kept = terms[: max(limit, 0)]
    return SpeechHints(kept, max(limit, 0), len(terms) - len(kept), Stamp(maker=mapping.maker, at=now))


def _candidates(context: PatientContext, mapping: KeytermMapping, people: tuple[str, ...]) -> Iterator[_Candidate]:
    for drug in context.medications.items:
        yield from _forms(drug.name, "drug", spoken_names, (drug.source,))
    for allergy in context.allergies.items:
        if not allergy.none_known and allergy.verification not in _REFUTED:
            yield from _forms(allergy.substance, "allergen", spoken_substances, (allergy.source,))
    for problem in context.problems.items:
        yield from _forms(problem.name, "problem", spoken_problems, (problem.source,))
    for person in people:
        yield from _forms(person, "person", spoken_people, ())
    for word in mapping.vocabulary:
        yield _Candidate(word, "vocabulary", 0, ())


def _forms(
    name: str, kind: str, speak: Callable[[str], tuple[str, ...]], sources: tuple[Source, ...]
) -> Iterator[_Candidate]:
    for rank, text in enumerate(speak(name)):
        yield _Candidate(text, kind, rank, sources)


def _ranked(candidates: Iterable[_Candidate], order: tuple[str, ...]) -> list[_Candidate]:
    place = {kind: position for position, kind in enumerate(order)}
    return sorted(candidates, key=lambda candidate: (place[candidate.kind], candidate.rank))


def _united(first: tuple[Source, ...], second: tuple[Source, ...]) -> tuple[Source, ...]:
    return tuple(dict.fromkeys((*first, *second)))
