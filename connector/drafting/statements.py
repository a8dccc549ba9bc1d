"""Statements of an offline draft. In: statements as they come. Out: merged, distinct, in order. Never drops a turn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from connector.drafting.phrases import capital

_MOST_MERGED = 8
_LONGEST_MERGED = 220


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: its section key, text, the turns it rests on.

    `denied` holds what a denial denies, item by item, so that denials in a row become one sentence; `question` is set
    where a clinician's question is part of the evidence.
    """

    section: str
    text: str
    turns: tuple[str, ...]
    denied: tuple[str, ...] = ()


def denial(items: Iterable[str], turns: tuple[str, ...], section: str = "subjective") -> Statement:
    """`Denies fever, cough, or chills.`"""
    distinct = tuple(dict.fromkeys(item.strip(" ,.") for item in items if item.strip(" ,.")))
    return Statement(section, f"Denies {listed(distinct)}.", turns, distinct)


def listed(items: tuple[str, ...]) -> str:
    """`a`, `a or b`, `a, b, or c`; items that hold an "or" or "and" of their own keep it."""
    if len(items) < 2:
        return "".join(items)
    if len(items) == 2:
        return f"{items[0]} or {items[1]}"
    return f"{', '.join(items[:-1])}, or {items[-1]}"


def composed(statements: Iterable[Statement]) -> list[Statement]:
    """The statements with denials in a row merged and repeated ones united (their turns too)."""
    merged: list[Statement] = []
    for statement in statements:
        before = merged[-1] if merged else None
        if before and statement.denied and before.denied and before.section == statement.section:
            both = denial((*before.denied, *statement.denied), _united(before.turns, statement.turns), before.section)
            if len(both.denied) <= _MOST_MERGED and len(both.text) <= _LONGEST_MERGED:
                merged[-1] = both
                continue
        merged.append(statement)
    distinct: dict[tuple[str, str], Statement] = {}
    for statement in merged:
        key = (statement.section, "".join(c for c in statement.text.casefold() if c.isalnum()))
        known = distinct.get(key)
        turns = _united(known.turns, statement.turns) if known else statement.turns
        distinct[key] = replace(known or statement, turns=turns)
    return [replace(statement, text=capital(statement.text)) for statement in distinct.values()]


def _united(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))
