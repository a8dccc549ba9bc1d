"""What a record was made by and what it rests on. In: nothing. Out: frozen values. Never behaves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Stamp:
    """What made a record: `maker` is stage and version of mapping or template, e.g. `hints/keyterms.yaml@1`."""

    maker: str
    at: datetime
    who: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One version of one FHIR resource: `reference` is relative (`Condition/12`), `version` its meta.versionId."""

    reference: str
    version: str | None = None
