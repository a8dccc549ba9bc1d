"""Speech becomes sentences without fillers, stutters and taken-back values."""

import pytest

from connector.drafting.speech import opens_question, sentences, settled, without_opener


@pytest.mark.parametrize(
    ("said", "cleaned"),
    [
        ("Um, I, I have, uh, a cough", "I have a cough"),
        ("it's it's dry", "it's dry"),
        ("I I've been tired", "I've been tired"),
        ("you know I think, you know, it hurts", "I think, it hurts"),
        ("the y- your knee", "the your knee"),
        ("i ca n't sleep , it 's bad .", "I can't sleep, it's bad."),
        ("we 're gon na order it", "we're going to order it"),
        ("<UNSURE>Latex</UNSURE> <UNIN/> only [inaudible]", "Latex only"),
        ("pressure is one thirty over eighty", "pressure is 130/80"),
        ("take twenty-five, uh, no, fifty milligrams", "take 50 milligrams"),
        ("no, no blood, very very bad", "no, no blood, very very bad"),
    ],
)
def test_a_turn_is_settled(said, cleaned) -> None:
    assert settled(said) == cleaned


def test_sentences_lose_openers_tags_and_empty_talk() -> None:
    assert sentences(settled("We'll check potassium, okay? Mm-hmm. ... Come back in two weeks, all right?")) == [
        "We'll check potassium.",
        "Come back in 2 weeks.",
    ]


def test_titles_do_not_end_a_sentence() -> None:
    assert sentences("I saw Dr. Lee. She was kind.") == ["I saw Dr. Lee.", "She was kind."]


def test_no_and_a_full_stop_ends_a_sentence() -> None:
    assert sentences("No. I am on Seasonique.") == ["No.", "I am on Seasonique."]


RUN_ON = (
    "your lungs are clear to auscultation bilaterally on your heart exam you do have a murmur and there is "
    "swelling in both of your legs so I want you to undergo testing to see if you have a predisposition for this "
    "kind of disease"
)


def test_a_run_on_turn_is_cut_where_speech_starts_anew() -> None:
    parts = sentences(RUN_ON)
    assert len(parts) > 1
    assert parts[0] == "your lungs are clear to auscultation bilaterally"
    assert "there is swelling in both of your legs" in parts


def test_a_condition_is_never_cut_from_what_depends_on_it() -> None:
    assert not any(part.startswith("you have a predisposition") for part in sentences(RUN_ON))


@pytest.mark.parametrize(
    "said", ["Do you smoke?", "and what brings you in", "so how long has it been", "Has it changed?"]
)
def test_questions_are_known_by_how_they_open(said) -> None:
    assert opens_question(said)


@pytest.mark.parametrize("said", ["You have a cough.", "It hurts.", "Come back soon."])
def test_statements_do_not_open_as_questions(said) -> None:
    assert not opens_question(said)


def test_openers_are_left_out() -> None:
    assert without_opener("Okay, so, well, the knee hurts") == "the knee hurts"
