"""POST /v2/transcript: each rule of the vendor's 400s, and what is taken without a word."""

from __future__ import annotations

from typing import Any

import pytest

URL = "http://127.0.0.1:9/upload/none/none"
ROLES = {"speaker_type": "role", "known_values": ["Doctor", "Patient"]}


def understanding(**identification: Any) -> dict[str, Any]:
    return {"request": {"speaker_identification": identification}}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no address": ({"audio_url": None}, "audio_url"),
    "an address that is none": ({"audio_url": "visit.mp3"}, "audio_url should start with http"),
    "the old model field": ({"speech_model": "best"}, '"speech_model" is deprecated'),
    "no models": ({"speech_models": []}, "non-empty list"),
    "an unknown model": ({"speech_models": ["universal-9"]}, "non-empty list"),
    "a model that is no list": ({"speech_models": "universal-2"}, "non-empty list"),
    "1001 terms": ({"keyterms_prompt": [f"term {n}" for n in range(1001)]}, "at most 1000"),
    "201 terms with universal-2": (
        {"speech_models": ["universal-2"], "keyterms_prompt": [f"term {n}" for n in range(201)]},
        "at most 200",
    ),
    "201 terms that fall to universal-2 by language": (
        {"language_code": "sw", "keyterms_prompt": [f"term {n}" for n in range(201)]},
        "at most 200",
    ),
    "a term of seven words": ({"keyterms_prompt": ["one two three four five six seven"]}, "at most 6 words"),
    "a term that is empty": ({"keyterms_prompt": [" "]}, "non-empty strings"),
    "terms that are no list": ({"keyterms_prompt": "aspirin"}, "list"),
    "a prompt too long": ({"prompt": "word " * 1501}, "at most 1500 words"),
    "prompt beside terms with universal-3-pro": (
        {"speech_models": ["universal-3-pro"], "prompt": "a visit", "keyterms_prompt": ["aspirin"]},
        "cannot be used together",
    ),
    "a threshold beyond one": ({"speech_threshold": 1.5}, "between 0 and 1"),
    "an unknown domain": ({"domain": "medical-v9"}, "medical-v1"),
    "a language that is none": ({"language_code": "English"}, "language_code"),
    "a language the models lack": ({"speech_models": ["universal-3-pro"], "language_code": "sw"}, "not available"),
    "both ways to count speakers": (
        {"speaker_labels": True, "speakers_expected": 2, "speaker_options": {"min_speakers_expected": 1}},
        "cannot be used together",
    ),
    "no speakers": ({"speaker_labels": True, "speakers_expected": 0}, "positive integer"),
    "roles without speakers": ({"speech_understanding": {"request": {"speaker_identification": ROLES}}}, "requires"),
    "roles of an unknown kind": (
        {"speaker_labels": True, "speech_understanding": understanding(speaker_type="mood", known_values=["x"])},
        "speaker_type",
    ),
    "roles named twice": (
        {
            "speaker_labels": True,
            "speech_understanding": understanding(**ROLES, speakers=[{"role": "Doctor"}]),
        },
        "exactly one",
    ),
    "roles not named": (
        {"speaker_labels": True, "speech_understanding": understanding(speaker_type="role")},
        "exactly one",
    ),
    "speakers without their role": (
        {"speaker_labels": True, "speech_understanding": understanding(speaker_type="role", speakers=[{"name": "A"}])},
        "role of each speaker",
    ),
    "speakers that are no list": (
        {"speaker_labels": True, "speech_understanding": understanding(speaker_type="role", speakers=7)},
        "role of each speaker",
    ),
    "a role of 36 characters": (
        {"speaker_labels": True, "speech_understanding": understanding(speaker_type="role", known_values=["x" * 36])},
        "at most 35",
    ),
    "understanding without a request": ({"speech_understanding": {"translation": {}}}, "request"),
    "unredacted without redaction": ({"redact_pii_return_unredacted": True}, 'requires "redact_pii"'),
    "redaction beside formatting": (
        {"redact_pii": True, "speech_understanding": {"request": {"custom_formatting": {"date": "iso"}}}},
        "cannot be used together",
    ),
    "an unknown substitution": ({"redact_pii": True, "redact_pii_sub": "stars"}, "hash, entity_name"),
    "redacted sound of an unknown kind": ({"redact_pii": True, "redact_pii_audio_quality": "ogg"}, "mp3, wav"),
    "policies that are no list": ({"redact_pii": True, "redact_pii_policies": "drug"}, "list of strings"),
    "fewer speakers at most than at least": (
        {"speaker_labels": True, "speaker_options": {"min_speakers_expected": 3, "max_speakers_expected": 2}},
        "cannot be greater",
    ),
    "a webhook that is no address": ({"webhook_url": "ftp://x"}, "webhook_url"),
    "a webhook header without value": (
        {"webhook_url": "http://127.0.0.1:9/", "webhook_auth_header_name": "x-secret"},
        "used together",
    ),
    "a webhook header that breaks the line": (
        {
            "webhook_url": "http://127.0.0.1:9/",
            "webhook_auth_header_name": "x: y\r\nz",
            "webhook_auth_header_value": "1",
        },
        "header name",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(vendor, case: str) -> None:
    body, words = REFUSED[case]
    answer = vendor.submit(**{"audio_url": URL, **body})
    assert answer.status_code == 400
    assert set(answer.json()) == {"error"}
    assert words in answer.json()["error"]
    assert answer.headers["x-sandbox"] == "playback"


TAKEN: dict[str, dict[str, Any]] = {
    "nothing but an address": {},
    "options nobody knows": {"mood_detection": True, "retries": [1, 2]},
    "1000 terms of six words": {"keyterms_prompt": [f"one two three four five {n}" for n in range(1000)]},
    "200 terms with universal-2": {"speech_models": ["universal-2"], "keyterms_prompt": ["aspirin"] * 200},
    "prompt beside terms with universal-3-5-pro": {"prompt": "a visit", "keyterms_prompt": ["aspirin"]},
    "roles by channel": {"multichannel": True, "speech_understanding": understanding(**ROLES)},
    "roles with descriptions": {
        "speaker_labels": True,
        "speech_understanding": understanding(
            speaker_type="role", speakers=[{"role": "Doctor", "description": "asks"}, {"role": "Patient"}]
        ),
    },
    "policies nobody knows": {"redact_pii": True, "redact_pii_policies": ["medical_secrets"]},
    "a range of speakers": {"speaker_labels": True, "speaker_options": {"min_speakers_expected": 2}},
    "a language only universal-2 has": {"language_code": "sw"},
    "a webhook with its secret": {
        "webhook_url": "http://127.0.0.1:9/",
        "webhook_auth_header_name": "x-secret",
        "webhook_auth_header_value": "1",
    },
}


@pytest.mark.parametrize("case", TAKEN)
def test_taken(vendor, case: str) -> None:
    answer = vendor.submit(audio_url=URL, **TAKEN[case])
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "queued"
    assert vendor.client.delete(f"/v2/transcript/{answer.json()['id']}").status_code == 200


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"text"'])
def test_a_body_that_is_no_object_is_refused(vendor, content: bytes) -> None:
    answer = vendor.client.post("/v2/transcript", content=content)
    assert answer.status_code == 400
    assert "error" in answer.json()
