"""Language, speakers, entities, redaction and webhook: every option reaches the body, and what would be ignored is
refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import assemblyai
import pytest

from connector.clients.speech_request import (
    Detection,
    Redaction,
    SpeakerAsked,
    SpeakerCount,
    SpeechOptions,
    Webhook,
    build_transcript_request,
    check_options,
)
from connector.errors import Misconfigured

BARE = SpeechOptions(speech_models=("universal-2",), domain=None, roles=(), language="en")
PEOPLE = (SpeakerAsked("Clinician", "Dr. Lee", "Asks and examines."), SpeakerAsked("Partner", "Sam"))


def sent(**options: object) -> dict[str, Any]:
    """What these options add to the body of a job that asks for nothing."""
    plain = build_transcript_request("u", [], options=BARE)
    body = build_transcript_request("u", [], options=replace(BARE, **options))  # type: ignore[arg-type]
    return {name: value for name, value in body.items() if plain.get(name) != value}


ADDED: dict[str, tuple[dict[str, object], dict[str, Any]]] = {
    "detection": ({"language": None}, {"language_detection": True}),
    "expected languages": (
        {"language": None, "detection": Detection(("en", "es"), fallback="en", mixed=True)},
        {
            "language_detection": True,
            "language_detection_options": {
                "expected_languages": ["en", "es"],
                "fallback_language": "en",
                "code_switching": True,
            },
        },
    ),
    "a fallback for the unsure": (
        {"language": None, "detection": Detection(fallback="en", least_confidence=0.4)},
        {
            "language_detection": True,
            "language_confidence_threshold": 0.4,
            "language_detection_options": {"fallback_language": "en", "on_low_language_confidence": "fallback"},
        },
    ),
    "a range of speakers": (
        {"count": SpeakerCount(2, 3)},
        {"speaker_options": {"min_speakers_expected": 2, "max_speakers_expected": 3}},
    ),
    "an exact number": ({"count": SpeakerCount(3, 3, exact=True)}, {"speakers_expected": 3}),
    "roles with what they do": (
        {"speakers": PEOPLE},
        {
            "speech_understanding": {
                "request": {
                    "speaker_identification": {
                        "speaker_type": "role",
                        "speakers": [
                            {"role": "Clinician", "description": "Asks and examines."},
                            {"role": "Partner"},
                        ],
                    }
                }
            }
        },
    ),
    "names": (
        {"speakers": PEOPLE[1:], "by_name": True},
        {
            "speech_understanding": {
                "request": {"speaker_identification": {"speaker_type": "name", "speakers": [{"name": "Sam"}]}}
            }
        },
    ),
    "entities": ({"entities": True}, {"entity_detection": True}),
    "redaction": (
        {"redaction": Redaction(("person_name", "drug"), "hash")},
        {
            "redact_pii": True,
            "redact_pii_policies": ["person_name", "drug"],
            "redact_pii_sub": "hash",
            "redact_pii_return_unredacted": True,
        },
    ),
    "redacted sound": (
        {"redaction": Redaction(("drug",), audio=True, quality="wav", silence=True)},
        {
            "redact_pii": True,
            "redact_pii_policies": ["drug"],
            "redact_pii_sub": "entity_name",
            "redact_pii_return_unredacted": True,
            "redact_pii_audio": True,
            "redact_pii_audio_quality": "wav",
            "redact_pii_audio_options": {"override_audio_redaction_method": "silence"},
        },
    ),
    "a webhook": (
        {"webhook": Webhook("https://scribe.example/hooks/1", "X-Scribe-Job", "s3cret")},
        {
            "webhook_url": "https://scribe.example/hooks/1",
            "webhook_auth_header_name": "X-Scribe-Job",
            "webhook_auth_header_value": "s3cret",
        },
    ),
}


@pytest.mark.parametrize("name", ADDED)
def test_each_option_reaches_the_body(name: str) -> None:
    options, wanted = ADDED[name]
    assert sent(**options) == wanted


def test_where_channels_are_speakers_nobody_is_counted_or_told_apart() -> None:
    assert sent(by_channel=True, count=SpeakerCount(2, 3), speakers=PEOPLE) == {"multichannel": True}


def test_every_policy_of_the_vendors_is_taken_and_a_misspelt_one_is_named_with_those_near_it() -> None:
    policies = tuple(policy.value for policy in assemblyai.PIIRedactionPolicy)
    assert sent(redaction=Redaction(policies))["redact_pii_policies"] == list(policies)
    with pytest.raises(Misconfigured, match=r"'person_nam', and would ignore it\. Near it are: person_name"):
        check_options(replace(BARE, redaction=Redaction(("drug", "person_nam"))))


@pytest.mark.parametrize(
    "options",
    [
        {"redaction": Redaction(())},
        {"count": SpeakerCount(3, 2)},
        {"count": SpeakerCount(0, 2)},
        {"roles": ("Patient", "Patient")},
        {"speakers": (SpeakerAsked("Patient", ""),), "by_name": True},
        {"speakers": (SpeakerAsked("x" * 36),)},
        {"webhook": Webhook("ftp://scribe.example", "X-Scribe-Job", "s")},
        {"webhook": Webhook("https://scribe.example", "X-Scribe-Job", "")},
    ],
)
def test_what_the_vendor_would_refuse_or_ignore_is_refused_here(options: dict[str, object]) -> None:
    with pytest.raises(Misconfigured):
        check_options(replace(BARE, **options))  # type: ignore[arg-type]


def test_a_webhooks_secret_stands_in_no_printed_options() -> None:
    assert "s3cret" not in repr(replace(BARE, webhook=Webhook("https://scribe.example/1", "X-Scribe-Job", "s3cret")))
