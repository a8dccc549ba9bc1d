"""Units as people say and type them. In: nothing. Out: a pattern and a table to canonical names. Never converts."""

from __future__ import annotations

import re

_SPELLINGS: dict[str, str] = {
    "mg": r"mgs?\b|milligrams?|milligrammes?",
    "mcg": r"mcgs?\b|µg|μg|ug\b|micrograms?",
    "g": r"grams?|gm\b|g\b",
    "kg": r"kgs?\b|kilos?\b|kilograms?",
    "mL": r"mls?\b|milliliters?|millilitres?|cc\b",
    "L": r"liters?\b|litres?\b|l\b",
    "units": r"units?\b|iu\b|international units",
    "mEq": r"meq\b|milliequivalents?",
    "mg/dL": r"mg/dl\b|milligrams per deciliter",
    "mmol/L": r"mmol/l\b|mmol\b|millimoles?(?: per liter)?",
    "mmHg": r"mm ?hg\b|millimeters of mercury",
    "bpm": r"bpm\b|beats per minute|beats a minute",
    "/min": r"breaths per minute|breaths a minute|/min\b",
    "%": r"%|percent\b|per cent\b",
    "°F": r"°\s?f\b|degrees fahrenheit|fahrenheit|f\b",
    "°C": r"°\s?c\b|degrees (?:celsius|centigrade)|celsius",
    "degrees": r"°|degrees?",
    "lb": r"lbs?\b|pounds?\b",
    "in": r"inches\b|inch\b",
    "ft": r"feet\b|foot\b|ft\b",
    "cm": r"cms?\b|centimeters?|centimetres?",
    "mm": r"mms?\b|millimeters?|millimetres?",
    "tablet": r"tablets?|tabs?\b|pills?\b",
    "capsule": r"capsules?|caps\b",
    "puff": r"puffs?\b",
    "drop": r"drops?\b",
    "spray": r"sprays?\b",
    "minute": r"minutes?|mins?\b",
    "hour": r"hours?|hrs?\b",
    "day": r"days?\b",
    "week": r"weeks?\b|wks?\b",
    "month": r"months?\b|mos?\b",
    "year": r"years?\b|yrs?\b",
    "time": r"times?\b",
    "pack": r"packs?\b",
    "cigarette": r"cigarettes?\b",
    "drink": r"drinks?\b|beers?\b|glasses\b",
}
# Longer spellings first, so that `mg/dL` is not read as `mg`.
_ORDER = ("mg/dL", "mmol/L", "mmHg", "°F", "°C", *_SPELLINGS)
_PATTERNS = {unit: re.compile(rf"\s*-?\s*(?:{_SPELLINGS[unit]})", re.IGNORECASE) for unit in dict.fromkeys(_ORDER)}
TIMES = frozenset({"minute", "hour", "day", "week", "month", "year"})
"""Units of time."""


def unit_at(text: str, place: int) -> tuple[str, int] | None:
    """The canonical unit that stands at this place of the text (blanks skipped) and where it ends, or None."""
    for unit, pattern in _PATTERNS.items():
        match = pattern.match(text, place)
        if match and not text[match.end() : match.end() + 1].isalnum() and match.group().strip(" -"):
            return unit, match.end()
    return None
