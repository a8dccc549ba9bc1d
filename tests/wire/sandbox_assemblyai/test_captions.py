"""Captions and word search of a completed transcript."""

from __future__ import annotations

import re
import uuid

import pytest

UNKNOWN_URL = "http://127.0.0.1:9/upload/none/none"


def test_captions_hold_the_words_and_their_times(vendor, visit) -> None:
    printed = vendor.transcribe(visit)
    answer = vendor.client.get(f"/v2/transcript/{printed['id']}/srt")
    assert answer.headers["content-type"].startswith("text/plain")
    captions = [caption.split("\n") for caption in answer.text.strip().split("\n\n")]
    assert [int(number) for number, _, _ in captions] == list(range(1, len(captions) + 1))
    assert " ".join(text for _, _, text in captions) == printed["text"]
    assert captions[0][1].startswith("00:00:00,")
    times = [re.fullmatch(r"(\d\d):(\d\d):(\d\d),(\d{3}) --> (\d\d):(\d\d):(\d\d),(\d{3})", one[1]) for one in captions]
    last = times[-1]
    assert last is not None
    hours, minutes, seconds, rest = (int(part) for part in last.groups()[4:])
    assert ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest == printed["words"][-1]["end"]


def test_captions_are_as_long_as_was_asked_for(vendor, visit) -> None:
    printed = vendor.transcribe(visit)
    answer = vendor.client.get(f"/v2/transcript/{printed['id']}/vtt", params={"chars_per_caption": 32})
    assert answer.text.startswith("WEBVTT\n\n00:00:00.")
    texts = [caption.split("\n")[1] for caption in answer.text.strip().split("\n\n")[1:]]
    assert max(len(text) for text in texts) <= 32
    assert " ".join(texts) == printed["text"]
    refused = vendor.client.get(f"/v2/transcript/{printed['id']}/vtt", params={"chars_per_caption": "many"})
    assert refused.status_code == 400


def test_words_and_phrases_are_found(vendor, visit) -> None:
    printed = vendor.transcribe(visit)
    path = f"/v2/transcript/{printed['id']}/word-search"
    found = vendor.client.get(path, params={"words": "Lisinopril,blood pressure,unicorn"}).json()
    assert found["id"] == printed["id"]
    drug, phrase = found["matches"]
    assert (drug["text"], phrase["text"]) == ("lisinopril", "blood pressure")
    assert drug["count"] == printed["text"].lower().count("lisinopril")
    assert found["total_count"] == drug["count"] + phrase["count"]
    first = printed["words"][drug["indexes"][0]]
    assert first["text"].lower().startswith("lisinopril")
    assert drug["timestamps"][0] == [first["start"], first["end"]]
    for wanted in ("", "one two three four five six"):
        assert vendor.client.get(path, params={"words": wanted}).status_code == 400


@pytest.mark.parametrize("what", ["srt", "vtt", "word-search?words=a"])
def test_there_are_none_of_an_unfinished_or_unknown_job(vendor, what) -> None:
    vendor.client.post("/sandbox/faults", json=[{"method": "POST", "path": "/v2/transcript", "kind": "stuck"}])
    job = vendor.submit(audio_url=UNKNOWN_URL).json()
    assert vendor.client.get(f"/v2/transcript/{job['id']}/{what}").status_code == 400
    assert vendor.client.get(f"/v2/transcript/{uuid.uuid4()}/{what}").status_code == 404


def test_a_redacted_transcript_has_redacted_captions(vendor, visit) -> None:
    printed = vendor.transcribe(visit, redact_pii=True, redact_pii_policies=["person_name"])
    for what in ("srt", "vtt"):
        text = vendor.client.get(f"/v2/transcript/{printed['id']}/{what}").text
        assert "Mrs. ########." in text
        assert "Prosacco" not in text
    path = f"/v2/transcript/{printed['id']}/word-search"
    assert vendor.client.get(path, params={"words": "Prosacco"}).json()["total_count"] == 0
