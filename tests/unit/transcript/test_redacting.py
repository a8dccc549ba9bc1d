"""A redacted copy: what is taken out of it, what stays, and what nobody vouched for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime

import pytest

from connector.records import RedactedTranscript, SpokenEntity, Stamp, Transcript, Turn, Word
from connector.transcript.redacting import Redacting, redact_transcript

STAMP = Stamp(maker="redacting@1", at=datetime(2026, 3, 2, 12, 0, tzinfo=UTC))
NAMES = Redacting(("person_name", "date"), "entity_name", roles=("Clinician", "Patient"))


def _turn(turn_id: str, text: str, start: int, *, speaker: str = "A", role: str = "Clinician") -> Turn:
    words = tuple(
        Word(word, start + place * 100, start + place * 100 + 90, 0.9, speaker)
        for place, word in enumerate(text.split())
    )
    return Turn(turn_id, speaker, role, "vendor", text, start, words[-1].end_ms, 0.9, words)


def _transcript(*turns: Turn, entities: Sequence[SpokenEntity] = ()) -> Transcript:
    return Transcript("x1", "recogniser", "en", 9000, turns, (), STAMP, entities=tuple(entities))


def _shown(turn: Turn, text: str) -> Turn:
    """The vendor's redacted turn of the same words and times."""
    words = tuple(replace(word, text=told) for word, told in zip(turn.words, text.split(), strict=True))
    return replace(turn, text=text, words=words)


def _copy(transcript: Transcript, redacted: Sequence[Turn], redacting: Redacting = NAMES) -> RedactedTranscript:
    return redact_transcript(transcript, redacted, redacting=redacting, stamp=STAMP)


def test_the_vendors_words_stand_in_turns_with_the_ids_and_times_of_the_clinical_ones() -> None:
    first = _turn("t1", "Hello Maria Jansen.", 0)
    second = _turn("t2", "Good morning.", 500, speaker="B", role="Patient")
    copy = _copy(_transcript(first, second), [_shown(first, "Hello [PERSON_NAME] [PERSON_NAME]."), second])
    assert [turn.text for turn in copy.turns] == ["Hello [PERSON_NAME] [PERSON_NAME].", "Good morning."]
    assert [(turn.turn_id, turn.start_ms, turn.end_ms) for turn in copy.turns] == [("t1", 0, 290), ("t2", 500, 690)]
    assert copy.silences == ((100, 190), (200, 290))
    assert copy.found == (("person_name", 1),)
    assert (copy.of_transcript, copy.origin, copy.duration_ms) == ("x1", "recogniser", 9000)


def test_a_word_in_an_entity_of_a_chosen_policy_goes_where_the_vendors_text_missed_it() -> None:
    turn = _turn("t1", "Since May third, Maria.", 0)
    missed = [SpokenEntity("date", "05/03", 100, 290), SpokenEntity("person_name", "MARIA", 300, 390)]
    copy = _copy(_transcript(turn, entities=missed), [turn])
    assert copy.turns[0].text == "Since [DATE] [DATE], [PERSON_NAME]."
    assert copy.found == (("date", 1), ("person_name", 1))


def test_an_entity_nobody_chose_stays_in_the_text_and_is_counted() -> None:
    turn = _turn("t1", "Take amlodipine daily.", 0)
    copy = _copy(_transcript(turn, entities=[SpokenEntity("drug", "amlodipine", 100, 190)]), [turn])
    assert copy.turns[0].text == "Take amlodipine daily."
    assert copy.found == (("drug", 1),)


def test_what_was_taken_out_once_is_taken_out_wherever_it_is_said() -> None:
    first, second = _turn("t1", "Maria Jansen, hello.", 0), _turn("t2", "Jansen's daughter, maria too.", 900)
    copy = _copy(_transcript(first, second), [_shown(first, "[PERSON_NAME] [PERSON_NAME], hello."), second])
    assert copy.turns[1].text == "[PERSON_NAME] daughter, [PERSON_NAME] too."
    assert "ansen" not in str(asdict(copy)) and "aria" not in str(asdict(copy))


def test_a_phrase_is_taken_out_as_a_phrase_and_its_small_words_stay_elsewhere() -> None:
    first, second = _turn("t1", "The third of May.", 0), _turn("t2", "Two of them, third of May.", 900)
    entity = SpokenEntity("date", "third of May", 100, 390)
    copy = _copy(_transcript(first, second, entities=[entity]), [first, second])
    assert copy.turns[1].text == "Two of them, [DATE] [DATE] [DATE]."


