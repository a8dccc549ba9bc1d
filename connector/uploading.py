"""`connector upload`: files of this computer into a visit. In: paths, codes of the visit's page, an address.

Reads a file chunk by chunk, goes on where an earlier run stopped, and never holds more than one chunk.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import urlsplit

from connector.clients.http import make_client, trust_file
from connector.clients.own_uploads import Held, OwnUpload
from connector.errors import UploadFailed
from connector.settings import is_loopback
from connector.web.moments import count

CHUNK = 1024 * 1024
CODE_VARIABLE = "CONNECTOR_UPLOAD_CODE"
_CODE = re.compile(r"([0-9a-f]{32})\.([A-Za-z0-9_\-]{20,100})")
_SECONDS = 60.0
_UNREADABLE = 6


@dataclass(frozen=True, slots=True)
class Code:
    """What opens one recording for one file."""

    recording_id: str
    token: str = field(repr=False)


class Progress(Protocol):
    """Who is told how far it is."""

    def begin(self, name: str, size: int) -> None:
        """A file begins, of so many bytes."""

    def add(self, size: int) -> None:
        """So many bytes more are safe."""

    def pause(self) -> None:
        """The scribe did not answer; the same is tried again."""

    def end(self, said: str) -> None:
        """The file has arrived; what comes of it."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where files go: the scribe's own address, and whom TLS trusts in place of the public authorities."""

    base_url: str
    ca_file: Path | None = None


def read_codes(text: str) -> tuple[Code, ...]:
    """The codes in a text, parted by blanks, commas or lines. Raises UploadFailed for anything else."""
    found = [_CODE.fullmatch(one) for one in re.split(r"[\s,]+", text.strip()) if one]
    if not found or None in found:
        raise UploadFailed(
            "This is no upload code: get one from the visit's page, under From another computer.", exit_code=2
        )
    return tuple(Code(one[1], one[2]) for one in found if one is not None)


def read_base_url(text: str) -> str:
    """The scribe's origin; https, or plain http to this computer itself. Raises UploadFailed for anything else."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
        parts = urlsplit("")
    if not host or parts.path.strip("/") or parts.query or parts.fragment or parts.username is not None:
        raise UploadFailed("--to is the scribe's address, such as https://scribe.example.org.", exit_code=2)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise UploadFailed("--to has to begin with https://: the recording must not travel in clear.", exit_code=2)
    return f"{parts.scheme}://{parts.netloc}"


async def upload_files(
    files: Sequence[Path], codes: Sequence[Code], *, destination: Destination, progress: Progress
) -> None:
    """Sends each file under its own code, in this order; the last one finishes the visit's recording.

    Raises UploadFailed with an exit code, and UploadInterrupted when the scribe stays away: run it again then.
    """
    if len(files) != len(codes):
        raise UploadFailed(
            f"Each file needs a code of its own: {count(len(files), 'file')}, {count(len(codes), 'code')}.", exit_code=2
        )
    sizes = [_measure(path) for path in files]
    if destination.ca_file is not None:
        trust_file(destination.ca_file, setting="--ca-file")
    client = make_client(timeout=_SECONDS, ca_file=destination.ca_file)
    try:
        for place, (path, code) in enumerate(zip(files, codes, strict=True)):
            upload = OwnUpload(
                client, destination.base_url, code.recording_id, token=code.token, pausing=progress.pause
            )
            progress.begin(path.name, sizes[place])
            progress.end(await _upload(path, sizes[place], upload, progress=progress, more=place < len(files) - 1))
    finally:
        await client.aclose()


async def _upload(path: Path, size: int, upload: OwnUpload, *, progress: Progress, more: bool) -> str:
    standing = await upload.look()
    if standing.state not in ("open", "superseded", "whole"):
        raise UploadFailed("The recording of this code is finished already: get another code.", exit_code=5)
    total, count = hashlib.sha256(), 0
    with _open(path) as file:
        for data in _read_chunks(file):
            total.update(data)
            held = standing.held.get(count)
            if held is None:
                await upload.put(count, data)
            elif held != Held(len(data), hashlib.sha256(data).hexdigest()):
                raise UploadFailed("Another file was begun with this code: get another code for this one.", exit_code=5)
            count += 1
            progress.add(len(data))
    if _measure(path) != size or count < len(standing.held):
        raise UploadFailed("The file changed while it was being sent: get another code.", exit_code=_UNREADABLE)
    state = await upload.close(count, sha256=total.hexdigest(), more=more)
    return "It has arrived; the next one follows." if more else _say(state)


def _say(state: str) -> str:
    if state == "CAPTURED":
        return "It has arrived and was read as sound: the visit's page shows the note once it is drafted."
    return "It has arrived: see the visit's page."


def _measure(path: Path) -> int:
    try:
        size = path.stat().st_size if path.is_file() else -1
    except OSError:
        size = -1
    if size < 0:
        raise UploadFailed("The file cannot be read: check its name and that it is yours.", exit_code=_UNREADABLE)
    if size == 0:
        raise UploadFailed("The file is empty.", exit_code=_UNREADABLE)
    return size


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError:
        raise UploadFailed(
            "The file cannot be read: check its name and that it is yours.", exit_code=_UNREADABLE
        ) from None


def _read_chunks(file: BinaryIO) -> Iterator[bytes]:
    while True:
        try:
            data = file.read(CHUNK)
        except OSError:
            raise UploadFailed("The file cannot be read to its end.", exit_code=_UNREADABLE) from None
        if not data:
            return
        yield data


def show_name(text: str) -> str:
    """A text for a terminal: nothing in it can move the cursor, turn the writing round or end the line."""
    return "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in text)


class ShownProgress:
    """Progress as lines of text: `write` gets each, and `redraws` says whether a line may be drawn over."""

    def __init__(self, write: Callable[[str], None], *, redraws: bool) -> None:
        self._write = write
        self._redraws = redraws
        self._name = ""
        self._size = self._done = self._told = 0

    def begin(self, name: str, size: int) -> None:
        """As Progress."""
        self._name, self._size, self._done, self._told = show_name(name), size, 0, -1
        self._show()

    def add(self, size: int) -> None:
        """As Progress."""
        self._done += size
        self._show()

    def pause(self) -> None:
        """As Progress."""
        self._write(
            ("\r\x1b[K" if self._redraws else "") + "The scribe does not answer. Trying again; nothing is lost.\n"
        )

    def end(self, said: str) -> None:
        """As Progress."""
        self._write(("\n" if self._redraws else "") + show_name(said) + "\n")

    def _show(self) -> None:
        percent = 100 * self._done // self._size
        if percent == self._told or (not self._redraws and percent < 100 and percent - self._told < 10):
            return
        self._told = percent
        bar = "#" * (percent * 30 // 100)
        line = f"{self._name}  [{bar:<30}] {percent:3} %  {self._done / 1e6:.1f} of {self._size / 1e6:.1f} MB"
        self._write(f"\r\x1b[K{line}" if self._redraws else f"{line}\n")
