"""Waiting for a job, deleting it and proving it gone, with a scripted vendor on a real socket."""

from __future__ import annotations

import pytest

from connector.clients.assemblyai import AssemblyAI
from connector.errors import VendorAccount, VendorRejected, VendorUnavailable

CANARY = "Zebulon Quixley takes warfarin"


async def test_wait_returns_the_answer_as_it_is(vendor, peer, held_clock):
    done = {"id": "j1", "status": "completed", "text": "hello", "never_seen_before": [1]}
    peer.plays(
        peer.answer(200, {"id": "j1", "status": "queued"}),
        peer.answer(200, {"id": "j1", "status": "processing"}),
        peer.answer(200, done),
    )
    assert await vendor.wait("j1", deadline_s=60, interval=3) == done
    assert held_clock.slept == [3, 3]


async def test_wait_survives_failures_on_the_way(vendor, peer, held_clock):
    peer.plays(
        peer.answer(500),
        peer.hang_up(),
        peer.raw(200, b"<html>busy</html>"),
        peer.answer(429, {}, retry_after="11"),
        peer.answer(200, {"id": "another", "status": "completed"}),
        peer.answer(200, {"id": "j1", "status": "completed"}),
    )
    assert (await vendor.wait("j1", deadline_s=60, interval=3))["id"] == "j1"
    assert held_clock.slept == [3, 3, 3, 11, 3]


async def test_wait_ends_at_its_deadline_and_can_be_taken_up_again(vendor, peer, held_clock):
    peer.plays(peer.answer(200, {"id": "j1", "status": "processing"}))
    started = held_clock.now
    with pytest.raises(VendorUnavailable):
        await vendor.wait("j1", deadline_s=10, interval=4)
    assert held_clock.now - started == 10
    peer.plays(peer.answer(200, {"id": "j1", "status": "completed"}))
    assert (await vendor.wait("j1", deadline_s=10, interval=4))["status"] == "completed"


@pytest.mark.parametrize(
    ("vendor_words", "ours"),
    [
        ("Audio duration is too short.", "too short"),
        ("Transcoding failed. File does not appear to contain audio. File type is text/plain", "no sound"),
        ("Download error, unable to download http://x", "its copy"),
        ("Decoding failed: corrupt frame", "damaged"),
        ("Sandbox: this recording is not one of the bundled ones; a sandbox cannot recognise other speech.", "bundled"),
        (f"unheard of: {CANARY}", "could not transcribe"),
        (None, "could not transcribe"),
    ],
)
async def test_a_failed_job_is_refused_in_our_own_words(vendor, peer, vendor_words, ours):
    peer.plays(peer.answer(200, {"id": "j1", "status": "error", "error": vendor_words}))
    with pytest.raises(VendorRejected, match=ours) as caught:
        await vendor.wait("j1", deadline_s=10, interval=1)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("status", [404, 400])
async def test_a_job_that_is_gone_ends_the_wait(vendor, peer, status):
    peer.plays(peer.answer(status, {"error": "transcript id not found"}))
    with pytest.raises(VendorRejected, match="no longer"):
        await vendor.wait("j1", deadline_s=10, interval=1)


async def test_a_revoked_key_ends_the_wait(vendor, peer):
    peer.plays(peer.answer(401, {"error": "Authentication error, API token missing/invalid"}))
    with pytest.raises(VendorAccount) as caught:
        await vendor.wait("j1", deadline_s=10, interval=1)
    assert caught.value.kind == "key" and len(peer.requests) == 1


async def test_a_job_id_never_leaves_its_place_in_the_address(vendor, peer):
    peer.plays(peer.answer(200, {"id": "../upload?x=1#y", "status": "completed"}))
    await vendor.fetch("../upload?x=1#y")
    assert peer.requests[0].target == "/v2/transcript/..%2Fupload%3Fx%3D1%23y"


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (401, "Authentication error, API token missing/invalid", "key"),
        (403, "Forbidden: the limit of 20,000 requests in 5 minutes has been exceeded", "quota"),
        (400, "Your current account balance is negative. Please top up.", "balance"),
        (402, "", "balance"),
        (403, "Cannot access uploaded file.", None),
        (400, "Invalid endpoint schema", None),
    ],
)
async def test_what_only_the_operator_can_mend_is_told_from_a_wrong_request(vendor, peer, status, said, kind):
    peer.plays(peer.answer(status, {"error": said}))
    with pytest.raises(VendorAccount if kind else VendorRejected) as caught:
        await vendor.fetch("j1")
    assert getattr(caught.value, "kind", None) == kind


