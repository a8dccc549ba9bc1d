"""mappings/keyterms.yaml is read strictly."""

import copy

import pytest

from connector.assets.catalogue import load_mapping
from connector.errors import Misconfigured
from connector.hints.mapping import KeytermMapping

SHIPPED = load_mapping("keyterms.yaml")


def changed(**values: object) -> dict[str, object]:
    return {**copy.deepcopy(SHIPPED), **values}


def test_the_shipped_file_holds_the_vendors_limits() -> None:
    mapping = KeytermMapping.from_dict(SHIPPED)
    assert [mapping.limit_for(model) for model in ("universal-3-pro", "universal-3-5-pro", "universal-2")] == [
        1000,
        1000,
        200,
    ]
    assert mapping.max_words == 6
    assert mapping.order == ("drug", "allergen", "problem", "person", "vocabulary")
    assert mapping.maker == "hints/keyterms.yaml@1"


def test_the_shipped_vocabulary_stays_within_the_words_allowed() -> None:
    mapping = KeytermMapping.from_dict(SHIPPED)
    assert mapping.vocabulary
    assert all(len(term.split()) <= mapping.max_words for term in mapping.vocabulary)


def test_an_unknown_key_is_named() -> None:
    with pytest.raises(Misconfigured, match="'vocabularies'"):
        KeytermMapping.from_dict(changed(vocabularies=["x"]))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("version", 0),
        ("version", True),
        ("version", None),
        ("limits", {}),
        ("limits", {"universal-2": "200"}),
        ("max_words", "six"),
        ("order", ["drug", "allergen"]),
        ("order", ["drug", "drug", "allergen", "problem", "person"]),
        ("vocabulary", "edema"),
        ("vocabulary", ["edema", 3]),
        ("drop", [""]),
    ],
)
def test_a_wrong_value_is_named_by_its_key(key, value) -> None:
    with pytest.raises(Misconfigured, match=key):
        KeytermMapping.from_dict(changed(**{key: value}))


@pytest.mark.parametrize("data", [None, [], "text"])
def test_a_file_that_is_no_table_is_refused(data) -> None:
    with pytest.raises(Misconfigured):
        KeytermMapping.from_dict(data)


def test_a_model_without_a_limit_is_refused() -> None:
    with pytest.raises(Misconfigured, match="whisper"):
        KeytermMapping.from_dict(SHIPPED).limit_for("whisper")
