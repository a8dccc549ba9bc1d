"""In: jobs that want redacted sound. Out: the file, and links to it that end by themselves, as presigned ones do.

A link needs no key and is good for GET alone. Never keeps a file beyond its transcript.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from connector_sandbox.assemblyai.settings import Controls

READY = "redacted_audio_ready"


@dataclass
class RedactedAudio:
    """One redacted file; `at` is when it was ready, None until then, `gone` that it is no more or never came to be."""

    name: str
    path: Path
    at: datetime | None = None
    gone: bool = False

    def remove(self) -> None:
        """Delete the file."""
        self.path.unlink(missing_ok=True)
        self.gone = True


class RedactedShelf:
    """The redacted files of all projects. `clock` gives the time of day."""

    def __init__(
        self, folder: Path, *, controls: Controls, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._folder = folder
        self._controls = controls
        self._clock = clock
        self._secret = secrets.token_bytes(32)
        self._files: dict[str, RedactedAudio] = {}
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.clear()

    def place(self, kind: str) -> RedactedAudio:
        """A file that is to be written; `kind` is mp3 or wav."""
        name = f"{secrets.token_hex(16)}.{kind}"
        audio = self._files[name] = RedactedAudio(name, self._folder / name)
        return audio

    def finish(self, audio: RedactedAudio) -> None:
        """The file is written."""
        audio.at = self._clock()

    def state(self, audio: RedactedAudio) -> str:
        """pending, ready or gone; a file goes by itself after a day (`redacted_audio_seconds`)."""
        if audio.at is not None and self._clock() > audio.at + timedelta(seconds=self._controls.redacted_audio_seconds):
            audio.remove()
        if audio.gone:
            return "gone"
        return "ready" if audio.at is not None else "pending"

    def link(self, audio: RedactedAudio, *, base_url: str) -> str:
        """A new link, good for half an hour (`link_seconds`)."""
        expires = int(self._clock().timestamp() + self._controls.link_seconds)
        signature = self._sign(audio.name, expires)
        return f"{base_url.rstrip('/')}/redacted-audio/{audio.name}?expires={expires}&signature={signature}"

    def open(self, name: str, *, expires: str, signature: str) -> RedactedAudio | None:
        """The file a link is about; None for a link that has ended or was never given out, or a file that is gone."""
        audio = self._files.get(name)
        if audio is None or not (expires.isascii() and expires.isdigit()):
            return None
        known = hmac.compare_digest(signature.encode(), self._sign(name, int(expires)).encode())
        return audio if known and self._clock().timestamp() <= int(expires) and self.state(audio) == "ready" else None

    def clear(self) -> None:
        """Delete every file, those of an earlier process too."""
        for path in self._folder.iterdir():
            path.unlink()
        for audio in self._files.values():
            audio.gone = True

    def _sign(self, name: str, expires: int) -> str:
        return hmac.new(self._secret, f"{name} {expires}".encode(), hashlib.sha256).hexdigest()
