"""What a FHIR server answered, and the callables the chart is read through. In: nothing. Out: frozen values.

An HTTP status is never an exception here: the reading of each part of the chart decides what it means.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class FhirAnswer:
    """One answer: `status` as HTTP gives it (0 where none came), `body` the JSON object, where there was one.

    `failure` is None, `timeout`, `unreachable`, `not-json`, `too-large`, `foreign-link` where a `next` link left the
    EHR's own address and was not followed, or `not-asked` where the reading had reached its caps before. `size` is that
    of the body in bytes, as far as it was read.
    """

    status: int
    body: Mapping[str, Any] | None = None
    failure: str | None = None
    size: int = field(default=0, compare=False)


FhirRead = Callable[[str, Mapping[str, str]], Awaitable[FhirAnswer]]
"""Relative path (`MedicationRequest`, `Patient/123`) and query parameters to an answer; never raises for a status."""

FhirFollow = Callable[[str], Awaitable[FhirAnswer]]
"""The `next` link of a searchset, verbatim, to an answer; the callable refuses links to another origin."""

FhirBatch = Callable[[Mapping[str, Any]], Awaitable[FhirAnswer]]
"""A Bundle of type batch, posted to the base, to an answer: at best a batch-response."""

Allowed = Callable[[str, str, str | None], bool]
"""Whether the launch was granted a letter (`r`, `s`) on a resource type, or on one category of it."""


def allow_all(resource: str, letter: str, category: str | None) -> bool:
    """Where nothing is known of what was granted."""
    return True


@dataclass(frozen=True, slots=True)
class ChartReader:
    """How one launch reads its chart: `base` is the FHIR base its absolute references must begin with.

    `batch` is None where several reads cannot be sent as one. What `allowed` refuses is not asked for.
    """

    base: str
    read: FhirRead
    follow: FhirFollow
    batch: FhirBatch | None = None
    allowed: Allowed = allow_all
