"""In: raw bodies of POST /v2/upload. Out: files in the state folder, their address, size and SHA-256.

Never keeps a file whose upload broke off, and starts with an empty folder: nothing outlives the process but by a kill.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import AsyncIterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


class TooLarge(Exception):
    """The body is larger than the sandbox takes."""


@dataclass
class Upload:
    """One received file; `present` turns False when it is deleted, at `gone`."""

    url: str
    project: str
    path: Path
    size: int
    sha256: str
    at: datetime
    present: bool = True
    gone: datetime | None = None


class UploadShelf:
    """The uploads of all projects. An address holds the project, as the vendor's does."""

    def __init__(self, folder: Path, *, largest: int) -> None:
        self._folder = folder
        self._largest = largest
        self._uploads: dict[str, Upload] = {}
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.clear()

    async def receive(self, chunks: AsyncIterable[bytes], *, project: str, base_url: str) -> Upload:
        """Write the body to a file, chunk by chunk; TooLarge past the limit."""
        name = str(uuid.uuid4())
        path = self._folder / name
        digest = hashlib.sha256()
        size = 0
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > self._largest:
                        raise TooLarge
                    digest.update(chunk)
                    file.write(chunk)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        url = f"{base_url.rstrip('/')}/upload/{project}/{name}"
        upload = Upload(url, project, path, size, digest.hexdigest(), datetime.now(UTC))
        self._uploads[url] = upload
        return upload

    def find(self, url: str) -> Upload | None:
        """The upload of that address, deleted or not."""
        return self._uploads.get(url)

    def remove(self, url: str) -> None:
        """Delete the file behind an address; nothing happens if it is not ours or already gone."""
        upload = self._uploads.get(url)
        if upload is not None:
            upload.path.unlink(missing_ok=True)
            upload.gone = upload.gone or datetime.now(UTC)
            upload.present = False

    def listed(self) -> list[Upload]:
        """All uploads in the order they came."""
        return list(self._uploads.values())

    def clear(self) -> None:
        """Delete every file, those of an earlier process too."""
        for path in self._folder.iterdir():
            path.unlink()
        for upload in self._uploads.values():
            upload.present = False
