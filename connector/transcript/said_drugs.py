"""Which drugs a visit speaks of, and which the patient is said to take. In: turns and known names. Out: names. Pure.

Careful on purpose: what is planned, asked about or refused is not taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from connector.clinical.drug_book import DrugBook
from connector.clinical.drug_names import spoken_names
from connector.clinical.lexicon import looks_like_drug
from connector.records import Transcript, Turn
from connector.transcript.rules import fold_words

_LONGEST = 3
_TAKES = re.compile(
    r"\bI(?:'m| am)(?: \w+)? (?:on|taking|using)\b|\bI (?:still |also |just |usually |only )?(?:take|use)\b|"
    r"\bI(?:'ve| have) been (?:on|taking|using)\b|\bI (?:was|got) (?:put|started) on\b|\bmy (?:\w+ )?[a-z]+ "
    r"(?:tablets?|pills?|inhaler|dose)\b|\byou(?:'re| are) (?:\w+ )?(?:on|taking)\b|\byou (?:still )?take\b|"
    r"\byou(?:'ve| have) been (?:on|taking)\b|\b(?:he|she|they)(?:'s| is| are|'re) (?:\w+ )?(?:on|taking)\b|"
    r"\b(?:he|she) takes\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\b(?:medications?|medicines?|meds|tablets|pills|drugs|prescri\w+|taking|take)\b[^.?!]*\?", re.IGNORECASE
)
_NOT = re.compile(
    r"\b(?:no|not|never|don't|doesn't|didn't|stopped|used to|allergic|avoid|instead|start(?: you)? (?:on|with)?|"
    r"going to|gonna|will|would|could|should|prescribe|recommend|suggest|try|if)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.?!]+[.?!]?")


@dataclass(frozen=True, slots=True)
class SaidDrugs:
    """`said`: every drug name spoken, folded. `taken`: those the patient is said to take, and the turns that say so."""

    said: frozenset[str]
    taken: dict[str, tuple[str, ...]]


def find_drugs(transcript: Transcript, book: DrugBook) -> SaidDrugs:
    """The drugs of a visit."""
    known = known_names(book)
    said: set[str] = set()
    taken: dict[str, list[str]] = {}
    asked = False
    for turn in transcript.turns:
        said |= set(_names_in(turn.text, known))
        for name in _taken_in(turn, known, asked=asked):
            taken.setdefault(name, []).append(turn.turn_id)
        asked = bool(_ASKS.search(turn.text))
    return SaidDrugs(frozenset(said), {name: tuple(dict.fromkeys(turns)) for name, turns in taken.items()})


def fits_any(said: Iterable[str], charted: Iterable[str], book: DrugBook) -> bool:
    """Whether one of the drugs said is one of the chart's, by generic or brand, or of the class of one."""
    chart = {form.casefold() for name in charted for form in spoken_names(name, brands=book.brands)}
    here = _widened(chart, book)
    return not here.isdisjoint(_widened(said, book))


def _widened(names: Iterable[str], book: DrugBook) -> set[str]:
    """The names, their generics and brands, their first words, and their classes."""
    found: set[str] = set()
    for name in names:
        forms = {name, name.split()[0], *(one.casefold() for one in book.generics_of(name))}
        for form in tuple(forms):
            forms |= {one.casefold() for one in book.brands_of(form)}
            forms |= {one.casefold() for one in (*book.instead.get(form, ()), *book.also.get(form, ()))}
        classes = {book.class_of(form) for form in forms}
        found |= forms | {f"class {one}" for one in classes if one}
    return found


def _taken_in(turn: Turn, known: frozenset[str], *, asked: bool) -> Iterator[str]:
    for sentence in _SENTENCE.findall(turn.text):
        told = bool(_TAKES.search(sentence)) or (asked and "?" not in sentence)
        if told and not _NOT.search(sentence):
            yield from _names_in(sentence, known)


def _names_in(text: str, known: frozenset[str]) -> Iterator[str]:
    words = fold_words(text)
    for place, word in enumerate(words):
        if looks_like_drug(word):
            yield word
        for length in range(1, _LONGEST + 1):
            run = " ".join(words[place : place + length])
            if run in known:
                yield run


def known_names(book: DrugBook) -> frozenset[str]:
    """Every name of a drug the book knows, folded: charted names, generics, brands, and what is said in their place."""
    tables = (*book.instead.items(), *book.also.items())
    names = [name for group in book.classes for name in book.names_in(group)]
    names += [one for charted, said in tables for one in (charted, *said)]
    return frozenset(name.casefold() for name in names)
