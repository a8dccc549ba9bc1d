"""Names that a replay finds again. In: note id and version. Out: identifiers and references, always the same ones.

Never random: a transaction built a second time has to name the same things, or the note would be filed twice.
"""

from __future__ import annotations

from uuid import UUID, uuid5

URI_SYSTEM = "urn:ietf:rfc:3986"
_NOTES = UUID("680d5d11-f0a4-4b7f-a578-e9010170a79f")
"""The namespace of our notes: chosen once, at random; a new one would disown every note already filed."""


def name_document(note_id: str, version: int) -> str:
    """The document identifier of one version of a note: `urn:uuid:…` (system `urn:ietf:rfc:3986`)."""
    return uuid5(_NOTES, f"{note_id}/{version}").urn


def name_entry(note_id: str, version: int, kind: str) -> str:
    """The fullUrl of the entry of that resource type inside the transaction."""
    return uuid5(_NOTES, f"{note_id}/{version}/{kind}").urn


def name_provenance(note_id: str, version: int) -> str:
    """The id the Provenance is PUT under: it has no identifier in R4 by which a server could find it again."""
    return f"note-{uuid5(_NOTES, f'{note_id}/{version}/Provenance').hex}"
