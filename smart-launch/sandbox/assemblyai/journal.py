"""In: what passed the gate. Out: the list GET /sandbox/requests shows, newest last.

Keeps hashes instead of bodies, but of the last jobs and completions asked for the JSON: it is a sandbox, with synthetic
patients.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

MOST_ENTRIES = 10_000
MOST_BODIES = 500
LARGEST_JSON = 2_000_000


@dataclass
class Entry:
    """One request; `status` stays None when the connection was cut instead of answered."""

    method: str
    path: str
    at: datetime
    status: int | None = None
    seconds: float | None = None
    size: int = 0
    fault: str | None = None
    keeps_json: bool = False
    kept: bytearray = field(default_factory=bytearray)
    _digest: Any = field(default_factory=hashlib.sha256)

    def take(self, chunk: bytes) -> None:
        """Note a piece of the request's body."""
        self.size += len(chunk)
        self._digest.update(chunk)
        if self.keeps_json and len(self.kept) < LARGEST_JSON:
            self.kept.extend(chunk)

    def forget_body(self) -> None:
        """Keep the hash alone."""
        self.keeps_json = False
        self.kept.clear()

    def shown(self) -> dict[str, Any]:
        """The entry as JSON; `json` only where it is kept and parses."""
        shown = {
            "method": self.method,
            "path": self.path,
            "at": self.at.isoformat(),
            "status": self.status,
            "seconds": self.seconds,
            "size": self.size,
            "sha256": self._digest.hexdigest(),
            "fault": self.fault,
        }
        if self.keeps_json:
            try:
                shown["json"] = json.loads(bytes(self.kept))
            except ValueError:
                shown["json"] = None
        return shown


class Journal:
    """The last ten thousand requests; the bodies of the last five hundred jobs and completions among them."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=MOST_ENTRIES)
        self._bodies: deque[Entry] = deque()

    def open(self, method: str, path: str, *, at: datetime) -> Entry:
        """Start the entry of a request that has just arrived."""
        asks = path.rstrip("/")
        keeps_json = method == "POST" and (asks == "/v2/transcript" or asks.endswith("/chat/completions"))
        entry = Entry(method=method, path=path, at=at, keeps_json=keeps_json)
        self._entries.append(entry)
        if keeps_json:
            self._bodies.append(entry)
            if len(self._bodies) > MOST_BODIES:
                self._bodies.popleft().forget_body()
        return entry

    def clear(self) -> None:
        """Forget all requests so far."""
        self._entries.clear()
        self._bodies.clear()

    def listed(self) -> list[dict[str, Any]]:
        """All entries, oldest first."""
        return [entry.shown() for entry in self._entries]
