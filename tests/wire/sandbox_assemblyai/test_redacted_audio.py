"""Redacted sound: pending, then a file with a tone or nothing where entities are spoken, behind a link that ends."""

from __future__ import annotations

import io
import math
import time
from array import array
from typing import Any

import av
import httpx
import pytest
from connector_sandbox.assemblyai.bleeping import PAD_MS
from connector_sandbox.assemblyai.recognising import recognise

from tests.wire.sandbox_assemblyai.mixing import Piece, join, write
from tests.wire.sandbox_assemblyai.test_webhooks import Receiver, receiver

__all__ = ["receiver"]

RATE = 16_000
WANTED: dict[str, Any] = {
    "redact_pii": True,
    "redact_pii_audio": True,
    "redact_pii_policies": ["person_name", "drug"],
    "entity_detection": True,
}


@pytest.fixture(autouse=True)
def quick(vendor) -> Any:
    change = {"redaction_seconds": 0, "webhook_spacing": 0.05}
    vendor.client.patch("/sandbox/controls", json=change)
    yield
    usual = {"link_seconds": 1800, "redacted_audio_seconds": 86_400, "redaction_seconds": 0.3}
    vendor.client.patch("/sandbox/controls", json=usual)


def ask(vendor: Any, job_id: str) -> httpx.Response:
    answer: httpx.Response = vendor.client.get(f"/v2/transcript/{job_id}/redacted-audio")
    return answer


def wait(vendor: Any, job_id: str) -> str:
    ends = time.monotonic() + 30
    while (answer := ask(vendor, job_id)).status_code == 202:
        assert time.monotonic() < ends
        time.sleep(0.05)
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "redacted_audio_ready"
    url: str = answer.json()["redacted_audio_url"]
    return url


def fetch(url: str) -> httpx.Response:
    return httpx.get(url, timeout=30, trust_env=False)


def samples_of(content: bytes) -> array[int]:
    samples = array("h")
    with av.open(io.BytesIO(content)) as sound:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        for frame in sound.decode(audio=0):
            for piece in resampler.resample(frame):
                samples.frombytes(bytes(piece.planes[0])[: 2 * piece.samples])
    return samples


