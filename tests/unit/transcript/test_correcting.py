"""What a clinician's corrections do to speakers, turns, words and marks, and what they refuse."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.errors import InputRefused
from connector.records import DoubtfulSpan, Stamp, Transcript, TranscriptEdit, Turn, Word
from connector.transcript.correcting import MOST_EDITS, apply_edit, speakers_of, undo
from connector.transcript.rewording import places_to_cut

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def turn(turn_id: str, speaker: str, text: str, *, at: int = 0, role: str = "", role_from: str = "vendor") -> Turn:
    words = tuple(Word(one, at + n * 500, at + n * 500 + 400, 0.5) for n, one in enumerate(text.split()))
    ends = words[-1].end_ms
    return Turn(turn_id, speaker, role or f"Speaker {speaker}", role_from, text, at, ends, 0.8, words)


def transcript(*turns: Turn, spans: tuple[DoubtfulSpan, ...] = ()) -> Transcript:
    return Transcript("x1", "recogniser", "en", 60_000, turns, (), Stamp("test", AT), spans=spans)


def visit() -> Transcript:
    """A clinician, a patient, and somebody who was taken for the patient in t3."""
    return transcript(
        turn("t1", "A", "Any chest pain?", role="Clinician"),
        turn("t2", "B", "No. He takes met for men", at=5000, role="Patient"),
        turn("t3", "B", "twice a day.", at=9000, role="Patient"),
        turn("t4", "C", "I see.", at=12_000, role_from="guess"),
        spans=(DoubtfulSpan("t2", 3, 5, "drug", 0.5), DoubtfulSpan("t3", 0, 2, "dose", 0.5)),
    )


def corrected(of: Transcript, action: str, **detail: str | int) -> Transcript:
    return apply_edit(of, TranscriptEdit(f"e{of.version}", action, "Practitioner/1", AT, detail))


def roles(of: Transcript) -> list[tuple[str, str, str]]:
    return [(one.speaker, one.role, one.role_from) for one in of.turns]


def test_a_renamed_speaker_is_the_clinicians_word_in_every_turn():
    now = corrected(visit(), "rename", speaker="B", role="Partner", name="  Ada   Miller ")
    assert roles(now)[1:3] == [("B", "Partner", "clinician")] * 2
    assert roles(now)[0] == ("A", "Clinician", "vendor")
    speaker = next(one for one in speakers_of(now) if one.label == "B")
    assert (speaker.role, speaker.role_from, speaker.name) == ("Partner", "clinician", "Ada Miller")
    assert (now.transcript_id, now.based_on, now.version, now.stamp.who) == ("e1", "x1", 2, "Practitioner/1")
    assert next(one for one in corrected(now, "rename", speaker="B", role="Carer").speakers if one.label == "B").name


@pytest.mark.parametrize("after", ["a b " * 1500, "b " * 3000, "c " + "a " * 2998 + "c", "a " * 6000])
def test_a_long_turn_of_few_different_words_is_corrected_like_any_other(after: str):
    """Comparing word by word would take hours."""
    long = transcript(turn("t1", "A", "a " * 3000))
    now = corrected(long, "correct", turn="t1", text=after)
    (said,), (before,) = now.turns, long.turns
    assert said.text == after.strip()
    assert " ".join(word.text for word in said.words if word.text) == said.text
    assert [word.start_ms for word in said.words] == [word.start_ms for word in before.words]


def test_words_far_apart_in_a_long_turn_are_corrected_without_those_between_them():
    """Some fall away, so that the two texts are never side by side, and a common one stands between two that change."""
    said = [f"w{n}" if n % 3 else "the" for n in range(400)]
    typed = [*said[:50], "new", "the", "newer", *said[53:300], "the", *said[303:350], *said[351:]]
    start = transcript(turn("t1", "A", " ".join(said)))
    now = corrected(start, "correct", turn="t1", text=" ".join(typed))
    assert now.turns[0].text == " ".join(typed)
    sure = [at for at, word in enumerate(now.turns[0].words) if word.confidence == 1.0]
    assert sure == [50, 52, 301, 302, 350]


@pytest.mark.parametrize("text", ["\u200b", " \u2060\u202e ", "\u00ad"])
def test_a_turn_or_a_role_of_unseen_characters_is_empty(text: str):
    for action, detail in (("correct", {"turn": "t1", "text": text}), ("rename", {"speaker": "A", "role": text})):
        with pytest.raises(InputRefused):
            corrected(visit(), action, **detail)


def test_swapped_speakers_exchange_roles_and_names_but_not_what_they_said():
    named = corrected(visit(), "rename", speaker="B", role="Patient", name="Ada")
    now = corrected(named, "swap", speaker="A", other="B")
    assert roles(now)[:2] == [("A", "Patient", "clinician"), ("B", "Clinician", "clinician")]
    assert [one.name for one in now.speakers] == ["Ada", None, None]
    assert [one.text for one in now.turns] == [one.text for one in visit().turns]


def test_merged_speakers_are_one_and_weighed_together():
    now = corrected(visit(), "merge", speaker="C", into="A")
    assert [one.label for one in now.speakers] == ["A", "B"]
    assert roles(now)[3] == ("A", "Clinician", "clinician")
    assert now.speakers[0].speech_ms == 5 * 400
    assert now.speakers[0].low_trust


def test_a_merge_into_somebody_whose_role_is_a_guess_decides_no_role():
    now = corrected(visit(), "merge", speaker="A", into="C")
    assert roles(now)[0] == ("C", "Speaker C", "guess")
    assert next(one for one in now.speakers if one.label == "C").role_from == "guess"


def test_turns_taken_from_a_speaker_belong_to_somebody_new():
    now = corrected(visit(), "split", turns="t3", role="Interpreter")
    assert roles(now)[1:3] == [("B", "Patient", "vendor"), ("new1", "Interpreter", "clinician")]
    again = corrected(now, "split", turns="t2 t4", role="Partner")
    assert [one.label for one in again.speakers] == ["A", "new2", "new1"]


def test_a_turn_given_to_another_speaker_leaves_the_others_alone():
    now = corrected(visit(), "move", turns="t3 t4", speaker="A")
    assert [one.speaker for one in now.turns] == ["A", "B", "A", "A"]
    assert [one.label for one in now.speakers] == ["A", "B"]


def test_a_turn_cut_in_two_keeps_every_word_and_takes_its_marks_along():
    now = corrected(visit(), "cut", turn="t2", word=4, speaker="A")
    first, second = now.turns[1:3]
    assert (first.turn_id, first.text, first.end_ms) == ("t2", "No. He takes met", 6900)
    assert (second.turn_id, second.text, second.start_ms, second.speaker) == ("t2.1", "for men", 7000, "A")
    assert now.spans[:2] == (DoubtfulSpan("t2", 3, 3, "drug", 0.5), DoubtfulSpan("t2.1", 0, 1, "drug", 0.5))
    assert corrected(now, "cut", turn="t2", word=1).turns[2].turn_id == "t2.2"
    assert places_to_cut(visit().turns[1]) == (1, 2, 3, 4, 5)


def test_corrected_words_stay_in_their_places_and_are_sure():
    now = corrected(visit(), "correct", turn="t2", text="No. He takes  metformin")
    words = now.turns[1].words
    assert now.turns[1].text == "No. He takes metformin"
    assert [one.text for one in words] == ["No.", "He", "takes", "metformin", "", ""]
    assert [one.start_ms for one in words] == [one.start_ms for one in visit().turns[1].words]
    assert [one.confidence for one in words] == [0.5, 0.5, 0.5, 1.0, 1.0, 1.0]
    assert [one.turn_id for one in now.spans] == ["t3"]


def test_words_that_come_in_belong_to_the_place_before_them():
    now = corrected(visit(), "correct", turn="t3", text="500 mg twice a day.")
    assert [one.text for one in now.turns[2].words] == ["500 mg twice", "a", "day."]
    later = corrected(now, "correct", turn="t3", text="500 mg twice a long day.")
    assert [one.text for one in later.turns[2].words] == ["500 mg twice", "a long", "day."]


def test_a_word_that_comes_in_beside_a_marked_one_leaves_its_mark_and_makes_nothing_sure():
    start = transcript(turn("t1", "B", "no chest pain"), spans=(DoubtfulSpan("t1", 0, 0, "negation", 0.5),))
    now = corrected(start, "correct", turn="t1", text="no real chest pain")
    assert [(one.text, one.confidence) for one in now.turns[0].words] == [
        ("no real", 0.5),
        ("chest", 0.5),
        ("pain", 0.5),
    ]
    assert now.spans == start.spans


def test_a_mark_ends_as_a_whole_where_one_of_its_words_is_corrected_and_no_other_does():
    spans = (DoubtfulSpan("t1", 0, 0, "drug", 0.5), DoubtfulSpan("t1", 1, 2, "dose", 0.5))
    start = transcript(turn("t1", "B", "metformin 50 mg daily"), spans=spans)
    now = corrected(start, "correct", turn="t1", text="metformin 500 mg daily")
    assert now.spans == spans[:1]
    assert [one.confidence for one in now.turns[0].words] == [0.5, 1.0, 0.5, 0.5]


def test_what_is_corrected_is_not_searched_for_new_marks():
    """Whoever wrote a drug into a turn has read the number beside it."""
    start = transcript(turn("t1", "B", "met for men 500"), spans=(DoubtfulSpan("t1", 0, 2, "word", 0.5),))
    now = corrected(start, "correct", turn="t1", text="metformin 500")
    assert (now.turns[0].text, now.spans) == ("metformin 500", ())


def test_an_undone_correction_gives_the_version_before_it_its_own_id():
    one = corrected(visit(), "merge", speaker="C", into="A")
    two = corrected(one, "correct", turn="t3", text="once a day.")
    back = undo(visit(), two)
    assert (back.transcript_id, back.version, back.turns) == (one.transcript_id, 4, one.turns)
    first = undo(visit(), back)
    assert (first.transcript_id, first.stem, first.version, first.turns) == ("x1", "x1", 5, visit().turns)
    with pytest.raises(InputRefused, match="nothing to undo"):
        undo(visit(), first)
    with pytest.raises(ValueError, match="another transcript"):
        undo(one, two)


def test_evidence_finds_its_turn_whatever_was_cut_or_put_together():
    cut = corrected(visit(), "cut", turn="t2", word=2)
    assert [one.turn_id for one in cut.turns_for("t2.1")] == ["t2.1"]
    assert [one.turn_id for one in cut.turns_for("t2")] == ["t2"]
    assert [one.turn_id for one in cut.turns_for("t2", earlier=True)] == ["t2", "t2.1"]
    assert [one.turn_id for one in visit().turns_for("t2.1")] == ["t2"]
    assert visit().turns_for("t9") == ()


@pytest.mark.parametrize(
    ("action", "detail", "why"),
    [
        ("shout", {}, "A correction is one of"),
        ("rename", {"speaker": "Z", "role": "Patient"}, "not in the transcript"),
        ("rename", {"speaker": "A", "role": " "}, "Say who this is"),
        ("rename", {"speaker": "A", "role": "x" * 41}, "at most 40"),
        ("rename", {"speaker": "A", "role": "Patient", "name": "x" * 81}, "at most 80"),
        ("swap", {"speaker": "A", "other": "A"}, "two different"),
        ("merge", {"speaker": "A", "into": "A"}, "two different"),
        ("split", {"turns": "", "role": "Patient"}, "at least one turn"),
        ("split", {"turns": "t9", "role": "Patient"}, "not in the transcript"),
        ("move", {"turns": "t1", "speaker": "A"}, "says already"),
        ("cut", {"turn": "t1", "word": 0}, "cannot be cut"),
        ("cut", {"turn": "t1", "word": 3}, "cannot be cut"),
        ("cut", {"turn": "t1", "word": "x"}, "Choose the word"),
        ("correct", {"turn": "t1", "text": "  "}, "without words"),
        ("correct", {"turn": "t1", "text": "x" * 20_001}, "at most 20000"),
        ("correct", {"turn": "t1", "text": "Any chest pain?"}, "says already"),
        ("correct", {"turn": "t9", "text": "Yes."}, "not in the transcript"),
    ],
)
def test_what_cannot_be_corrected_says_why(action: str, detail: dict[str, str | int], why: str):
    with pytest.raises(InputRefused, match=why) as refused:
        corrected(visit(), action, **detail)
    assert "chest" not in refused.value.detail


def test_a_transcript_takes_no_more_corrections_than_can_be_kept():
    now = visit()
    for number in range(MOST_EDITS):
        now = corrected(now, "rename", speaker="A", role=f"Role {number}")
    with pytest.raises(InputRefused, match="No more corrections"):
        corrected(now, "rename", speaker="A", role="Clinician")
