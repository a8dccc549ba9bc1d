"""The transcript object and its life: queued, processing, completed or error, and what each holds."""

from __future__ import annotations

import math
import time
import uuid
from array import array
from pathlib import Path

import pytest
from connector_sandbox.recordings import load_recording

from tests.fixtures.assemblyai import run_process
from tests.wire.sandbox_assemblyai.conftest import open_vendor
from tests.wire.sandbox_assemblyai.mixing import Piece, join, write

PLAYBACK = "Sandbox playback of a bundled script: not speech recognition"
UNKNOWN_URL = "http://127.0.0.1:9/upload/none/none"
# Every field of the vendor's transcript schema that a client may look for.
FIELDS = """
    id language_model acoustic_model language_code language_confidence status audio_url text words utterances
    entities confidence audio_duration punctuate format_text dual_channel speech_model speech_models
    speech_model_used domain metadata webhook_url webhook_status_code webhook_auth auto_highlights
    auto_highlights_result audio_start_from audio_end_at redact_pii redact_pii_audio redact_pii_audio_quality
    redact_pii_policies redact_pii_sub speaker_labels speakers_expected speaker_options content_safety
    content_safety_labels iab_categories iab_categories_result custom_spelling keyterms_prompt prompt auto_chapters
    chapters summarization summary_type summary_model summary sentiment_analysis sentiment_analysis_results
    entity_detection speech_threshold disfluencies language_detection language_confidence_threshold multichannel
    speech_understanding throttled filter_profanity
"""


def identify(*roles: str, kind: str = "role") -> dict[str, object]:
    return {"request": {"speaker_identification": {"speaker_type": kind, "known_values": list(roles)}}}


def test_a_job_goes_through_its_states_in_real_time(tmp_path: Path, visit: bytes) -> None:
    with run_process(tmp_path, "--queue-seconds", "0.6", "--process-seconds", "0.6") as base:
        slow = open_vendor(base)
        with slow.client:
            began = time.monotonic()
            first = slow.submit(audio_url=slow.upload(visit), speaker_labels=True).json()
            states = [first["status"]]
            while states[-1] not in ("completed", "error"):
                printed = slow.read(first["id"])
                if printed["status"] != states[-1]:
                    states.append(printed["status"])
                if printed["status"] != "completed":
                    assert printed["text"] is printed["words"] is printed["utterances"] is None
                    assert printed["audio_duration"] is printed["confidence"] is None
                time.sleep(0.03)
    assert states == ["queued", "processing", "completed"]
    assert 1.1 < time.monotonic() - began < 30


def test_a_completed_transcript_holds_the_script(vendor, visit) -> None:
    recording = load_recording("chasidy")
    printed = vendor.transcribe(visit, speaker_labels=True, domain="medical-v1", keyterms_prompt=["lisinopril"])
    assert [field for field in FIELDS.split() if field not in printed] == []
    assert uuid.UUID(printed["id"])
    assert printed["text"] == " ".join(turn.text for turn in recording.turns)
    assert [utterance["text"] for utterance in printed["utterances"]] == [turn.text for turn in recording.turns]
    assert [utterance["speaker"] for utterance in printed["utterances"][:3]] == ["A", "B", "A"]
    assert [utterance["start"] for utterance in printed["utterances"]] == [turn.start for turn in recording.turns]
    words = [word for utterance in printed["utterances"] for word in utterance["words"]]
    assert words == printed["words"]
    assert set(words[0]) == {"text", "start", "end", "confidence", "speaker"}
    assert all(isinstance(word["start"], int) and 0 <= word["confidence"] <= 1 for word in words)
    assert printed["confidence"] == pytest.approx(sum(word["confidence"] for word in words) / len(words), abs=1e-6)
    assert printed["audio_duration"] == math.ceil(recording.duration_ms / 1000)
    assert isinstance(printed["audio_duration"], int)
    assert printed["speech_model"] is None
    assert printed["speech_models"] == ["universal-3-5-pro", "universal-2"]
    assert printed["speech_model_used"] == "universal-3-5-pro"
    assert printed["language_code"] == "en_us"
    assert printed["keyterms_prompt"] == ["lisinopril"]
    assert printed["metadata"] == {"domain_used": "medical-v1", "warnings": [{"message": PLAYBACK}]}
    assert printed["content_safety_labels"] == {"status": "unavailable"}


