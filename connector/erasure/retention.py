"""How long the vendors say they keep what they are sent. In: the parsed mappings/vendor-retention.yaml. Out: terms.

What nobody told is None, never a guess: a copy without a rule stays pending with its age.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from connector.errors import Misconfigured
from connector.records import VendorCopy

_FILE = "mappings/vendor-retention.yaml"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HOURS = ("upload_hours", "transcript_hours", "redacted_audio_hours", "completion_hours")
_KEYS = frozenset({"region", "contract", "completions", *_HOURS})
REGIONS = ("us", "eu")
CONTRACTS = ("standard", "baa")


@dataclass(frozen=True, slots=True)
class RetentionTerms:
    """What holds in one region under one contract, as told on `as_of`.

    Hours after which the vendor says that a copy has ended by itself; None where it says nothing, or that it keeps it
    until it is deleted. `completions` is a sentence for the reader.
    """

    region: str
    contract: str
    as_of: date
    upload_hours: int | None
    transcript_hours: int | None
    redacted_audio_hours: int | None
    completion_hours: int | None
    completions: str

    def end_of(self, copy: VendorCopy) -> datetime | None:
        """When the vendor's own rule has ended a copy at the latest; None where there is no such rule."""
        hours = {
            "upload": self.upload_hours,
            "transcript": self.transcript_hours,
            "redacted-audio": self.redacted_audio_hours,
            "completion": self.completion_hours,
        }.get(copy.kind)
        return None if hours is None else copy.made_at + timedelta(hours=hours)


@dataclass(frozen=True, slots=True)
class RetentionRules:
    """All of mappings/vendor-retention.yaml: terms by region and contract."""

    terms: Mapping[tuple[str, str], RetentionTerms]

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> RetentionRules:
        """Parses the mapping; raises Misconfigured naming the key that is wrong."""
        if not isinstance(raw, Mapping) or set(raw) != {"version", "as_of", "terms"}:
            raise Misconfigured(f"{_FILE}: holds version, as_of and terms, and nothing else.")
        if not _is_count(raw["version"]) or raw["version"] < 1:
            raise Misconfigured(f"{_FILE}: version must be a whole number from 1.")
        as_of = _read_day(raw["as_of"])
        listed = raw["terms"]
        if not isinstance(listed, list):
            raise Misconfigured(f"{_FILE}: terms must be a list.")
        terms: dict[tuple[str, str], RetentionTerms] = {}
        for place, one in enumerate(listed):
            read = _read_terms(one, as_of, place=f"terms.{place}")
            terms[read.region, read.contract] = read
        if len(terms) != len(REGIONS) * len(CONTRACTS) or len(listed) != len(terms):
            raise Misconfigured(f"{_FILE}: terms must say each of us and eu under standard and baa once.")
        return cls(terms)

    def find(self, region: str, contract: str, *, drafts: str) -> RetentionTerms:
        """The terms of one region and contract; those of completions by the contract for `drafts`."""
        made = self.terms[region, drafts]
        return replace(
            self.terms[region, contract], completion_hours=made.completion_hours, completions=made.completions
        )


def _read_terms(one: object, as_of: date, *, place: str) -> RetentionTerms:
    if not isinstance(one, Mapping) or set(one) != _KEYS:
        raise Misconfigured(f"{_FILE}: {place} must hold {', '.join(sorted(_KEYS))}, and nothing else.")
    if one["region"] not in REGIONS:
        raise Misconfigured(f"{_FILE}: {place}.region must be one of {', '.join(REGIONS)}.")
    if one["contract"] not in CONTRACTS:
        raise Misconfigured(f"{_FILE}: {place}.contract must be one of {', '.join(CONTRACTS)}.")
    if not isinstance(one["completions"], str) or not one["completions"]:
        raise Misconfigured(f"{_FILE}: {place}.completions must be a text.")
    for name in _HOURS:
        if one[name] is not None and (not _is_count(one[name]) or one[name] < 1):
            raise Misconfigured(f"{_FILE}: {place}.{name} must be a whole number from 1, or nothing.")
    hours = {name: one[name] for name in _HOURS}
    return RetentionTerms(one["region"], one["contract"], as_of, completions=one["completions"], **hours)


def _read_day(value: object) -> date:
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise Misconfigured(f"{_FILE}: as_of must be a day in quotes, such as '2026-10-01'.")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
