"""Reading a transcript is total: whatever the vendor answers, there is a Transcript or the one documented refusal."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from connector.app import load_keyterm_rules
from connector.errors import NothingSaid, VendorRejected
from connector.records import Stamp, Transcript
from connector.transcript.doubtful_words import mark_doubtful
from connector.transcript.reading import read_transcript
from connector.transcript.rules import SpeechRules
from connector.transcript.seating import Seating
from connector.transcript.speech import judge_speech, measure_ms
from connector.transcript.typed import typed_transcript

RULES = SpeechRules()
BOOK = load_keyterm_rules().drugs
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


voices = st.sampled_from(["A", "B", "1", "2B", "Doctor", None])
tokens = st.text("abcé1.,'", min_size=1, max_size=6).filter(lambda text: text.strip(" "))
spoken = st.lists(st.tuples(voices, st.lists(tokens, min_size=1, max_size=5)), min_size=1, max_size=6)
seatings = st.builds(
    Seating,
    sides=st.sampled_from([(), ("Clinician", "Patient")]),
    names=st.sampled_from([{}, {"Doctor": "Clinician"}]),
    clinician_first=st.booleans(),
    domain=st.sampled_from([None, "medical-v1"]),
)


def written(said: list[tuple[str | None, list[str]]]) -> list[dict[str, object]]:
    """The words of an answer, one after the other, each with its speaker."""
    rows = [(speaker, word) for speaker, words in said for word in words]
    return [
        {"text": word, "start": 100 * n, "end": 100 * n + 80, "confidence": 0.5 + (n % 5) / 10, "speaker": speaker}
        for n, (speaker, word) in enumerate(rows)
    ]


def uttered(said: list[tuple[str | None, list[str]]]) -> list[dict[str, object]]:
    """The same words in utterances."""
    rows = iter(written(said))
    return [
        {"speaker": speaker, "text": " ".join(words), "words": [next(rows) for _ in words]} for speaker, words in said
    ]


@given(spoken, seatings, st.sampled_from(["utterances", "words", "unredacted_utterances", "unredacted_words"]))
def test_no_word_is_lost_repeated_or_moved_whatever_the_turns_are_made_of(said, seating, source):
    """Roles, guesses and doubtful spans come and go: the words, their times and their order are the vendor's."""
    rows = uttered(said) if source.endswith("utterances") else written(said)
    answer: dict[str, object] = {"status": "completed", source: rows}
    if source.startswith("unredacted"):
        hidden = [(speaker, ["#" * len(word) for word in words]) for speaker, words in said]
        answer |= {"redact_pii": True, "utterances": uttered(hidden), "words": written(hidden), "text": "####"}
    read = read_transcript(answer, transcript_id="x1", stamp=STAMP, seating=seating)
    transcript = mark_doubtful(read, rules=RULES, book=BOOK)
    expected = [(row["text"], row["start"], row["end"]) for row in written(said)]
    assert [(word.text, word.start_ms, word.end_ms) for turn in transcript.turns for word in turn.words] == expected
    assert [turn.text.split() for turn in transcript.turns] == [
        [word.text for word in turn.words] for turn in transcript.turns
    ]
    spoken_ms = measure_ms(transcript.turns)
    assert [speaker.label for speaker in transcript.speakers] == list(
        dict.fromkeys(t.speaker for t in transcript.turns)
    )
    assert sum(speaker.speech_ms for speaker in transcript.speakers) == spoken_ms
    lengths = {turn.turn_id: len(turn.words) for turn in transcript.turns}
    assert all(0 <= one.first <= one.last < lengths[one.turn_id] for one in transcript.spans)


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
