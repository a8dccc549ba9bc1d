"""Uploading a recording to a scripted vendor on a real socket."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import AsyncIterator

import pytest

from connector.errors import AudioUnusable, Misconfigured, VendorRejected, VendorUnavailable


async def _chunks(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def test_upload_sends_the_bytes_as_they_are(vendor, peer):
    peer.plays(peer.answer(200, {"upload_url": "https://cdn.example/upload/1"}))
    assert await vendor.upload(_chunks(b"abc", b"", b"def"), 6) == "https://cdn.example/upload/1"
    (request,) = peer.requests
    assert (request.method, request.target, request.body) == ("POST", "/v2/upload", b"abcdef")
    assert request.headers["authorization"] == "k-123"
    assert request.headers["content-type"] == "application/octet-stream"
    assert request.headers["content-length"] == "6"
    assert "transfer-encoding" not in request.headers


async def test_upload_keeps_one_chunk_in_memory(vendor, peer):
    size, piece = 64, 1024 * 1024
    digest = hashlib.sha256()

    async def many() -> AsyncIterator[bytes]:
        for number in range(size):
            data = bytes([number]) * piece
            digest.update(data)
            yield data

    received = hashlib.sha256()
    peer.sink = received.update
    peer.plays(peer.answer(200, {"upload_url": "u"}))
    tracemalloc.start()
    try:
        await vendor.upload(many(), size * piece)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert received.digest() == digest.digest()
    assert most < 16 * piece


async def test_upload_is_tried_once_and_left_to_the_caller(vendor, peer):
    peer.plays(peer.answer(503, retry_after="9"), peer.answer(200, {"upload_url": "u"}))
    with pytest.raises(VendorUnavailable) as caught:
        await vendor.upload(_chunks(b"abc"), 3)
    assert caught.value.retry_after == 9.0
    assert await vendor.upload(_chunks(b"abc"), 3) == "u"


@pytest.mark.parametrize("pieces", [(b"ab",), (b"abcd",), (b"abc", b"d"), ()])
async def test_upload_of_another_length_than_announced_is_our_own_fault(vendor, peer, pieces):
    peer.plays(peer.answer(200, {"upload_url": "u"}))
    with pytest.raises(AudioUnusable):
        await vendor.upload(_chunks(*pieces), 3)


async def test_upload_passes_on_what_its_chunks_raise(vendor, peer):
    async def broken() -> AsyncIterator[bytes]:
        yield b"a"
        raise Misconfigured("the key is gone")

    peer.plays(peer.answer(200, {"upload_url": "u"}))
    with pytest.raises(Misconfigured):
        await vendor.upload(broken(), 3)


@pytest.mark.parametrize("answer", [None, [], {}, {"upload_url": ""}, {"upload_url": 7}])
async def test_upload_without_an_address_can_be_tried_again(vendor, peer, answer):
    peer.plays(peer.answer(200, answer))
    with pytest.raises(VendorUnavailable):
        await vendor.upload(_chunks(b"a"), 1)


async def test_upload_beyond_the_vendors_limit_is_not_begun(vendor, peer):
    with pytest.raises(VendorRejected, match=r"2\.2 GB"):
        await vendor.upload(_chunks(), 2_200_000_001)
    assert peer.requests == []
