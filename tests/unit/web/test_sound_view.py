"""What a page says of the recording: until when it plays, when and why it ended, what was asked and answered."""

from dataclasses import replace

import pytest

from connector.records import Doubt, Doubts, DoubtsAnswer, SoundGone
from connector.visit.doubting import Question
from connector.visit.states import State
from connector.web.sound_view import SoundFacts, SoundView, build_sound
from tests.unit.web.samples import NOW, ago, recording, stamp, transcript

GONE = SoundGone("filed", stamp(120))


def view(state: State, *, sound: bool = True, **given: object) -> SoundView:
    kept = SoundFacts(**given)  # type: ignore[arg-type]
    return build_sound(kept, state, recording=recording() if sound else None, transcript=transcript(), now=NOW)


def question(*kinds: str, answer: str | None = None) -> Question:
    doubts = Doubts("x1", tuple(Doubt(kind, f"a doubt of {kind}", ("t1", "t99")) for kind in kinds), stamp())
    given = DoubtsAnswer("x1", answer, kinds, "Dr. Ada Lin", stamp(30)) if answer else None
    return Question(doubts, given)


@pytest.mark.parametrize(
    ("state", "kept", "words"),
    [
        (State.DRAFTED, "until-filed", "until the note is filed"),
        (State.CAPTURED, "until-transcribed", "until it is transcribed"),
        (State.SIGNED, "until-filed", "until the note is in the EHR"),
        (State.PRIMED, "until-filed", "until you decide"),
    ],
)
def test_the_page_says_until_when_it_can_be_played(state: State, kept: str, words: str) -> None:
    shown = view(state, kept=kept)
    assert shown.playable and shown.until and words in shown.until
    assert shown.gone is None


@pytest.mark.parametrize("state", [State.FILED, State.AMENDED, State.DISCARDED, State.EXPIRED, State.ERASED])
def test_nothing_plays_once_a_visit_is_over(state: State) -> None:
    assert not view(state).playable
    assert view(state).until is None


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("filed", "when the note was filed"),
        ("transcribed", "when it had been transcribed"),
        ("discarded", "you discarded it"),
        ("not-this-patient", "not this patient's"),
        ("consent-withdrawn", "when consent was withdrawn"),
        ("visit-over", "when the visit was given up"),
    ],
)
def test_the_page_says_when_and_why_it_was_destroyed(reason: str, words: str) -> None:
    gone = view(State.FILED, sound=False, gone=replace(GONE, reason=reason), waiting=1).gone
    assert gone is not None and words in gone.why and gone.files
    assert gone.at.iso.startswith(ago(120).isoformat()[:16])


def test_a_later_recording_takes_the_place_of_a_destroyed_one() -> None:
    shown = view(State.DRAFTED, gone=GONE)
    assert shown.playable and shown.gone is None


@pytest.mark.parametrize(
    ("kinds", "answer"), [(("name", "one-speaker"), "this-visit"), (("one-speaker", "language"), "go-on")]
)
def test_the_first_answer_fits_the_doubts(kinds: tuple[str, ...], answer: str) -> None:
    asked = view(State.TRANSCRIBED, question=question(*kinds)).question
    assert asked is not None and asked.answer == answer
    assert [reason.text for reason in asked.reasons] == [f"a doubt of {kind}" for kind in kinds]
    assert [turn.turn_id for turn in asked.reasons[0].quotes] == ["t1"]


def test_an_answered_question_is_asked_no_more_and_told_ever_after() -> None:
    given = question("name", answer="this-visit")
    assert view(State.TRANSCRIBED, question=given).question is None
    told = view(State.DRAFTED, question=given).confirmed
    assert told is not None
    assert (told.by, told.words, told.reasons) == (
        "Dr. Ada Lin", "confirmed that this recording is this visit", ("a doubt of name",),
    )  # fmt: skip
    assert view(State.DRAFTED, question=question("name")).confirmed is None


def test_the_language_that_was_likely_spoken_is_offered_first_where_it_can_be_transcribed() -> None:
    def offered(likely: str | None) -> tuple[object, object]:
        doubts = Doubts("x1", (Doubt("length", "x"), Doubt("language", "y", language=likely)), stamp())
        languages = {"en": "English", "es": "Spanish"}
        asked = view(State.TRANSCRIBED, question=Question(doubts, None), languages=languages).question
        assert asked is not None
        return asked.languages, asked.likely

    assert offered("es") == ((("en", "English"), ("es", "Spanish")), "es")
    assert offered("vi")[1] is None and offered(None)[1] is None


def test_an_answer_that_had_it_transcribed_again_confirms_nothing() -> None:
    assert view(State.CAPTURED, question=question("language", answer="transcribe-again")).confirmed is None


def test_little_speech_is_warned_of() -> None:
    said = replace(transcript(), little_speech=True)
    shown = build_sound(SoundFacts(), State.DRAFTED, recording=recording(), transcript=said, now=NOW)
    assert shown.caution and view(State.DRAFTED).caution is None