def test_every_answer_is_marked_as_playback(vendor, visit) -> None:
    printed = vendor.transcribe(visit)
    answer = vendor.client.get(f"/v2/transcript/{printed['id']}")
    assert answer.headers["x-sandbox"] == "playback"


def test_without_speaker_labels_there_are_no_utterances(vendor, visit) -> None:
    printed = vendor.transcribe(visit)
    assert printed["utterances"] is None
    assert {word["speaker"] for word in printed["words"]} == {None}
    assert printed["speech_understanding"] is None


@pytest.mark.parametrize("roles", [("Doctor", "Patient"), ("Clinician", "Patient"), ("patient", "provider")])
def test_asked_for_roles_speakers_carry_their_role(vendor, visit, roles) -> None:
    printed = vendor.transcribe(visit, speaker_labels=True, speech_understanding=identify(*roles))
    clinician = next(role for role in roles if role.lower() != "patient")
    patient = next(role for role in roles if role.lower() == "patient")
    assert [utterance["speaker"] for utterance in printed["utterances"][:2]] == [clinician, patient]
    assert {word["speaker"] for word in printed["words"]} == set(roles)
    answer = printed["speech_understanding"]
    assert answer["request"] == identify(*roles)["request"]
    assert answer["response"]["speaker_identification"] == {
        "mapping": {"A": clinician, "B": patient},
        "status": "success",
    }


def test_a_role_that_fits_nobody_leaves_the_label(vendor, visit) -> None:
    printed = vendor.transcribe(visit, speaker_labels=True, speech_understanding=identify("Interpreter", "Patient"))
    assert [utterance["speaker"] for utterance in printed["utterances"][:2]] == ["A", "Patient"]
    assert printed["speech_understanding"]["response"]["speaker_identification"]["mapping"] == {"B": "Patient"}


def test_asked_for_names_the_patient_is_named(vendor, visit) -> None:
    wanted = identify("Chasidy Prosacco", kind="name")
    printed = vendor.transcribe(visit, speaker_labels=True, speech_understanding=wanted)
    assert printed["speech_understanding"]["response"]["speaker_identification"]["mapping"] == {"B": "Chasidy Prosacco"}


def test_by_channel_a_mono_recording_is_one_channel(vendor, visit) -> None:
    printed = vendor.transcribe(visit, multichannel=True)
    assert {(utterance["speaker"], utterance["channel"]) for utterance in printed["utterances"]} == {("1", "1")}


def test_a_turn_is_on_the_channel_on_which_it_is_heard(vendor, tmp_path) -> None:
    speech = join([Piece(0, 20, "chasidy")])
    silence = array("h", bytes(2 * len(speech)))
    content = write(tmp_path / "v.wav", silence, speech, codec="pcm_s16le", rate=16_000).read_bytes()
    printed = vendor.transcribe(content, multichannel=True)
    assert {(utterance["speaker"], utterance["channel"]) for utterance in printed["utterances"]} == {("2", "2")}
    assert {(word["speaker"], word["channel"]) for word in printed["words"]} == {("2", "2")}


def test_other_speech_that_was_left_out_is_a_warning_of_the_transcript(vendor, tmp_path) -> None:
    samples = join([Piece(0, 30, "chasidy")]) + join([Piece(0, 12, "billie")])[::-1]
    content = write(tmp_path / "v.wav", samples, codec="pcm_s16le", rate=16_000).read_bytes()
    printed = vendor.transcribe(content)
    assert printed["text"].startswith(load_recording("chasidy").turns[0].text)
    messages = [warning["message"] for warning in printed["metadata"]["warnings"]]
    assert any("s of other speech were left out" in message for message in messages)


@pytest.mark.parametrize(
    ("asked", "echoed", "confident"),
    [
        ({"language_code": "en"}, "en_us", False),
        ({"language_code": "en_uk"}, "en_uk", False),
        ({"language_detection": True}, "en", True),
    ],
)
def test_the_language_is_echoed(vendor, visit, asked, echoed, confident) -> None:
    printed = vendor.transcribe(visit, **asked)
    assert printed["language_code"] == echoed
    assert (printed["language_confidence"] is not None) is confident


def test_medical_mode_warns_where_it_does_not_know_the_language(vendor, visit) -> None:
    printed = vendor.transcribe(visit, domain="medical-v1", language_code="it")
    assert printed["status"] == "completed"
    assert printed["metadata"]["domain_used"] is None
    messages = [warning["message"] for warning in printed["metadata"]["warnings"]]
    assert messages[0] == PLAYBACK
    assert any("medical-v1" in message and "skipped" in message for message in messages)


