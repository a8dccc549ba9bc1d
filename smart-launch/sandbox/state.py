"""Where demos keep what they write: a state folder with one numbered folder per running demo.
In: the environment, the user. Out: a folder claimed for this process's life, and the stop and removal of all of them.
Never below a folder that others may not enter when run as root, and never with a path too long for a unix socket."""

import fcntl
import os
import shutil
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from connector_sandbox import pidfile
from connector_sandbox.processes import PID_FILE

NAME = "smart-scribe"
LOCK = "lock"
# sun_path holds 104 bytes on macOS and 108 on Linux, with the closing zero. The server's socket lies in a folder of
# the demo's: "/d99/postgres/.s.PGSQL.5432" and some room.
SOCKET_PATH_BYTES = 103
ROOM_BYTES = 33
MOST_DEMOS = 99


class UnfitStateFolder(Exception):
    """The state folder cannot be used; the text says why and what to set instead."""


@dataclass(frozen=True)
class StateFolder:
    """A folder that is this process's alone until `release`, or until the process ends.

    Run as root, `path` can be entered by everyone, because the embedded PostgreSQL runs as a user of its own and opens
    every folder above its data; keys and logs belong in `private`, which only its owner can enter.
    """

    path: Path
    _lock: int

    @property
    def private(self) -> Path:
        folder = self.path / "private"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def release(self) -> None:
        """Lets another demo have the folder; its content stays. To be called once."""
        os.close(self._lock)


def state_root(environ: Mapping[str, str] = os.environ) -> Path:
    """$STATE; else /var/lib/smart-scribe for root and $XDG_STATE_HOME/smart-scribe (~/.local/state) for others."""
    if chosen := environ.get("STATE"):
        return Path(chosen).expanduser().absolute()
    if os.geteuid() == 0:
        return Path("/var/lib") / NAME
    home = environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(home).expanduser().absolute() / NAME


def claim_state_folder(root: Path | None = None) -> StateFolder:
    """Claims the first of d1, d2, … below `root` (default: `state_root()`) that no running demo holds; makes it if
    need be. What an earlier demo wrote there is still there. Raises UnfitStateFolder."""
    root = state_root() if root is None else root
    _check_length(root)
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        _make_folder(root)
        if os.geteuid() == 0:
            _check_open_to_others(root)
        for number in range(1, MOST_DEMOS + 1):
            folder = root / f"d{number}"
            _make_folder(folder)
            lock = _try_lock(folder)
            if lock is not None:
                return StateFolder(folder, lock)
    except OSError as error:
        raise UnfitStateFolder(
            f"the state folder {root} cannot be used: {error.filename}: {error.strerror}. Set STATE to another."
        ) from error
    raise UnfitStateFolder(f"{MOST_DEMOS} demos are running in {root}; `make stop` ends them.")


def stop_demos(root: Path | None = None) -> list[str]:
    """Stops every demo below the state folder by its recorded process ids. Returns "d1: hapi" and the like."""
    root = state_root() if root is None else root
    return [
        f"{folder.name}: {name}" for folder in _demo_folders(root) for name in pidfile.stop_recorded(folder / PID_FILE)
    ]


def remove_state(root: Path | None = None) -> None:
    """Stops every demo, then removes its folder, and the state folder once it is empty; other content stays."""
    root = state_root() if root is None else root
    stop_demos(root)
    for folder in _demo_folders(root):
        shutil.rmtree(folder)
    if root.is_dir() and not any(root.iterdir()):
        root.rmdir()


def _demo_folders(root: Path) -> list[Path]:
    """Only folders that bear our lock file: $STATE may name a folder that holds other things too."""
    return sorted(lock.parent for lock in root.glob(f"d[0-9]*/{LOCK}"))


def _make_folder(folder: Path) -> None:
    """Whatever the umask; one that is there already keeps its mode."""
    try:
        folder.mkdir()
    except FileExistsError:
        return
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)


def _try_lock(folder: Path) -> int | None:
    """The open, locked lock file, or None when another process holds it or has just removed it."""
    path = folder / LOCK
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.stat().st_ino == os.fstat(descriptor).st_ino:
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None


def _check_length(root: Path) -> None:
    longest = SOCKET_PATH_BYTES - ROOM_BYTES
    length = len(os.fsencode(root))
    if length > longest:
        raise UnfitStateFolder(
            f"the path of the state folder, {root}, is {length} bytes long; PostgreSQL's socket below it allows"
            f" {longest}. Set STATE to a shorter one."
        )


def _check_open_to_others(root: Path) -> None:
    for folder in (root, *root.parents):
        if not folder.stat().st_mode & stat.S_IXOTH:
            raise UnfitStateFolder(
                f"run as root, the demo's embedded PostgreSQL has a user of its own and would open every folder above"
                f" its data to all; {folder} is closed to others, so {root} is refused."
                " Set STATE to a folder that lies elsewhere, such as one below /var/lib."
            )


def main() -> int:
    """`stop`: stop every demo. `clean`: stop them and remove what they wrote."""
    commands = {"stop": stop_demos, "clean": remove_state}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        print("usage: python -m connector_sandbox.state stop|clean", file=sys.stderr)
        return 2
    for line in commands[sys.argv[1]]() or ():
        print(f"stopped {line}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
