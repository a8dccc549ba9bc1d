"""Reading a transcript is total: whatever the vendor answers, there is a Transcript or the one documented refusal."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from connector.errors import NothingSaid, VendorRejected
from connector.records import Stamp, Transcript
from connector.transcript.reading import read_transcript
from connector.transcript.speech import judge_speech
from connector.transcript.typed import typed_transcript

STAMP = Stamp(maker="test", at=datetime(2026, 3, 2, 12, 0, tzinfo=UTC))

texts = st.text(st.characters(), max_size=20)  # surrogates and control characters included
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
junk = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
)
usual = st.integers(0, 4_000_000)
times = usual | usual | usual | st.floats(0, 1e7) | junk
said = st.sampled_from(["any", "pain?", "No."])
speakers = st.sampled_from(["A", "B", "Doctor", "UNKNOWN", None]) | junk
words = st.fixed_dictionaries(
    {},
    optional={
        "text": said | said | texts | junk,
        "start": times,
        "end": times,
        "confidence": scalars,
        "speaker": speakers,
    },
)
utterances = st.fixed_dictionaries(
    {},
    optional={
        "text": said | said | texts | junk,
        "start": times,
        "end": times,
        "confidence": scalars,
        "speaker": speakers,
        "words": st.lists(words, max_size=3) | junk,
    },
)
mappings = st.dictionaries(st.sampled_from(["A", "B"]) | texts, st.sampled_from(["Doctor", "Patient"]) | junk)
answers = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["completed", "error"]) | junk,
        "text": texts | junk,
        "words": st.lists(words, max_size=4) | junk,
        "utterances": st.lists(utterances, max_size=4) | junk,
        "confidence": scalars,
        "audio_duration": times,
        "audio_url": texts | junk,
        "language_code": texts | junk,
        "metadata": st.fixed_dictionaries({"warnings": st.lists(junk | st.just({"message": "Sandbox x"}))}) | junk,
        "speech_understanding": junk
        | mappings.map(lambda found: {"response": {"speaker_identification": {"mapping": found}}}),
        "never_seen": junk,
    },
)


@given(answers | junk)
def test_any_answer_gives_a_sound_transcript_or_a_refusal(answer):
    try:
        transcript = read_transcript(answer, transcript_id="x1", stamp=STAMP)  # type: ignore[arg-type]
    except VendorRejected:
        return
    assert_sound(transcript)
    try:
        judge_speech(transcript)
    except NothingSaid as refusal:
        assert "type the visit" in refusal.detail


@given(texts.map(lambda line: line + "\n" + line))
def test_any_typed_text_gives_a_sound_transcript_or_nothing_said(text):
    try:
        transcript = typed_transcript(text, transcript_id="x1", stamp=STAMP)
    except NothingSaid:
        return
    assert_sound(transcript)
    judge_speech(transcript)


@given(
    st.lists(
        st.tuples(st.sampled_from("AB"), st.text("abc .", min_size=1, max_size=9).filter(str.strip)),
        min_size=1,
        max_size=8,
    )
)
def test_no_spoken_word_is_lost_or_invented(said):
    """The words of the vendor's utterances, in order, are the words of the turns, in order."""
    rows = [{"speaker": speaker, "text": text, "start": n, "end": n + 1} for n, (speaker, text) in enumerate(said)]
    answer = {"status": "completed", "utterances": rows}
    turns = read_transcript(answer, transcript_id="x1", stamp=STAMP).turns
    assert [(turn.speaker, turn.text.split()) for turn in turns] == [(speaker, text.split()) for speaker, text in said]


def assert_sound(transcript: Transcript) -> None:
    """Numbered turns with text, times that do not run backwards, confidences of 0 to 1, and all of it storable."""
    assert [turn.turn_id for turn in transcript.turns] == [f"t{n + 1}" for n in range(len(transcript.turns))]
    assert transcript.origin in ("recogniser", "playback", "typed")
    for turn in transcript.turns:
        assert turn.text.strip()
        assert turn.speaker
        assert turn.role
        assert turn.role_from in ("vendor", "guess", "clinician")
        for piece in (turn, *turn.words):
            assert 0 <= piece.start_ms <= piece.end_ms
            assert type(piece.start_ms) is int
            assert type(piece.end_ms) is int
            assert 0.0 <= piece.confidence <= 1.0
            assert math.isfinite(piece.confidence)
            assert "\x00" not in piece.text
    assert all(turn.end_ms <= transcript.duration_ms for turn in transcript.turns)
    json.dumps(asdict(transcript), default=str, ensure_ascii=False, allow_nan=False).encode()
