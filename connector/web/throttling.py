"""How often one address may knock at an open route. In: who knocks. Out: nothing, or TooMany with the seconds to wait.

Counts live in this process and in bounded memory; what is refused here has caused no call to anybody.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import Request

from connector.errors import ConnectorError, LaunchRefused, NotFound, TooMany
from connector.visit.parts import Policy

# Callers share this many counters, told apart by a salted hash: so memory has an end, whatever addresses are made up.
COUNTERS = 8192
_FAILURES = (LaunchRefused, NotFound)


class Throttle:
    """One limit for every caller by itself, over a moving window."""

    def __init__(self, allowed: RateLimitItem) -> None:
        self._allowed = allowed
        self._counts = MovingWindowRateLimiter(MemoryStorage())
        self._salt = secrets.token_bytes(16)

    def spend(self, *who: str) -> None:
        """Counts one try; raises TooMany when none is left."""
        if not self._counts.hit(self._allowed, self._counter(who)):
            raise self._explain(who)

    @contextmanager
    def counting_failures(self, *who: str, known: bool = False) -> Iterator[None]:
        """Counts what ends in a refusal and nothing else; raises TooMany beforehand when none is left.

        A caller who is `known` by a secret is let through: what others at the same address did is not theirs.
        """
        if not known and not self._counts.test(self._allowed, self._counter(who)):
            raise self._explain(who)
        try:
            yield
        except _FAILURES:
            self._counts.hit(self._allowed, self._counter(who))
            raise

    def _counter(self, who: tuple[str, ...]) -> str:
        hashed = hashlib.blake2b("|".join(who).encode(), key=self._salt, digest_size=8).digest()
        return str(int.from_bytes(hashed) % COUNTERS)

    def _explain(self, who: tuple[str, ...]) -> ConnectorError:
        until = self._counts.get_window_stats(self._allowed, self._counter(who)).reset_time
        seconds = max(1, round(until - time.time()))
        text = f"Too many tries came from here within a minute. Wait {seconds} seconds and try again: nothing was lost."
        return TooMany(text, retry_after=seconds)


@dataclass(frozen=True)
class Throttles:
    """The limits of the open routes."""

    launches: Throttle
    callbacks: Throttle
    tickets: Throttle


def make_throttles(policy: Policy) -> Throttles:
    """Fresh counts for the limits the operator set."""
    return Throttles(
        Throttle(RateLimitItemPerMinute(policy.launches_per_minute)),
        Throttle(RateLimitItemPerMinute(policy.failed_callbacks_per_minute)),
        Throttle(RateLimitItemPerMinute(policy.failed_tickets_per_minute)),
    )


def name_caller(request: Request) -> str:
    """The caller's address as the server sees it: an IPv6 caller owns a /64 and is counted as that.

    A proxy's word on it is heard by the server alone, and only where the operator trusts that proxy.
    """
    given = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(given.partition("%")[0])
    except ValueError:
        return given
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))
