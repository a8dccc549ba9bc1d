"""Reading the recogniser's answer: turns, roles, fall-backs, warnings."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.errors import VendorRejected
from connector.records import Stamp, Transcript, Word
from connector.transcript.reading import read_transcript
from connector.transcript.seating import Seating

STAMP = Stamp(maker="transcript@1", at=datetime(2026, 3, 2, 12, 0, tzinfo=UTC))
ROLES = {
    "request": {"speaker_identification": {"speaker_type": "role", "known_values": ["Doctor", "Patient"]}},
    "response": {"speaker_identification": {"mapping": {"A": "Doctor", "B": "Patient"}, "status": "success"}},
}


def _read(**answer: object) -> Transcript:
    return read_transcript({"status": "completed", **answer}, transcript_id="x1", stamp=STAMP)


def _word(text: str, start: int, end: int, *, speaker: str | None = "A", confidence: object = 0.9) -> dict[str, object]:
    return {"text": text, "start": start, "end": end, "confidence": confidence, "speaker": speaker}


def _utterance(speaker: object, text: str, start: int = 0, end: int = 900, **more: object) -> dict[str, object]:
    return {"speaker": speaker, "text": text, "start": start, "end": end, "confidence": 0.9, "words": [], **more}


def test_where_channels_are_speakers_their_roles_are_those_of_the_channels() -> None:
    rows = [{"speaker": one, "channel": one, "text": "Hello.", "start": 0, "end": 500} for one in ("1", "2", "3")]
    answer = {"status": "completed", "utterances": rows}
    told = read_transcript(
        answer, transcript_id="x1", stamp=STAMP, seating=Seating(sides=("Clinician", "Patient"))
    ).turns
    assert [(turn.role, turn.role_from) for turn in told] == [
        ("Clinician", "channel"),
        ("Patient", "channel"),
        ("Speaker 3", "guess"),
    ]


def test_turns_are_the_utterances_with_their_words():
    words = [_word("Any", 100, 300), _word("pain?", 320, 700, confidence=0.5)]
    transcript = _read(
        utterances=[_utterance("A", "Any pain?", 100, 700, words=words), _utterance("B", "No.", 900, 1100)],
        audio_duration=2,
        language_code="en_us",
        text="Any pain? No.",
    )
    first, second = transcript.turns
    assert (first.turn_id, second.turn_id) == ("t1", "t2")
    assert (first.text, first.start_ms, first.end_ms, first.confidence) == ("Any pain?", 100, 700, 0.9)
    assert first.words == (Word("Any", 100, 300, 0.9, "A"), Word("pain?", 320, 700, 0.5, "A"))
    assert (transcript.transcript_id, transcript.origin, transcript.language) == ("x1", "recogniser", "en_us")
    assert (transcript.duration_ms, transcript.warnings, transcript.stamp) == (2000, (), STAMP)


@pytest.mark.parametrize("speakers", [("A", "B"), ("Doctor", "Patient")])
def test_the_vendors_roles_are_taken_whether_it_prints_labels_or_roles(speakers):
    transcript = _read(utterances=[_utterance(said, "x") for said in speakers], speech_understanding=ROLES)
    assert [(turn.speaker, turn.role, turn.role_from) for turn in transcript.turns] == [
        ("A", "Doctor", "vendor"),
        ("B", "Patient", "vendor"),
    ]


def test_a_role_without_a_mapping_is_the_vendors_word():
    (turn,) = _read(utterances=[_utterance("Patient", "x")]).turns
    assert (turn.speaker, turn.role, turn.role_from) == ("Patient", "Patient", "vendor")


def test_labels_without_roles_are_guesses_and_never_doctor_and_patient():
    transcript = _read(utterances=[_utterance("A", "x"), _utterance("B", "y")])
    assert [(turn.role, turn.role_from) for turn in transcript.turns] == [
        ("Speaker A", "guess"),
        ("Speaker B", "guess"),
    ]


@pytest.mark.parametrize("mapped", [None, "", "unknown", 7, ["Doctor"]])
def test_a_label_that_the_vendor_could_not_name_is_a_guess(mapped):
    understanding = {"response": {"speaker_identification": {"mapping": {"A": mapped}}}}
    (turn,) = _read(utterances=[_utterance("A", "x")], speech_understanding=understanding).turns
    assert (turn.role, turn.role_from) == ("Speaker A", "guess")


@pytest.mark.parametrize(
    ("speaker", "role"),
    [
        ("UNKNOWN", "Unknown speaker"),
        ("PENDING", "Unknown speaker"),
        (None, "Speaker A"),
        (3, "Speaker A"),
        ("1", "Speaker 1"),
    ],
)
def test_unattributed_speech_is_a_guess(speaker, role):
    (turn,) = _read(utterances=[_utterance(speaker, "x")]).turns
    assert (turn.role, turn.role_from) == (role, "guess")


def test_without_utterances_words_are_grouped_by_speaker():
    words = [_word("Any", 0, 200), _word("pain?", 200, 500), _word("No.", 700, 900, speaker="B", confidence=0.5)]
    transcript = _read(utterances=None, words=words, speech_understanding=ROLES)
    assert [(turn.role, turn.text) for turn in transcript.turns] == [("Doctor", "Any pain?"), ("Patient", "No.")]
    assert [(turn.start_ms, turn.end_ms, turn.confidence) for turn in transcript.turns] == [
        (0, 500, 0.9),
        (700, 900, 0.5),
    ]


def test_without_words_the_text_is_one_turn():
    transcript = _read(text="Any pain? No.", confidence=0.8, audio_duration=3)
    (turn,) = transcript.turns
    assert (turn.turn_id, turn.text, turn.confidence) == ("t1", "Any pain? No.", 0.8)
    assert (turn.start_ms, turn.end_ms, turn.role, turn.role_from) == (0, 3000, "Speaker A", "guess")


@pytest.mark.parametrize("utterances", [[], None, "x", [None], [{}], [_utterance("A", "  ")]])
def test_utterances_without_words_fall_back(utterances):
    assert _read(utterances=utterances, text="hello").turns[0].text == "hello"


@pytest.mark.parametrize("text", [None, "", "   ", 7])
def test_silence_is_a_transcript_without_turns(text):
    transcript = _read(text=text, words=[], utterances=[], audio_duration=11)
    assert (transcript.turns, transcript.duration_ms) == ((), 11_000)


def test_an_utterance_without_text_is_made_of_its_words():
    (turn,) = _read(utterances=[_utterance("A", "", 0, 0, words=[_word("Hello", 40, 90)])]).turns
    assert (turn.text, turn.start_ms, turn.end_ms) == ("Hello", 40, 90)


def test_words_without_confidence_take_that_of_their_utterance():
    words = [{"text": "Hello", "start": 0, "end": 90}]
    (turn,) = _read(utterances=[_utterance("A", "Hello", words=words)]).turns
    assert turn.words[0].confidence == 0.9


def test_the_vendors_warnings_are_carried():
    warnings = [{"message": "medical-v1 correction was skipped"}, "as plain text", {"other": 1}, None]
    assert _read(text="x", metadata={"warnings": warnings}).warnings == (
        "medical-v1 correction was skipped",
        "as plain text",
    )


def test_a_sandbox_is_called_a_playback():
    warnings = [{"message": "Sandbox playback of a bundled script: not speech recognition"}]
    assert _read(text="x", metadata={"warnings": warnings}).origin == "playback"


def test_what_a_sandbox_recognised_itself_is_neither_playback_nor_the_vendors():
    warnings = [{"message": "Sandbox recogniser (PocketSphinx), low accuracy: many words are wrong"}]
    assert _read(text="x", metadata={"warnings": warnings}).origin == "sandbox-recogniser"


def test_speech_about_a_sandbox_is_no_playback():
    assert _read(text="Sandbox playback", metadata={"warnings": ["the Sandbox"]}).origin == "recogniser"


def test_text_is_one_line_of_storable_characters():
    (turn,) = _read(utterances=[_utterance("A", "a\x00b\nc  \ud800 d\u202e")]).turns
    assert turn.text == "a b c ? d"
    turn.text.encode()


@pytest.mark.parametrize("status", ["queued", "processing", "error", 7, {}])
def test_a_job_that_is_not_completed_is_no_transcript(status):
    with pytest.raises(VendorRejected):
        read_transcript({"status": status, "text": "x"}, transcript_id="x1", stamp=STAMP)


def test_a_deleted_job_is_no_transcript():
    with pytest.raises(VendorRejected, match="deleted"):
        _read(text="Deleted by user.", audio_url="http://deleted_by_user")


@pytest.mark.parametrize(
    ("start", "end", "kept"),
    [
        (-5, 10, (0, 10)),
        (20, 10, (20, 20)),
        (1.6, "9", (2, 2)),
        (float("nan"), float("inf"), (0, 0)),
        (True, 5, (0, 5)),
        (10**400, 10**400, (0, 0)),
    ],
)
def test_times_are_whole_and_never_run_backwards(start, end, kept):
    (turn,) = _read(utterances=[_utterance("A", "x", start, end)]).turns
    assert (turn.start_ms, turn.end_ms) == kept


def test_a_word_never_ends_before_it_starts():
    (turn,) = _read(utterances=[_utterance("A", "x", words=[_word("x", 500, 200)])]).turns
    assert (turn.words[0].start_ms, turn.words[0].end_ms) == (500, 500)


@pytest.mark.parametrize(("stated", "kept"), [(1.7, 1.0), (-1, 0.0), ("0.9", 0.0), (True, 0.0), (float("nan"), 0.0)])
def test_confidence_stays_between_0_and_1(stated, kept):
    (turn,) = _read(utterances=[_utterance("A", "x", confidence=stated)]).turns
    assert turn.confidence == kept
