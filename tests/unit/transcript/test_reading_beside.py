"""What a transcript holds beside its turns: voices, entities, language, domain, lengths; and whose words are read where
a redacted copy was asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connector.records import Speaker, SpokenEntity, Stamp, Transcript
from connector.transcript.reading import read_redacted_turns, read_transcript
from connector.transcript.seating import Seating

STAMP = Stamp(maker="test", at=datetime(2026, 3, 2, 12, 0, tzinfo=UTC))
MAPPED = {"response": {"speaker_identification": {"mapping": {"A": "Dr. Lee", "B": "Patient"}}}}


def read(seating: Seating | None = None, **answer: object) -> Transcript:
    return read_transcript({"status": "completed", **answer}, transcript_id="x1", stamp=STAMP, seating=seating)


def said(speaker: str, text: str, start: int = 0) -> dict[str, Any]:
    rows = [
        {"text": word, "start": start + 500 * n, "end": start + 500 * (n + 1), "confidence": 0.9, "speaker": speaker}
        for n, word in enumerate(text.split())
    ]
    end = start + 500 * len(rows)
    return {"speaker": speaker, "text": text, "start": start, "end": end, "confidence": 0.9, "words": rows}


def test_each_voice_is_listed_with_its_role_name_and_how_long_it_spoke() -> None:
    rows = [said("Dr. Lee", "How are you?"), said("Patient", "Well.", 2000), said("C", "Me too.", 4000)]
    told = read(Seating(names={"Dr. Lee": "Clinician"}), utterances=rows, speech_understanding=MAPPED)
    assert told.speakers == (
        Speaker("A", "Clinician", "vendor", "Dr. Lee", 1500, low_trust=True),
        Speaker("B", "Patient", "vendor", None, 500, low_trust=True),
        Speaker("C", "Speaker C", "guess", None, 1000, low_trust=True),
    )
    assert [turn.role for turn in told.turns] == ["Clinician", "Patient", "Speaker C"]


def test_a_words_own_speaker_is_kept_under_the_same_label() -> None:
    row = said("Dr. Lee", "How are you?")
    row["words"][2]["speaker"] = "Patient"
    del row["words"][1]["speaker"]
    words = read(utterances=[row], speech_understanding=MAPPED).turns[0].words
    assert [word.speaker for word in words] == ["A", None, "B"]


def test_language_confidence_domain_and_entities_are_kept() -> None:
    told = read(
        utterances=[said("A", "Hola.")],
        language_code="es",
        language_confidence=0.87,
        metadata={"domain_used": "medical-v1", "warnings": []},
        entities=[
            {"entity_type": "drug", "text": "metformin", "start": 100, "end": 600, "speaker": "A"},
            {"entity_type": "never_seen", "text": "x", "start": 9, "end": 3},
            {"entity_type": "drug"},
            "drug",
        ],
    )
    assert (told.language, told.language_confidence, told.domain_used) == ("es", 0.87, "medical-v1")
    assert told.entities == (SpokenEntity("drug", "metformin", 100, 600), SpokenEntity("never_seen", "x", 9, 9))


@pytest.mark.parametrize(
    ("metadata", "warns"),
    [
        ({"domain_used": "medical-v1"}, False),
        ({"domain_used": None}, True),
        (None, True),
        ({"warnings": [{"message": "Medical Mode does not support the language pl: it was skipped."}]}, False),
    ],
)
def test_a_domain_asked_for_and_not_used_is_said_once(metadata: object, warns: bool) -> None:
    told = read(Seating(domain="medical-v1"), utterances=[said("A", "Yes.")], metadata=metadata)
    assert any("medical vocabulary was not used" in warning for warning in told.warnings) is warns
    assert not read(utterances=[said("A", "Yes.")], metadata=metadata).warnings or not warns


def test_what_the_vendor_says_it_heard_is_not_hidden_by_longer_words() -> None:
    told = read(Seating(captured_ms=60_000), utterances=[said("A", "Yes.", 50_000)], audio_duration=9)
    assert (told.reported_ms, told.captured_ms, told.duration_ms) == (9_000, 60_000, 50_500)


REDACTED: dict[str, object] = {
    "redact_pii": True,
    "utterances": [said("Dr. Lee", "Hello #####."), said("Patient", "I take #########.", 2000)],
    "text": "Hello #####. I take #########.",
    "unredacted_utterances": [said("A", "Hello Billy."), said("B", "I take metformin.", 2000)],
    "unredacted_text": "Hello Billy. I take metformin.",
    "speech_understanding": MAPPED,
}


def test_the_words_nothing_was_taken_out_of_are_read_with_the_roles_of_the_redacted_ones() -> None:
    turns = read(**REDACTED).turns
    assert [(turn.text, turn.role, turn.role_from) for turn in turns] == [
        ("Hello Billy.", "Dr. Lee", "vendor"),
        ("I take metformin.", "Patient", "vendor"),
    ]
    assert read(**REDACTED).warnings == ()


def test_the_redacted_turns_stand_beside_them_with_the_same_ids_times_and_roles() -> None:
    answer = {"status": "completed", **REDACTED}
    redacted, whole = read_redacted_turns(answer), read(**REDACTED).turns
    assert [turn.text for turn in redacted] == ["Hello #####.", "I take #########."]
    place = [(turn.turn_id, turn.start_ms, turn.end_ms, turn.role, turn.speaker) for turn in redacted]
    assert place == [(turn.turn_id, turn.start_ms, turn.end_ms, turn.role, turn.speaker) for turn in whole]
    assert read_redacted_turns({"status": "completed", "utterances": [said("A", "Hello Billy.")]}) == ()


def test_words_that_came_back_redacted_only_are_read_with_a_warning() -> None:
    told = read(redact_pii=True, utterances=REDACTED["utterances"])
    assert [turn.text for turn in told.turns] == ["Hello #####.", "I take #########."]
    assert any("parts taken out" in warning for warning in told.warnings)


def test_without_utterances_the_whole_words_are_read_before_the_redacted_utterances() -> None:
    words = [row for text in ("Hello Billy.",) for row in said("A", text)["words"]]
    told = read(redact_pii=True, utterances=REDACTED["utterances"], unredacted_words=words)
    assert [turn.text for turn in told.turns] == ["Hello Billy."]
