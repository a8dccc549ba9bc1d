"""A clock that a test turns. In: nothing. Out: the wall time and the steady time of connector and EHR alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connector.clients.http import Timing


class Clock:
    """Stands still until it is put forward."""

    def __init__(self) -> None:
        self.passed = 0.0
        self._begin = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

    def now(self) -> datetime:
        return self._begin + timedelta(seconds=self.passed)

    def steady(self) -> float:
        return self.passed

    def forward(self, **by: float) -> None:
        self.passed += timedelta(**by).total_seconds()

    def timing(self) -> Timing:
        return Timing(clock=self.steady, wall=self.now)
