"""The redacted sound a vendor made of a job. In: a job id. Out: whether it is there, and its bytes as they come.

A link is followed to the vendor's own hosts only: by the rules of fetching.py, or, where the vendor is a sandbox that
gives links to itself, to the very address that is set. Sends no key along, and tells nobody the link, which is one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote, urlsplit

import httpx

from connector.clients.assemblyai import PEER
from connector.clients.fetching import Fetcher
from connector.clients.http import Patience, Timing, send_patiently, send_whole
from connector.clients.vendor_answers import read_object, require_success
from connector.clients.web_address import WebAddress, read_address
from connector.errors import AddressRefused, SourceRefused, SourceUnavailable, VendorUnavailable

VENDOR_HOSTS = ("*.assemblyai.com", "s3.us-west-2.amazonaws.com", "s3.eu-west-1.amazonaws.com")
_STORE = ".amazonaws.com"
_SHELF = "/api.assembly.ai."
"""Where in a store that others use too the vendor's own shelves are."""
LARGEST = 1_000_000_000
"""Bytes. The vendor redacts the sound of recordings below 1 GB only."""
_PENDING, _NONE = 202, (400, 404, 410)
_ELSEWHERE = "The link to the redacted sound does not lead to the transcription service."
State = Literal["pending", "ready", "gone"]


@dataclass(frozen=True, slots=True)
class RedactedAudio:
    """How far the redacted sound of a job is: `pending`, `ready` behind `url`, or `gone` (or never asked for)."""

    state: State
    url: str = field(default="", repr=False)


class RedactedAudioClient:
    """Finds and fetches redacted sound over the vendor's HTTP client and, for links, `fetcher`."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        fetcher: Fetcher,
        *,
        base_url: str,
        api_key: str,
        patience: Patience | None = None,
    ) -> None:
        self._client = client
        self._fetcher = fetcher
        self._root = base_url.rstrip("/").removesuffix("/v2")
        self._headers = {"authorization": api_key}
        self._patience = patience or Patience()

    async def find(self, job_id: str) -> RedactedAudio:
        """Ask how far it is (GET /v2/transcript/{id}/redacted-audio). Raises what any refusal of the vendor means."""
        url = f"{self._root}/v2/transcript/{quote(job_id, safe='')}/redacted-audio"
        request = self._client.build_request("GET", url, headers=self._headers)
        response = await send_patiently(
            lambda: send_whole(self._client, request), peer=PEER, patience=self._patience, timing=Timing()
        )
        if response.status_code == _PENDING:
            return RedactedAudio("pending")
        if response.status_code in _NONE:
            return RedactedAudio("gone")
        require_success(response, peer=PEER)
        link = read_object(response, peer=PEER).get("redacted_audio_url")
        if not isinstance(link, str) or not link:
            raise VendorUnavailable("The transcription service gave no link to the redacted sound: it is asked again.")
        return RedactedAudio("ready", link)

    @asynccontextmanager
    async def open(self, url: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """The file behind a link, as it comes; to be read once, while the block lasts.

        Raises AddressRefused for a link to anywhere but the vendor, SourceRefused where it gives no file or more than
        1 GB, SourceUnavailable where it does not answer or breaks off.
        """
        if _origin(url) == _origin(self._root):
            async with self._open_own(url) as pieces:
                yield _cap(pieces)
            return
        async with self._fetcher.open(read_link(url)) as source:
            yield _cap(source.pieces)

    @asynccontextmanager
    async def _open_own(self, url: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """From the address that is set for the vendor, which is called anyway; the client follows no redirect."""
        try:
            async with self._client.stream("GET", url, headers={"accept-encoding": "identity"}) as response:
                if response.status_code >= 500 or response.status_code == 429:
                    raise SourceUnavailable("The redacted sound is not given out just now.")
                if response.status_code != 200:
                    raise SourceRefused("The redacted sound is not given out: its link may have ended.")
                yield response.aiter_raw()
        except httpx.HTTPError:
            raise SourceUnavailable("The redacted sound broke off on its way.") from None


def read_link(url: str) -> WebAddress:
    """The address of a link, if it leads to the vendor; raises AddressRefused, with nothing of the link."""
    try:
        address = read_address(url, hosts=VENDOR_HOSTS)
    except AddressRefused:
        raise AddressRefused(_ELSEWHERE) from None
    path = address.target.partition("?")[0]
    if address.host.endswith(_STORE) and (not path.startswith(_SHELF) or ".." in path):
        raise AddressRefused(_ELSEWHERE)
    return address


async def _cap(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    taken = 0
    async for piece in pieces:
        taken += len(piece)
        if taken > LARGEST:
            raise SourceRefused("The redacted sound is larger than 1 GB.")
        yield piece


def _origin(url: str) -> tuple[str, str, int | None] | None:
    try:
        httpx.URL(url)  # what the client cannot call is nobody's address
        parts = urlsplit(url)
        port = parts.port
    except (ValueError, httpx.InvalidURL):
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        return None
    return parts.scheme, parts.hostname.lower(), port or (443 if parts.scheme == "https" else 80)
