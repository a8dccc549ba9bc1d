"""Child processes of a demo or a test run: start, wait until ready, stop in reverse order.
In: command lines. Out: running children, each with a log file and a line in the pid file.
Never leaves a child behind: a watchdog stops them when this process dies, however it dies."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import httpx
from connector_sandbox import pidfile
from connector_sandbox.pidfile import GRACE_SECONDS, Mark, PidFile

LOOPBACK = "127.0.0.1"
PID_FILE = "pids.json"
TAIL_LINES = 15
POLL_SECONDS = 0.1
PROBE_SECONDS = 5.0


class StartFailed(Exception):
    """A child could not be started, ended early or was not ready in time; the text ends with its last log lines."""


class PortTaken(Exception):
    """Another program listens on the port that was asked for."""


def claim_port(wanted: int = 0, host: str = LOOPBACK) -> int:
    """`wanted` if nobody listens there, or any free port for 0. Raises PortTaken."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, wanted))
        except OSError as error:
            raise PortTaken(f"port {wanted} on {host} cannot be used: {error.strerror}") from error
        port: int = probe.getsockname()[1]
        return port


class Child:
    """One started process, leader of a process group of its own, with everything it prints in `log`."""

    def __init__(self, mark: Mark, process: "subprocess.Popen[bytes]", log: Path, log_start: int) -> None:
        self.mark = mark
        self.log = log
        self._process = process
        self._log_start = log_start

    @property
    def name(self) -> str:
        return self.mark.name

    @property
    def pid(self) -> int:
        return self.mark.pid

    def is_running(self) -> bool:
        """An ended child is not collected here: until it is, nobody else gets its id."""
        return self._process.returncode is None and pidfile.is_alive(self.mark)

    def output(self) -> str:
        """Everything this process has printed so far (an earlier one of the same name left out)."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode("utf-8", errors="replace")

    def await_http(self, url: str, *, seconds: float) -> None:
        """Returns at the first 200 of a GET on `url`. Raises StartFailed after `seconds` or when the child ends."""
        deadline = time.monotonic() + seconds
        with httpx.Client(trust_env=False, timeout=min(PROBE_SECONDS, seconds)) as client:
            while True:
                self._check_still_starting()
                try:
                    if client.get(url).status_code == httpx.codes.OK:
                        return
                except httpx.TransportError:
                    pass
                self._pause_before(deadline, f"did not answer GET {url} with 200 within {seconds:.0f} s")

    def await_line(self, pattern: str, *, seconds: float) -> re.Match[str]:
        """Returns the first match of `pattern` in the output (^ and $ are line ends). Raises as await_http."""
        deadline = time.monotonic() + seconds
        expression = re.compile(pattern, re.MULTILINE)
        while True:
            running = self.is_running()
            if match := expression.search(self.output()):
                return match
            if not running:
                self._check_still_starting()
            self._pause_before(deadline, f"did not print {pattern!r} within {seconds:.0f} s")

    def wait(self) -> int:
        """Waits until the process ends; returns its status, negative for the signal that ended it."""
        return self._process.wait()

    def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """SIGTERM to the group, SIGKILL to what is left of it after the grace time; returns when it is gone."""
        if self.is_running():
            pidfile.send_signal(self.mark, signal.SIGTERM)
            pidfile.await_end((self.mark,), grace_seconds)
        self.kill()

    def kill(self) -> None:
        """SIGKILL to the group at once; returns when the process is gone."""
        if self._process.returncode is None:
            pidfile.send_signal(self.mark, signal.SIGKILL)
            self._process.wait()

    def _check_still_starting(self) -> None:
        if self.is_running():
            return
        self.kill()
        status = self._process.returncode
        how = f"ended with status {status}" if status >= 0 else f"was ended by {signal.Signals(-status).name}"
        raise StartFailed(self._with_tail(f"{how} before it was ready"))

    def _pause_before(self, deadline: float, complaint: str) -> None:
        if time.monotonic() >= deadline:
            raise StartFailed(self._with_tail(complaint))
        time.sleep(POLL_SECONDS)

    def _with_tail(self, complaint: str) -> str:
        lines = self.output().splitlines()[-TAIL_LINES:]
        shown = "".join(f"\n    {line}" for line in lines) or " (it is empty)"
        return f"{self.name} {complaint}. The end of its log, {self.log}:{shown}"


class Supervisor:
    """Starts children and stops them, last started first, when the `with` block is left.

    `folder` receives `pids.json`, which `pidfile.stop_recorded` reads, and `logs/NAME.log`. What an earlier supervisor
    left running there is stopped first. A watchdog process notices by the end of a pipe when this process is gone,
    and stops the children then; Linux's parent-death signal would fire already when the starting thread ends, and
    reaches no grandchildren.
    """

    def __init__(self, folder: Path, *, grace_seconds: float = GRACE_SECONDS) -> None:
        self.folder = folder
        self.pid_file = folder / PID_FILE
        self._grace_seconds = grace_seconds
        self._children: list[Child] = []
        self._lock = threading.Lock()
        self._watchdog: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Supervisor":
        (self.folder / "logs").mkdir(parents=True, exist_ok=True, mode=0o700)
        pidfile.stop_recorded(self.pid_file, self._grace_seconds)
        self._record = PidFile(pidfile.mark_process("supervisor", os.getpid()))
        self._record.write(self.pid_file)
        # A script with nothing but the standard library and psutil, in isolated mode: it must start whatever happens.
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", pidfile.__file__, str(self.pid_file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def children(self) -> tuple[Child, ...]:
        """In order of their start."""
        return tuple(self._children)

    def start(
        self, name: str, argv: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> Child:
        """Starts `argv` in a session of its own, `env` laid over this process's environment; does not wait for it.

        A name may be used again once its process has ended; the log then goes on. Raises StartFailed."""
        log = self.folder / "logs" / f"{name}.log"
        with self._lock:
            again = any(child.name == name for child in self._children)
            with log.open("ab" if again else "wb") as output:
                log_start = output.tell()
                process = self._spawn(name, argv, output=output.fileno(), env=env, cwd=cwd)
            child = Child(pidfile.mark_process(name, process.pid, group=True), process, log, log_start)
            self._children.append(child)
            self._record = self._record.with_child(child.mark)
            self._record.write(self.pid_file)
        return child

    def adopt(self, name: str, pid: int) -> None:
        """Writes a process that someone else started into the pid file, so that a stop from outside ends it too."""
        with self._lock:
            self._record = self._record.with_child(pidfile.mark_process(name, pid))
            self._record.write(self.pid_file)

    def ended(self) -> list[Child]:
        """Children that are no longer running, whoever ended them."""
        return [child for child in self._children if not child.is_running()]

    def stop(self) -> None:
        """Stops all children in reverse order, then what was adopted; the pid file is gone afterwards."""
        if self._watchdog is None:
            return
        with self._lock:
            for child in reversed(self._children):
                child.stop(self._grace_seconds)
            pidfile.stop_recorded(self.pid_file, self._grace_seconds)
            self._watchdog.communicate()
            self._watchdog = None

    def _spawn(
        self, name: str, argv: Sequence[str], *, output: int, env: Mapping[str, str] | None, cwd: Path | None
    ) -> "subprocess.Popen[bytes]":
        try:
            return subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                start_new_session=True,
            )
        except OSError as error:
            raise StartFailed(f"{name} could not be started: {error.strerror}: {error.filename}") from error
