"""Keyterms beside the gold lists of tests/fixtures/gold. In: a list and SpeechHints. Out: what was found and missed.

The rules of comparing are those of the lists' README: case, hyphens, apostrophes and a plural's s make no difference.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from connector.records import Keyterm, SpeechHints

ROOT = Path(__file__).parents[1]
GOLD = ROOT / "tests" / "fixtures" / "gold"
JUDGED = ("drug", "allergen", "reaction", "problem")
"""Kinds of chart terms the lists speak of; orders, procedures and people are not in them."""
_FIRST = 100
_APART = re.compile(r"[-/\s]+|\band\b")


@dataclass(frozen=True)
class Judgement:
    """Texts asked for and not found, by group; `wrong` are chart terms no entry has; counts of what was asked for."""

    asked: Mapping[str, int]
    missed: Mapping[str, tuple[str, ...]]
    judged: int
    wrong: tuple[str, ...]


def gold_lists() -> dict[str, Mapping[str, Any]]:
    """The lists by their chart's name."""
    return {file.stem: yaml.safe_load(file.read_text(encoding="utf-8")) for file in sorted(GOLD.glob("*.yaml"))}


def judge(hints: SpeechHints, gold: Mapping[str, Any]) -> Judgement:
    """One chart's keyterms beside its list; problems are looked for among the first 100 terms."""
    said = {fold(one.text) for one in hints.keyterms}
    first = {fold(one.text) for one in hints.keyterms[:_FIRST]}
    drugs = [(name,) for entry in gold["drugs"] for name in (*entry["ingredients"], *entry["brands"])]
    allergens = [(name,) for entry in gold["allergens"] for name in entry["names"]]
    problems = [_stand_ins(entry) for entry in gold["problems"]]
    groups = {"drugs": (drugs, said), "allergens": (allergens, said), "problems": (problems, first)}
    missed = {
        group: tuple(forms[0] for forms in wanted if not any(fold(form) in found for form in forms))
        for group, (wanted, found) in groups.items()
    }
    chart = [one for one in hints.keyterms if one.origin == "chart" and one.kind in JUDGED]
    right = {fold(form) for form in _forms(gold)}
    wrong = tuple(one.text for one in chart if fold(one.text) not in right)
    return Judgement({group: len(wanted) for group, (wanted, _) in groups.items()}, missed, len(chart), wrong)


def unjudged(hints: SpeechHints) -> list[Keyterm]:
    """Chart terms of kinds the lists do not speak of."""
    return [one for one in hints.keyterms if one.origin == "chart" and one.kind not in JUDGED]


def fold(text: str) -> str:
    """The form two spellings share."""
    words = _APART.sub(" ", text.casefold().replace("'", "").replace("’", "")).split()
    return " ".join(word[:-1] if word.endswith("s") and not word.endswith("ss") else word for word in words)


def _stand_ins(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """The required form of a problem, its `or`, and longer forms that hold one of these as whole words."""
    required = (entry["spoken"], *_listed(entry.get("or")))
    longer = [
        form for form in _listed(entry.get("also")) if any(f" {fold(one)} " in f" {fold(form)} " for one in required)
    ]
    return (*required, *longer)


def _forms(value: Any) -> Iterable[str]:
    """Every form of every entry of a list."""
    for group in ("drugs", "allergens", "problems"):
        for entry in value[group]:
            for key in ("ingredients", "brands", "names", "spoken", "or", "also", "reactions"):
                yield from _listed(entry.get(key))


def _listed(value: Any) -> tuple[str, ...]:
    return () if value is None else (value,) if isinstance(value, str) else tuple(value)
