"""Findings, judgements and recalled history in note words, hedges kept."""

import pytest

from connector.drafting.clinician import background_said, finding_said, judgement_said
from connector.drafting.phrases import pronouns_for

SHE = pronouns_for("female")


@pytest.mark.parametrize(
    ("said", "noted"),
    [
        ("Your blood pressure is 134/86, pulse 84.", "Blood pressure 134/86, pulse 84."),
        ("Your lungs are clear.", "Lungs are clear."),
        ("I do appreciate a 2/6 murmur.", "A 2/6 murmur."),
        ("I don't hear any wheezing.", "No wheezing."),
        ("On your heart exam, I hear a murmur.", "On the heart exam, a murmur."),
        ("Looking at your x-ray, there is no fracture.", "There is no fracture."),
    ],
)
def test_a_finding_is_told_without_the_finder(said, noted) -> None:
    assert finding_said(said, SHE) == noted


@pytest.mark.parametrize(
    ("said", "noted"),
    [
        ("I think you have a strain.", "Impression: she has a strain."),
        ("I don't think it is broken.", "Clinician does not think it is broken."),
        ("I'm a little concerned about your kidneys.", "Concern about the kidneys."),
        ("This looks like a muscle strain.", "This looks like a muscle strain."),
        ("Your pressure is probably too high.", "Pressure is probably too high."),
    ],
)
def test_a_judgement_keeps_its_hedge(said, noted) -> None:
    assert judgement_said(said, SHE) == noted


def test_what_the_clinician_does_is_no_judgement() -> None:
    assert judgement_said("I have been doing this for 20 years.", SHE) is None


@pytest.mark.parametrize(
    ("said", "noted"),
    [
        ("Ann is a 62-year-old female with gout.", "62-year-old female with gout."),
        ("I know that you had a kidney transplant.", "Had a kidney transplant."),
        ("You are allergic to lisinopril.", "Is allergic to lisinopril."),
    ],
)
def test_recalled_history_is_told_of_the_patient(said, noted) -> None:
    assert background_said(said, SHE) == noted
