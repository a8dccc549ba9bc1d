"""Verb forms."""

import pytest

from connector.drafting.verbs import is_past, past, third_person


@pytest.mark.parametrize(
    ("verb", "form"),
    [
        ("take", "takes"),
        ("have", "has"),
        ("am", "is"),
        ("go", "goes"),
        ("worry", "worries"),
        ("wash", "washes"),
        ("play", "plays"),
    ],
)
def test_third_person(verb, form) -> None:
    assert third_person(verb) == form


@pytest.mark.parametrize("verb", ["went", "stopped", "could", "felt", "can't"])
def test_past_and_modal_verbs_stay(verb) -> None:
    assert third_person(verb) == verb


@pytest.mark.parametrize(
    ("verb", "form"), [("fall", "fell"), ("notice", "noticed"), ("worry", "worried"), ("cough", "coughed")]
)
def test_past(verb, form) -> None:
    assert past(verb) == form


def test_words_that_only_end_in_ed_are_not_past() -> None:
    assert is_past("stopped")
    assert not is_past("need")
    assert not is_past("bed")
