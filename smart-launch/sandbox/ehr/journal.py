"""In: requests as they are answered. Out: a bounded log of them for tests, oldest first, in memory only.
Never keeps a secret, a code or a token in clear; bodies and headers only as far as `evidence` says."""

from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

MAX_ENTRIES = 5000


@dataclass
class RequestNote:
    """What is learnt about a request on its way: the app, the fault rule that struck, the OAuth grant type.

    `mischief` names what struck; `evidence` is what a conformance check needs to know; `drop` resets the connection
    in place of the answer.
    """

    client_id: str | None = None
    fault: str | None = None
    detail: dict[str, str] = field(default_factory=dict)
    mischief: list[str] = field(default_factory=list)
    evidence: dict[str, Any] = field(default_factory=dict)
    drop: bool = False


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
    mischief: list[str] = field(default_factory=list)
    evidence: dict[str, Any] = field(default_factory=dict)


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

    def list_after(self, seq: int, *, with_evidence: bool = False) -> list[dict[str, Any]]:
        """The entries numbered higher than `seq`, as JSON objects; `evidence` only when asked for."""
        listed = [asdict(entry) for entry in self._entries if entry.seq > seq]
        for entry in () if with_evidence else listed:
            del entry["evidence"]
        return listed
