"""Entities and redacted words: which are found, how they are replaced, and what the vendor leaves as it was said."""

from __future__ import annotations

from typing import Any

import assemblyai
import pytest
from connector_sandbox.recordings import load_recordings

ROLES = {"request": {"speaker_identification": {"speaker_type": "role", "known_values": ["Doctor", "Patient"]}}}
REDACTED: dict[str, Any] = {
    "redact_pii": True,
    "redact_pii_policies": ["person_name", "drug"],
    "speaker_labels": True,
    "speech_understanding": ROLES,
}


def test_every_entity_of_a_script_is_said_in_it_and_of_a_type_the_sdk_knows() -> None:
    known = {kind.value for kind in assemblyai.EntityType}
    for recording in load_recordings():
        said = " ".join(" ".join(word.text.strip(".,?!;:") for word in turn.words) for turn in recording.turns).lower()
        assert set(recording.entities.values()) <= known
        assert [phrase for phrase in recording.entities if phrase not in said] == []
        assert "person_name" in recording.entities.values()
        for phrase, kind in recording.entities.items():
            inner = [one for one, other in recording.entities.items() if f" {one} " in f" {phrase} " and other != kind]
            assert inner == [], "what is redacted by one policy would stay within the other"


def test_entities_are_found_where_they_are_said(vendor, visit) -> None:
    printed = vendor.transcribe(visit, entity_detection=True, speaker_labels=True)
    assert printed["entity_detection"] is True
    first, *_ = entities = printed["entities"]
    assert set(first) == {"entity_type", "text", "start", "end", "speaker"}
    assert (first["entity_type"], first["text"], first["speaker"]) == ("person_name", "Prosacco", "A")
    (name,) = [word for word in printed["words"] if word["text"] == "Prosacco."]
    assert (first["start"], first["end"]) == (name["start"], name["end"])
    said = {(entity["entity_type"], entity["text"].lower()) for entity in entities}
    assert {("drug", "lisinopril"), ("drug", "metoprolol succinate"), ("duration", "three days")} <= said
    assert sorted(entity["start"] for entity in entities) == [entity["start"] for entity in entities]
    messages = [warning["message"] for warning in printed["metadata"]["warnings"]]
    assert not any("entity_detection" in message for message in messages)


def test_nobody_asked_for_entities(vendor, visit) -> None:
    assert vendor.transcribe(visit)["entities"] is None


def test_a_hash_stands_for_each_letter_everywhere_the_words_are(vendor, visit) -> None:
    printed = vendor.transcribe(visit, **REDACTED)
    assert printed["text"].startswith("Good morning, Mrs. ########. What brings")
    assert "########## succinate" not in printed["text"]  # the longer of two drugs is the one
    assert "########## #########" in printed["text"]
    spoken = [printed["text"], *(one["text"] for one in printed["utterances"])]
    spoken += [word["text"] for word in printed["words"]]
    spoken += [word["text"] for one in printed["utterances"] for word in one["words"]]
    for what in ("sentences", "paragraphs"):
        passages = vendor.client.get(f"/v2/transcript/{printed['id']}/{what}").json()[what]
        assert " ".join(passage["text"] for passage in passages) == printed["text"]
        spoken += [word["text"] for passage in passages for word in passage["words"]]
    for hidden in ("prosacco", "lisinopril", "tacrolimus", "amlodipine"):
        assert [text for text in spoken if hidden in text.lower()] == []
    assert "unredacted_text" not in printed
    assert printed["redact_pii"] is True
    assert printed["redact_pii_policies"] == ["person_name", "drug"]


def test_a_tag_stands_for_each_word(vendor, visit) -> None:
    printed = vendor.transcribe(visit, **REDACTED, redact_pii_sub="entity_name")
    assert printed["text"].startswith("Good morning, Mrs. [PERSON_NAME]. What brings")
    assert "Keep taking [DRUG] [DRUG] 25 mg once a day." in printed["text"]


def test_times_and_number_of_words_stay(vendor, visit) -> None:
    plain, redacted = vendor.transcribe(visit), vendor.transcribe(visit, **REDACTED)
    assert [(word["start"], word["end"]) for word in plain["words"]] == [
        (word["start"], word["end"]) for word in redacted["words"]
    ]
    assert len(plain["text"].split()) == len(redacted["text"].split())


def test_entities_are_never_redacted(vendor, visit) -> None:
    printed = vendor.transcribe(visit, **REDACTED, entity_detection=True)
    assert printed["entities"][0]["text"] == "Prosacco"
    assert "Prosacco" not in printed["text"]


def test_unredacted_words_keep_their_labels(vendor, visit) -> None:
    plain = vendor.transcribe(visit, speaker_labels=True)
    printed = vendor.transcribe(visit, **REDACTED, redact_pii_return_unredacted=True)
    assert [one["speaker"] for one in printed["utterances"][:2]] == ["Doctor", "Patient"]
    for name in ("text", "words", "utterances"):
        assert printed[f"unredacted_{name}"] == plain[name]
    assert [one["speaker"] for one in printed["unredacted_utterances"][:2]] == ["A", "B"]


def test_a_deleted_transcript_has_no_unredacted_words(vendor, visit) -> None:
    printed = vendor.transcribe(visit, **REDACTED, redact_pii_return_unredacted=True, entity_detection=True)
    stub = vendor.client.delete(f"/v2/transcript/{printed['id']}").json()
    assert "rosacco" not in str(stub)
    assert stub["entities"] is None
    assert not any(name.startswith("unredacted_") for name in stub)


@pytest.mark.parametrize("policies", [["medical_secrets"], ["Person_Name"], []])
def test_a_policy_nobody_knows_is_taken_and_redacts_nothing(vendor, visit, policies) -> None:
    plain = vendor.transcribe(visit)
    printed = vendor.transcribe(visit, redact_pii=True, redact_pii_policies=policies)
    assert printed["text"] == plain["text"]
    assert printed["metadata"] == plain["metadata"]
