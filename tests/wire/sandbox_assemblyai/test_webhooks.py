"""The webhook: once per job, with the secret, again after a failure, never again after a 4xx."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

UNKNOWN_URL = "http://127.0.0.1:9/upload/none/none"


class Receiver:
    """A webhook endpoint that answers the statuses it is given, the last one for ever; 0 hangs up."""

    def __init__(self) -> None:
        self.statuses = [200]
        self.calls: list[tuple[dict[str, str], dict[str, Any]]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.calls.append(({name.lower(): value for name, value in self.headers.items()}, json.loads(body)))
                status = receiver.statuses.pop(0) if len(receiver.statuses) > 1 else receiver.statuses[0]
                if status == 0:
                    self.connection.close()
                    return
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def wait(self, calls: int, *, seconds: float = 60.0) -> None:
        ends = time.monotonic() + seconds
        while len(self.calls) < calls:
            assert time.monotonic() < ends, f"{len(self.calls)} of {calls} calls came"
            time.sleep(0.02)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    thread = threading.Thread(target=one.server.serve_forever, daemon=True)
    thread.start()
    yield one
    one.server.shutdown()
    one.server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def short_spacing(vendor) -> None:
    vendor.client.patch("/sandbox/controls", json={"webhook_spacing": 0.05})


def settled(vendor, job_id: str, *, status: int) -> None:
    ends = time.monotonic() + 60
    while vendor.read(job_id)["webhook_status_code"] != status:
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_a_finished_job_is_announced_with_the_secret(vendor, visit, receiver) -> None:
    job = vendor.submit(
        audio_url=vendor.upload(visit),
        webhook_url=receiver.url,
        webhook_auth_header_name="X-Webhook-Secret",
        webhook_auth_header_value="s3cret",
    ).json()
    assert job["webhook_auth"] is True
    assert "s3cret" not in json.dumps(job)
    receiver.wait(1)
    headers, body = receiver.calls[0]
    assert headers["x-webhook-secret"] == "s3cret"
    assert headers["content-type"] == "application/json"
    assert body == {"transcript_id": job["id"], "status": "completed"}
    settled(vendor, job["id"], status=200)
    time.sleep(0.3)
    assert len(receiver.calls) == 1


def test_a_failed_job_is_announced_too(vendor, receiver) -> None:
    job = vendor.submit(audio_url=UNKNOWN_URL, webhook_url=receiver.url).json()
    assert job["webhook_auth"] is False
    receiver.wait(1)
    assert receiver.calls[0][1] == {"transcript_id": job["id"], "status": "error"}


def test_a_failing_receiver_is_called_again(vendor, receiver) -> None:
    receiver.statuses = [500, 0, 503, 200]
    job = vendor.submit(audio_url=UNKNOWN_URL, webhook_url=receiver.url).json()
    receiver.wait(4)
    settled(vendor, job["id"], status=200)
    assert len(receiver.calls) == 4


def test_a_refusal_ends_it(vendor, receiver) -> None:
    receiver.statuses = [410]
    job = vendor.submit(audio_url=UNKNOWN_URL, webhook_url=receiver.url).json()
    settled(vendor, job["id"], status=410)
    time.sleep(0.3)
    assert len(receiver.calls) == 1


def test_ten_tries_are_all(vendor, receiver) -> None:
    receiver.statuses = [500]
    vendor.submit(audio_url=UNKNOWN_URL, webhook_url=receiver.url)
    receiver.wait(10)
    time.sleep(0.3)
    assert len(receiver.calls) == 10


def misbehave(vendor, kind: str, **how: Any) -> None:
    rule = {"method": "POST", "path": "^/v2/transcript$", "kind": kind, **how}
    assert vendor.client.post("/sandbox/faults", json=[rule]).status_code == 200


def test_a_webhook_that_never_comes(vendor, visit, receiver) -> None:
    misbehave(vendor, "webhook_mute")
    job = vendor.transcribe(visit, webhook_url=receiver.url)
    time.sleep(0.3)
    assert (job["status"], receiver.calls) == ("completed", [])


def test_a_webhook_that_lies_about_both_job_and_end(vendor, receiver) -> None:
    misbehave(vendor, "webhook_lie")
    job = vendor.submit(audio_url=UNKNOWN_URL, webhook_url=receiver.url).json()
    receiver.wait(1)
    assert receiver.calls[0][1]["status"] == "completed"
    assert receiver.calls[0][1]["transcript_id"] != job["id"]


def test_a_webhook_that_comes_twice(vendor, receiver) -> None:
    misbehave(vendor, "webhook_twice")
    vendor.submit(audio_url=UNKNOWN_URL, webhook_url=receiver.url)
    receiver.wait(2)
    time.sleep(0.3)
    assert len(receiver.calls) == 2
    assert receiver.calls[0][1] == receiver.calls[1][1]


def test_a_webhook_that_comes_late(vendor, receiver) -> None:
    misbehave(vendor, "webhook_late", seconds=1)
    job = vendor.submit(audio_url=UNKNOWN_URL, webhook_url=receiver.url).json()
    ended = vendor.wait(job["id"])
    assert (ended["status"], receiver.calls) == ("error", [])
    receiver.wait(1)


def test_a_webhook_that_comes_before_the_submission_is_answered(vendor, visit, receiver) -> None:
    misbehave(vendor, "webhook_early")
    url = vendor.upload(visit)
    vendor.client.patch("/sandbox/controls", json={"jobs_held": True})
    answer = vendor.submit(audio_url=url, webhook_url=receiver.url)
    vendor.client.patch("/sandbox/controls", json={"jobs_held": False})
    job = answer.json()
    assert receiver.calls[0][1] == {"transcript_id": job["id"], "status": "completed"}
    assert job["status"] in ("queued", "processing")
    receiver.wait(2)
    assert receiver.calls[1][1] == {"transcript_id": job["id"], "status": "completed"}
