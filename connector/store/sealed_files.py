"""Sealed bytes on disk, synced before anybody is told. In: a path and bytes. Out: nothing, or NoSpace.

A file counts only once its row is kept: half of one, left by a crash, is written over when its bytes come again.
"""

from __future__ import annotations

import errno
import os
import shutil
import threading
from pathlib import Path

from connector.errors import NoSpace

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
FULL = (
    "The disk of the service is full, so no more sound is taken. What has arrived is safe. "
    "Keep this page open: it goes on by itself once there is room again."
)

_MOST_NAMED = 1024
_named: dict[Path, int] = {}
"""Folders whose names are known to be synced, with their inodes."""
_named_lock = threading.Lock()


def write_synced(path: Path, data: bytes, *, reserve: int = 0) -> None:
    """Writes a file and syncs it and its folder; on return it survives a power cut.

    Nobody else may write the same path meanwhile. Raises NoSpace when the disk is full, or would be left with less
    than `reserve` bytes; nothing is left of the file then.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if reserve and shutil.disk_usage(path.parent).free - len(data) < reserve:
            raise NoSpace(FULL, retry_after=15.0)
        _write(path, data)
        sync_folder(path.parent)
        _sync_name(path.parent)
    except OSError as error:
        path.unlink(missing_ok=True)
        if error.errno in _FULL:
            raise NoSpace(FULL, retry_after=15.0) from error
        raise


def _sync_name(folder: Path) -> None:
    """Makes a folder's own name survive, whoever made it: once for each folder in this process, by its inode, since
    one that was removed may be made anew."""
    with _named_lock:
        inode = folder.stat().st_ino
        if _named.get(folder) == inode:
            return
    sync_folder(folder.parent)
    with _named_lock:
        if len(_named) >= _MOST_NAMED:
            _named.clear()
        _named[folder] = inode


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
