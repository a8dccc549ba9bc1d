"""No word of a redacted span survives in a redacted copy, and its turns and times are those of the clinical one."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from connector.records import SpokenEntity, Stamp, Transcript, Turn, Word
from connector.transcript.redacting import Redacting, redact_transcript

STAMP = Stamp(maker="test", at=datetime(2026, 3, 2, 12, 0, tzinfo=UTC))
SECRETS = ("Quixotte", "Zyx'vane", "Wjöllnir", "Vexley-Quon")
PIECES = ("quixotte", "zyx", "vane", "wjöllnir", "vexley", "quon")
plain = st.sampled_from(["any", "pain?", "No.", "the", "3", "–"])
secret = st.sampled_from(SECRETS).flatmap(lambda name: st.sampled_from([name, f"{name}'s", f"{name}.", name.upper()]))
speakers = st.sampled_from(["A", "B", "Quixotte"])


@st.composite
def heard(draw: st.DrawFn) -> tuple[Transcript, list[Turn]]:
    """A transcript with names in it, and the vendor's copy, which takes some of them out, tells of others as entities,
    and of some turns nothing."""
    turns, shown, entities, at = [], [], [], 0
    for number in range(1, draw(st.integers(1, 4)) + 1):
        words, others, begins = [], [], at
        for text in draw(st.lists(plain | secret, min_size=1, max_size=6)):
            word = Word(text, at, at + draw(st.sampled_from([0, 80])), 0.9, draw(speakers))
            other = word
            if _is_secret(text):
                told = draw(st.sampled_from(["text", "entity", "both"]))
                if told != "entity":
                    other = replace(word, text="[PERSON_NAME]")
                if told != "text":
                    entities.append(SpokenEntity("person_name", text, word.start_ms, word.end_ms))
            words.append(word)
            others.append(other)
            at += 100
        who = draw(speakers)
        turn = Turn(f"t{number}", who, who, "vendor", " ".join(w.text for w in words), begins, at, 0.9, tuple(words))
        turns.append(turn)
        if draw(st.integers(0, 4)):
            kept = tuple(others[: draw(st.sampled_from([len(others), len(others), 1]))])
            shown.append(replace(turn, text=" ".join(word.text for word in kept), words=kept))
    made = Transcript("x1", "recogniser", "en", at, tuple(turns), (), STAMP, entities=tuple(entities))
    return made, shown


def _is_secret(text: str) -> bool:
    return any(piece in text.casefold() for piece in PIECES)


@given(heard(), st.sampled_from(["hash", "entity_name"]))
def test_no_word_of_a_redacted_span_survives_in_any_field(one: tuple[Transcript, list[Turn]], how: str) -> None:
    transcript, shown = one
    copy = redact_transcript(transcript, shown, redacting=Redacting(("person_name",), how, ("A",)), stamp=STAMP)
    told = json.dumps(asdict(copy), default=str, ensure_ascii=False).casefold()
    assert not [piece for piece in PIECES if piece in told]


@given(heard())
def test_turns_and_times_are_kept(one: tuple[Transcript, list[Turn]]) -> None:
    transcript, shown = one
    copy = redact_transcript(transcript, shown, redacting=Redacting(("person_name",), "hash"), stamp=STAMP)
    assert [_times(turn) for turn in copy.turns] == [_times(turn) for turn in transcript.turns]
    whole = {(turn.start_ms, len(turn.words)) for turn in shown}
    for turn, clinical in zip(copy.turns, transcript.turns, strict=True):
        if (turn.start_ms, len(clinical.words)) in whole:
            pairs = zip(turn.words, clinical.words, strict=True)
            assert all(word.text == said.text for word, said in pairs if not _is_secret(said.text))


def _times(turn: Turn) -> tuple[object, ...]:
    return (turn.turn_id, turn.start_ms, turn.end_ms, [(word.start_ms, word.end_ms) for word in turn.words])
