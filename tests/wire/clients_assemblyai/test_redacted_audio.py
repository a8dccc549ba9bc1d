"""Redacted sound: how far it is, and a link that is followed to the vendor and to nobody else."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
import pytest

from connector.clients.fetching import Fetcher, Ways, trust_authorities
from connector.clients.http import Patience, make_client
from connector.clients.redacted_audio import RedactedAudioClient, read_link
from connector.errors import AddressRefused, ConnectorError, SourceRefused, SourceUnavailable, VendorUnavailable
from tests.wire.clients_assemblyai.conftest import Peer

SOUND = b"beeps" * 5000
STORE = "https://s3.us-west-2.amazonaws.com/api.assembly.ai.usw2/redacted-audio/1.mp3?Signature=a%2Fb&Expires=1"


class Nowhere:
    """A resolver that notes what it was asked, and knows one number within."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return ["127.0.0.1"]


def client_of(http: httpx.AsyncClient, peer: Peer, names: Nowhere | None = None) -> RedactedAudioClient:
    fetcher = Fetcher(Ways(names or Nowhere(), trust_authorities()))
    return RedactedAudioClient(http, fetcher, base_url=peer.url, api_key="k", patience=Patience(attempts=1))


async def take(client: RedactedAudioClient, url: str) -> bytes:
    async with client.open(url) as pieces:
        return b"".join([piece async for piece in pieces])


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (202, {"status": "processing"}, "pending"),
        (200, {"status": "redacted_audio_ready", "redacted_audio_url": STORE}, "ready"),
        (400, {"error": "The redacted audio has expired"}, "gone"),
        (404, {"error": "Not found"}, "gone"),
        (410, {}, "gone"),
    ],
)
async def test_how_far_it_is_is_told_by_the_status(peer: Peer, status: int, body: object, state: str) -> None:
    peer.plays(Peer.answer(status, body))
    async with make_client(timeout=5.0) as http:
        found = await client_of(http, peer).find("a/b")
    assert (found.state, found.url) == (state, STORE if state == "ready" else "")
    assert "Signature" not in repr(found)
    (asked,) = peer.requests
    assert (asked.method, asked.target) == ("GET", "/v2/transcript/a%2Fb/redacted-audio")
    assert asked.headers["authorization"] == "k"


@pytest.mark.parametrize(("status", "body"), [(200, {"status": "redacted_audio_ready"}), (503, {})])
async def test_an_answer_without_a_link_and_a_failing_vendor_can_be_asked_again(
    peer: Peer, status: int, body: object
) -> None:
    peer.plays(Peer.answer(status, body))
    async with make_client(timeout=5.0) as http:
        with pytest.raises(VendorUnavailable):
            await client_of(http, peer).find("1")


async def test_a_sandbox_gives_links_to_itself_and_is_shown_no_key_there(peer: Peer) -> None:
    peer.plays(Peer.raw(200, SOUND))
    async with make_client(timeout=5.0) as http:
        assert await take(client_of(http, peer), f"{peer.url}/redacted-audio/1.mp3?expires=9") == SOUND
    (asked,) = peer.requests
    assert asked.target == "/redacted-audio/1.mp3?expires=9" and "authorization" not in asked.headers


@pytest.mark.parametrize(("status", "kind"), [(302, SourceRefused), (403, SourceRefused), (500, SourceUnavailable)])
async def test_no_redirect_is_followed_and_no_refusal_taken_for_sound(
    peer: Peer, status: int, kind: type[ConnectorError]
) -> None:
    peer.plays(Peer.answer(status, {}))
    async with make_client(timeout=5.0) as http:
        with pytest.raises(kind) as failure:
            await take(client_of(http, peer), f"{peer.url}/1.mp3?signature=Qz")
    assert failure.type is kind and "Qz" not in str(failure.value)
    assert len(peer.requests) == 1


def test_links_into_the_vendors_own_shelves_are_read_as_they_are() -> None:
    assert read_link(STORE).target == "/api.assembly.ai.usw2/redacted-audio/1.mp3?Signature=a%2Fb&Expires=1"
    assert read_link("https://cdn.assemblyai.com/r/1.wav").host == "cdn.assemblyai.com"


@pytest.mark.parametrize(
    "link",
    [
        "http://cdn.assemblyai.com/1.mp3",
        "https://assemblyai.com.evil.example/1.mp3",
        "https://evilassemblyai.com/1.mp3",
        "https://s3.us-west-2.amazonaws.com/somebody-elses/1.mp3",
        "https://s3.us-west-2.amazonaws.com/api.assembly.ai.usw2/../somebody-elses/1.mp3",
        "https://s3.us-west-2.amazonaws.com/x/../api.assembly.ai.usw2/1.mp3",
        "https://u:p@cdn.assemblyai.com/1.mp3",
        "https://cdn.assemblyai.com:8443/1.mp3",
        "https://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:1/1.mp3",
        "file:///etc/passwd",
        "http://[::1/1.mp3",
        "",
    ],
)
async def test_a_link_to_anywhere_else_is_refused_before_anybody_is_asked(peer: Peer, link: str) -> None:
    names = Nowhere()
    async with make_client(timeout=5.0) as http:
        with pytest.raises(AddressRefused) as failure:
            await take(client_of(http, peer, names), link)
    assert (peer.requests, names.asked) == ([], [])
    assert not link or link not in str(failure.value)


@pytest.mark.parametrize("tail", ["\x01", "a\x7fb", "x" * 70_000])
async def test_a_link_no_client_can_call_is_refused_like_any_other(peer: Peer, tail: str) -> None:
    async with make_client(timeout=5.0) as http:
        with pytest.raises(AddressRefused):
            await take(client_of(http, peer), f"{peer.url}/{tail}")
    assert peer.requests == []


async def test_a_name_of_the_vendor_that_leads_inside_is_not_followed(peer: Peer) -> None:
    names = Nowhere()
    async with make_client(timeout=5.0) as http:
        with pytest.raises(AddressRefused):
            await take(client_of(http, peer, names), STORE)
    assert names.asked == ["s3.us-west-2.amazonaws.com"]
