"""One recording sent to a scribe from another computer. In: numbered bytes, an upload token. Out: where it stands.

Speaks the chunk protocol of web/capturing.py. Tries again what may pass, and never sends the token anywhere else.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from connector.clients.http import Patience, Peer, Timing, read_json, send_patiently, send_whole
from connector.errors import UploadFailed, UploadInterrupted

# The disk is full, or somebody restarts the service: what was acknowledged is safe, and the rest can wait.
_PASSING = frozenset({429, 500, 502, 503, 504, 507})
_PEER = Peer("The scribe", UploadInterrupted, UploadInterrupted)
_LARGEST_ANSWER = 64 * 1024 * 1024
_EXITS: Mapping[int, int] = {403: 3, 404: 3, 409: 5, 422: 7}
_WITHDRAWN = 4


@dataclass(frozen=True, slots=True)
class Held:
    """One chunk the scribe holds: bytes, and SHA-256 in hex."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a recording stands: open, superseded, whole, closed or dropped, and the chunks that are safe."""

    state: str
    held: Mapping[int, Held]


class OwnUpload:
    """One recording by its upload token. `pausing` is called before each further try of the same request."""

    def __init__(
        self, client: httpx.AsyncClient, base_url: str, recording_id: str, *, token: str, pausing: Callable[[], None]
    ) -> None:
        self._client = client
        self._address = f"{base_url}/recordings/{recording_id}"
        self._headers = {"Authorization": f"Upload {token}", "Accept": "application/json"}
        self._pausing = pausing
        self._patience = Patience(attempts=10_000, deadline_s=900.0, first_s=1.0, most_s=15.0, statuses=_PASSING)
        self._timing = Timing()

    async def look(self) -> Standing:
        """Where it stands. Raises UploadFailed for a code that opens nothing, UploadInterrupted when nobody answers."""
        body = await self._send(_Request("GET", ""))
        try:
            chunks = {int(one["seq"]): Held(int(one["size"]), str(one["sha256"])) for one in body["chunks"]}
            return Standing(str(body["state"]), chunks)
        except (KeyError, TypeError, ValueError):
            raise UploadFailed("This address does not answer as a scribe does: check --to.") from None

    async def put(self, seq: int, data: bytes) -> None:
        """Sends one chunk until it is acknowledged."""
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode("ascii")
        headers = {"Content-Digest": f"sha-256=:{digest}:", "Content-Type": "application/octet-stream"}
        await self._send(_Request("PUT", f"/chunks/{seq}", {"content": data, "headers": headers}))

    async def close(self, chunks: int, *, sha256: str, more: bool) -> str:
        """Says that all was sent; the visit's state then."""
        json = {"chunks": chunks, "sha256": sha256, "more": more}
        body = await self._send(_Request("POST", "/close", {"json": json}))
        return str(body.get("state", "")) if isinstance(body, dict) else ""

    async def _send(self, wanted: _Request) -> Any:
        tries = 0

        async def send() -> httpx.Response:
            nonlocal tries
            tries += 1
            if tries > 1:
                self._pausing()
            given = {**wanted.given, "headers": {**self._headers, **wanted.given.get("headers", {})}}
            request = self._client.build_request(wanted.method, self._address + wanted.path, **given)
            return await send_whole(self._client, request, most=_LARGEST_ANSWER)

        answer = await send_patiently(send, peer=_PEER, patience=self._patience, timing=self._timing)
        return _read(answer)


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    given: dict[str, Any] = field(default_factory=dict, repr=False)


def _read(answer: httpx.Response) -> Any:
    """What a right answer holds; raises with the scribe's own sentence for any other."""
    try:
        body = read_json(answer) if answer.content else {}
    except ValueError:
        body = None
    if answer.status_code in (200, 204) and body is not None:
        return body
    slug, detail = "", ""
    if isinstance(body, dict):
        slug, detail = str(body.get("type", "")).rpartition(":")[2], str(body.get("detail", ""))
    if not detail:
        detail = "This address does not answer as a scribe does: check --to."
    if answer.status_code in _PASSING:
        raise UploadInterrupted(detail)
    exit_code = _WITHDRAWN if slug == "consent-withdrawn" else _EXITS.get(answer.status_code, 1)
    raise UploadFailed(detail, exit_code=exit_code)
