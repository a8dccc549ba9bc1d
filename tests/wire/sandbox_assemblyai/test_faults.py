"""Faults on request: each kind on the wire, counted, bounded and visible in the journal."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime

import httpx
import pytest
from connector_sandbox.assemblyai.journal import MOST_BODIES, Journal

UNKNOWN_URL = "http://127.0.0.1:9/upload/none/none"


def set_faults(vendor, *rules: dict[str, object]) -> None:
    assert vendor.client.post("/sandbox/faults", json=list(rules)).status_code == 200


def journal(vendor) -> list[dict[str, object]]:
    found: list[dict[str, object]] = vendor.client.get("/sandbox/requests").json()["requests"]
    return found


def test_a_status_with_its_headers_and_then_no_more(vendor) -> None:
    set_faults(
        vendor,
        {"method": "GET", "path": "^/v2/transcript", "kind": "status", "status": 429, "headers": {"Retry-After": "2"},
         "message": "Too Many Requests"},
    )  # fmt: skip
    refused = vendor.client.get("/v2/transcript")
    assert (refused.status_code, refused.json()) == (429, {"error": "Too Many Requests"})
    assert refused.headers["retry-after"] == "2"
    assert vendor.client.get("/v2/transcript").status_code == 200


def test_only_the_method_and_path_that_were_named(vendor) -> None:
    set_faults(vendor, {"method": "POST", "path": "^/v2/transcript$", "kind": "status", "status": 500})
    assert vendor.client.get("/v2/transcript").status_code == 200
    assert vendor.client.post("/v2/upload", content=b"x").status_code == 200
    assert vendor.submit(audio_url=UNKNOWN_URL).status_code == 500


def test_the_k_th_call_and_how_often(vendor) -> None:
    set_faults(vendor, {"path": "^/v2/transcript$", "kind": "status", "status": 503, "after": 2, "times": 2})
    statuses = [vendor.client.get("/v2/transcript").status_code for _ in range(6)]
    assert statuses == [200, 200, 503, 503, 200, 200]


def test_rules_apply_one_after_the_other(vendor) -> None:
    set_faults(
        vendor,
        {"path": "^/v2/transcript$", "kind": "status", "status": 500},
        {"path": "^/v2/transcript$", "kind": "status", "status": 429},
    )
    statuses = [vendor.client.get("/v2/transcript").status_code for _ in range(3)]
    assert statuses == [500, 429, 200]


def test_for_ever_until_it_is_taken_away(vendor) -> None:
    set_faults(vendor, {"path": "^/v2/", "kind": "status", "times": None})
    assert [vendor.client.get("/v2/transcript").status_code for _ in range(3)] == [500, 500, 500]
    assert vendor.client.get("/sandbox/faults").json()["faults"][0]["seen"] == 3
    assert vendor.client.delete("/sandbox/faults").status_code == 204
    assert vendor.client.get("/v2/transcript").status_code == 200


def test_a_reset_cuts_the_connection_without_an_answer(vendor) -> None:
    set_faults(vendor, {"path": "^/v2/transcript$", "kind": "reset"})
    with pytest.raises(httpx.TransportError):
        vendor.client.get("/v2/transcript")
    assert vendor.client.get("/v2/transcript").status_code == 200
    assert [(entry["status"], entry["fault"]) for entry in journal(vendor)] == [(None, "reset"), (200, None)]


def test_a_reset_in_the_middle_of_an_upload(vendor, visit) -> None:
    set_faults(vendor, {"path": "^/v2/upload$", "kind": "reset"})
    with pytest.raises(httpx.TransportError):
        vendor.client.post("/v2/upload", content=visit * 20)
    assert vendor.upload(visit)


def test_slow_answers_late(vendor) -> None:
    set_faults(vendor, {"path": "^/v2/transcript$", "kind": "slow", "seconds": 0.5})
    began = time.monotonic()
    assert vendor.client.get("/v2/transcript").status_code == 200
    assert time.monotonic() - began >= 0.5


def test_done_but_never_answered(vendor) -> None:
    before = {row["id"] for row in vendor.client.get("/v2/transcript", params={"limit": 200}).json()["transcripts"]}
    set_faults(vendor, {"method": "POST", "path": "^/v2/transcript$", "kind": "commit_then_timeout", "seconds": 20})
    with pytest.raises(httpx.ReadTimeout):
        vendor.client.post("/v2/transcript", json={"audio_url": UNKNOWN_URL}, timeout=0.5)
    after = {row["id"] for row in vendor.client.get("/v2/transcript", params={"limit": 200}).json()["transcripts"]}
    assert len(after - before) == 1


def test_done_and_then_cut(vendor) -> None:
    set_faults(vendor, {"method": "POST", "path": "^/v2/transcript$", "kind": "commit_then_timeout", "seconds": 0.2})
    with pytest.raises(httpx.TransportError):
        vendor.submit(audio_url=UNKNOWN_URL)
    newest = vendor.client.get("/v2/transcript").json()["transcripts"][0]
    assert newest["audio_url"] == UNKNOWN_URL


def test_a_job_that_fails(vendor, visit) -> None:
    set_faults(
        vendor, {"method": "POST", "path": "^/v2/transcript$", "kind": "job_error", "message": "Decoding failed."}
    )
    printed = vendor.transcribe(visit)
    assert (printed["status"], printed["error"]) == ("error", "Decoding failed.")
    assert vendor.transcribe(visit)["status"] == "completed"


def test_a_job_that_never_ends(vendor, visit) -> None:
    set_faults(vendor, {"method": "POST", "path": "^/v2/transcript$", "kind": "stuck"})
    job = vendor.submit(audio_url=vendor.upload(visit)).json()
    time.sleep(1.0)
    assert vendor.read(job["id"])["status"] == "processing"
    assert vendor.transcribe(visit)["status"] == "completed"


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"kind": "mishap"},
        {"kind": "status", "status": 42},
        {"kind": "reset", "path": "("},
        {"kind": "slow", "pace": 1},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(vendor, rule) -> None:
    assert vendor.client.post("/sandbox/faults", json=[rule]).status_code == 422
    assert vendor.client.get("/sandbox/faults").json() == {"faults": []}


def test_the_journal_tells_what_came(vendor, visit) -> None:
    url = vendor.upload(visit)
    body = {"audio_url": url, "keyterms_prompt": ["lisinopril"]}
    vendor.client.post("/v2/transcript", json=body)
    upload, submit = journal(vendor)
    assert (upload["method"], upload["path"], upload["status"]) == ("POST", "/v2/upload", 200)
    assert upload["sha256"] == hashlib.sha256(visit).hexdigest()
    assert upload["size"] == len(visit)
    assert "json" not in upload
    assert submit["json"] == body
    assert submit["seconds"] >= 0
    asked = {"model": "claude-sonnet-4-6", "messages": []}
    vendor.client.post("/v1/chat/completions", json=asked)
    assert journal(vendor)[-1]["json"] == asked
    assert vendor.client.delete("/sandbox/requests").status_code == 204
    assert journal(vendor) == []


def test_the_journal_keeps_the_last_bodies_and_the_hashes_of_more() -> None:
    kept = Journal()
    for number in range(MOST_BODIES + 2):
        kept.open("POST", "/v2/transcript", at=datetime(2026, 1, 1, tzinfo=UTC)).take(b"%d" % number)
    bodies = [entry.get("json") for entry in kept.listed()]
    assert bodies[:3] == [None, None, 2]
    assert len({entry["sha256"] for entry in kept.listed()}) == MOST_BODIES + 2


def test_health_and_controls_are_open_and_never_meet_a_fault(assemblyai_base, vendor) -> None:
    set_faults(vendor, {"kind": "status", "times": None})
    assert httpx.get(f"{assemblyai_base}/health", trust_env=False).json() == {"status": "ok", "sandbox": "assemblyai"}
    controls = httpx.get(f"{assemblyai_base}/sandbox/controls", trust_env=False).json()
    assert {"queue_seconds", "llm_delete_status", "upload_seconds", "failing_models"} <= set(controls)
    refused = httpx.patch(f"{assemblyai_base}/sandbox/controls", json={"speed": 2}, trust_env=False)
    assert refused.status_code == 422
