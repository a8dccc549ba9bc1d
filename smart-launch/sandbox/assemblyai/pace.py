"""In: completions as they are asked for, by project and model. Out: the rate headers, and whether there is room."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

WINDOW_SECONDS = 60.0
SERVICE = "llm-gateway"


@dataclass(frozen=True)
class Room:
    """How a project stands with one model; `reset` in seconds from now."""

    model: str
    limit: int
    remaining: int
    reset: int
    allowed: bool

    def headers(self) -> dict[str, str]:
        """The headers as the gateway sends them, with the time to wait where there is no room."""
        told = {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-reset": str(self.reset),
            "x-ratelimit-model": self.model,
            "x-ratelimit-service": SERVICE,
        }
        return told if self.allowed else {**told, "retry-after": str(self.reset)}


@dataclass
class Pace:
    """Counts in windows of a minute, each begun by the first request after the last one's end."""

    _windows: dict[tuple[str, str], tuple[float, int]] = field(default_factory=dict)

    def take(self, project: str, model: str, *, limit: int) -> Room:
        """Count one request, if there is room for it."""
        now = time.monotonic()
        began, used = self._windows.get((project, model), (now, 0))
        if now - began >= WINDOW_SECONDS:
            began, used = now, 0
        allowed = used < limit
        used += allowed
        self._windows[project, model] = (began, used)
        reset = max(1, math.ceil(began + WINDOW_SECONDS - now))
        return Room(model, limit, max(0, limit - used), reset, allowed)
