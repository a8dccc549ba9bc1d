"""Resident memory of a process and its children, sampled while something goes on. In: a process id. Out: MB of growth.

Linux only: it is read from /proc.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Memory:
    """Growth over what the process and its children held when this was made; `growth_mb` is the most that was seen.

    `every_s` seconds lie between two looks: what has many threads or children takes long to be looked at.
    """

    pid: int
    growth_mb: float = 0.0
    every_s: float = 0.02

    def __post_init__(self) -> None:
        self._before = resident_mb(self.pid)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Samples until the block ends."""
        over = threading.Event()

        def sample() -> None:
            while not over.wait(self.every_s):
                self.growth_mb = max(self.growth_mb, resident_mb(self.pid) - self._before)

        thread = threading.Thread(target=sample)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def resident_mb(pid: int) -> float:
    """MB a process and all below it hold; what ends meanwhile counts as nothing."""
    total, waiting = 0.0, [pid]
    while waiting:
        one = Path("/proc") / str(waiting.pop())
        try:
            told = (one / "status").read_text()
            below = [(task / "children").read_text() for task in (one / "task").iterdir()]
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(int(line.split()[1]) / 1024 for line in told.splitlines() if line.startswith("VmRSS:"))
        waiting += [int(number) for names in below for number in names.split()]
    return total
