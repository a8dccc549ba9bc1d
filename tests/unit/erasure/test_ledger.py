"""The deletion ledger never claims more than was seen, and always ends once the vendor answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.erasure.ledger import KEPT, ErasureEvent, advance, how_far, next_action, summarise
from connector.records import Stamp, VendorCopy

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
STAMP = Stamp(maker="erasure@1", at=NOON)
KINDS = ["upload", "transcript", "completion"]
RANKS = ["held", "asked", "answered", "verified"]


def _copy(kind: str = "transcript", state: str = "held") -> VendorCopy:
    return VendorCopy("c1", kind, "j1", state, NOON)


def _later(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("kind", "state", "action"),
    [
        ("upload", "held", "ask"),
        ("upload", "asked", "ask"),
        ("upload", "answered", "verify"),
        ("upload", "verified", None),
        ("transcript", "held", "ask"),
        ("transcript", "asked", "ask"),
        ("transcript", "answered", "verify"),
        ("transcript", "verified", None),
        ("completion", "held", "ask"),
        ("completion", "asked", "ask"),
        ("completion", "answered", None),
        ("redacted-audio", "answered", "verify"),
        ("upload", "lapsed", None),
        ("a-kind-of-tomorrow", "answered", "verify"),
    ],
)
def test_the_next_action_follows_kind_and_state(kind, state, action):
    assert next_action(_copy(kind, state)) == action


def test_a_copy_is_asked_for_answered_and_verified_with_the_time_of_each():
    copy = advance(_copy(), ErasureEvent.ASKED, _later(1))
    copy = advance(copy, ErasureEvent.ANSWERED, _later(2))
    copy = advance(copy, ErasureEvent.VERIFIED, _later(3))
    assert (copy.state, copy.made_at) == ("verified", NOON)
    assert (copy.asked_at, copy.answered_at, copy.verified_at) == (_later(1), _later(2), _later(3))


def test_an_answer_without_an_asking_on_file_counts_as_both():
    copy = advance(_copy(), ErasureEvent.ANSWERED, _later(2))
    assert (copy.asked_at, copy.answered_at) == (_later(2), _later(2))


def test_a_second_asking_keeps_the_time_of_the_first():
    copy = advance(_copy(), ErasureEvent.ASKED, _later(1))
    assert advance(copy, ErasureEvent.ASKED, _later(9)) == copy


def test_a_copy_that_is_still_there_is_asked_for_again():
    answered = advance(_copy(), ErasureEvent.ANSWERED, _later(1))
    back = advance(answered, ErasureEvent.STILL_THERE, _later(2))
    assert (back.state, back.answered_at, next_action(back)) == ("held", None, "ask")


def test_a_completion_is_never_called_verified():
    copy = advance(_copy("completion"), ErasureEvent.VERIFIED, _later(1))
    assert (copy.state, copy.verified_at, next_action(copy)) == ("answered", None, None)


def test_a_copy_without_a_name_is_waited_for_and_lapses_only_after_its_day():
    unnamed = VendorCopy("c1", "completion", "unknown:c1", "held", NOON)
    assert next_action(unnamed) == "await"
    assert advance(unnamed, ErasureEvent.LAPSED, _later(10_000)) == unnamed, "nobody said when it ends"
    dated = VendorCopy("c1", "upload", "address", "asked", NOON, expires_at=_later(60))
    assert next_action(dated) == "await"
    assert advance(dated, ErasureEvent.LAPSED, _later(59)) == dated
    lapsed = advance(dated, ErasureEvent.LAPSED, _later(60))
    assert (lapsed.state, lapsed.verified_at, next_action(lapsed)) == ("lapsed", None, None)
    assert summarise([dated], STAMP).complete is False and summarise([lapsed], STAMP).complete is True


def test_an_erasure_is_complete_when_each_copy_is_as_far_as_it_can_be():
    done = [_copy("upload", "verified"), _copy("transcript", "verified"), _copy("completion", "answered")]
    assert summarise(done, STAMP).complete is True
    assert summarise([], STAMP).complete is True
    assert summarise(done, STAMP).copies == tuple(done)
    for owed in (_copy("upload", "answered"), _copy("transcript", "asked"), _copy("completion", "asked"), _copy()):
        assert summarise([*done, owed], STAMP).complete is False


LAPSED = _copy("upload", "lapsed")
DONE = [_copy("upload", "verified"), _copy("completion", "answered")]
DATED = VendorCopy("c1", "upload", "address", "asked", NOON, expires_at=NOON + timedelta(days=2))
UNNAMED = VendorCopy("c2", "completion", "unknown:c2", "held", NOON)


@pytest.mark.parametrize(
    ("copies", "reached"),
    [
        ([], "nothing"),
        (DONE, "deleted"),
        ([*DONE, LAPSED], "lapsed"),
        ([*DONE, LAPSED, _copy(KEPT)], "kept"),
        ([*DONE, LAPSED, _copy(KEPT), DATED], "awaited"),
        ([*DONE, LAPSED, _copy(KEPT), DATED, UNNAMED], "untold"),
        ([*DONE, LAPSED, _copy(KEPT), DATED, UNNAMED, _copy("upload", "answered")], "owed"),
    ],
)
def test_the_copies_of_a_visit_are_called_what_the_worst_of_them_is(copies: list[VendorCopy], reached: str) -> None:
    assert how_far(copies) == how_far(copies[::-1]) == reached


@given(
    st.lists(
        st.builds(
            VendorCopy,
            st.just("c1"),
            st.sampled_from([*KINDS, KEPT]),
            st.sampled_from(["j1", "unknown:c1"]),
            st.sampled_from([*RANKS, "lapsed"]),
            st.just(NOON),
            expires_at=st.sampled_from([None, NOON]),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_nothing_is_called_deleted_of_which_no_deletion_was_seen_or_reported(copies):
    reported = all(
        copy.kind != KEPT and (copy.state == "verified" or (copy.state == "answered" and copy.kind == "completion"))
        for copy in copies
    )
    assert (how_far(copies) == "deleted") == reported
    assert (how_far(copies) == "owed") == any(next_action(copy) in ("ask", "verify") for copy in copies)


@given(st.sampled_from(KINDS), st.lists(st.sampled_from(list(ErasureEvent)), max_size=12))
def test_no_row_of_events_claims_more_than_was_seen(kind, events):
    copy = _copy(kind)
    for number, event in enumerate(events):
        before, copy = copy, advance(copy, event, _later(number))
        went_back = RANKS.index(copy.state) < RANKS.index(before.state)
        assert not went_back or event is ErasureEvent.STILL_THERE
    since_seen = (
        events[len(events) - events[::-1].index(ErasureEvent.STILL_THERE) :]
        if (ErasureEvent.STILL_THERE in events and kind != "completion")
        else events
    )
    assert (copy.state == "verified") == (ErasureEvent.VERIFIED in since_seen and kind != "completion")
    assert (copy.verified_at is not None) == (copy.state == "verified")
    if next_action(copy) is None:
        assert set(since_seen) & {ErasureEvent.VERIFIED, ErasureEvent.ANSWERED}


@given(st.sampled_from(KINDS), st.sampled_from(RANKS[:3]))
def test_every_copy_ends_once_the_vendor_answers(kind, state):
    copy = _copy(kind, state)
    for minute in range(3):
        if next_action(copy) == "ask":
            copy = advance(advance(copy, ErasureEvent.ASKED, _later(minute)), ErasureEvent.ANSWERED, _later(minute))
        elif next_action(copy) == "verify":
            copy = advance(copy, ErasureEvent.VERIFIED, _later(minute))
    assert next_action(copy) is None
