"""Corrections of a transcript can all be taken back, and no word is ever lost, said twice or out of its place."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import reduce
from itertools import groupby, pairwise

from hypothesis import given
from hypothesis import strategies as st

from connector.errors import InputRefused
from connector.records import DoubtfulSpan, Stamp, Transcript, TranscriptEdit, Turn, Word
from connector.transcript.correcting import ACTIONS, apply_edit, speakers_of, undo
from connector.transcript.rewording import SURE, places_to_cut, reword

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
spoken = st.sampled_from(["no", "chest", "pain", "met", "formin", "500", "mg,", "a", "don't", "Yes."])
labels = st.sampled_from(["A", "B", "C", "1A"])
roles = st.sampled_from(["Clinician", "Patient", "Partner", "Speaker A"])


@st.composite
def turns(draw: st.DrawFn, number: int) -> Turn:
    texts = draw(st.lists(spoken, min_size=1, max_size=6))
    words = tuple(
        Word(
            text, number * 10_000 + place * 400, number * 10_000 + place * 400 + 300, draw(st.sampled_from([0.3, 0.9]))
        )
        for place, text in enumerate(texts)
    )
    label = draw(labels)
    stated = draw(st.sampled_from([True, True, True, False]))
    begin, end = words[0].start_ms, words[-1].end_ms
    text = " ".join(texts)
    return Turn(f"t{number}", label, f"Speaker {label}", "guess", text, begin, end, 0.8, words if stated else ())


@st.composite
def marks(draw: st.DrawFn, turn: Turn) -> list[DoubtfulSpan]:
    """Marks over some of its words, none on another's."""
    kinds = [draw(st.sampled_from(["drug", "dose", "negation", "word", None])) for _ in turn.words]
    runs = groupby(enumerate(kinds), key=lambda one: one[1])
    found = [(kind, [place for place, _ in run]) for kind, run in runs if kind]
    return [DoubtfulSpan(turn.turn_id, run[0], run[-1], kind, 0.3) for kind, run in found]


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    count = draw(st.integers(1, 5))
    told = tuple(draw(turns(number)) for number in range(1, count + 1))
    spans = tuple(span for turn in told for span in draw(marks(turn)))
    return Transcript("x1", "recogniser", "en", 90_000, told, (), Stamp("test", AT), spans=spans)


@st.composite
def chains(draw: st.DrawFn) -> list[Transcript]:
    """A transcript and what became of it, version by version."""
    versions = [draw(transcripts())]
    for number in range(draw(st.integers(0, 8))):
        edit = draw(edits(versions[-1], number))
        try:
            versions.append(apply_edit(versions[-1], edit))
        except InputRefused:
            continue
    return versions


def edits(now: Transcript, number: int) -> st.SearchStrategy[TranscriptEdit]:
    speakers = st.sampled_from([one.label for one in speakers_of(now)])
    ids = st.sampled_from([turn.turn_id for turn in now.turns])
    detail = st.fixed_dictionaries(
        {
            "speaker": speakers,
            "other": speakers,
            "into": speakers,
            "role": roles,
            "turn": ids,
            "turns": st.lists(ids, min_size=1, max_size=3).map(" ".join),
            "word": st.integers(0, 3),
            "text": st.lists(spoken | st.just("Metformin"), max_size=7).map(" ".join),
        }
    )
    return st.builds(
        lambda action, told: TranscriptEdit(f"e{number}", action, "Practitioner/1", AT, told),
        st.sampled_from((*ACTIONS, "cut", "cut", "correct")),
        detail,
    )


def places(transcript: Transcript) -> list[tuple[int, int]]:
    return [(word.start_ms, word.end_ms) for turn in transcript.turns for word in turn.words]


def text(transcript: Transcript) -> list[str]:
    return [token for turn in transcript.turns for token in turn.text.split()]


def bare(transcript: Transcript) -> Transcript:
    """What it holds, without which version it is."""
    return replace(transcript, version=1, transcript_id="", based_on=None)


@given(chains())
def test_corrections_taken_back_one_by_one_leave_each_version_before_them(versions):
    original, now = versions[0], versions[-1]
    for number, before in enumerate(reversed(versions[:-1]), start=1):
        now = undo(original, now)
        assert bare(now) == bare(before)
        assert now.transcript_id == before.transcript_id
        assert now.version == len(versions) + number
    assert bare(now) == bare(original)


@given(chains())
def test_every_word_stays_once_in_its_place_whatever_is_corrected(versions):
    for before, after in pairwise(versions):
        assert places(after) == places(before)
        if after.edits[-1].action != "correct":
            assert text(after) == text(before)
            assert [w.text for t in after.turns for w in t.words] == [w.text for t in before.turns for w in t.words]


@given(chains())
def test_turns_have_ids_of_their_own_and_keep_them_in_order(versions):
    for before, after in pairwise(versions):
        ids = [turn.turn_id for turn in after.turns]
        assert len(set(ids)) == len(ids)
        assert [one for one in ids if one in {turn.turn_id for turn in before.turns}] == [
            turn.turn_id for turn in before.turns
        ]
        assert {turn.speaker for turn in after.turns} == {one.label for one in after.speakers}


@given(chains())
def test_a_mark_lies_on_words_there_are(versions):
    for one in versions:
        sizes = {turn.turn_id: len(turn.words) for turn in one.turns}
        assert all(0 <= span.first <= span.last < sizes[span.turn_id] for span in one.spans)


