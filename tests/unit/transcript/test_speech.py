"""Whether a recording holds a visit: our own rule, from both sides."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.assets.catalogue import load_mapping
from connector.errors import NothingSaid
from connector.records import Stamp, Transcript, Turn, Word
from connector.transcript.reading import read_transcript
from connector.transcript.rules import LeastForDraft, SpeechRules
from connector.transcript.speech import SpeechThresholds, judge_speech, may_draft, measure_speech
from connector.transcript.typed import typed_transcript

STAMP = Stamp(maker="test", at=datetime(2026, 3, 2, 12, 0, tzinfo=UTC))
SHIPPED = SpeechRules.from_dict(load_mapping("speech.yaml"))
SHORT_VISIT = (
    "Good morning, how is the blood pressure? It was one thirty over eighty at home. "
    "Good, we keep the lisinopril as it is. See you in three months."
)


def _spoken(text: str, *, confidence: float = 0.93, start: int = 500, pace_ms: int = 350) -> Transcript:
    words = tuple(
        Word(word, start + n * pace_ms, start + n * pace_ms + pace_ms - 50, confidence)
        for n, word in enumerate(text.split())
    )
    end = words[-1].end_ms if words else 0
    turns = (Turn("t1", "A", "Doctor", "vendor", text, start, end, confidence, words),) if words else ()
    return Transcript("x1", "recogniser", "en_us", end + 500, turns, (), STAMP)


def test_a_short_visit_passes():
    judge_speech(_spoken(SHORT_VISIT))


def test_a_short_visit_in_a_much_longer_recording_passes():
    judge_speech(_spoken(SHORT_VISIT), recording_ms=3 * 60_000)


def test_a_whole_visit_passes_though_the_recorder_ran_on_for_hours():
    judge_speech(_spoken(" ".join([SHORT_VISIT] * 8)), recording_ms=4 * 3600_000)


def test_slow_and_mumbled_but_certain_speech_passes():
    judge_speech(_spoken(SHORT_VISIT, confidence=0.62, pace_ms=900))


@pytest.mark.parametrize(
    ("transcript", "why"),
    [
        (_spoken(""), "No speech"),
        (_spoken("Mm the uh mhm, and okay.", confidence=0.25), "few words"),
        (_spoken("Thank you."), "few words"),
        (_spoken("Hello?"), "few words"),
        (_spoken(SHORT_VISIT, confidence=0.3), "unclear"),
        (_spoken(" ".join(["mhm"] * 30), confidence=0.9), "noise or music"),
        (_spoken(" ".join(["I don't know what to say."] * 9)), "noise or music"),
        (
            _spoken(" ".join(["Thank you for watching!"] * 2 + ["Please subscribe to my channel."] * 2)),
            "noise or music",
        ),
        (_spoken("Subtitles by the Amara.org community. Thanks for watching. See you in the next video."), "noise"),
        (
            _spoken(
                " ".join(
                    f"you {word}" for word in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n"]
                )
            ),
            "over and over",
        ),
        (_spoken("a b c d e f g h i j k l m n", pace_ms=100), "few words"),
    ],
)
def test_what_is_no_visit_is_refused_with_what_to_do(transcript, why):
    with pytest.raises(NothingSaid, match=why) as caught:
        judge_speech(transcript, rules=SHIPPED)
    assert "type the visit" in caught.value.detail
    assert "Thank you" not in caught.value.detail


def test_a_few_words_in_a_long_recording_are_no_visit():
    with pytest.raises(NothingSaid, match="Most of the recording"):
        judge_speech(_spoken(SHORT_VISIT), recording_ms=30 * 60_000)


def test_one_endless_word_is_not_minutes_of_speech():
    words = tuple(Word("mm", n * 10, 60_000, 0.9) for n in range(20))
    turn = Turn("t1", "A", "Speaker A", "guess", " ".join(["mm"] * 20), 0, 60_000, 0.9, words)
    transcript = Transcript("x1", "recogniser", None, 60_000, (turn,), (), STAMP)
    assert measure_speech(transcript).seconds < SpeechThresholds().speech_s
    with pytest.raises(NothingSaid):
        judge_speech(transcript)


def test_turns_without_words_are_judged_by_their_own_span_and_confidence():
    def transcript(confidence: float, end_ms: int) -> Transcript:
        turn = Turn("t1", "A", "Doctor", "vendor", SHORT_VISIT, 0, end_ms, confidence)
        return Transcript("x1", "recogniser", None, end_ms, (turn,), (), STAMP)

    judge_speech(transcript(0.9, 12_000))
    with pytest.raises(NothingSaid, match="unclear"):
        judge_speech(transcript(0.4, 12_000))
    with pytest.raises(NothingSaid, match="few words"):
        judge_speech(transcript(0.9, 2_000))


def test_rules_on_what_the_vendor_does_not_state_are_left_out():
    answer = {"status": "completed", "text": SHORT_VISIT}
    judge_speech(read_transcript(answer, transcript_id="x1", stamp=STAMP))


def test_the_thresholds_are_the_callers():
    strict = SpeechRules(SpeechThresholds(confidence=0.95))
    with pytest.raises(NothingSaid):
        judge_speech(_spoken(SHORT_VISIT), rules=strict)
    judge_speech(_spoken("One two three four."), rules=SpeechRules(SpeechThresholds(speech_s=1, words=3)))


def test_a_visit_that_ends_in_noise_counts_by_what_was_told():
    ended = f"{SHORT_VISIT} " + " ".join(["Thank you for watching."] * 20)
    with pytest.raises(NothingSaid, match="noise"):
        judge_speech(_spoken(ended), rules=SHIPPED)
    long = " ".join(f"{SHORT_VISIT} number {n}" for n in range(8))
    told = f"{long} " + " ".join(["Thank you for watching."] * 80)
    heard = judge_speech(_spoken(told), rules=SHIPPED)
    assert heard.told < heard.words - 300


def test_repeating_oneself_twice_is_talk():
    heard = measure_speech(_spoken("It hurts, it hurts. No, no. Yes."), rules=SHIPPED)
    assert heard.told == heard.words == 7


@pytest.mark.parametrize(
    ("text", "offered"), [("", False), ("Hello?", False), ("My left knee hurts on the stairs.", True)]
)
def test_drafting_all_the_same_needs_some_speech(text, offered):
    assert may_draft(measure_speech(_spoken(text), rules=SHIPPED), rules=SHIPPED) is offered


def test_drafting_all_the_same_is_not_offered_for_noise_however_long():
    noise = _spoken(" ".join(["Thank you for watching."] * 50))
    assert not may_draft(measure_speech(noise, rules=SHIPPED), rules=SHIPPED)
    assert may_draft(measure_speech(noise), rules=SpeechRules(draft=LeastForDraft(words=4)))


def test_typed_lines_become_turns_and_pass_as_they_are():
    transcript = typed_transcript("BP 130/80.\n\n  continue lisinopril \r\nx\x0by", transcript_id="x1", stamp=STAMP)
    assert [(turn.turn_id, turn.text) for turn in transcript.turns] == [
        ("t1", "BP 130/80."),
        ("t2", "continue lisinopril"),
        ("t3", "x"),
        ("t4", "y"),
    ]
    assert {(turn.role, turn.role_from, turn.start_ms, turn.end_ms) for turn in transcript.turns} == {
        ("typed", "clinician", 0, 0)
    }
    assert (transcript.origin, transcript.duration_ms, transcript.language) == ("typed", 0, None)
    judge_speech(transcript)


@pytest.mark.parametrize("text", ["", "  \n\t\n", "\x00"])
def test_nothing_typed_is_nothing_said(text):
    with pytest.raises(NothingSaid):
        typed_transcript(text, transcript_id="x1", stamp=STAMP)
