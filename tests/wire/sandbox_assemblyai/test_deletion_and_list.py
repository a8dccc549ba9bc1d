"""DELETE leaves the vendor's stub and no upload; the list pages newest first."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime

import httpx
import pytest

from tests.wire.sandbox_assemblyai.conftest import open_vendor

UNKNOWN_URL = "http://127.0.0.1:9/upload/none/none"


@pytest.fixture
def lonely(assemblyai_base):
    """A project of its own, with an empty list."""
    one = open_vendor(assemblyai_base, key=f"key-{uuid.uuid4()}")
    with one.client:
        yield one


def present(vendor, url: str) -> bool:
    uploads = vendor.client.get("/sandbox/uploads").json()["uploads"]
    return next(upload["present"] for upload in uploads if upload["upload_url"] == url)


def test_delete_leaves_the_stub_and_removes_the_upload(vendor, visit) -> None:
    url = vendor.upload(visit)
    job = vendor.submit(
        audio_url=url,
        speaker_labels=True,
        keyterms_prompt=["Prosacco"],
        speech_understanding={
            "request": {"speaker_identification": {"speaker_type": "role", "known_values": ["Doctor", "Patient"]}}
        },
    ).json()
    vendor.wait(job["id"])
    assert present(vendor, url)
    for answer in (
        vendor.client.delete(f"/v2/transcript/{job['id']}"),
        vendor.client.get(f"/v2/transcript/{job['id']}"),
    ):
        assert answer.status_code == 200
        stub = answer.json()
        assert stub["id"] == job["id"]
        assert stub["status"] == "completed"
        assert stub["text"] == "Deleted by user."
        assert stub["audio_url"] == stub["webhook_url"] == "http://deleted_by_user"
        assert stub["words"] is stub["utterances"] is stub["confidence"] is None
        assert "Prosacco" not in answer.text
        assert url not in answer.text
    assert not present(vendor, url)
    assert vendor.client.delete(f"/v2/transcript/{job['id']}").status_code == 200
    row = vendor.client.get("/v2/transcript").json()["transcripts"][0]
    assert (row["id"], row["audio_url"]) == (job["id"], "http://deleted_by_user")


def test_a_job_under_way_can_be_deleted(vendor, visit) -> None:
    vendor.client.post("/sandbox/faults", json=[{"path": "^/v2/transcript$", "kind": "stuck"}])
    url = vendor.upload(visit)
    job = vendor.submit(audio_url=url).json()
    stub = vendor.client.delete(f"/v2/transcript/{job['id']}").json()
    assert stub["text"] == "Deleted by user."
    time.sleep(0.3)
    assert vendor.read(job["id"])["text"] == "Deleted by user."
    assert not present(vendor, url)


def test_a_second_job_on_a_deleted_upload_fails(vendor, visit) -> None:
    url = vendor.upload(visit)
    first = vendor.submit(audio_url=url).json()
    vendor.wait(first["id"])
    vendor.client.delete(f"/v2/transcript/{first['id']}")
    second = vendor.wait(vendor.submit(audio_url=url).json()["id"])
    assert second["status"] == "error"
    assert second["error"].startswith("Download error")


def test_deleting_what_is_not_there_is_not_found(vendor) -> None:
    assert vendor.client.delete(f"/v2/transcript/{uuid.uuid4()}").status_code == 404


def test_the_list_pages_from_newest_to_oldest_and_back(lonely) -> None:
    made = [lonely.submit(audio_url=UNKNOWN_URL).json()["id"] for _ in range(5)]
    newest_first = made[::-1]
    page = lonely.client.get("/v2/transcript", params={"limit": 2}).json()
    assert [row["id"] for row in page["transcripts"]] == newest_first[:2]
    assert page["page_details"]["result_count"] == 2
    assert page["page_details"]["next_url"] is None
    seen = [row["id"] for row in page["transcripts"]]
    while page["page_details"]["prev_url"]:
        page = lonely.client.get(page["page_details"]["prev_url"]).json()
        seen += [row["id"] for row in page["transcripts"]]
    assert seen == newest_first
    back = lonely.client.get(page["page_details"]["next_url"]).json()
    assert [row["id"] for row in back["transcripts"]] == newest_first[2:4]


def test_the_list_bounds_by_ids(lonely) -> None:
    made = [lonely.submit(audio_url=UNKNOWN_URL).json()["id"] for _ in range(4)]

    def listed(**query: str) -> list[str]:
        return [row["id"] for row in lonely.client.get("/v2/transcript", params=query).json()["transcripts"]]

    assert listed(before_id=made[2]) == [made[1], made[0]]
    assert listed(after_id=made[1]) == [made[3], made[2]]
    assert listed(after_id=made[0], before_id=made[3]) == [made[2], made[1]]
    assert listed(before_id=made[0]) == []


def test_a_row_of_the_list(lonely, visit) -> None:
    url = lonely.upload(visit)
    lonely.wait(lonely.submit(audio_url=url).json()["id"])
    page = lonely.client.get("/v2/transcript").json()
    assert set(page["page_details"]) == {"limit", "result_count", "current_url", "prev_url", "next_url"}
    assert page["page_details"]["limit"] == 10
    row = page["transcripts"][0]
    assert set(row) == {"id", "resource_url", "status", "created", "completed", "audio_url", "error"}
    assert row["audio_url"] == url
    assert row["status"] == "completed"
    assert lonely.client.get(row["resource_url"]).json()["id"] == row["id"]
    assert datetime.fromisoformat(row["created"]) < datetime.fromisoformat(row["completed"])


def test_the_list_is_filtered(lonely) -> None:
    failed = lonely.submit(audio_url=UNKNOWN_URL).json()["id"]
    lonely.wait(failed)
    lonely.client.post("/sandbox/faults", json=[{"path": "^/v2/transcript$", "method": "POST", "kind": "stuck"}])
    lonely.submit(audio_url=UNKNOWN_URL)
    today = datetime.now(UTC).date().isoformat()

    def listed(**query: str) -> list[str]:
        return [row["id"] for row in lonely.client.get("/v2/transcript", params=query).json()["transcripts"]]

    assert listed(status="error") == [failed]
    assert listed(status="completed") == []
    assert len(listed(created_on=today)) == 2
    assert listed(created_on="2001-01-01") == []


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "201"}, {"limit": "ten"}, {"status": "lost"}, {"before_id": "x"}]
)
def test_a_query_that_makes_no_sense_is_refused(lonely, query) -> None:
    answer: httpx.Response = lonely.client.get("/v2/transcript", params=query)
    assert answer.status_code == 400
    assert "error" in answer.json()