def marked(transcript: Transcript) -> dict[int, tuple[str, int]]:
    """By the time of each marked word: the kind of its mark, and where the mark begins."""
    words = {turn.turn_id: turn.words for turn in transcript.turns}
    return {
        words[span.turn_id][place].start_ms: (span.kind, words[span.turn_id][span.first].start_ms)
        for span in transcript.spans
        for place in range(span.first, span.last + 1)
    }


def held(transcript: Transcript) -> dict[int, Word]:
    return {word.start_ms: word for turn in transcript.turns for word in turn.words}


def stands(before: str, after: str) -> bool:
    """Whether every word of a place is still in it, in its order."""
    left = iter(after.split())
    return all(token in left for token in before.split())


@given(chains())
def test_a_mark_goes_with_a_corrected_word_and_stays_on_its_words_through_everything_else(versions):
    for before, after in pairwise(versions):
        then, now = marked(before), marked(after)
        assert now.keys() <= then.keys(), "no mark is added"
        assert all(now[at][0] == then[at][0] for at in now)
        if after.edits[-1].action != "correct":
            assert now.keys() == then.keys()
            continue
        was, held_now = held(before), held(after)
        corrected = {at for at, word in was.items() if not stands(word.text, held_now[at].text)}
        alike = {at for at, word in was.items() if word.text == held_now[at].text}
        ended = {begin for at, (_, begin) in then.items() if at in corrected}
        kept = {begin for _, begin in then.values()} - {begin for at, (_, begin) in then.items() if at not in alike}
        assert not {at for at, (_, begin) in then.items() if begin in ended} & now.keys()
        assert {at for at, (_, begin) in then.items() if begin in kept} <= now.keys()


@given(chains())
def test_a_corrected_word_is_sure_and_never_marked_and_others_are_as_sure_as_they_were(versions):
    for before, after in pairwise(versions):
        was, now = held(before), held(after)
        for at, word in was.items():
            if not stands(word.text, now[at].text):
                assert now[at].confidence == SURE
            elif word.text == now[at].text:
                assert now[at].confidence == word.confidence
        assert not [at for at in marked(after) if now[at].confidence == SURE]


@given(st.integers(1, 1).flatmap(turns), st.lists(spoken, min_size=1, max_size=8))
def test_a_corrected_turn_says_what_was_typed_and_its_words_say_it_too(turn, typed):
    said = " ".join(typed)
    reworded, touched = reword(turn, said)
    assert reworded.text == said
    assert len(reworded.words) == len(turn.words)
    if turn.words:
        assert " ".join(word.text for word in reworded.words if word.text) == said
        rest = [(word, reworded.words[n]) for n, word in enumerate(turn.words) if n not in touched]
        assert all(stands(word.text, now.text) and now.confidence == word.confidence for word, now in rest)
        assert reword(reworded, turn.text)[0].text == turn.text


@st.composite
def long_corrections(draw: st.DrawFn) -> tuple[Turn, list[int], list[str]]:
    """A turn of more than two hundred words, ten different ones at first, the places typed over, and what was typed."""
    said = draw(st.lists(spoken, min_size=6, max_size=40)) * 40
    said = said[: draw(st.integers(210, 700))]
    words = tuple(Word(text, at * 400, at * 400 + 300, 0.3) for at, text in enumerate(said))
    changed = sorted(draw(st.sets(st.integers(0, len(said) - 1), min_size=1, max_size=12)))
    typed = ["CHANGED" if at in changed else text for at, text in enumerate(said)]
    turn = Turn("t1", "A", "Speaker A", "guess", " ".join(said), 0, words[-1].end_ms, 0.3, words)
    return turn, changed, typed


@given(long_corrections())
def test_words_typed_over_in_a_long_turn_are_the_only_ones_made_sure_and_unmarked(given_turn):
    turn, changed, typed = given_turn
    spans = tuple(DoubtfulSpan("t1", at, at, "dose", 0.3) for at in range(len(turn.words)))
    start = Transcript("x1", "recogniser", "en", 1, (turn,), (), Stamp("test", AT), spans=spans)
    edit = TranscriptEdit("e", "correct", "Practitioner/1", AT, {"turn": "t1", "text": " ".join(typed)})
    now = apply_edit(start, edit)
    (said,) = now.turns
    assert [word.text for word in said.words] == typed
    assert [at for at, word in enumerate(said.words) if word.confidence != 0.3] == changed
    assert [span.first for span in now.spans] == [at for at in range(len(typed)) if at not in changed]


@given(st.integers(1, 1).flatmap(turns))
def test_a_turn_can_be_cut_wherever_it_is_offered(turn):
    start = Transcript("x1", "recogniser", "en", 1, (turn,), (), Stamp("test", AT))
    for place in places_to_cut(turn):
        edit = TranscriptEdit("e", "cut", "Practitioner/1", AT, {"turn": "t1", "word": place})
        first, second = apply_edit(start, edit).turns
        assert (first.turn_id, second.turn_id) == ("t1", "t1.1")
        assert f"{first.text} {second.text}" == turn.text
        assert second.start_ms == turn.words[place].start_ms


def test_a_long_chain_folds_the_same_way_twice():
    turn = Turn("t1", "A", "Speaker A", "guess", "met formin 500", 0, 900, 0.8, ())
    original = Transcript("x1", "recogniser", "en", 900, (turn,), (), Stamp("test", AT))
    made = [TranscriptEdit(f"e{n}", "correct", "p", AT, {"turn": "t1", "text": f"metformin {n}"}) for n in range(5)]
    assert reduce(apply_edit, made, original) == reduce(apply_edit, made, original)
    assert reduce(apply_edit, made, original).turns[0].text == "metformin 4"
