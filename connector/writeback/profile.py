"""What one EHR takes. In: the parsed YAML of mappings/ehr/<vendor>.yaml. Out: a WriteProfile.

Never lets an unknown key pass: a misspelt rule would file a note the wrong way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from connector.errors import Misconfigured

TEXT = "text/plain"
XHTML = "application/xhtml+xml"
FORMATS = (TEXT, XHTML)
DOC_STATUS = ("preliminary", "final", "amended", "entered-in-error")
SIGNED = "final"

_SWITCHES = ("composition", "provenance", "conditional_create", "authenticator")
_KEYS = ("name", "version", "formats", "doc_status", *_SWITCHES)
_READING = "reading"  # how the same EHR is read: connector/context/mapping.py has the say


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
        """Read the profile. Raises Misconfigured, naming the key that is unknown, missing or of a wrong kind."""
        if not isinstance(raw, Mapping):
            _refuse("the file", "has to be a table of keys")
        for key in raw:
            if key not in (*_KEYS, _READING):
                _refuse(str(key), "is not a known key")
        for key in _KEYS:
            if key not in raw:
                _refuse(key, "is missing")
        if not isinstance(raw["name"], str) or not raw["name"]:
            _refuse("name", "has to be a text")
        if isinstance(raw["version"], bool) or not isinstance(raw["version"], int) or raw["version"] < 1:
            _refuse("version", "has to be a whole number, 1 or more")
        for switch in _SWITCHES:
            if not isinstance(raw[switch], bool):
                _refuse(switch, "has to be true or false")
        formats = _choices(raw["formats"], "formats", FORMATS)
        if formats[:1] != (TEXT,):
            _refuse("formats", f"has to begin with {TEXT}: it is what is signed and read back")
        doc_status = _choices(raw["doc_status"], "doc_status", DOC_STATUS)
        if SIGNED not in doc_status:
            _refuse("doc_status", f"has to allow {SIGNED}: only signed notes are filed")
        return cls(
            name=raw["name"],
            version=raw["version"],
            formats=formats,
            doc_status=doc_status,
            **{switch: raw[switch] for switch in _SWITCHES},
        )


def _choices(value: object, key: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(choice in allowed for choice in value) or len(set(value)) != len(value):
        _refuse(key, f"has to be a list, without repeats, of: {', '.join(allowed)}")
    return tuple(value)


def _refuse(key: str, why: str) -> NoReturn:
    raise Misconfigured(f"mappings/ehr: {key} {why}.")
