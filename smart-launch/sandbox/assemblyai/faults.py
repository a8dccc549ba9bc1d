"""In: rules a test has set. Out: for each request, the fault it is to meet, if any.

Counts only; what a fault does on the wire is the gate's, what it does to a job or an answer is theirs (`mishaps`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Kind = Literal[
    "status",
    "reset",
    "slow",
    "commit_then_timeout",
    "half_body",
    "drip",
    "quota",
    "balance",
    "revoked_key",
    "job_error",
    "stuck",
    "other_language",
    "webhook_mute",
    "webhook_lie",
    "webhook_twice",
    "webhook_late",
    "webhook_early",
    "wrong_job",
    "wrong_result",
    "deleted_under",
    "forgotten",
    "deaf_deletion",
    "truncate",
    "refusal",
    "invalid_json",
    "broken_json",
    "provider_error",
    "error_in_200",
]
Cause = Literal["download", "no_audio", "too_short", "decoding", "server"]
ON_THE_WIRE = (
    "status",
    "reset",
    "slow",
    "commit_then_timeout",
    "half_body",
    "drip",
    "quota",
    "balance",
    "revoked_key",
)


class FaultRule(BaseModel):
    """One rule. It meets requests of `method` (any if empty) whose path holds the regular expression `path`.

    The first `after` of these pass untouched, the next `times` meet the fault (None: all of them). `status`,
    `headers` and `message` shape a status answer. A failed job's error is `message`, or the vendor's words for
    `cause`. `seconds` is how long slow waits before, and commit_then_timeout after, the work is done, how long a
    dripping answer takes, and by how much a late webhook is late.
    """

    model_config = ConfigDict(extra="forbid")

    method: str = ""
    path: str = ""
    kind: Kind
    status: int = Field(default=500, ge=100, le=599)
    headers: dict[str, str] = {}
    message: str | None = None
    cause: Cause | None = None
    seconds: float = Field(default=30.0, ge=0)
    after: int = Field(default=0, ge=0)
    times: int | None = Field(default=1, ge=1)

    @field_validator("path")
    @classmethod
    def _compiles(cls, path: str) -> str:
        try:
            re.compile(path)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        return path

    def meets(self, method: str, path: str) -> bool:
        """Whether a request is one this rule is about."""
        return self.method.upper() in ("", method) and re.search(self.path, path) is not None


@dataclass
class _Counted:
    rule: FaultRule
    seen: int = 0


@dataclass
class FaultBook:
    """The rules in force, in the order they were set; the first that applies is the one.

    `revoked` holds the keys that have met `revoked_key`, as they were sent.
    """

    revoked: set[str] = field(default_factory=set)
    _rules: list[_Counted] = field(default_factory=list)

    def add(self, rules: list[FaultRule]) -> int:
        """Put rules in force beside those there are; how many there are now."""
        self._rules.extend(_Counted(rule) for rule in rules)
        return len(self._rules)

    def clear(self) -> None:
        """Take every rule away; revoked keys are good again."""
        self._rules.clear()
        self.revoked.clear()

    def listed(self) -> list[dict[str, object]]:
        """The rules with how many requests each has seen."""
        return [{**counted.rule.model_dump(), "seen": counted.seen} for counted in self._rules]

    def draw(self, method: str, path: str) -> FaultRule | None:
        """The fault this request meets; every rule about it counts it, whether it applies or not."""
        drawn = None
        for counted in self._rules:
            rule = counted.rule
            if not rule.meets(method, path):
                continue
            due = counted.seen >= rule.after and (rule.times is None or counted.seen < rule.after + rule.times)
            if due and drawn is not None:
                continue  # its turn comes with the next request
            counted.seen += 1
            drawn = rule if due else drawn
        return drawn
