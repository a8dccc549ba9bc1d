"""POST /v2/upload: any body of any kind arrives whole, belongs to one project, and is bounded."""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.fixtures.assemblyai import KEY, run_process


def uploads(base: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = httpx.get(f"{base}/sandbox/uploads", trust_env=False).json()["uploads"]
    return found


def in_pieces(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), 10_000):
        yield content[start : start + 10_000]


@pytest.mark.parametrize("content_type", [None, "application/octet-stream", "audio/mpeg", "application/json"])
def test_bytes_arrive_whatever_they_are_called(assemblyai_base, vendor, visit, content_type) -> None:
    headers = {"content-type": content_type} if content_type else {}
    answer = vendor.client.post("/v2/upload", content=visit, headers=headers)
    assert answer.status_code == 200
    assert set(answer.json()) == {"upload_url"}
    newest = uploads(assemblyai_base)[-1]
    assert newest["upload_url"] == answer.json()["upload_url"]
    assert newest["sha256"] == hashlib.sha256(visit).hexdigest()
    assert newest["size"] == len(visit)


def test_a_body_of_unknown_length_is_taken(assemblyai_base, vendor, visit) -> None:
    answer = vendor.client.post("/v2/upload", content=in_pieces(visit))
    assert answer.status_code == 200
    assert uploads(assemblyai_base)[-1]["sha256"] == hashlib.sha256(visit).hexdigest()


def test_the_address_names_the_project(vendor, another_project) -> None:
    ours, theirs = vendor.upload(b"sound"), another_project.upload(b"sound")
    assert urlsplit(ours).path.split("/")[1:2] == ["upload"]
    assert urlsplit(ours).path.split("/")[2] != urlsplit(theirs).path.split("/")[2]


def test_an_upload_of_another_project_cannot_be_transcribed(vendor, another_project, visit) -> None:
    refused = another_project.submit(audio_url=vendor.upload(visit))
    assert refused.status_code == 403
    assert "another project" in refused.json()["error"]


@pytest.mark.parametrize("header", [KEY, f"Bearer {KEY}", f"bearer {KEY}"])
def test_the_key_is_taken_raw_and_as_bearer(assemblyai_base, header) -> None:
    answer = httpx.get(f"{assemblyai_base}/v2/transcript", headers={"authorization": header}, trust_env=False)
    assert answer.status_code == 200


@pytest.mark.parametrize("headers", [{}, {"authorization": ""}, {"authorization": "Bearer"}])
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/v2/upload"), ("POST", "/v2/transcript"), ("GET", "/v2/transcript")]
)
def test_without_a_key_nothing_is_done(assemblyai_base, headers, method, path) -> None:
    answer = httpx.request(method, f"{assemblyai_base}{path}", headers=headers, trust_env=False)
    assert answer.status_code == 401
    assert answer.json() == {"error": "Authentication error, API token missing/invalid"}


def test_a_sandbox_may_be_told_its_keys_and_its_largest_upload(tmp_path: Path) -> None:
    with run_process(tmp_path, "--key", "one", "--key", "two", "--largest-upload", "1000") as base:

        def post(content: bytes | Iterator[bytes], *, key: str = "one") -> httpx.Response:
            return httpx.post(f"{base}/v2/upload", content=content, headers={"authorization": key}, trust_env=False)

        assert post(b"x" * 1000, key="two").status_code == 200
        assert post(b"x", key="three").status_code == 401
        assert post(b"x" * 1001).status_code == 413
        assert post(in_pieces(b"x" * 40_000)).status_code == 413
        assert [upload["size"] for upload in uploads(base)] == [1000]
        assert len(list((tmp_path / "uploads").iterdir())) == 1
        assert (tmp_path / "uploads").stat().st_mode & 0o077 == 0
    assert list((tmp_path / "uploads").iterdir()) == []


def test_an_upload_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    with run_process(tmp_path) as base:
        port = urlsplit(base).port
        head = b"POST /v2/upload HTTP/1.1\r\nhost: x\r\nauthorization: k\r\ncontent-length: 100000\r\n\r\n"
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(head + b"x" * 5000)
            ends = time.monotonic() + 10
            while not list((tmp_path / "uploads").iterdir()):
                assert time.monotonic() < ends, "the upload was not begun"
                time.sleep(0.02)
        ends = time.monotonic() + 10
        while list((tmp_path / "uploads").iterdir()):
            assert time.monotonic() < ends, "the broken upload was kept"
            time.sleep(0.02)
        assert uploads(base) == []


def test_an_upload_that_is_made_to_expire_can_no_longer_be_transcribed(vendor, visit) -> None:
    ended, other = vendor.upload(visit), vendor.upload(b"another")
    for expired in (1, 0):
        answer = vendor.client.post("/sandbox/control/expire_upload", json={"upload_url": ended})
        assert answer.json() == {"expired": expired}
    present = {one["upload_url"]: one["present"] for one in vendor.client.get("/sandbox/uploads").json()["uploads"]}
    assert (present[ended], present[other]) == (False, True)
    printed = vendor.wait(vendor.submit(audio_url=ended).json()["id"])
    assert printed["status"] == "error"
    assert printed["error"].startswith(f"Download error, unable to download {ended}.")
    vendor.client.post("/sandbox/control/expire_upload", json={})
    present = {one["upload_url"]: one["present"] for one in vendor.client.get("/sandbox/uploads").json()["uploads"]}
    assert not any(present.values())
    nobody = vendor.client.post("/sandbox/control/expire_upload", json={"upload_url": "http://127.0.0.1:9/none"})
    assert nobody.status_code == 404
