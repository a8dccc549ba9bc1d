"""3. SpeechHints: what the recogniser is told. In: nothing. Out: frozen records. Never a term without its origin."""

from __future__ import annotations

from dataclasses import dataclass

from connector.records.stamps import Source, Stamp


@dataclass(frozen=True, slots=True)
class Keyterm:
    """A name people say, at most six words. `kind`: drug, allergen, problem, person or vocabulary."""

    text: str
    kind: str
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class SpeechHints:
    """Keyterms best first, cut to `limit`; `left_out` counts those that did not fit."""

    keyterms: tuple[Keyterm, ...]
    limit: int
    left_out: int
    stamp: Stamp
