"""Values the speaker takes back. In: text as spoken. Out: the text with the last value only. Never a negation."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from connector.clinical.lexicon import looks_like_drug
from connector.clinical.number_words import SpokenNumber, find_numbers
from connector.clinical.units import unit_at

_MARK = re.compile(
    r"[\s,.;…—–-]*\b(?:(?:oh|uh|um|well),? )?(?:no|nope|sorry|i'?m sorry|i am sorry|actually|wait|correction|"
    r"excuse me|"
    r"pardon(?: me)?|my mistake|my bad|i mean|i meant|make (?:that|it)|scratch that|strike that|let me correct that|"
    r"i misspoke|or rather|rather|i take that back|correct that)\b",
    re.IGNORECASE,
)
_LEAD_IN = re.compile(
    r"[\s,.;:…—–-]*(?:(?:to|at|it's|it is|that's|that is|it was|should be|i meant?|make (?:that|it)|make|about|only|"
    r"just|was|is|say|of|for|in|um|uh|let's (?:do|say|make it))\b[\s,]*)*",
    re.IGNORECASE,
)
_RATE = re.compile(
    r"\s*(?:(?:once|twice|three times|1 time|2 times|3 times)?\s*(?:daily|a day|per day|every day|a week|per week|"
    r"each day|ago|every morning|every night|at night|nightly|in the morning|at bedtime)|once|twice)\b",
    re.IGNORECASE,
)
_OVER = re.compile(r"\s*(?:/|over)\s*", re.IGNORECASE)
_OUT_OF = re.compile(r"\s*out of\s*", re.IGNORECASE)
_TO = re.compile(r"\s*(?:to|-|–)\s*", re.IGNORECASE)
_COUNTED = re.compile(
    r"\s+(?!(?:and|or|but|then|for|at|in|on|by|with|of|to|as|please|if|so|every|each|a|per|once|twice|daily|"
    r"nightly|today|"
    r"now|instead|total)\b)[a-z]",
    re.IGNORECASE,
)
_PREDICATE = re.compile(r"\s+(?:is|was|were|are|would|seems?|sounds?|might|may|could|can|will)\b", re.IGNORECASE)
_STRONG = re.compile(
    r"sorry|mean|make|scratch|strike|correct|misspoke|rather|mistake|my bad|take that back", re.IGNORECASE
)
_WORD = re.compile(r"[^\W_]+")
_LONGEST_ECHO = 4
_LONGEST_BETWEEN = 120
_PAUSE = re.compile(r"[,.;…—–-]")


@dataclass(frozen=True, slots=True)
class _Value:
    """A number, pair, range or score with its unit; `stop` is the end with the rate ("twice a day") that follows it."""

    start: int
    stop: int
    shape: str
    figures: str
    unit: str | None
    unit_text: str
    rate_text: str
    settled: bool = False


def settle_corrections(text: str) -> str:
    """The text with each value its speaker took back replaced by the value put in its place, in figures.

    `twenty-five, no, fifty milligrams` → `50 milligrams`; `25 mg, sorry, 50` → `50 mg`; `two weeks, make that three` →
    `3 weeks`; also `I mean`, `scratch that`, `actually`, `correction`, and sides and weekdays (`left, no, right`).
    Unchanged: `25 mg, no side effects`, and a second number that counts something else or answers a question.
    """
    text = _settle_words(text)
    pieces: list[str] = []
    written = 0
    current: _Value | None = None
    for value in _values(text):
        settled = _settle(text, current, value) if current else None
        if settled is None and current and current.settled:
            pieces += [text[written : current.start], current.figures, current.unit_text, current.rate_text]
            written = current.stop
        current = settled or value
    if current and current.settled:
        pieces += [text[written : current.start], current.figures, current.unit_text, current.rate_text]
        written = current.stop
    return "".join([*pieces, text[written:]])


def _values(text: str) -> list[_Value]:
    numbers = list(find_numbers(text))
    values: list[_Value] = []
    while numbers:
        number = numbers.pop(0)
        shape = _shape(text[number.end : numbers[0].start]) if numbers else "one"
        values.append(_value(text, number, number if shape == "one" else numbers.pop(0), shape))
    return values


def _shape(between: str) -> str:
    if _OVER.fullmatch(between):
        return "over"
    if _OUT_OF.fullmatch(between):
        return "score"
    return "range" if _TO.fullmatch(between) else "one"


def _value(text: str, first: SpokenNumber, last: SpokenNumber, shape: str) -> _Value:
    joint = {"one": "", "over": "/", "score": "/", "range": " to "}[shape]
    figures = first.digits if shape == "one" else first.digits + joint + last.digits
    said = unit_at(text, last.end)
    unit, stop = said if said else (None, last.end)
    rate = _RATE.match(text, stop)
    rate_text = rate.group() if rate else ""
    return _Value(first.start, rate.end() if rate else stop, shape, figures, unit, text[last.end : stop], rate_text)


def _settle(text: str, first: _Value, second: _Value) -> _Value | None:
    """The second value in the place of both, where the words between take the first back; None where they do not."""
    between = text[first.stop : second.start]
    if len(between) > _LONGEST_BETWEEN:
        return None
    mark = _marks(between, text[max(first.start - _LONGEST_BETWEEN, 0) : first.start])
    if mark is None or not _comparable(text, first, second, between):
        return None
    unit, unit_text = (second.unit, second.unit_text) if second.unit_text else (first.unit, first.unit_text)
    rate_text = second.rate_text or first.rate_text
    return replace(second, start=first.start, unit=unit, unit_text=unit_text, rate_text=rate_text, settled=True)


def _marks(between: str, before: str) -> str | None:
    """The words of taking back, if the stretch holds nothing else."""
    place, said = 0, ""
    while match := _MARK.match(between, place):
        said += match.group()
        place = match.end()
    if not said or "?" in between:
        return None
    lead = _LEAD_IN.match(between, place)
    rest = between[lead.end() :] if lead else between[place:]
    return said if not rest or _echoes(rest, before) else None


def _echoes(rest: str, before: str) -> bool:
    """The speaker starts again with the words that led to the value: `lisinopril 10, no, lisinopril 20`."""
    again = _WORD.findall(rest.casefold())
    return 0 < len(again) <= _LONGEST_ECHO and _WORD.findall(before.casefold())[-len(again) :] == again


def _comparable(text: str, first: _Value, second: _Value, between: str) -> bool:
    """Both values count the same thing: equal units, or one of them left unsaid."""
    strong = bool(_STRONG.search(between))
    if first.shape != second.shape and not (first.shape == "one" and second.shape in {"over", "score"}):
        return False
    if first.unit and second.unit and first.unit != second.unit:
        return False
    if not strong and (not _PAUSE.search(between) or _PREDICATE.match(text, second.stop)):
        return False
    if "ago" in second.rate_text.casefold() and "ago" not in first.rate_text.casefold():
        return strong and first.unit == second.unit
    return not (second.unit is None and not second.rate_text and _COUNTED.match(text, second.stop))


_TAKEN_BACK = (
    r"[\s,.;…—–-]+(?:no|sorry|i'm sorry|i mean|i meant|make that|scratch that|actually|wait|correction|or rather|"
    r"rather)\b[\s,.…—–-]*(?:(?:no|sorry|wait|i mean|it's|the|on|my|your)\b[\s,]*)*"
)
_WORD_PAIRS = tuple(
    re.compile(
        rf"\b(?P<first>{group})(?P<tail>(?:\s+(?!and\b|or\b|but\b)[a-z]+){{0,2}}){_TAKEN_BACK}(?P<second>{group})\b",
        re.IGNORECASE,
    )
    for group in ("left|right", "once|twice", "monday|tuesday|wednesday|thursday|friday|saturday|sunday")
)


_DRUG_PAIR = re.compile(
    r"\b(?P<first>[^\W\d_]{5,})(?:\s+or)?\s*[,.;…—–-]+\s*(?:no|sorry|i'm sorry|i mean|i meant|make that|scratch that|"
    r"correction|or rather|rather)\s*[,.…—–-]+\s*(?P<second>[^\W\d_]{5,})\b",
    re.IGNORECASE,
)


def _settle_words(text: str) -> str:
    """Sides, counts, weekdays and drugs taken back: `left, no, right knee` → `right knee`; `once, no, twice a day`."""
    for pattern in _WORD_PAIRS:
        text = pattern.sub(_kept_word, text)
    return _DRUG_PAIR.sub(_kept_drug, text)


def _kept_drug(match: re.Match[str]) -> str:
    """`penicillin, I'm sorry, amoxicillin` → `amoxicillin`, where both look like drugs."""
    return match["second"] if looks_like_drug(match["first"]) and looks_like_drug(match["second"]) else match.group()


def _kept_word(match: re.Match[str]) -> str:
    first, second, tail = match["first"], match["second"], match["tail"].split()
    if first.casefold() == second.casefold():
        return match.group()
    following = [word.strip(".,;").casefold() for word in match.string[match.end() :].split()[: len(tail)]]
    repeated = following == [word.casefold() for word in tail]
    return " ".join([second, *([] if repeated else tail)])
