"""Names a replay finds again."""

from __future__ import annotations

import re

from connector.writeback.naming import name_document, name_entry, name_provenance


def test_names_are_the_same_for_ever() -> None:
    # A change of these would disown every note already filed.
    assert name_document("note-1", 1) == "urn:uuid:2fa5b8cb-2db1-51b0-8355-9cff55f03417"
    assert name_provenance("note-1", 1) == "note-d0e2c4e9483f5d51b9472e48a82368be"


def test_each_version_and_part_has_a_name_of_its_own() -> None:
    names = {
        name_document("note-1", 1),
        name_document("note-1", 2),
        name_document("note-11", 1),
        name_entry("note-1", 1, "DocumentReference"),
        name_entry("note-1", 1, "Composition"),
    }
    assert len(names) == 5
    assert name_provenance("note-1", 1) != name_provenance("note-1", 2)


def test_the_provenance_id_is_a_fhir_id_that_is_no_number() -> None:
    assert re.fullmatch(r"note-[0-9a-f]{32}", name_provenance("note-1", 1))
