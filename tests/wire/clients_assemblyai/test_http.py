"""The way out over HTTP, against peers that misbehave on a real socket."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from connector.clients.http import Peer, Timing, make_client, read_json, retry_after, send_patiently, send_whole
from connector.errors import VendorOutcomeUnknown, VendorUnavailable

PARTY = Peer(name="The vendor", unavailable=VendorUnavailable, unknown=VendorOutcomeUnknown)
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def call(http, peer, patience, held_clock):
    """Send one GET to the peer with the retry rules of the test."""

    async def send(**rules) -> httpx.Response:
        request = http.build_request("GET", peer.url)
        return await send_patiently(
            lambda: send_whole(http, request),
            peer=PARTY,
            patience=replace(patience, **rules),
            timing=held_clock.timing(),
        )

    return send


async def test_a_failing_peer_is_asked_again_with_growing_pauses(call, peer, held_clock):
    peer.plays(peer.answer(500), peer.answer(503), peer.answer(200, {"ok": True}))
    assert read_json(await call()) == {"ok": True}
    assert held_clock.slept == [0.5, 1.0]


async def test_a_reset_connection_is_asked_again(call, peer):
    peer.plays(peer.hang_up(), peer.answer(200, {}))
    assert (await call()).status_code == 200
    assert len(peer.requests) == 2


async def test_a_half_answer_is_asked_again(call, peer):
    peer.plays(peer.break_off(), peer.answer(200, {}))
    assert (await call()).status_code == 200


async def test_attempts_end_with_the_last_answer(call, peer):
    peer.plays(peer.answer(502))
    assert (await call()).status_code == 502
    assert len(peer.requests) == 4


async def test_attempts_end_with_unavailable_when_nothing_was_answered(call, peer):
    peer.plays(peer.hang_up())
    with pytest.raises(VendorUnavailable) as caught:
        await call()
    assert len(peer.requests) == 4
    assert not isinstance(caught.value, VendorOutcomeUnknown)
    assert "127.0.0.1" not in caught.value.detail


async def test_a_refusal_is_not_asked_again(call, peer):
    peer.plays(peer.answer(400))
    assert (await call()).status_code == 400
    assert len(peer.requests) == 1


async def test_retry_after_in_seconds_replaces_the_pause(call, peer, held_clock):
    peer.plays(peer.answer(429, retry_after="7"), peer.answer(200, {}))
    await call()
    assert held_clock.slept[0] == pytest.approx(7.05)


async def test_retry_after_as_a_date_replaces_the_pause(call, peer, held_clock):
    until = format_datetime(NOW + timedelta(seconds=12), usegmt=True)
    peer.plays(peer.answer(503, retry_after=until), peer.answer(200, {}))
    await call()
    assert held_clock.slept[0] == pytest.approx(12.05)


async def test_an_absurd_retry_after_is_cut_to_the_ceiling(call, peer, held_clock):
    peer.plays(peer.answer(429, retry_after="99999999"), peer.answer(200, {}))
    await call()
    assert held_clock.slept[0] == pytest.approx(30.05)


async def test_no_pause_reaches_beyond_the_deadline(call, peer, held_clock):
    peer.plays(peer.answer(429, retry_after="20"))
    assert (await call(deadline_s=25.0)).status_code == 429
    assert len(held_clock.slept) == 1


async def test_a_dripping_answer_ends_at_the_deadline(http, peer, patience):
    peer.plays(peer.drip())
    request = http.build_request("GET", peer.url)
    with pytest.raises(VendorUnavailable, match="in time"):
        await send_patiently(
            lambda: send_whole(http, request), peer=PARTY, patience=replace(patience, deadline_s=0.4), timing=Timing()
        )


async def test_a_call_that_may_not_be_repeated_says_that_its_outcome_is_unknown(call, peer):
    peer.plays(peer.hang_up(), peer.answer(200, {}))
    with pytest.raises(VendorOutcomeUnknown):
        await call(repeatable=False)
    assert len(peer.requests) == 1


async def test_a_refused_connection_may_be_tried_again_even_then(http, patience, held_clock, free_port):
    request = http.build_request("GET", f"http://127.0.0.1:{free_port}")
    with pytest.raises(VendorUnavailable) as caught:
        await send_patiently(
            lambda: send_whole(http, request),
            peer=PARTY,
            patience=replace(patience, repeatable=False),
            timing=held_clock.timing(),
        )
    assert len(held_clock.slept) == 3
    assert not isinstance(caught.value, VendorOutcomeUnknown)


async def test_an_answer_that_is_too_large_is_not_read(http, peer):
    peer.plays(peer.raw(200, b"x" * 5000))
    with pytest.raises(httpx.ReadError):
        await send_whole(http, http.build_request("GET", peer.url), most=4999)


async def test_a_compressed_answer_is_measured_by_what_it_grows_to(http, peer):
    peer.plays(peer.raw(200, gzip.compress(bytes(1_000_000)), content_encoding="gzip"))
    with pytest.raises(httpx.ReadError):
        await send_whole(http, http.build_request("GET", peer.url), most=100_000)


async def test_a_compressed_answer_is_read(http, peer):
    peer.plays(peer.raw(200, gzip.compress(b'{"a": 1}'), content_encoding="gzip"))
    assert read_json(await send_whole(http, http.build_request("GET", peer.url))) == {"a": 1}


async def test_redirects_are_not_followed(http, peer):
    peer.plays(peer.answer(302, location=f"{peer.url}/elsewhere"))
    assert (await send_whole(http, http.build_request("GET", peer.url))).status_code == 302
    assert len(peer.requests) == 1


async def test_proxy_variables_are_not_read(peer, monkeypatch, free_port):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{free_port}")
    peer.plays(peer.answer(204))
    async with make_client(timeout=2.0) as client:
        assert (await send_whole(client, client.build_request("GET", peer.url))).status_code == 204


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("", None), ("soon", None), ("-5", None), ("3", 3.0), ("1.5", 1.5), ("Mon, 02 Mar 2026 11:00:00 GMT", 0.0)],
)
def test_retry_after_is_read_as_seconds_or_date(value, seconds):
    assert retry_after(httpx.Response(429, headers={"retry-after": value}), NOW) == seconds


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe\xfa", b"[" * 200_000, b"1" * 5000, b'{"a": tru'])
def test_what_is_not_json_is_a_value_error(body):
    with pytest.raises(ValueError):
        read_json(httpx.Response(200, content=body))


def test_numbers_that_json_does_not_know_are_read_as_null():
    assert read_json(httpx.Response(200, content=b'{"a": NaN, "b": -Infinity}')) == {"a": None, "b": None}
