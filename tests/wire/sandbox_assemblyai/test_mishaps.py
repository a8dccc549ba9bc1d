"""The vendor's worse days: somebody else's result, half an answer, a lost key, a deletion that deleted nothing."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.fixtures.assemblyai import KEY

UNKNOWN_URL = "http://127.0.0.1:9/upload/none/none"
READING = {"method": "GET", "path": "^/v2/transcript/[^/]+$"}
SUBMITTING = {"method": "POST", "path": "^/v2/transcript$"}
CONTROLS = {"upload_seconds": 0, "transcript_seconds": 0, "jobs_held": False}


def set_faults(vendor, *rules: dict[str, object]) -> None:
    assert vendor.client.post("/sandbox/faults", json=list(rules)).status_code == 200


@pytest.fixture(autouse=True)
def nothing_expires(vendor):
    yield
    vendor.client.patch("/sandbox/controls", json=CONTROLS)


def test_another_jobs_result_comes_under_its_own_id_or_under_the_one_asked_for(vendor, visit) -> None:
    other = vendor.transcribe(visit)
    job = vendor.transcribe(visit)
    set_faults(vendor, {**READING, "kind": "wrong_job"}, {**READING, "kind": "wrong_result"})
    wrong, hidden = vendor.read(job["id"]), vendor.read(job["id"])
    assert (wrong["id"], wrong["audio_url"]) == (other["id"], other["audio_url"])
    assert (hidden["id"], hidden["audio_url"]) == (job["id"], other["audio_url"])
    assert vendor.read(job["id"]) == job


def test_a_stranger_is_made_up_where_there_is_no_other_job(vendor, another_project, visit) -> None:
    job = another_project.submit(audio_url=UNKNOWN_URL).json()
    set_faults(vendor, {**READING, "kind": "wrong_job"})
    wrong = another_project.read(job["id"])
    assert wrong["id"] != job["id"]
    assert wrong["audio_url"] != UNKNOWN_URL
    assert wrong["utterances"][0]["text"] == wrong["text"] == "Sandbox: the words of another visit."


def test_half_an_answer_is_announced_as_the_whole(vendor, visit) -> None:
    job = vendor.transcribe(visit)
    set_faults(vendor, {**READING, "kind": "half_body"})
    taken = b""
    with (
        pytest.raises(httpx.RemoteProtocolError),
        vendor.client.stream("GET", f"/v2/transcript/{job['id']}") as answer,
    ):
        announced = int(answer.headers["content-length"])
        assert answer.status_code == 200
        for chunk in answer.iter_raw():
            taken += chunk
    assert 0 < len(taken) == announced // 2
    assert vendor.read(job["id"]) == job


def test_an_answer_drips(vendor) -> None:
    set_faults(vendor, {"path": "^/v2/transcript$", "kind": "drip", "seconds": 0.6})
    began = time.monotonic()
    answer = vendor.client.get("/v2/transcript")
    assert answer.json()["page_details"]["limit"] == 10
    assert time.monotonic() - began >= 0.6


def test_quota_and_balance_in_the_vendors_words(vendor) -> None:
    set_faults(vendor, {"path": "^/v2/transcript$", "kind": "quota"}, {**SUBMITTING, "kind": "balance"})
    quota = vendor.client.get("/v2/transcript")
    assert quota.status_code == 403
    assert "20,000 requests" in quota.json()["error"]
    balance = vendor.submit(audio_url=UNKNOWN_URL)
    assert balance.status_code == 400
    assert "balance is negative" in balance.json()["error"]


def test_a_revoked_key_is_refused_everywhere_from_then_on_and_only_that_key(vendor, another_project) -> None:
    set_faults(vendor, {"path": "^/v2/transcript$", "kind": "revoked_key"})
    assert vendor.client.get("/v2/transcript").json() == {"error": "Authentication error, API token missing/invalid"}
    assert vendor.client.post("/v2/upload", content=b"x").status_code == 401
    gateway = vendor.client.post("/v1/chat/completions", json={}, headers={"authorization": f"Bearer {KEY}"})
    assert gateway.status_code == 401
    assert set(gateway.json()) == {"error", "status", "request_id"}
    assert another_project.client.get("/v2/transcript").status_code == 200
    vendor.client.delete("/sandbox/faults")
    assert vendor.client.get("/v2/transcript").status_code == 200


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ("download", "unable to download http"),
        ("no_audio", "does not appear to contain audio"),
        ("too_short", "too short"),
        ("decoding", "could not be decoded"),
        ("server", "Server error"),
    ],
)
def test_a_job_fails_for_a_cause(vendor, visit, cause, words) -> None:
    set_faults(vendor, {**SUBMITTING, "kind": "job_error", "cause": cause})
    printed = vendor.transcribe(visit)
    assert printed["status"] == "error"
    assert words in printed["error"]


def test_a_transcript_says_it_is_in_another_language(vendor, visit) -> None:
    set_faults(vendor, {**SUBMITTING, "kind": "other_language"})
    assert vendor.transcribe(visit, language_code="en")["language_code"] == "es"
    assert vendor.transcribe(visit, language_code="en")["language_code"] == "en_us"


def test_a_transcript_is_deleted_or_forgotten_under_its_reader(vendor, visit) -> None:
    job, lost = vendor.transcribe(visit), vendor.transcribe(visit)
    set_faults(vendor, {**READING, "kind": "deleted_under"}, {**READING, "kind": "forgotten"})
    assert vendor.read(job["id"])["text"] == "Deleted by user."
    assert vendor.client.get(f"/v2/transcript/{lost['id']}").status_code == 404
    assert vendor.read(job["id"])["text"] == "Deleted by user."
    assert vendor.client.get(f"/v2/transcript/{lost['id']}").status_code == 404


def test_a_deaf_deletion_answers_and_deletes_nothing(vendor, visit) -> None:
    job = vendor.transcribe(visit)
    set_faults(vendor, {"method": "DELETE", "kind": "deaf_deletion"})
    assert vendor.client.delete(f"/v2/transcript/{job['id']}").json()["text"] == "Deleted by user."
    assert vendor.read(job["id"]) == job
    assert vendor.client.delete(f"/v2/transcript/{job['id']}").status_code == 200
    assert vendor.read(job["id"])["text"] == "Deleted by user."


def test_uploads_and_transcripts_end_by_themselves(vendor, visit) -> None:
    job = vendor.transcribe(visit)
    url = vendor.upload(visit)
    time.sleep(0.2)
    vendor.client.patch("/sandbox/controls", json={"upload_seconds": 0.1})
    late = vendor.submit(audio_url=url).json()
    assert "unable to download" in vendor.wait(late["id"])["error"]
    assert vendor.read(job["id"])["text"] == job["text"]
    vendor.client.patch("/sandbox/controls", json={"transcript_seconds": 0.1})
    assert vendor.read(job["id"])["text"] == "Deleted by user."


def test_no_job_ends_while_they_are_held(vendor, visit) -> None:
    vendor.client.patch("/sandbox/controls", json={"jobs_held": True})
    job = vendor.submit(audio_url=vendor.upload(visit)).json()
    time.sleep(3)
    assert vendor.read(job["id"])["status"] == "processing"
    vendor.client.patch("/sandbox/controls", json={"jobs_held": False})
    assert vendor.wait(job["id"])["status"] == "completed"
