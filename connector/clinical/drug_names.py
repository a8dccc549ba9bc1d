"""Drug names. In: an RxNorm or EHR drug string. Out: what people say, best first. Never raises or guesses."""

from __future__ import annotations


def spoken_names(name: str) -> tuple[str, ...]:
    """Thin."""
    return (name,) if name.strip() else ()
