"""First and second person become a note's third person, or nothing."""

import pytest

from connector.drafting.phrases import capital, from_clinician, from_patient, pronouns_for

SHE = pronouns_for("female")
HE = pronouns_for("male")
THEY = pronouns_for(None)


@pytest.mark.parametrize(
    ("said", "noted"),
    [
        ("I get dizzy when I stand up.", "Gets dizzy when she stands up."),
        ("My back aches, and I am due for a check.", "Her back aches, and she is due for a check."),
        ("I take my pills and check my pressure.", "Takes her pills and checks her pressure."),
        ("Urgent care gave me a new pill.", "Urgent care gave her a new pill."),
        ("I've been taking 3.5 mg, 128/82 is mine (home).", "Has been taking 3.5 mg, 128/82 is hers (home)."),
        ("I'd been feeling sick.", "Had been feeling sick."),
        ("I'd like a refill.", "Would like a refill."),
        ("I don't really sleep.", "Doesn't really sleep."),
        ("I went home and took aspirin.", "Went home and took aspirin."),
        ("My wife and I have the flu.", "Her wife and she have the flu."),
        ("You told me to stop it.", "The clinician told her to stop it."),
        ("We moved boxes.", "They moved boxes."),
        ("I do it myself.", "Does it herself."),
    ],
)
def test_what_a_patient_says_is_turned(said, noted) -> None:
    assert from_patient(said, SHE) == noted


def test_pronouns_follow_the_sex_in_the_chart() -> None:
    said = "My knee hurts when I walk."
    assert from_patient(said, HE) == "His knee hurts when he walks."
    assert from_patient(said, THEY) == "Their knee hurts when they walk."


@pytest.mark.parametrize("said", ["It is hard when you can't breathe.", "Is it your view?", "Your colleague said so."])
def test_a_patient_speaking_of_you_is_not_turned(said) -> None:
    assert from_patient(said, SHE) is None


@pytest.mark.parametrize(
    ("said", "noted"),
    [
        ("your blood pressure is above goal", "Blood pressure is above goal."),
        ("You have some fluid in your legs.", "Has some fluid in the legs."),
        ("you do have some pain", "Has some pain."),
        ("You are allergic to lisinopril.", "Is allergic to lisinopril."),
        ("If you feel worse, you should come back.", "If she feels worse, she should come back."),
        ("this is causing you pain", "This is causing her pain."),
        ("that puts you at risk", "That puts her at risk."),
        ("I checked your level because you take digoxin", "The clinician checked the level because she takes digoxin."),
        ("we may repeat it for you", "We may repeat it for her."),
    ],
)
def test_what_a_clinician_says_to_the_patient_is_turned(said, noted) -> None:
    assert from_clinician(said, SHE) == noted


def test_a_sentence_gets_one_capital_and_one_stop() -> None:
    assert capital(" lungs clear, ") == "Lungs clear."
    assert capital("Done.") == "Done."
    assert capital("") == ""
