"""Orders and advice in note style."""

import pytest

from connector.drafting.orders import find_order, phrase_order, split_reason
from connector.drafting.phrases import pronouns_for

SHE = pronouns_for("female")


@pytest.mark.parametrize(
    ("said", "noted"),
    [
        ("Let's increase your metoprolol to 50 mg.", "Increase metoprolol to 50 mg."),
        ("We will start amlodipine 5 mg once a day.", "Start amlodipine 5 mg once a day."),
        ("I'm going to go ahead and order an x-ray of your knee.", "Order an x-ray of knee."),
        ("I'd like to put you on lasix, 20 milligrams a day.", "Start lasix, 20 milligrams a day."),
        ("I want to continue you on the Synthroid.", "Continue the Synthroid."),
        ("I want you to check your blood pressure every day.", "Patient to check blood pressure every day."),
        ("You should avoid salt.", "Patient to avoid salt."),
        ("You don't need to take the aspirin.", "Patient to not need to take the aspirin."),
        ("We don't need to repeat the test.", "No need to repeat the test."),
        ("I won't be checking your vitamin D level.", "Do not check vitamin D level."),
        ("Make sure you drink plenty of fluids.", "Patient to drink plenty of fluids."),
        ("Take acetaminophen 650 mg every 6 hours as needed.", "Take acetaminophen 650 mg every 6 hours as needed."),
        ("Come back in 2 weeks, or sooner if it gets worse.", "Come back in 2 weeks, or sooner if it gets worse."),
        ("See me in 2 weeks, and please bring the pill box.", "Follow up in 2 weeks, and bring the pill box."),
        ("Call me if the swelling gets worse.", "Call if the swelling gets worse."),
        ("If your face swells, call 911.", "If face swells, call 911."),
        ("For your knee pain, I want to prescribe ibuprofen.", "For knee pain, prescribe ibuprofen."),
        (
            "From a diabetes standpoint we're going to increase your metformin.",
            "From a diabetes standpoint, increase metformin.",
        ),
        ("No more lisinopril.", "No more lisinopril."),
        ("1 spray under the tongue for chest pain.", "1 spray under the tongue for chest pain."),
        ("Tramadol, 50 milligrams, every 6 hours as needed.", "Tramadol, 50 milligrams, every 6 hours as needed."),
        ("What I would like to do is get some blood tests.", "Get some blood tests."),
        ("It may be worth keeping a headache diary.", "It may be worth keeping a headache diary."),
    ],
)
def test_an_order_is_put_in_note_style(said, noted) -> None:
    assert phrase_order(said, SHE) == noted


@pytest.mark.parametrize(
    "said",
    [
        "Let's take a look at your x-ray.",
        "I'm going to listen to your lungs.",
        "Let me do a quick physical exam.",
        "Let's start with your sore throat first.",
        "We'll go over your labs.",
        "I do appreciate some edema.",
        "Your lungs are clear.",
        "I will see you later.",
        "Take care.",
        "Do you take lisinopril?",
        "We changed your furosemide last year.",
        "I have to find my glasses.",
        "",
    ],
)
def test_chat_steps_and_findings_are_no_orders(said) -> None:
    assert find_order(said) is None


def test_an_order_after_its_reason_is_split_off() -> None:
    assert split_reason("Your potassium was 5.1, so I will leave losartan at 50 mg.") == (
        "Your potassium was 5.1",
        "I will leave losartan at 50 mg.",
    )
    assert split_reason("So I will leave losartan.") == ("", "So I will leave losartan.")


def test_a_clause_is_an_order_where_its_whole_sentence_is_of_care() -> None:
    assert find_order("I want you on only one.") is None
    order = find_order("I want you on only one.", within="Your list shows two kinds of metoprolol.")
    assert order is not None
    assert (order.what, order.patient) == ("on only one", True)
