"""Redaction and entities as the SDK reads them: one unknown name in an answer would make all of it unreadable."""

from __future__ import annotations

import assemblyai as aai
import pytest

POLICIES = [aai.PIIRedactionPolicy.drug, aai.PIIRedactionPolicy.person_name, aai.PIIRedactionPolicy.date]


def make_config(substitution: aai.PIISubstitutionPolicy) -> aai.TranscriptionConfig:
    config = aai.TranscriptionConfig(speaker_labels=True, entity_detection=True)
    return config.set_redact_pii(
        policies=POLICIES, substitution=substitution, redact_audio=True, return_unredacted=True
    )


@pytest.mark.parametrize(
    ("substitution", "mark"),
    [(aai.PIISubstitutionPolicy.hash, "#"), (aai.PIISubstitutionPolicy.entity_name, "[DRUG]")],
)
def test_sync_redaction_hides_words_and_leaves_entities(client, recording, substitution, mark, tmp_path) -> None:
    transcript = aai.Transcriber(client=client).transcribe(str(recording.audio), config=make_config(substitution))
    assert transcript.status == aai.TranscriptStatus.completed, transcript.error
    assert mark in transcript.text
    assert "metoprolol" not in transcript.text.lower()
    assert "metoprolol" in transcript.json_response["unredacted_text"].lower()
    assert len(transcript.words) == len(transcript.json_response["unredacted_words"])
    assert {"drug", "person_name"} <= {entity.entity_type.value for entity in transcript.entities}
    assert any("metoprolol" in entity.text.lower() for entity in transcript.entities)
    url = transcript.get_redacted_audio_url()
    assert "/redacted-audio/" in url
    transcript.save_redacted_audio(str(tmp_path / "redacted.mp3"))
    assert (tmp_path / "redacted.mp3").stat().st_size > 10_000


async def test_async_redaction(async_client, recording, tmp_path) -> None:
    config = make_config(aai.PIISubstitutionPolicy.hash)
    transcript = await aai.AsyncTranscriber(client=async_client).transcribe(str(recording.audio), config=config)
    assert transcript.status == aai.TranscriptStatus.completed, transcript.error
    assert "metoprolol" not in " ".join(utterance.text for utterance in transcript.utterances).lower()
    await transcript.save_redacted_audio(str(tmp_path / "redacted.mp3"))
    assert (tmp_path / "redacted.mp3").stat().st_size > 10_000


def test_redacted_sound_nobody_asked_for_is_refused(client, recording) -> None:
    transcript = aai.Transcriber(client=client).transcribe(str(recording.audio))
    with pytest.raises((aai.TranscriptError, ValueError, aai.AssemblyAIError)):
        transcript.get_redacted_audio_url()
