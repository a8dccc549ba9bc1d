"""What a FHIR server answered, and the callables the chart is read through. In: nothing. Out: frozen values.

An HTTP status is never an exception here: the reading of each part of the chart decides what it means.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FhirAnswer:
    """One answer: `status` as HTTP gives it (0 where none came), `body` the JSON object, where there was one.

    `failure` is None, `timeout`, `unreachable`, `not-json`, `too-large`, or `foreign-link` where a `next` link left the
    EHR's own address and was not followed.
    """

    status: int
    body: Mapping[str, Any] | None = None
    failure: str | None = None


FhirRead = Callable[[str, Mapping[str, str]], Awaitable[FhirAnswer]]
"""Relative path (`MedicationRequest`, `Patient/123`) and query parameters to an answer; never raises for a status."""

FhirFollow = Callable[[str], Awaitable[FhirAnswer]]
"""The `next` link of a searchset, verbatim, to an answer; the callable refuses links to another origin."""


@dataclass(frozen=True, slots=True)
class ChartReader:
    """How one launch reads its chart: `base` is the FHIR base its absolute references must begin with."""

    base: str
    read: FhirRead
    follow: FhirFollow
