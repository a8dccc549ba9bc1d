"""3. SpeechHints: what the recogniser is told. In: nothing. Out: frozen records. Never a term without its origin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from connector.records.stamps import Source, Stamp


@dataclass(frozen=True, slots=True)
class Keyterm:
    """A name people say, at most six words.

    `kind`: drug, allergen, reaction, problem, order, procedure, person, vocabulary, or own (the clinician's).
    `origin`: chart, person, list, vocabulary, neighbour (a name not in the chart, of what is) or clinician.
    """

    text: str
    kind: str
    sources: tuple[Source, ...] = ()
    origin: str = "chart"


@dataclass(frozen=True, slots=True)
class KeytermEdit:
    """One change of the list by a clinician: `action` is `add` or `remove`, `by` a relative reference.

    `instead` is the term an added one stands in the place of.
    """

    action: str
    text: str
    by: str
    at: datetime
    instead: str | None = None


@dataclass(frozen=True, slots=True)
class Withheld:
    """How many terms of a sensitive category a policy held back; never which."""

    category: str
    count: int


@dataclass(frozen=True, slots=True)
class SpeechHints:
    """Keyterms best first, cut to `limit`; `left_out` counts those that did not fit.

    `edits` are the clinician's, oldest first. `sent` is when exactly these terms went to the recogniser.
    """

    keyterms: tuple[Keyterm, ...]
    limit: int
    left_out: int
    stamp: Stamp
    target: str = ""
    withheld: tuple[Withheld, ...] = ()
    edits: tuple[KeytermEdit, ...] = ()
    sent: datetime | None = None