def loudness(samples: array[int], start_ms: int, end_ms: int) -> float:
    part = samples[start_ms * RATE // 1000 : end_ms * RATE // 1000]
    return math.sqrt(sum(sample * sample for sample in part) / len(part))


def test_it_is_pending_then_ready_and_a_new_link_each_time_it_is_asked_for(vendor, visit) -> None:
    vendor.client.patch("/sandbox/controls", json={"redaction_seconds": 1.5})
    printed = vendor.transcribe(visit, **WANTED)
    assert printed["redact_pii_audio"] is True
    assert ask(vendor, printed["id"]).status_code == 202
    first = wait(vendor, printed["id"])
    time.sleep(1.1)
    assert wait(vendor, printed["id"]) != first
    answer = fetch(first)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/mpeg")
    with av.open(io.BytesIO(answer.content)) as sound:
        assert sound.streams.audio[0].codec.name.startswith("mp3")
        assert abs(sound.duration / 1_000_000 - printed["audio_duration"]) < 1.5


@pytest.mark.parametrize("method", ["beep", "silence"])
def test_entities_are_not_heard_and_everything_else_is(vendor, tmp_path, method) -> None:
    speech = join([Piece(0, 30, "chasidy")])
    content = write(tmp_path / "v.wav", speech, codec="pcm_s16le", rate=RATE).read_bytes()
    options = {"override_audio_redaction_method": "silence"} if method == "silence" else {}
    how = {**WANTED, "redact_pii_audio_quality": "wav", "redact_pii_audio_options": options}
    printed = vendor.transcribe(content, **how)
    heard = samples_of(fetch(wait(vendor, printed["id"])).content)
    hidden = [one for one in printed["entities"] if one["entity_type"] in ("person_name", "drug")]
    kept = [one for one in printed["entities"] if one["entity_type"] not in ("person_name", "drug")]
    assert len(hidden) >= 3
    assert kept
    for entity in hidden:
        said, now = loudness(speech, entity["start"], entity["end"]), heard[entity["start"] * 16 : entity["end"] * 16]
        assert said > 500
        assert max(now) == (5_000 if method == "beep" else 0)
        assert len(set(now)) <= 16  # a tone of 16 samples, or nothing
    apart = array("h", heard)
    whole = array("h", speech[: len(heard)])
    for entity in hidden:
        first, last = (entity["start"] - PAD_MS) * 16, (entity["end"] + PAD_MS) * 16
        for sound in (apart, whole):
            sound[max(0, first) : last] = array("h", bytes(2 * (last - max(0, first))))
    assert apart == whole


def test_what_is_redacted_cannot_be_recognised_any_more(vendor, tmp_path) -> None:
    content = write(tmp_path / "v.wav", join([Piece(0, 13, "chasidy")]), codec="pcm_s16le", rate=RATE).read_bytes()
    how = {**WANTED, "redact_pii_policies": ["date", "duration"], "redact_pii_audio_quality": "wav"}
    printed = vendor.transcribe(content, **how)
    (tmp_path / "redacted.wav").write_bytes(fetch(wait(vendor, printed["id"])).content)
    said, left = (
        " ".join(word.text for turn in recognise(tmp_path / name) for word in turn.words)
        for name in ("v.wav", "redacted.wav")
    )
    assert {"week", "days"} <= set(said.split())
    assert not {"last", "week", "three", "days"} & set(left.split())
    assert {"urgent", "care", "blood", "pressure"} <= set(left.split())


def test_it_was_not_asked_for(vendor, visit) -> None:
    for how in ({}, {"redact_pii": True, "redact_pii_policies": ["drug"]}, {"redact_pii_audio": True}):
        assert ask(vendor, vendor.transcribe(visit, **how)["id"]).status_code == 400


def test_a_failed_job_has_none(vendor) -> None:
    job = vendor.submit(audio_url="http://127.0.0.1:9/upload/none/none", **WANTED).json()
    vendor.wait(job["id"])
    assert ask(vendor, job["id"]).status_code == 400


def test_an_unknown_id_is_not_found_or_as_it_once_was_refused(vendor) -> None:
    nobody = "00000000-0000-0000-0000-000000000000"
    assert ask(vendor, nobody).status_code == 404
    vendor.client.patch("/sandbox/controls", json={"unknown_id_status": 400})
    answer = vendor.client.get(f"/v2/transcript/{nobody}")
    vendor.client.patch("/sandbox/controls", json={"unknown_id_status": 404})
    assert (answer.status_code, "transcript id not found" in answer.json()["error"]) == (400, True)


def test_a_link_is_for_get_alone_and_ends(vendor, visit) -> None:
    printed = vendor.transcribe(visit, **WANTED)
    link = wait(vendor, printed["id"])
    assert httpx.head(link, trust_env=False).status_code == 403
    assert fetch(link).status_code == 200
    assert fetch(link.replace("signature=", "signature=0")).status_code == 403
    later = link.replace("expires=", "expires=9")
    assert fetch(later).status_code == 403
    vendor.client.patch("/sandbox/controls", json={"link_seconds": 0})
    short = wait(vendor, printed["id"])
    time.sleep(1.1)
    ended = fetch(short)
    assert ended.status_code == 403
    assert "expired" in ended.text
    assert fetch(link).status_code == 200


def test_the_file_ends_after_its_day(vendor, visit) -> None:
    printed = vendor.transcribe(visit, **WANTED)
    link = wait(vendor, printed["id"])
    vendor.client.patch("/sandbox/controls", json={"redacted_audio_seconds": 0})
    assert ask(vendor, printed["id"]).status_code == 400
    vendor.client.patch("/sandbox/controls", json={"redacted_audio_seconds": 86_400})
    assert ask(vendor, printed["id"]).status_code == 400
    assert fetch(link).status_code == 403


def test_it_goes_with_its_transcript(vendor, visit) -> None:
    printed = vendor.transcribe(visit, **WANTED)
    link = wait(vendor, printed["id"])
    vendor.client.delete(f"/v2/transcript/{printed['id']}")
    assert ask(vendor, printed["id"]).status_code == 400
    assert fetch(link).status_code == 403


def test_another_project_cannot_ask_for_it(vendor, another_project, visit) -> None:
    printed = vendor.transcribe(visit, **WANTED)
    wait(vendor, printed["id"])
    assert ask(another_project, printed["id"]).status_code == 404


def test_a_second_webhook_tells_of_it_and_names_no_transcript(vendor, visit, receiver: Receiver) -> None:
    job = vendor.submit(
        audio_url=vendor.upload(visit),
        webhook_url=receiver.url,
        webhook_auth_header_name="X-Webhook-Secret",
        webhook_auth_header_value="s3cret",
        **WANTED,
    ).json()
    receiver.wait(2)
    (_, first), (headers, second) = receiver.calls
    assert first == {"transcript_id": job["id"], "status": "completed"}
    assert set(second) == {"status", "redacted_audio_url"}
    assert second["status"] == "redacted_audio_ready"
    assert headers["x-webhook-secret"] == "s3cret"
    assert fetch(second["redacted_audio_url"]).status_code == 200
