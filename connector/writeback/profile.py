"""What one EHR takes. In: the parsed YAML of mappings/ehr/<vendor>.yaml. Out: a WriteProfile.

Never lets an unknown key pass: a misspelt rule would file a note the wrong way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class WriteProfile:
    """How notes are written to one kind of EHR; syntax in mappings/ehr/README.md."""

    name: str
    version: int
    formats: tuple[str, ...]
    doc_status: tuple[str, ...]
    composition: bool
    provenance: bool
    conditional_create: bool
    authenticator: bool

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> WriteProfile:
        """Read the profile. Raises Misconfigured, naming the key, for one that is unknown, missing or of a wrong kind."""
        raise NotImplementedError
