"""What the EHR said to the transaction. In: HTTP status and body. Out: a Verdict, and where things were put.

Never carries an OperationOutcome's diagnostics or texts onward: only its codes, which hold no patient data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Answer(StrEnum):
    """What to do next: nothing, send again, search first because it may have happened, or ask a person."""

    DONE = "done"
    RETRY = "retry"
    AMBIGUOUS = "ambiguous"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`text` is for people and logs alike: status and outcome codes, no patient data."""

    answer: Answer
    text: str


@dataclass(frozen=True, slots=True)
class Locations:
    """Relative references without version, None where the response names none."""

    document_reference: str | None
    composition: str | None
    provenance: str | None


def read_transaction_response(body: Mapping[str, Any] | None) -> Locations:
    """Find what was created or matched by `response.location`; never raises on any JSON."""
    raise NotImplementedError


def classify(status: int | None, body: Mapping[str, Any] | None) -> Verdict:
    """Judge an answer to a transaction; `status` is None or 0 where none came."""
    raise NotImplementedError
