"""How many requests a service still takes. In: the headers of its answers. Out: seconds to wait before the next one.

Read from `x-ratelimit-*`, of AssemblyAI's gateway (plain names) and of OpenAI (`-requests`). Never waits itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

_MOST_SECONDS = 3600.0
_EPOCH = 1_000_000_000.0
"""A reset beyond this is a moment in seconds since 1970, not a number of seconds from now."""
_SPAN = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")


@dataclass(frozen=True, slots=True)
class RateState:
    """What one answer said: requests allowed in a window, how many are left, and seconds until it begins anew."""

    limit: int | None
    remaining: int
    reset_s: float


@dataclass
class RateBook:
    """When each model may be asked again, by the service's own word; times in seconds of the caller's steady clock."""

    _until: dict[str, float] = field(default_factory=dict)

    def note(self, model: str, state: RateState | None, *, at: float) -> None:
        """Keeps what an answer said of a model; an answer that says nothing changes nothing."""
        if state is not None:
            self._until[model] = at + state.reset_s if state.remaining <= 0 else at

    def wait_for(self, model: str, *, at: float) -> float:
        """Seconds until a model may be asked: 0 where nothing speaks against it."""
        return max(0.0, self._until.get(model, at) - at)


def read_rate(headers: Mapping[str, str], now: datetime) -> RateState | None:
    """What the headers of an answer say at `now`; None where they do not say how many requests are left."""
    remaining = _count(headers, "remaining")
    if remaining is None:
        return None
    reset = headers.get("x-ratelimit-reset") or headers.get("x-ratelimit-reset-requests") or ""
    return RateState(_count(headers, "limit"), remaining, _seconds(reset.strip(), now))


def _count(headers: Mapping[str, str], name: str) -> int | None:
    value = (headers.get(f"x-ratelimit-{name}") or headers.get(f"x-ratelimit-{name}-requests") or "").strip()
    return int(value[:12]) if value.isascii() and value.isdigit() else None


def _seconds(value: str, now: datetime) -> float:
    """A number of seconds, a moment since 1970, or a span such as `6m0s` or `20ms`; 0 where it cannot be read."""
    if value.isascii() and value.replace(".", "", 1).isdigit():
        number = float(value[:20])
        if number >= _EPOCH * 1000:
            number /= 1000
        if number >= _EPOCH:
            number -= now.timestamp()
        return min(max(0.0, number), _MOST_SECONDS)
    found = _SPAN.fullmatch(value)
    if found is None:
        return 0.0
    hours, minutes, seconds, thousandths = (float(part or 0) for part in found.groups())
    return min(hours * 3600 + minutes * 60 + seconds + thousandths / 1000, _MOST_SECONDS)
