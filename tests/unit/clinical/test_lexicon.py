"""Everyday words are told from clinical ones."""

import pytest

from connector.clinical.lexicon import is_clinical, looks_like_drug, names_body, names_drug, names_symptom


@pytest.mark.parametrize(
    "text", ["my knee hurts", "I take lisinopril", "any fevers?", "the A1c", "I got tendinitis", "I smoke"]
)
def test_clinical_speech_is_recognised(text) -> None:
    assert is_clinical(text)


@pytest.mark.parametrize("text", ["nice to see you", "how was the game", "it is sunny today", ""])
def test_small_talk_is_not_clinical(text) -> None:
    assert not is_clinical(text)


@pytest.mark.parametrize("word", ["lisinopril", "Tylenol", "atorvastatin", "amoxicillin", "sertraline", "warfarin"])
def test_drug_names_are_recognised_by_stem_brand_or_list(word) -> None:
    assert looks_like_drug(word)


@pytest.mark.parametrize("word", ["April", "cholesterol", "person", "weekend", "pril"])
def test_other_words_are_no_drugs(word) -> None:
    assert not looks_like_drug(word)


def test_symptoms_body_and_drugs_are_told_apart() -> None:
    assert names_symptom("a headache") and not names_body("a headache")
    assert names_body("the left elbow") and not names_symptom("the left elbow")
    assert names_drug("on metformin") and not names_drug("on holiday")
