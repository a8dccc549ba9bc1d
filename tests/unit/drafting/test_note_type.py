"""mappings/note-types.yaml is read strictly."""

import copy
from typing import Any

import pytest

from connector.assets.catalogue import load_mapping
from connector.drafting.note_type import NoteType, read_note_types
from connector.errors import Misconfigured

SHIPPED = load_mapping("note-types.yaml")


def entry(**values: object) -> dict[str, Any]:
    return {**copy.deepcopy(SHIPPED["note_types"][0]), **values}


def test_soap_has_its_document_and_section_codes(soap) -> None:
    assert (soap.title, soap.loinc, soap.loinc_display, soap.prompt) == (
        "Progress note",
        "11506-3",
        "Progress note",
        "soap",
    )
    assert [(section.key, section.loinc) for section in soap.sections] == [
        ("subjective", "61150-9"),
        ("objective", "61149-1"),
        ("assessment", "51848-0"),
        ("plan", "18776-5"),
    ]
    assert all(section.instructions for section in soap.sections)
    assert soap.maker == "note-types.yaml@1/soap"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"colour": "red"}, "colour"),
        ({"key": "SOAP"}, "key"),
        ({"key": None}, "key"),
        ({"title": ""}, "title"),
        ({"loinc": "11506-4"}, "loinc"),
        ({"loinc": 11506}, "loinc"),
        ({"loinc": None}, "loinc"),
        ({"prompt": "../soap"}, "prompt"),
        ({"sections": []}, "sections"),
        ({"sections": "all"}, "sections"),
        ({"sections": ["subjective"]}, "sections"),
    ],
)
def test_a_wrong_entry_is_named_by_its_key(change, named) -> None:
    with pytest.raises(Misconfigured, match=named):
        NoteType.from_dict(entry(**change), version=1)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"icon": "x"}, "icon"),
        ({"loinc": "61150-0"}, "loinc"),
        ({"instructions": " "}, "instructions"),
        ({"key": "plan"}, "twice"),
    ],
)
def test_a_wrong_section_is_named_by_its_key(change, named) -> None:
    wrong = entry()
    wrong["sections"][0] |= change
    with pytest.raises(Misconfigured, match=named):
        NoteType.from_dict(wrong, version=1)


def test_a_section_may_have_no_code() -> None:
    uncoded = entry()
    del uncoded["sections"][0]["loinc"]
    assert NoteType.from_dict(uncoded, version=1).sections[0].loinc is None


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (None, "table"),
        ({"version": 1}, "note_types"),
        ({"version": "1", "note_types": [entry()]}, "version"),
        ({"version": 1, "note_types": [entry(), entry()]}, "twice"),
        ({"version": 1, "note_types": [entry()], "extra": 1}, "extra"),
    ],
)
def test_a_wrong_file_is_refused(data, named) -> None:
    with pytest.raises(Misconfigured, match=named):
        read_note_types(data)
