"""Whose a turn is: by the script, unless a number of speakers is asked for that does not fit."""

from __future__ import annotations

from typing import Any

import pytest
from connector_sandbox.recordings import load_recording


def speakers(vendor: Any, content: bytes, **body: Any) -> list[str]:
    printed = vendor.transcribe(content, speaker_labels=True, **body)
    assert printed["text"] == " ".join(utterance["text"] for utterance in printed["utterances"])
    return list(dict.fromkeys(utterance["speaker"] for utterance in printed["utterances"]))


@pytest.mark.parametrize(
    "body",
    [
        {"speakers_expected": 2},
        {"speaker_options": {"min_speakers_expected": 2, "max_speakers_expected": 3}},
        {"speaker_options": {"min_speakers_expected": 1}},
        {"speaker_options": {}},
    ],
)
def test_a_number_that_fits_changes_nothing(vendor, visit, body) -> None:
    plain = vendor.transcribe(visit, speaker_labels=True)
    printed = vendor.transcribe(visit, speaker_labels=True, **body)
    assert printed["utterances"] == plain["utterances"]


def test_three_voices_are_three_speakers_and_two_are_made_of_them_if_two_are_expected(vendor) -> None:
    visit = load_recording("jacquelyne")
    content = visit.audio.read_bytes()
    values = ["Clinician", "Patient", "Partner"]
    wanted = {"request": {"speaker_identification": {"speaker_type": "role", "known_values": values}}}
    printed = vendor.transcribe(content, speaker_labels=True, speech_understanding=wanted)
    mapping = printed["speech_understanding"]["response"]["speaker_identification"]["mapping"]
    assert mapping == {"A": "Clinician", "B": "Patient", "C": "Partner"}
    assert [one["speaker"].lower() for one in printed["utterances"]] == [turn.role for turn in visit.turns]
    printed = vendor.transcribe(content, speaker_labels=True, speakers_expected=2, speech_understanding=wanted)
    mapping = printed["speech_understanding"]["response"]["speaker_identification"]["mapping"]
    assert mapping == {"A": "Clinician", "B": "Patient"}
    assert [one["speaker"] for one in printed["utterances"][:3]] == ["Clinician", "Patient", "Patient"]


@pytest.mark.parametrize("body", [{"speakers_expected": 1}, {"speaker_options": {"max_speakers_expected": 1}}])
def test_too_few_make_one_of_two_voices(vendor, visit, body) -> None:
    assert speakers(vendor, visit, **body) == ["A"]


@pytest.mark.parametrize("body", [{"speakers_expected": 3}, {"speaker_options": {"min_speakers_expected": 3}}])
def test_too_many_make_two_of_one_voice(vendor, visit, body) -> None:
    assert speakers(vendor, visit, **body) == ["A", "B", "C"]


def test_a_role_goes_to_both_labels_of_a_voice_taken_for_two(vendor, visit) -> None:
    wanted = {"request": {"speaker_identification": {"speaker_type": "role", "known_values": ["Doctor", "Patient"]}}}
    printed = vendor.transcribe(visit, speaker_labels=True, speakers_expected=3, speech_understanding=wanted)
    mapping = printed["speech_understanding"]["response"]["speaker_identification"]["mapping"]
    assert sorted(mapping) == ["A", "B", "C"]
    assert set(mapping.values()) == {"Doctor", "Patient"}
