"""Numbers with units. In: text as spoken. Out: the quantities in it, or the text in figures. Never converts a unit."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connector.clinical.corrections import settle_corrections
from connector.clinical.number_words import SpokenNumber, find_numbers
from connector.clinical.units import TIMES, unit_at

__all__ = ["Quantity", "find_quantities", "in_figures", "settle_corrections"]

_OVER = re.compile(r"\s*(?:/|over)\s*", re.IGNORECASE)
_TO = re.compile(r"\s*(?:-|–|to|or|and)\s*", re.IGNORECASE)
_OUT_OF = re.compile(r"\s*(?:/|out of)\s*", re.IGNORECASE)
_RATE = re.compile(r"\s*(?:a|an|per|each|every|/)\s*(day|night|week|month|year|hour|morning|evening)\b", re.IGNORECASE)
_OFTEN = re.compile(
    r"\b(?:(once|twice|thrice)(?:\s+(?:a|per|each|every)\s+(day|night|week|month|year)|\s+(daily|weekly|monthly))?"
    r"|(daily|nightly|weekly|monthly|hourly))\b",
    re.IGNORECASE,
)
_EVERY = re.compile(r"\bevery\s*\Z", re.IGNORECASE)
_COUNTS = {"once": 1.0, "twice": 2.0, "thrice": 3.0}
_ADVERBS = {"daily": "day", "nightly": "night", "weekly": "week", "monthly": "month", "hourly": "hour"}
_GRADES = {"one": "1", "two": "2", "three": "3", "four": "4"}
_SPOKEN_GRADE = re.compile(r"\b(one|two|three|four)[ -]plus\b", re.IGNORECASE)
_GRADE = re.compile(r"\b([1-4])[ -]plus\b", re.IGNORECASE)
_LONGEST_EVERY = 12
_LEAST_PRESSURE = 40
_LARGEST_SCORE = 10


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity at [start, end) of a text, `text` being the words there.

    `values` holds one number, or two for a pair or range. `kind`: `amount` (25 mg), `pair` (128/82, as pressure),
    `range` (2 to 3 weeks), `score` (7 out of 10), `rate` (twice a day: 2 per `/day`) or `interval` (every 6 hours).
    `unit` is canonical (`mg`, `mcg`, `mmHg`, `°F`, `week`, `/day` …) or None where none was said.
    """

    start: int
    end: int
    text: str
    values: tuple[float, ...]
    unit: str | None
    kind: str


def find_quantities(text: str) -> tuple[Quantity, ...]:
    """Every number with its unit, left to right; `one` without a unit is a pronoun and left out."""
    numbers = find_numbers(text)
    found: list[Quantity] = []
    place = 0
    while place < len(numbers):
        following = numbers[place + 1] if place + 1 < len(numbers) else None
        quantity = (following and _joined(text, numbers[place], following)) or None
        place += 2 if quantity else 1
        quantity = quantity or _single(text, numbers[place - 1])
        if quantity:
            found.append(quantity)
    taken = {position for quantity in found for position in range(quantity.start, quantity.end)}
    often = [_often(match) for match in _OFTEN.finditer(text) if match.start() not in taken]
    return tuple(sorted([*found, *often], key=lambda quantity: quantity.start))


def in_figures(text: str) -> str:
    """The text with spoken numbers in figures: `one twenty-eight over eighty-two` → `128/82`, `two weeks` → `2 weeks`.

    Numbers up to ten without a unit stay words ("two of them").
    """
    text = _SPOKEN_GRADE.sub(lambda match: f"{_GRADES[match.group(1).casefold()]}+", text)
    pieces: list[str] = []
    last = 0
    for start, end, digits in _replacements(text):
        pieces += [text[last:start], digits]
        last = end
    return _GRADE.sub(r"\1+", "".join([*pieces, text[last:]]))


def _replacements(text: str) -> list[tuple[int, int, str]]:
    """Places of numbers said in words, with their figures; only the words of the number itself are covered."""
    numbers = find_numbers(text)
    quantities = find_quantities(text)
    joined = {quantity.start for quantity in quantities if quantity.kind in {"pair", "score"}}
    measured = {place for q in quantities if q.unit is not None for place in range(q.start, q.end)}
    places: list[tuple[int, int, str]] = []
    skipped = -1
    for place, number in enumerate(numbers):
        if number.start in joined:
            last = numbers[place + 1]
            if number.in_words or last.in_words or "/" not in text[number.end : last.start]:
                places.append((number.start, last.end, f"{number.digits}/{last.digits}"))
            skipped = last.start
        elif number.start != skipped and number.in_words:
            large = number.value > _LARGEST_SCORE or "." in number.digits
            if large or number.start in measured or unit_at(text, number.end) is not None:
                places.append((number.start, number.end, number.digits))
    return places


def _joined(text: str, first: SpokenNumber, second: SpokenNumber) -> Quantity | None:
    between = text[first.end : second.start]
    if _OVER.fullmatch(between) and first.value >= _LEAST_PRESSURE and second.value < first.value:
        return _quantity(text, (first, second), kind="pair", unit="mmHg")
    if _OUT_OF.fullmatch(between) and second.value <= _LARGEST_SCORE and first.value <= second.value:
        return Quantity(
            first.start, second.end, text[first.start : second.end], (first.value, second.value), None, "score"
        )
    if _TO.fullmatch(between) and first.value < second.value and (unit_at(text, second.end) or "to" in between):
        return _quantity(text, (first, second), kind="range", unit=None)
    return None


def _single(text: str, number: SpokenNumber) -> Quantity | None:
    quantity = _quantity(text, (number,), kind="amount", unit=None)
    alone = quantity.unit is None and number.in_words and number.value == 1
    return None if alone else quantity


def _quantity(text: str, numbers: tuple[SpokenNumber, ...], *, kind: str, unit: str | None) -> Quantity:
    start, end = numbers[0].start, numbers[-1].end
    values = tuple(number.value for number in numbers)
    rate = _RATE.match(text, end)
    said = unit_at(text, end)
    if said and not (kind == "pair" and said[0] != "mmHg"):
        unit, end = said
        rate = _RATE.match(text, end) if unit == "time" else None
    if rate and kind != "pair" and (said or kind == "amount"):
        return Quantity(start, rate.end(), text[start : rate.end()], values, f"/{rate.group(1).casefold()}", "rate")
    every = _EVERY.search(text[max(start - _LONGEST_EVERY, 0) : start])
    if every and unit in TIMES:
        start -= len(every.group())
        return Quantity(start, end, text[start:end], values, unit, "interval")
    return Quantity(start, end, text[start:end], values, unit, kind)


def _often(match: re.Match[str]) -> Quantity:
    count, period, adverb, alone = match.groups()
    per = (period or _ADVERBS.get((adverb or alone or "").casefold()) or "").casefold()
    value = _COUNTS[count.casefold()] if count else 1.0
    return Quantity(match.start(), match.end(), match.group(), (value,), f"/{per}" if per else None, "rate")
