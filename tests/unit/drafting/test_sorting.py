"""A clinician's sentence goes where its cues say, or nowhere."""

import pytest

from connector.drafting.sorting import section_of, without_command


@pytest.mark.parametrize(
    ("said", "section"),
    [
        ("Your blood pressure is 134/86, pulse 84.", "objective"),
        ("Your A1c was 7.2.", "objective"),
        ("The EKG shows sinus rhythm with no new changes.", "objective"),
        ("Lungs are clear.", "objective"),
        ("No murmur, and no swelling in your legs.", "objective"),
        ("I do appreciate a 2/6 systolic murmur.", "objective"),
        ("There is trace swelling at both ankles.", "objective"),
        ("Straight leg raise is negative.", "objective"),
        ("This looks like a muscle strain.", "assessment"),
        ("I think you have a sinus infection.", "assessment"),
        ("Your blood pressure is above goal.", "assessment"),
        ("Your diabetes is well controlled.", "assessment"),
        ("Ann is a 62-year-old female with a history of gout.", "subjective"),
        ("You are allergic to lisinopril.", "subjective"),
        ("I know you had a kidney transplant.", "subjective"),
        ("Let's increase your metoprolol to 50 mg.", "plan"),
        ("Come back in 2 weeks.", "plan"),
    ],
)
def test_a_sentence_is_sorted_by_its_cues(said, section) -> None:
    assert section_of(said) == section


@pytest.mark.parametrize(
    "said",
    [
        "Nice to meet you.",
        "How is your knee?",
        "Let me listen to your lungs.",
        "Take a deep breath.",
        "It can.",
        "Lisinopril can raise potassium.",
        "If you have a fever or chest pain.",
        "That's great.",
        "",
    ],
)
def test_a_sentence_without_a_cue_stays_out(said) -> None:
    assert section_of(said) is None


def test_a_voice_assistants_name_is_left_out() -> None:
    assert without_command("Hey, Iris, order an echocardiogram") == "order an echocardiogram"
