"""Who sits where: channels, names, shared roles, a mere guess by who speaks first; and how far a voice is trusted."""

from __future__ import annotations

from collections.abc import Sequence

from connector.records import Speaker, Turn, Word
from connector.transcript.seating import Seating, list_speakers, seat_turns

CLINICIAN_FIRST = Seating(clinician_first=True)


def turn(speaker: str, role: str = "", role_from: str = "guess", *, seconds: int = 40) -> Turn:
    """A turn of one word for every two seconds it lasts, or of none where it is silent."""
    words = tuple(Word("so", start, start + 2000, 0.9) for start in range(0, seconds * 1000, 2000))
    text = " ".join(word.text for word in words) or "so"
    return Turn("t", speaker, role or f"Speaker {speaker}", role_from, text, 0, seconds * 1000, 0.9, words)


def roles(turns: Sequence[Turn], seating: Seating) -> list[tuple[str, str]]:
    return [(one.role, one.role_from) for one in seat_turns(turns, seating)]


def test_the_first_voice_is_guessed_to_be_the_clinicians_and_the_other_of_two_the_patients() -> None:
    told = roles([turn("B"), turn("A"), turn("B")], CLINICIAN_FIRST)
    assert told == [("Clinician", "guess"), ("Patient", "guess"), ("Clinician", "guess")]
    assert roles([turn("B"), turn("A")], Seating()) == [("Speaker B", "guess"), ("Speaker A", "guess")]


def test_of_three_voices_only_the_first_is_guessed() -> None:
    told = roles([turn("A"), turn("B"), turn("C")], CLINICIAN_FIRST)
    assert told == [("Clinician", "guess"), ("Speaker B", "guess"), ("Speaker C", "guess")]


def test_what_somebody_decided_is_not_guessed_again() -> None:
    told = [turn("A", "Patient", "vendor"), turn("B", "Clinician", "vendor")]
    assert roles(told, CLINICIAN_FIRST) == [("Patient", "vendor"), ("Clinician", "vendor")]
    half = [turn("A"), turn("B", "Clinician", "vendor")]
    assert roles(half, CLINICIAN_FIRST) == [("Speaker A", "guess"), ("Clinician", "vendor")]


def test_words_nobody_was_given_are_no_first_voice() -> None:
    told = roles([turn("?", "Unknown speaker"), turn("A"), turn("B")], CLINICIAN_FIRST)
    assert told == [("Unknown speaker", "guess"), ("Clinician", "guess"), ("Patient", "guess")]


def test_two_voices_of_one_role_are_both_a_guess() -> None:
    told = [turn("A", "Clinician", "vendor"), turn("B", "Patient", "vendor"), turn("C", "Patient", "vendor")]
    assert roles(told, Seating()) == [("Clinician", "vendor"), ("Patient", "guess"), ("Patient", "guess")]


def test_two_voices_of_one_channel_are_both_a_guess() -> None:
    told = roles([turn("1A"), turn("1B"), turn("2")], Seating(sides=("Clinician", "Patient")))
    assert told == [("Clinician", "guess"), ("Clinician", "guess"), ("Patient", "channel")]


def test_a_name_stands_beside_the_role_it_stands_for() -> None:
    told = [turn("A", "Sam Ortiz", "vendor"), turn("B")]
    seated = seat_turns(told, Seating(names={"Sam Ortiz": "Partner"}))
    assert [(one.role, one.role_from) for one in seated] == [("Partner", "vendor"), ("Speaker B", "guess")]


def test_a_voice_with_less_than_half_a_minute_is_not_trusted() -> None:
    told = [turn("A", "Clinician", "vendor", seconds=20), turn("B", seconds=28), turn("A", "Clinician", "vendor")]
    # Both turns of A lie at the same place: what is heard twice is counted once.
    assert list_speakers(told, low_trust_ms=30_000, names={"A": "Dr. Lee"}) == (
        Speaker("A", "Clinician", "vendor", "Dr. Lee", 40_000, low_trust=False),
        Speaker("B", "Speaker B", "guess", None, 28_000, low_trust=True),
    )
