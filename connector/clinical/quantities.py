"""Numbers with units. In: text as spoken. Out: quantities found, or the text with taken-back values settled."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value in text: its place [start, end), the words there, number(s) and canonical unit."""

    start: int
    end: int
    text: str
    values: tuple[float, ...]
    unit: str | None
    kind: str


def find_quantities(text: str) -> tuple[Quantity, ...]:
    """Thin."""
    return ()


def settle_corrections(text: str) -> str:
    """Thin."""
    return text