def test_what_the_sandbox_leaves_out_it_says(vendor, visit) -> None:
    printed = vendor.transcribe(visit, sentiment_analysis=True)
    assert printed["sentiment_analysis_results"] is None
    messages = [warning["message"] for warning in printed["metadata"]["warnings"]]
    assert "Sandbox: sentiment_analysis is not offered and was left out" in messages


def test_a_recording_nobody_speaks_in_is_completed_and_empty(vendor, shared) -> None:
    sound = (shared / "clips" / "no-voice.mp3").read_bytes()
    printed = vendor.transcribe(sound, speaker_labels=True, speech_understanding=identify("Doctor", "Patient"))
    assert printed["status"] == "completed"
    assert (printed["text"], printed["words"], printed["utterances"]) == ("", [], [])
    assert printed["confidence"] == 0
    assert printed["audio_duration"] == 11
    assert printed["metadata"]["warnings"] == [{"message": PLAYBACK}]


def test_mumbling_is_completed_with_little_confidence(vendor, shared) -> None:
    printed = vendor.transcribe((shared / "clips" / "mumbling.mp3").read_bytes(), speaker_labels=True)
    assert printed["status"] == "completed"
    assert 1 <= len(printed["words"]) <= 6
    assert printed["confidence"] < 0.5
    assert [utterance["speaker"] for utterance in printed["utterances"]] == ["A"]


def test_what_is_no_sound_ends_in_an_error(vendor) -> None:
    printed = vendor.transcribe(b"Hello, this is a text file.")
    assert printed["status"] == "error"
    assert "does not appear to contain audio" in printed["error"]
    assert printed["text"] is None


def test_an_address_that_is_not_an_upload_is_never_fetched(vendor) -> None:
    job = vendor.submit(audio_url=UNKNOWN_URL).json()
    printed = vendor.wait(job["id"])
    assert printed["status"] == "error"
    assert printed["error"].startswith(f"Download error, unable to download {UNKNOWN_URL}.")


def test_sentences_and_paragraphs(vendor, visit) -> None:
    printed = vendor.transcribe(visit, speaker_labels=True)
    sentences = vendor.client.get(f"/v2/transcript/{printed['id']}/sentences").json()
    paragraphs = vendor.client.get(f"/v2/transcript/{printed['id']}/paragraphs").json()
    assert [passage["text"] for passage in paragraphs["paragraphs"]] == [one["text"] for one in printed["utterances"]]
    assert " ".join(passage["text"] for passage in sentences["sentences"]) == printed["text"]
    assert sentences["sentences"][0]["text"] == "Good morning, Mrs. Prosacco."
    assert sentences["sentences"][0]["speaker"] == "A"
    assert set(paragraphs["paragraphs"][0]) == {"text", "start", "end", "confidence", "words"}
    for answer in (sentences, paragraphs):
        assert answer["id"] == printed["id"]
        assert answer["confidence"] == printed["confidence"]
        assert answer["audio_duration"] == printed["audio_duration"]


@pytest.mark.parametrize("what", ["sentences", "paragraphs"])
def test_there_are_none_before_the_end(vendor, what) -> None:
    vendor.client.post("/sandbox/faults", json=[{"method": "POST", "path": "/v2/transcript", "kind": "stuck"}])
    job = vendor.submit(audio_url=UNKNOWN_URL).json()
    assert vendor.client.get(f"/v2/transcript/{job['id']}/{what}").status_code == 400


@pytest.mark.parametrize("path", ["", "/sentences", "/paragraphs"])
def test_an_unknown_id_is_not_found(vendor, path) -> None:
    answer = vendor.client.get(f"/v2/transcript/{uuid.uuid4()}{path}")
    assert (answer.status_code, answer.json()) == (404, {"error": "Not found"})


def test_a_transcript_is_its_projects_own(vendor, another_project) -> None:
    job = vendor.submit(audio_url=UNKNOWN_URL).json()
    assert another_project.client.get(f"/v2/transcript/{job['id']}").status_code == 404
    assert another_project.client.delete(f"/v2/transcript/{job['id']}").status_code == 404
    assert job["id"] not in [row["id"] for row in another_project.client.get("/v2/transcript").json()["transcripts"]]
    assert vendor.read(job["id"])["id"] == job["id"]
