"""Problem and allergen strings become what people say."""

import pytest

from connector.clinical.problem_names import spoken_problems, spoken_substances


@pytest.mark.parametrize(
    ("charted", "begins"),
    [
        ("Essential hypertension (disorder)", ("essential hypertension", "hypertension")),
        ("Chronic low back pain (finding)", ("chronic low back pain", "low back pain")),
        ("History of myocardial infarction (situation)", ("myocardial infarction", "history of myocardial infarction")),
        ("Body mass index 30+ - obesity (finding)", ("obesity",)),
        ("Microalbuminuria due to type 2 diabetes mellitus (disorder)", ("microalbuminuria",)),
        (
            "Idiopathic atrophic hypothyroidism",
            ("idiopathic atrophic hypothyroidism", "atrophic hypothyroidism", "hypothyroidism"),
        ),
        ("Alzheimer's disease (disorder)", ("Alzheimer's disease",)),
        ("I10 Essential (primary) hypertension", ("essential hypertension", "hypertension")),
        ("Asthma, unspecified type, uncomplicated", ("asthma",)),
        ("COPD", ("COPD",)),
        ("Chronic pain (finding)", ("chronic pain",)),
    ],
)
def test_a_problem_becomes_what_people_say_best_first(charted, begins) -> None:
    assert spoken_problems(charted)[: len(begins)] == begins


def test_everyday_names_follow_the_clinical_ones() -> None:
    assert "high blood pressure" in spoken_problems("Essential hypertension (disorder)")
    assert "type 2 diabetes" in spoken_problems("Diabetes mellitus type 2 (disorder)")
    assert "heart attack" in spoken_problems("History of myocardial infarction (situation)")


def test_a_word_that_alone_says_nothing_is_not_left_over() -> None:
    assert "pain" not in spoken_problems("Chronic pain (finding)")
    assert "disease" not in spoken_problems("Chronic disease (disorder)")


@pytest.mark.parametrize("junk", ["", "(disorder)", " - ", "( ( (", "123"])
def test_a_string_without_a_name_gives_nothing(junk) -> None:
    assert spoken_problems(junk) == ()
    assert spoken_substances(junk) == ()


@pytest.mark.parametrize(
    ("charted", "spoken"),
    [
        ("Eggs (edible) (substance)", ("eggs",)),
        ("House dust mite (organism)", ("house dust mite",)),
        ("Grass pollen (substance)", ("grass pollen",)),
        ("Lisinopril", ("lisinopril",)),
        ("Aspirin", ("aspirin",)),
        ("CODEINE", ("codeine",)),
        ("Penicillin V", ("penicillin V", "penicillin")),
        ("Allergy to penicillin (finding)", ("penicillin",)),
        ("Amoxicillin 500 MG", ("amoxicillin",)),
        ("Sulfa (sulfonamide antibiotics)", ("sulfa",)),
        ("Allergy to substance (finding)", ()),
    ],
)
def test_an_allergen_becomes_what_people_say(charted, spoken) -> None:
    assert spoken_substances(charted) == spoken
