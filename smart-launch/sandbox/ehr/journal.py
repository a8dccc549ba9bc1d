"""In: requests as they are answered. Out: a bounded log of them for tests, oldest first.
Never keeps a body, a header or a token."""

from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

MAX_ENTRIES = 5000


@dataclass
class RequestNote:
    """What is learnt about a request on its way: the app, the fault rule that struck, the OAuth grant type."""

    client_id: str | None = None
    fault: str | None = None
    detail: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class JournalEntry:
    """One answered request. `time` and `seconds` in seconds; `status` None when no answer was given."""

    seq: int
    time: float
    method: str
    path: str
    query: str
    status: int | None
    client_id: str | None
    seconds: float
    fault: str | None
    detail: dict[str, str]


class RequestJournal:
    """A ring of the last 5000 requests."""

    def __init__(self) -> None:
        self._entries: deque[JournalEntry] = deque(maxlen=MAX_ENTRIES)
        self._count = 0

    def next_number(self) -> int:
        """The number of the next entry; numbers only grow, so a reader can ask for what came after one."""
        self._count += 1
        return self._count

    def add(self, entry: JournalEntry) -> None:
        """Keep one entry."""
        self._entries.append(entry)

    def list_after(self, seq: int) -> list[dict[str, Any]]:
        """The entries numbered higher than `seq`, as JSON objects."""
        return [asdict(entry) for entry in self._entries if entry.seq > seq]
