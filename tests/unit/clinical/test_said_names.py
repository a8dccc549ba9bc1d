"""Chart strings become the few names worth telling a recogniser."""

from __future__ import annotations

import pytest

from connector.app import load_keyterm_rules
from connector.clinical.order_names import said_orders
from connector.clinical.said_names import said_drugs, said_problems, said_reactions, said_substances

RULES = load_keyterm_rules()


@pytest.mark.parametrize(
    ("charted", "said"),
    [
        ("24 HR metoprolol succinate 25 MG Extended Release Oral Tablet", ("metoprolol", "metoprolol succinate")),
        ("lisinopril 10 mg tablet", ("lisinopril",)),
        ("metFORMIN (GLUCOPHAGE) 500 MG tablet", ("metformin", "Glucophage")),
        ("hydrOXYzine HCl 25 mg Tab", ("hydroxyzine",)),
        (
            "HYDROcodone-acetaminophen (NORCO) 5-325 mg",
            ("hydrocodone-acetaminophen", "Norco", "hydrocodone", "acetaminophen"),
        ),
        ("Wellbutrin XL 150 mg 24 hr tablet", ("Wellbutrin",)),
        ("albuterol CFC free 90 mcg/inh inhalation aerosol", ("albuterol",)),
        ("Alendronic acid 10 MG Oral Tablet", ("alendronate",)),
        ("NDA020800 0.3 ML Epinephrine 1 MG/ML Auto-Injector", ("epinephrine",)),
        ("{28 (norethindrone 0.35 MG Oral Tablet) } Pack [Errin 28 Day]", ("norethindrone", "Errin")),
        ("ferrous sulfate 325 MG Oral Tablet", ("ferrous sulfate", "iron")),
    ],
)  # fmt: skip
def test_a_drug_is_said_by_ingredient_and_brand(charted, said) -> None:
    assert said_drugs(charted, RULES.drugs) == said


@pytest.mark.parametrize(
    ("charted", "said"),
    [
        ("Essential hypertension (disorder)", ("hypertension", "high blood pressure")),
        ("I10 Essential (primary) hypertension", ("hypertension", "high blood pressure")),
        ("Diabetes mellitus type 2 (disorder)", ("type 2 diabetes", "diabetes")),
        ("Malignant tumor of colon (disorder)", ("colon cancer",)),
        ("Closed fracture of left hip", ("hip fracture",)),
        ("Microalbuminuria due to type 2 diabetes mellitus (disorder)", ("microalbuminuria",)),
        ("Neuropathy due to type 2 diabetes mellitus (disorder)", ("diabetic neuropathy", "neuropathy")),
        ("Chronic pain (finding)", ("chronic pain",)),
        ("Chronic sinusitis (disorder)", ("sinusitis",)),
        ("Hypothyroidism, unspecified", ("hypothyroidism",)),
        ("History of appendectomy", ("appendectomy",)),
    ],
)
def test_a_problem_is_said_as_in_a_visit(charted, said) -> None:
    assert said_problems(charted, RULES.problems) == said


@pytest.mark.parametrize(
    ("charted", "said"),
    [
        ("Penicillin V", ("penicillin",)),
        ("Allergy to penicillin (finding)", ("penicillin",)),
        ("Sulfamethoxazole / Trimethoprim", ("sulfamethoxazole", "trimethoprim")),
        ("House dust mite (organism)", ("dust mite",)),
        ("Allergy to substance (finding)", ()),
    ],
)
def test_an_allergen_is_said_as_in_a_visit(charted, said) -> None:
    assert said_substances(charted, RULES.drugs, RULES.problems) == said


def test_reactions_and_orders_are_said_as_in_a_visit() -> None:
    assert said_reactions("Eruption of skin (disorder)", RULES.problems) == ("rash",)
    assert said_reactions("Finding of vomiting (finding)", RULES.problems) == ("vomiting",)
    assert said_orders("Hemoglobin A1c/Hemoglobin.total in Blood") == ("hemoglobin A1c",)
    assert said_orders("Colonoscopy (procedure)") == ("colonoscopy",)
    assert said_orders("123 [ ]") == ()
