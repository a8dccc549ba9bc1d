"""In: fault rules sent by a test. Out: for each request, the first rule that matches it and still has turns left.
Never active unless asked for, and never on /sandbox or /health."""

import re
from dataclasses import dataclass, field
from typing import Any

KINDS = (
    "status",
    "commit_then_timeout",
    "reset",
    "slow",
    "deaf_if_none_exist",
    "altered_note",
    "expired_token",
    "flood",
    "drip",
    "endless_next",
)


class FaultRefused(ValueError):
    """A fault rule cannot be understood; the message says why."""


@dataclass
class FaultRule:
    """One rule. `times` None means until deleted.

    `seconds` is the delay of slow, the hang of commit_then_timeout, the pause between two bytes of drip.
    """

    kind: str
    method: str | None = None
    path_regex: str = ""
    contains: str | None = None
    status: int = 503
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float | None = None
    times: int | None = None
    hits: int = 0

    def matches(self, method: str, path: str, body: bytes) -> bool:
        """True for a request of this method, path (searched, without query) and content."""
        return (
            (self.times is None or self.hits < self.times)
            and self.method in (None, method)
            and re.search(self.path_regex, path) is not None
            and (self.contains is None or self.contains.encode() in body)
        )

    def describe(self) -> dict[str, Any]:
        """The rule as it was sent, with how often it has struck."""
        match = {"method": self.method, "path_regex": self.path_regex, "contains": self.contains}
        return {
            "match": {name: value for name, value in match.items() if value},
            "kind": self.kind,
            "status": self.status,
            "seconds": self.seconds,
            "times": self.times,
            "hits": self.hits,
        }


class FaultBook:
    """The rules in force, in the order they came."""

    def __init__(self) -> None:
        self.rules: list[FaultRule] = []

    def add(self, raw: Any) -> None:
        """Add a rule or a list of rules after those in force. Raises FaultRefused; then none of them is added."""
        self.rules += [_parse_rule(item) for item in (raw if isinstance(raw, list) else [raw])]

    def clear(self) -> None:
        """Forget all rules."""
        self.rules = []

    def strike(self, method: str, path: str, body: bytes) -> FaultRule | None:
        """The first matching rule, counted as used; None when the request goes through untouched."""
        for rule in self.rules:
            if rule.matches(method, path, body):
                rule.hits += 1
                return rule
        return None


def _parse_rule(raw: Any) -> FaultRule:
    known = {"match", "kind", "status", "body", "headers", "seconds", "times"}
    if not isinstance(raw, dict) or set(raw) - known:
        raise FaultRefused(f"a rule is an object with {', '.join(sorted(known))}")
    match = raw.get("match") or {}
    if not isinstance(match, dict) or set(match) - {"method", "path_regex", "contains"}:
        raise FaultRefused("match is an object with method, path_regex, contains")
    if raw.get("kind") not in KINDS:
        raise FaultRefused(f"kind is one of {', '.join(KINDS)}")
    headers = {} if raw.get("headers") is None else raw["headers"]
    if not isinstance(headers, dict):
        raise FaultRefused("headers is an object of texts")
    try:
        re.compile(match.get("path_regex") or "")
        return FaultRule(
            kind=raw["kind"],
            method=match["method"].upper() if match.get("method") else None,
            path_regex=match.get("path_regex") or "",
            contains=match.get("contains") or None,
            status=int(raw.get("status") or 503),
            body=raw.get("body"),
            headers={str(name): str(value) for name, value in headers.items()},
            seconds=None if raw.get("seconds") is None else float(raw["seconds"]),
            times=None if raw.get("times") is None else int(raw["times"]),
        )
    except (re.error, TypeError, ValueError, AttributeError) as error:
        raise FaultRefused("a value of the rule has the wrong type, or path_regex is no regular expression") from error
