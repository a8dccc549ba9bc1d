"""Problem and substance names. In: a chart string. Out: what people say, best first. Never raises, never adds words."""

from __future__ import annotations


def spoken_problems(name: str) -> tuple[str, ...]:
    """Thin."""
    return (name.split(" (")[0],)


def spoken_substances(name: str) -> tuple[str, ...]:
    """Thin."""
    return (name.split(" (")[0],)
