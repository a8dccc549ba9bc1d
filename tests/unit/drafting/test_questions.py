"""What a question asks for, and what yes or no makes of it."""

import pytest

from connector.drafting.phrases import pronouns_for
from connector.drafting.questions import is_asking_any, items_asked, statement_from

SHE = pronouns_for("female")


@pytest.mark.parametrize(
    ("question", "items"),
    [
        ("Any chest pain or shortness of breath?", ("chest pain", "shortness of breath")),
        ("Have you noticed any swelling in your legs?", ("swelling in the legs",)),
        ("Okay, and are you having any fevers, chills, or cough?", ("fevers", "chills", "cough")),
        ("Do you have a headache?", ("a headache",)),
        ("No fever?", ("fever",)),
        ("Fever, chills?", ("fever", "chills")),
        ("Any other symptoms like nausea or vomiting, anything like that?", ("nausea", "vomiting")),
        ("You didn't notice any redness?", ("redness",)),
        ("In terms of your bowels, have you had any diarrhea?", ("diarrhea",)),
        ("Any thoughts of hurting yourself?", ("thoughts of hurting herself",)),
        ("In terms of your family, any history of heart disease?", ("family history of heart disease",)),
        ("Any rashes at all, on your skin?", ("rashes on the skin",)),
        ("Any pain that you", ()),
        ("Do you smoke?", ()),
        ("Any questions for me?", ()),
        ("How long has it lasted?", ()),
    ],
)
def test_the_items_a_question_asks_for(question, items) -> None:
    assert items_asked(question, SHE) == items
    assert is_asking_any(question) or not items or question == "Fever, chills?"


@pytest.mark.parametrize(
    ("question", "yes", "no"),
    [
        (
            "Are you taking your medication daily?",
            "Is taking the medication daily.",
            "Is not taking the medication daily.",
        ),
        ("Do you smoke?", "Smokes.", "Does not smoke."),
        ("Did you fall?", "Fell.", "Did not fall."),
        (
            "Have you been seen by a cardiologist?",
            "Has been seen by a cardiologist.",
            "Has not been seen by a cardiologist.",
        ),
        (
            "Does the pain move anywhere else?",
            "The pain moves somewhere else.",
            "The pain does not move anywhere else.",
        ),
        ("Is it worse at night?", "It is worse at night.", "It is not worse at night."),
        ("Are your bowels working?", "Bowels are working.", "Bowels are not working."),
    ],
)
def test_yes_and_no_make_a_statement_of_a_question(question, yes, no) -> None:
    assert statement_from(question, SHE, positive=True) == yes
    assert statement_from(question, SHE, positive=False) == no


def test_a_choice_is_not_settled_by_yes() -> None:
    assert statement_from("Do you drink or smoke?", SHE, positive=True) is None


def test_a_declarative_question_stands_with_yes_and_not_with_no() -> None:
    assert statement_from("So you're taking your medication?", SHE, positive=True) == "Is taking the medication."
    assert statement_from("So you're taking your medication?", SHE, positive=False) is None


@pytest.mark.parametrize("question", ["Why is that?", "", "Is one knee worse than the other?"])
def test_other_questions_make_no_statement(question) -> None:
    assert statement_from(question, SHE, positive=True) is None
