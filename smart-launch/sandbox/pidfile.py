"""The record of a demo's processes on disk, and the stop that works from it, also from another process.
In: names and process ids. Out: processes ended in reverse order of their start.
Never signals a process whose start time is not the recorded one: ids are used again. Also runs as the watchdog."""

import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psutil

GRACE_SECONDS = 10.0
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Mark:
    """One process, recognisable later: `started` is when it began, as `_birth` puts it; `group`: it leads a process
    group of its own, so that signals go to the whole group."""

    name: str
    pid: int
    started: str
    group: bool = False


@dataclass(frozen=True)
class PidFile:
    """What `make stop` needs to know: the process that runs the others, and those in order of their start."""

    supervisor: Mark
    children: tuple[Mark, ...] = ()

    def with_child(self, child: Mark) -> "PidFile":
        return replace(self, children=(*self.children, child))

    def write(self, path: Path) -> None:
        """Replaces the file as a whole; a reader never sees half of it."""
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self)), encoding="utf-8")
        fresh.replace(path)


def read_pid_file(path: Path) -> PidFile | None:
    """The record at `path`, or None where there is none or it cannot be understood."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return PidFile(Mark(**raw["supervisor"]), tuple(Mark(**child) for child in raw["children"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def mark_process(name: str, pid: int, *, group: bool = False) -> Mark:
    """Raises ProcessLookupError when there is no such process now."""
    birth = _birth(pid)
    if birth is None:
        raise ProcessLookupError(f"{name}: there is no process {pid}")
    return Mark(name, pid, birth[0], group)


def is_alive(mark: Mark) -> bool:
    """Whether that very process still runs; one that has ended but was not yet collected by its parent does not."""
    birth = _birth(mark.pid)
    return birth is not None and birth == (mark.started, False)


def _birth(pid: int) -> tuple[str, bool] | None:
    """When the process started, and whether it has ended but was not collected. None: there is none.

    On Linux the start is counted in ticks since a named boot (proc(5), `stat` field 22), because a start in wall-clock
    time changes there whenever the machine's clock is set.
    """
    try:
        if not sys.platform.startswith("linux"):
            process = psutil.Process(pid)
            return repr(process.create_time()), process.status() == psutil.STATUS_ZOMBIE
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{fields[19]}", fields[0] in "ZX"
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
        return None


def send_signal(mark: Mark, number: signal.Signals) -> None:
    """To the process, or to its whole group where it leads one. One that is gone is no error."""
    try:
        if mark.group:
            os.killpg(mark.pid, number)
        else:
            os.kill(mark.pid, number)
    except ProcessLookupError:
        return
    except PermissionError:  # macOS says so of a group whose last process has ended
        if is_alive(mark):
            raise


def stop_process(mark: Mark, grace_seconds: float = GRACE_SECONDS) -> bool:
    """SIGTERM, then SIGKILL once the grace time is over. True when the process was there to be stopped."""
    if not is_alive(mark):
        return False
    send_signal(mark, signal.SIGTERM)
    if not await_end((mark,), grace_seconds):
        send_signal(mark, signal.SIGKILL)
        await_end((mark,), grace_seconds)
    elif mark.group:
        send_signal(mark, signal.SIGKILL)  # whatever the leader of the group has left behind
    return True


def await_end(marks: Sequence[Mark], seconds: float) -> bool:
    """Whether all of them have ended within that time."""
    deadline = time.monotonic() + seconds
    while any(is_alive(mark) for mark in marks):
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def stop_recorded(path: Path, grace_seconds: float = GRACE_SECONDS) -> list[str]:
    """Stops the recorded demo: first the process that runs it, which stops its own; then, last started first, what is
    left. Returns the names of what was running; removes the record."""
    record = read_pid_file(path)
    if record is None:
        return []
    everything = (record.supervisor, *record.children)
    running = [mark.name for mark in everything if is_alive(mark)]
    if record.supervisor.pid != os.getpid() and is_alive(record.supervisor):
        send_signal(record.supervisor, signal.SIGTERM)
        await_end(everything, grace_seconds * (1 + len(record.children)))
        stop_process(record.supervisor, grace_seconds)
    for child in reversed(record.children):
        stop_process(child, grace_seconds)
    path.unlink(missing_ok=True)
    return running


def watch(path: Path) -> None:
    """The watchdog. Standard input is a pipe that only the supervisor holds open: its end means that the supervisor is
    gone, however it went, and what it left behind is stopped."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while sys.stdin.buffer.read(1):
        pass
    stop_recorded(path)


if __name__ == "__main__":
    watch(Path(sys.argv[1]))
