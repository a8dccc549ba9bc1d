"""A redacted copy as it leaves: clips, times, and what is said of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.errors import InputRefused
from connector.records import RedactedTranscript, Stamp, Turn, Word
from connector.transcript.sharing import Stretch, cut_copy, describe_copy, read_stretch, silent_times, write_copy

STAMP = Stamp(maker="redacting@1", at=datetime(2026, 3, 2, 12, 0, tzinfo=UTC), model="universal-3-5-pro")
MINUTE = 60_000


def _turn(turn_id: str, text: str, start: int) -> Turn:
    words = tuple(Word(one, start + at * 500, start + at * 500 + 400, 0.91234) for at, one in enumerate(text.split()))
    return Turn(turn_id, "S1", "Patient", "vendor", text, start, words[-1].end_ms, 0.9, words)


COPY = RedactedTranscript(
    of_transcript="id-of-the-clinical-one",
    policies=("person_name",),
    substitution="entity_name",
    turns=(_turn("t1", "I am [PERSON_NAME].", 1000), _turn("t2", "It hurts here.", 61_000)),
    found=(("person_name", 1),),
    stamp=STAMP,
    silences=((2000, 2400), (50, 90)),
    duration_ms=90_000,
    job_id="job-of-the-vendor",
)


@pytest.mark.parametrize(
    ("begin", "end", "span"),
    [
        ("00:10", "01:05", (10_000, 65_000)),
        (None, "0:30", (0, 30_000)),
        ("1:00", None, (MINUTE, 90_000)),
        ("0:00:05", "99:00", (5_000, 90_000)),
    ],
)
def test_a_clip_runs_from_one_time_to_another_and_never_beyond_the_end(
    begin: str | None, end: str | None, span: tuple[int, int]
) -> None:
    assert read_stretch(begin, end, duration_ms=90_000) == Stretch(*span)


def test_without_times_there_is_no_clip() -> None:
    assert read_stretch(None, None, duration_ms=90_000) is None
    assert cut_copy(COPY, None) is COPY


@pytest.mark.parametrize(
    ("begin", "end"), [("2", None), ("00:60", None), ("1:00", "0:30"), ("1:31", None), ("-1:00", "x")]
)
def test_times_that_are_none_are_refused_with_how_to_write_them(begin: str, end: str | None) -> None:
    with pytest.raises(InputRefused):
        read_stretch(begin, end, duration_ms=90_000)


@pytest.mark.parametrize("end", [None, "2:00", "0:30"])
def test_a_clip_after_the_end_is_told_where_the_recording_ends(end: str | None) -> None:
    with pytest.raises(InputRefused, match="The recording ends at 01:30: the clip would begin after it"):
        read_stretch("1:31", end, duration_ms=90_000)


def test_a_clip_holds_the_words_said_in_it_and_the_times_of_the_recording() -> None:
    cut = cut_copy(COPY, Stretch(1450, 61_500))
    assert [(turn.turn_id, turn.text, turn.start_ms) for turn in cut.turns] == [
        ("t1", "am [PERSON_NAME].", 1500),
        ("t2", "It", 61_000),
    ]
    assert cut_copy(COPY, Stretch(10_000, 20_000)).turns == ()


def test_what_leaves_holds_no_date_and_no_id_of_what_it_was_made_from() -> None:
    told = str(describe_copy(COPY)) + write_copy(COPY)
    for secret in ("id-of-the-clinical-one", "job-of-the-vendor", "2026"):
        assert secret not in told
    assert "[00:01] Patient: I am [PERSON_NAME]." in write_copy(COPY)
    assert describe_copy(COPY)["turns"][0]["words"][0] == {
        "text": "I",
        "start_ms": 1000,
        "end_ms": 1400,
        "confidence": 0.912,
    }


def test_the_sound_is_silent_a_little_before_and_after_each_word_taken_out() -> None:
    assert silent_times(COPY) == [(1900, 2500), (0, 190)]
