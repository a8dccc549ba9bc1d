"""Drugs, doses and denials the recogniser was unsure of are marked sooner than other words, and nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.app import load_keyterm_rules
from connector.assets.catalogue import load_mapping
from connector.records import Stamp, Transcript, Turn, Word
from connector.transcript.doubtful_words import mark_doubtful
from connector.transcript.rules import SpeechRules
from connector.transcript.typed import typed_transcript

RULES = SpeechRules.from_dict(load_mapping("speech.yaml"))
BOOK = load_keyterm_rules().drugs
STAMP = Stamp(maker="test", at=datetime(2026, 3, 2, 12, 0, tzinfo=UTC))


def heard(text: str, *, sure: float = 0.95, **unsure: float) -> Transcript:
    """A transcript of one turn; `unsure` are confidences by word, `n4` for the fifth."""
    words = [Word(word, 500 * n, 500 * n + 400, unsure.get(f"n{n}", sure)) for n, word in enumerate(text.split())]
    turn = Turn("t1", "A", "Clinician", "vendor", text, 0, 500 * len(words), sure, tuple(words))
    return Transcript("x1", "recogniser", "en", turn.end_ms, (turn,), (), STAMP)


def marked(transcript: Transcript) -> list[tuple[str, str]]:
    """The words of each span and its kind."""
    words = transcript.turns[0].words
    spans = mark_doubtful(transcript, rules=RULES, book=BOOK).spans
    return [(" ".join(word.text for word in words[one.first : one.last + 1]), one.kind) for one in spans]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("You take insulin glargine every morning.", [("insulin glargine", "drug")]),
        ("Take Zestril, please.", [("Zestril,", "drug")]),
        ("Is it twenty five milligrams or more?", [("twenty five milligrams", "dose")]),
        ("Take it twice a day then.", [("twice a day", "dose")]),
        ("Every six hours you use two puffs.", [("Every six hours", "dose"), ("two puffs.", "dose")]),
        ("Lisinopril forty since March.", [("Lisinopril", "drug"), ("forty", "dose")]),
        ("I have no chest pain.", [("no", "negation")]),
        ("She denies fever.", [("denies", "negation")]),
        ("The test was negative.", [("was negative.", "negation")]),
        ("He has had it for three years.", []),
        ("Pressure is 128 over 82 here.", []),
        ("No, that's fine.", []),
    ],
)
def test_what_harms_most_when_misheard_is_marked_at_three_quarters(text: str, spans: list[tuple[str, str]]) -> None:
    assert marked(heard(text, sure=0.75)) == spans
    assert marked(heard(text, sure=0.9)) == []


def test_plain_words_are_marked_only_where_they_are_hardly_heard() -> None:
    assert marked(heard("The garden looks nice today.", n1=0.59, n3=0.6)) == [("garden", "word")]


def test_one_unsure_word_marks_the_whole_of_a_dose_and_says_how_unsure() -> None:
    told = mark_doubtful(heard("Take twenty five milligrams now.", n2=0.4, n3=0.7), rules=RULES, book=BOOK)
    assert [(one.turn_id, one.first, one.last, one.kind, one.confidence) for one in told.spans] == [
        ("t1", 1, 3, "dose", 0.4)
    ]


def test_no_word_is_marked_twice_and_marking_again_changes_nothing() -> None:
    told = heard("No metoprolol twenty five milligrams twice a day, not Zestril.", sure=0.3)
    once = mark_doubtful(told, rules=RULES, book=BOOK)
    places = [n for one in once.spans for n in range(one.first, one.last + 1)]
    assert places == sorted(set(places)) == list(range(10))
    assert mark_doubtful(once, rules=RULES, book=BOOK) == once
    assert once.turns == told.turns


def test_what_was_typed_is_not_doubted() -> None:
    typed = typed_transcript("No metoprolol.", transcript_id="x1", stamp=STAMP)
    assert mark_doubtful(typed, rules=RULES, book=BOOK).spans == ()


def test_turns_without_words_have_no_spans() -> None:
    turn = Turn("t1", "A", "Clinician", "vendor", "No metoprolol.", 0, 900, 0.2)
    bare = Transcript("x1", "recogniser", "en", 900, (turn,), (), STAMP)
    assert mark_doubtful(bare, rules=RULES, book=BOOK).spans == ()
