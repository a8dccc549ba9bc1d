"""Every option of a transcription reaches the body, and the SDK's global settings stay as they were."""

from __future__ import annotations

import json
from dataclasses import replace

import assemblyai
import pytest

from connector.clients.speech_request import SpeechOptions, build_transcript_request, require_carried
from connector.errors import Misconfigured

OPTIONS = SpeechOptions(
    speech_models=("universal-3-5-pro", "universal-2"),
    domain="medical-v1",
    roles=("Doctor", "Patient"),
    language="en",
)


def test_every_option_reaches_the_body():
    body = build_transcript_request("https://cdn.example/upload/1", ["metoprolol", "Müller"], options=OPTIONS)
    assert body == {
        "audio_url": "https://cdn.example/upload/1",
        "speech_models": ["universal-3-5-pro", "universal-2"],
        "domain": "medical-v1",
        "speaker_labels": True,
        "speech_understanding": {
            "request": {"speaker_identification": {"speaker_type": "role", "known_values": ["Doctor", "Patient"]}}
        },
        "keyterms_prompt": ["metoprolol", "Müller"],
        "language_code": "en",
    }
    assert json.loads(json.dumps(body)) == body


def test_options_not_used_are_not_sent():
    bare = SpeechOptions(speech_models=("universal-2",), domain=None, roles=(), language=None)
    assert build_transcript_request("u", [], options=bare) == {
        "audio_url": "u",
        "speech_models": ["universal-2"],
        "speaker_labels": True,
        "language_detection": True,
    }


def test_a_thousand_keyterms_reach_the_body_in_order():
    terms = [f"drug number {n}" for n in range(1000)]
    assert build_transcript_request("u", terms, options=OPTIONS)["keyterms_prompt"] == terms


@pytest.mark.parametrize(
    ("exclusive", "prefers", "terms", "sent"),
    [
        (False, "keyterms", ["a"], {"keyterms_prompt": ["a"], "prompt": "a visit"}),
        (False, "prompt", ["a"], {"keyterms_prompt": ["a"], "prompt": "a visit"}),
        (True, "keyterms", ["a"], {"keyterms_prompt": ["a"]}),
        (True, "prompt", ["a"], {"prompt": "a visit"}),
        (True, "keyterms", [], {"prompt": "a visit"}),
    ],
)
def test_a_model_that_takes_one_of_both_gets_one_of_both(exclusive, prefers, terms, sent):
    options = replace(OPTIONS, prompt="a visit", exclusive=exclusive, prefers=prefers)
    body = build_transcript_request("u", terms, options=options)
    assert {name: body[name] for name in ("keyterms_prompt", "prompt") if name in body} == sent


@pytest.mark.parametrize(
    "options",
    [
        SpeechOptions(speech_models=()),
        SpeechOptions(speech_models=("m",), roles=("x" * 36,)),
        SpeechOptions(speech_models=("m",), roles=("",)),
        SpeechOptions(speech_models=("m",), prompt="  "),
        SpeechOptions(speech_models=("m",), prompt="word " * 1501),
        SpeechOptions(speech_models=("m",), prefers="prompt"),
    ],
)
def test_options_the_vendor_would_refuse_are_refused_here(options):
    with pytest.raises(Misconfigured):
        build_transcript_request("u", [], options=options)


@pytest.mark.parametrize("carried", [{"speaker_labels": True}, {"speaker_labels": True, "domain": "general"}])
def test_an_option_that_the_sdk_drops_or_changes_is_an_error(carried):
    with pytest.raises(Misconfigured, match="domain"):
        require_carried({"speaker_labels": True, "domain": "medical-v1"}, carried)


def test_the_sdks_own_settings_are_left_alone():
    before = (assemblyai.settings.api_key, assemblyai.settings.base_url)
    build_transcript_request("u", ["a"], options=OPTIONS)
    assert (assemblyai.settings.api_key, assemblyai.settings.base_url) == before
