"""Starting a job with a scripted vendor, and looking for it after its answer was lost."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from connector.errors import Misconfigured, VendorAccount, VendorOutcomeUnknown, VendorRejected, VendorUnavailable

KEY = "k-123"
CANARY = "Zebulon Quixley takes warfarin"


async def test_submit_sends_the_body_once(vendor, peer):
    peer.plays(peer.answer(200, {"id": "j1", "status": "queued", "something_new": {"x": 1}}))
    job = await vendor.submit({"audio_url": "u", "speaker_labels": True})
    assert (job.job_id, job.status) == ("j1", "queued")
    (request,) = peer.requests
    assert (request.method, request.target) == ("POST", "/v2/transcript")
    assert request.json() == {"audio_url": "u", "speaker_labels": True}


@pytest.mark.parametrize("status", [429, 503])
async def test_submit_is_sent_again_when_it_was_turned_away(vendor, peer, status):
    peer.plays(peer.answer(status, {"error": "later"}, retry_after="2"), peer.answer(200, {"id": "j1"}))
    assert (await vendor.submit({})).job_id == "j1"
    assert len(peer.requests) == 2


@pytest.mark.parametrize("step", ["hang_up", "break_off"])
async def test_a_lost_answer_to_submit_is_not_sent_again(vendor, peer, step):
    peer.plays(getattr(peer, step)())
    with pytest.raises(VendorOutcomeUnknown):
        await vendor.submit({})
    assert len(peer.requests) == 1


async def test_a_silent_vendor_leaves_the_outcome_unknown(vendor, peer, http):
    http.timeout = 0.3
    peer.plays(peer.silence())
    with pytest.raises(VendorOutcomeUnknown):
        await vendor.submit({})
    assert len(peer.requests) == 1


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_a_failure_while_submitting_leaves_the_outcome_unknown(vendor, peer, status):
    peer.plays(peer.answer(status))
    with pytest.raises(VendorOutcomeUnknown):
        await vendor.submit({})
    assert len(peer.requests) == 1


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"status": "queued"}', b'{"id": 5}'])
async def test_an_unreadable_answer_to_submit_leaves_the_outcome_unknown(vendor, peer, body):
    peer.plays(peer.raw(200, body))
    with pytest.raises(VendorOutcomeUnknown):
        await vendor.submit({})


async def test_a_refused_connection_while_submitting_is_plainly_unavailable(away, held_clock):
    with pytest.raises(VendorUnavailable) as caught:
        await away.submit({})
    assert not isinstance(caught.value, VendorOutcomeUnknown)
    assert len(held_clock.slept) == 3


@pytest.mark.parametrize(("status", "error"), [(400, VendorRejected), (401, VendorAccount), (403, VendorRejected)])
async def test_a_refusal_is_final_and_quotes_nothing(vendor, peer, status, error):
    peer.plays(peer.answer(status, {"error": CANARY}))
    with pytest.raises(error) as caught:
        await vendor.submit({"keyterms_prompt": [CANARY]})
    assert len(peer.requests) == 1
    assert CANARY not in str(caught.value)
    assert KEY not in str(caught.value)


async def test_a_redirect_is_a_wrong_base_url(vendor, peer):
    peer.plays(peer.answer(307, location="http://127.0.0.1:1/"))
    with pytest.raises(Misconfigured):
        await vendor.submit({})


def _rows(*pairs: tuple[str, str], created: str = "2026-03-02T10:00:00.123456") -> dict[str, object]:
    rows = [{"id": job, "audio_url": url, "status": "completed", "created": created} for job, url in pairs]
    return {"page_details": {"limit": 200, "prev_url": "http://elsewhere.example/steal"}, "transcripts": rows}


async def test_find_jobs_reads_every_page_through_ids_of_its_own(vendor, peer):
    peer.plays(
        peer.answer(200, _rows(("j9", "other"), ("j8", "mine"))),
        peer.answer(200, _rows(("j7", "mine"))),
        peer.answer(200, _rows()),
    )
    assert await vendor.find_jobs("mine") == ["j8", "j7"]
    asked = [parse_qs(urlsplit(request.target).query) for request in peer.requests]
    assert [query.get("before_id") for query in asked] == [None, ["j8"], ["j7"]]
    assert {request.target.split("?")[0] for request in peer.requests} == {"/v2/transcript"}


async def test_find_jobs_ends_on_a_page_that_repeats_itself(vendor, peer):
    peer.plays(peer.answer(200, _rows(("j1", "mine"))))
    assert await vendor.find_jobs("mine") == ["j1"]
    assert len(peer.requests) == 2


async def test_find_jobs_stops_at_the_time_asked_for(vendor, peer):
    peer.plays(peer.answer(200, _rows(("j2", "mine"))), peer.answer(200, _rows(("j1", "mine"))))
    assert await vendor.find_jobs("mine", since=datetime(2026, 3, 2, 12, 0, tzinfo=UTC)) == ["j2"]
    assert len(peer.requests) == 1


async def test_find_jobs_skips_rows_it_cannot_read(vendor, peer):
    rows = [None, 7, {"audio_url": "mine"}, {"id": "j1", "audio_url": "mine", "created": "no time"}]
    peer.plays(peer.answer(200, {"transcripts": rows}), peer.answer(200, {"transcripts": []}))
    assert await vendor.find_jobs("mine", since=datetime(2026, 3, 2, tzinfo=UTC)) == ["j1"]


@pytest.mark.parametrize("answer", [{}, {"transcripts": None}, [], "x"])
async def test_an_unreadable_list_is_not_none_found(vendor, peer, answer):
    peer.plays(peer.answer(200, answer))
    with pytest.raises(VendorUnavailable):
        await vendor.find_jobs("mine")


async def test_a_list_without_end_is_not_none_found(vendor, peer):
    async def endless(received, writer) -> None:
        await peer.answer(200, _rows((f"j{len(peer.requests)}", "other")))(received, writer)

    peer.plays(endless)
    with pytest.raises(VendorUnavailable, match="time to stop"):
        await vendor.find_jobs("mine")