@pytest.mark.parametrize("shown", [None, "Hello there."])
def test_a_turn_the_vendor_does_not_show_word_by_word_is_taken_out_whole(shown: str | None) -> None:
    turn, plain = _turn("t1", "Hello Maria Jansen.", 0), _turn("t2", "Good morning.", 900)
    redacted = [] if shown is None else [replace(turn, text=shown, words=turn.words[:2])]
    copy = _copy(_transcript(turn, plain), [*redacted, plain])
    assert [one.text for one in copy.turns] == ["[REDACTED] [REDACTED] [REDACTED].", "Good morning."]
    assert len(copy.turns[0].words) == 3


def test_two_turns_at_the_same_time_are_each_compared_with_their_own() -> None:
    left, right = _turn("t1", "Maria is here.", 0), _turn("t2", "Good to know.", 0, speaker="B", role="Patient")
    copy = _copy(_transcript(left, right), [_shown(left, "[PERSON_NAME] is here."), right])
    assert [turn.text for turn in copy.turns] == ["[PERSON_NAME] is here.", "Good to know."]


def test_a_turn_without_words_of_its_own_keeps_none_and_loses_what_is_taken_out() -> None:
    turn = replace(_turn("t1", "Hello Maria.", 0), words=())
    copy = _copy(_transcript(turn), [replace(turn, text="Hello [PERSON_NAME].")])
    assert (copy.turns[0].text, copy.turns[0].words) == ("Hello [PERSON_NAME].", ())


def test_hashes_stand_for_letters_where_those_were_asked_for() -> None:
    turn = _turn("t1", "Hello O'Neill, 42.", 0)
    entity = SpokenEntity("person_name", "O'Neill", 100, 190)
    copy = _copy(_transcript(turn, entities=[entity]), [turn], replace(NAMES, substitution="hash"))
    assert copy.turns[0].text == "Hello #'#####, 42."


def test_roles_are_shown_and_names_never() -> None:
    turns = [
        _turn("t1", "Hello.", 0, speaker="Maria Jansen", role="Patient"),
        _turn("t2", "Yes.", 300, speaker="B", role="Piet Jansen"),
        _turn("t3", "Fine.", 600, speaker="C", role="clinician"),
    ]
    copy = _copy(_transcript(*turns), turns)
    assert [(turn.speaker, turn.role) for turn in copy.turns] == [
        ("S1", "Patient"),
        ("S2", "Speaker 2"),
        ("S3", "Clinician"),
    ]
    assert "Jansen" not in str(asdict(copy))


def test_people_known_to_be_in_the_visit_are_taken_out_whatever_the_policies_say() -> None:
    turn = _turn("t1", "Dr. Vane will see Mrs Quixotte, Quixotte's son too.", 0)
    known = Redacting(("drug",), "entity_name", names=("Dr. A. Vane, MD", "Quixotte Maria"))
    copy = _copy(_transcript(turn), [turn], known)
    assert copy.turns[0].text == "Dr. [PERSON_NAME] will see Mrs [PERSON_NAME], [PERSON_NAME] son too."
    assert copy.silences == ((100, 190), (500, 590), (600, 690))


def test_an_entity_type_that_is_no_name_of_a_type_is_not_kept() -> None:
    turn = _turn("t1", "Hello.", 0)
    copy = _copy(_transcript(turn, entities=[SpokenEntity("Maria Jansen", "x", 0, 0)]), [turn])
    assert copy.found == ()


@pytest.mark.parametrize(
    ("charted", "heard"),
    [("Muñoz", "Munoz"), ("Munoz", "MUÑOZ"), ("Jose\u0301", "José"), ("Ångström", "Angstrom's"), ("Łê", "łe")],
)
def test_a_name_is_found_with_and_without_its_accents(charted: str, heard: str) -> None:
    turn = _turn("t1", f"Hello {heard} there.", 0)
    copy = _copy(_transcript(turn), [turn], replace(NAMES, names=(charted,)))
    assert copy.turns[0].text == "Hello [PERSON_NAME] there."


@pytest.mark.parametrize("times", [(0, 0), (700, 700), (9000, 9090), (0, 90)])
def test_where_a_words_own_times_cannot_be_right_its_whole_turn_is_silent(times: tuple[int, int]) -> None:
    turn = _turn("t1", "Hello Maria there.", 500)
    first, name, last = turn.words
    turn = replace(turn, words=(first, replace(name, start_ms=times[0], end_ms=times[1]), last))
    copy = _copy(_transcript(turn), [_shown(turn, "Hello [PERSON_NAME] there.")])
    assert (500, 790) in copy.silences


def test_of_entities_that_share_a_moment_the_first_one_counts() -> None:
    turn = _turn("t1", "On May third, Maria.", 0)
    told = [SpokenEntity("person_name", "x", 300, 390), SpokenEntity("date", "y", 0, 400)]
    told += [SpokenEntity("date", "z", 100, 100), SpokenEntity("person_name", "q", 290, 290)]
    copy = _copy(_transcript(turn, entities=told), [turn])
    assert copy.turns[0].text == "[DATE] [DATE] [DATE], [PERSON_NAME]."
