"""Language detection: the script's language, how sure, and what a threshold, expected languages and a fallback do."""

from __future__ import annotations

from typing import Any

import pytest
from connector_sandbox.assemblyai.hearing import NotTranscribed
from connector_sandbox.assemblyai.languages import settle_language
from connector_sandbox.assemblyai.playback import HeardTurn, HeardWord
from connector_sandbox.assemblyai.submission import read_submission

from tests.wire.sandbox_assemblyai.mixing import RATE, Piece, join, write

URL = "http://127.0.0.1:9/upload/none/none"


def spoken(language: str, *, seconds: float = 20.0) -> tuple[HeardTurn, ...]:
    word = HeardWord("hola", 0, int(seconds * 1000), confidence=0.9)
    return (HeardTurn(role=None, name=None, words=(word,), language=language),)


def settle(turns: tuple[HeardTurn, ...], **body: Any) -> Any:
    return settle_language(read_submission({"audio_url": URL, "language_detection": True, **body}), turns)


@pytest.fixture
def short(tmp_path) -> bytes:
    return write(tmp_path / "v.wav", join([Piece(0, 8, "chasidy")]), codec="pcm_s16le", rate=RATE).read_bytes()


def test_the_language_is_unknown_until_the_job_is_done(vendor, visit) -> None:
    job = vendor.submit(audio_url=vendor.upload(visit), language_detection=True).json()
    assert (job["language_code"], job["language_confidence"]) == (None, None)
    printed = vendor.wait(job["id"])
    assert (printed["language_code"], printed["language_confidence"]) == ("en", 0.98)


def test_a_few_seconds_are_less_sure_and_a_threshold_ends_the_job(vendor, short) -> None:
    printed = vendor.transcribe(short, language_detection=True)
    assert 0.5 < printed["language_confidence"] < 0.8
    printed = vendor.transcribe(short, language_detection=True, language_confidence_threshold=0.9)
    assert printed["status"] == "error"
    assert "below the requested confidence threshold value of '0.9'" in printed["error"]
    assert printed["text"] is None
    options = {"fallback_language": "en_us"}
    printed = vendor.transcribe(
        short, language_detection=True, language_confidence_threshold=0.9, language_detection_options=options
    )
    assert (printed["status"], printed["language_code"]) == ("completed", "en_us")
    assert printed["language_detection_options"] == options


def test_a_language_that_was_named_is_not_looked_for(vendor, short) -> None:
    printed = vendor.transcribe(
        short, language_code="en_uk", language_detection=True, language_confidence_threshold=0.9
    )
    assert (printed["status"], printed["language_code"], printed["language_confidence"]) == ("completed", "en_uk", None)


def test_what_is_spoken_decides_over_model_and_medical_mode() -> None:
    english = settle(spoken("en"), domain="medical-v1")
    assert (english.language, english.model_used, english.domain_used) == ("en", "universal-3-5-pro", "medical-v1")
    swahili = settle(spoken("sw"), domain="medical-v1")
    assert (swahili.language, swahili.model_used, swahili.domain_used) == ("sw", "universal-2", None)
    assert any("medical-v1 correction was skipped" in warning for warning in swahili.warnings)


def test_most_of_the_speech_decides() -> None:
    assert settle((*spoken("en", seconds=5), *spoken("es", seconds=9))).language == "es"


def test_the_languages_switched_between_are_named_only_where_that_was_asked_for() -> None:
    turns = (*spoken("en", seconds=6), *spoken("es", seconds=9), *spoken("fr", seconds=5))
    assert settle(turns).switched == ()
    assert settle(turns, language_detection_options={"code_switching": True}).switched == (("es", 0.45), ("en", 0.3))
    bounded = {"code_switching": True, "code_switching_confidence_threshold": 0.4}
    assert settle(turns, language_detection_options=bounded).switched == (("es", 0.45),)


def test_code_switching_is_printed_and_must_be_a_switch(vendor, visit) -> None:
    printed = vendor.transcribe(visit, language_detection=True, language_detection_options={"code_switching": True})
    assert printed["language_codes"] == ["en"]
    found = {"code_switching_languages": [{"language_code": "en", "confidence": 1.0}]}
    assert printed["language_detection_results"] == found
    refused = vendor.submit(
        audio_url=vendor.upload(visit), language_detection=True, language_detection_options={"code_switching": "yes"}
    )
    assert refused.status_code == 400 and "code_switching" in refused.json()["error"]


def test_no_model_knows_the_language() -> None:
    with pytest.raises(NotTranscribed, match="not available in this language"):
        settle(spoken("sw"), speech_models=["universal-3-pro"])


@pytest.mark.parametrize(
    ("options", "language"),
    [
        ({"expected_languages": ["en", "es"]}, "es"),
        ({"expected_languages": ["en", "fr"]}, "en"),
        ({"expected_languages": ["en", "fr"], "fallback_language": "fr"}, "fr"),
        ({"expected_languages": ["en", "fr"], "fallback_language": "auto"}, "en"),
    ],
)
def test_expected_languages_bound_the_choice(options, language) -> None:
    assert settle(spoken("es"), language_detection_options=options).language == language