@pytest.mark.parametrize("body", [b"", b" ", b"<html>403 Forbidden</html>", b"{}", b'{"error": ""}', b"[]", b"{"])
async def test_a_403_without_a_word_speaks_of_the_account_and_after_a_call_that_was_let_in_of_the_upload(
    vendor, peer, body
):
    """The vendor's reasons stand in JSON; its limit of requests, or what stands before it, gives none."""
    for call in (vendor.fetch("j1"), vendor.find_jobs("u"), vendor.delete("j1")):
        peer.plays(peer.raw(403, body))
        with pytest.raises(VendorAccount) as caught:
            await call
        assert caught.value.kind == "unexplained"
    peer.plays(peer.raw(403, body))
    with pytest.raises(VendorRejected):
        await vendor.submit({})


@pytest.mark.parametrize("said", [{"error": {"message": "No access"}}, {"message": "no"}, {"error": "x"}])
async def test_a_403_with_a_reason_is_about_what_was_asked(vendor, peer, said):
    peer.plays(peer.answer(403, said))
    with pytest.raises(VendorRejected):
        await vendor.fetch("j1")


STUB = {
    "id": "j1",
    "status": "completed",
    "text": "Deleted by user.",
    "audio_url": "http://deleted_by_user",
    "webhook_url": "http://deleted_by_user",
    "words": None,
    "utterances": None,
    "confidence": None,
}


@pytest.mark.parametrize(
    ("status", "answer"), [(200, STUB), (204, None), (404, {"error": "Not found"}), (400, {"error": "id not found"})]
)
async def test_delete_is_done_when_the_vendor_says_so_or_knows_no_such_job(vendor, peer, status, answer):
    peer.plays(peer.answer(500), peer.answer(status, answer))
    await vendor.delete("j1")
    assert [request.method for request in peer.requests] == ["DELETE", "DELETE"]


@pytest.mark.parametrize(("status", "error"), [(503, VendorUnavailable), (400, VendorRejected), (401, VendorAccount)])
async def test_a_deletion_that_was_not_taken_is_not_done(vendor, peer, status, error):
    peer.plays(peer.answer(status, {"error": "no"}))
    with pytest.raises(error):
        await vendor.delete("j1")


@pytest.mark.parametrize(
    ("status", "answer", "deleted"),
    [
        (200, STUB, True),
        (404, {"error": "Not found"}, True),
        (400, {"error": "transcript id not found"}, True),
        (200, {"id": "j1", "status": "completed", "text": "hello", "audio_url": "https://cdn/1"}, False),
        (200, {**STUB, "words": [{"text": "hello"}]}, False),
        (200, {**STUB, "utterances": [{"text": "hello"}]}, False),
        (200, {**STUB, "text": "hello"}, False),
        (200, {**STUB, "audio_url": "https://cdn.example/upload/1"}, False),
        (200, {"id": "j1", "status": "processing", "audio_url": "https://cdn/1"}, False),
        (200, {}, False),
    ],
)
async def test_only_the_stub_or_nothing_counts_as_deleted(vendor, peer, status, answer, deleted):
    peer.plays(peer.answer(status, answer))
    assert await vendor.is_deleted("j1") is deleted


@pytest.mark.parametrize("status", [401, 403, 500])
async def test_a_read_that_fails_proves_nothing(vendor, peer, status):
    peer.plays(peer.answer(status, {"error": "no"}))
    with pytest.raises((VendorAccount, VendorRejected, VendorUnavailable)):
        await vendor.is_deleted("j1")


@pytest.mark.parametrize("suffix", ["", "/", "/v2", "/v2/"])
async def test_the_base_url_may_end_in_several_ways(http, peer, suffix):
    peer.plays(peer.answer(200, {"id": "j1", "status": "completed"}))
    await AssemblyAI(http, base_url=peer.url + suffix, api_key="k").fetch("j1")
    assert peer.requests[0].target == "/v2/transcript/j1"
