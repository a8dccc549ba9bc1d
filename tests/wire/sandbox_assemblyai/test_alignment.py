"""When each word of a script is spoken: where it was heard, and between those in proportion."""

from __future__ import annotations

from connector_sandbox.assemblyai.playback import HeardWord
from connector_sandbox.recordings.alignment import place_words, time_words
from connector_sandbox.recordings.library import Turn
from hypothesis import given
from hypothesis import strategies as st


def turn(text: str, *, start: int = 1_000, end: int = 3_000) -> Turn:
    return Turn("patient", text, start, end, time_words(text, start=start, end=end))


def heard(text: str, start: int, end: int) -> HeardWord:
    return HeardWord(text, start, end, confidence=0.5)


def test_words_that_were_heard_stand_where_they_were_heard() -> None:
    words = place_words(turn("I took lisinopril today."), [heard("took", 1_200, 1_400), heard("today", 2_500, 2_990)])
    assert [(word.text, word.start) for word in words] == [
        ("I", 1_000),
        ("took", 1_200),
        ("lisinopril", 1_400),
        ("today.", 2_500),
    ]
    assert 2_000 < words[2].end <= 2_500
    assert words[-1].end == 3_000


def test_what_was_heard_outside_of_the_turn_is_of_another() -> None:
    plain = turn("No fever.")
    assert place_words(plain, [heard("no", 500, 700), heard("fever", 3_100, 3_400)]) == plain.words


def test_a_word_heard_too_soon_for_those_before_it_is_not_believed() -> None:
    words = place_words(turn("one two three four"), [heard("four", 1_010, 1_300)])
    assert words == turn("one two three four").words
    words = place_words(turn("one two three four"), [heard("one", 1_000, 3_000)])
    assert words == turn("one two three four").words


@given(
    st.lists(st.sampled_from(["no", "pain", "and", "fever.", "Lisinopril,"]), min_size=1, max_size=12),
    st.lists(st.tuples(st.sampled_from(["no", "pain", "fever"]), st.integers(900, 3_200), st.integers(0, 600))),
)
def test_words_never_overlap_and_never_leave_their_turn(texts: list[str], said: list[tuple[str, int, int]]) -> None:
    rows = sorted(said, key=lambda row: row[1])
    words = place_words(turn(" ".join(texts)), [heard(text, start, start + length) for text, start, length in rows])
    assert [word.text for word in words] == texts
    times = [time for word in words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert (times[0], times[-1]) == (1_000, 3_000)
