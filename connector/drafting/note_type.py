"""Note types. In: the parsed mappings/note-types.yaml. Out: frozen NoteType records. Never reads a file itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from connector.errors import Misconfigured

_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
_LOINC = re.compile(r"\d{1,7}-\d\Z")
_TYPE_KEYS = frozenset({"key", "title", "loinc", "loinc_display", "prompt", "sections"})
_SECTION_KEYS = frozenset({"key", "title", "loinc", "instructions"})


@dataclass(frozen=True, slots=True)
class SectionType:
    """One section of a note type; `loinc` is its document section code, None where LOINC has none."""

    key: str
    title: str
    loinc: str | None
    instructions: str

    @classmethod
    def from_dict(cls, data: object, *, where: str) -> SectionType:
        """Reads one entry of `sections`; raises Misconfigured naming the key that is wrong."""
        entry = _table(data, where=where, allowed=_SECTION_KEYS)
        return cls(
            key=_slug(entry, "key", where=where),
            title=_text(entry, "title", where=where),
            loinc=_loinc(entry, where=where) if entry.get("loinc") is not None else None,
            instructions=_text(entry, "instructions", where=where),
        )


@dataclass(frozen=True, slots=True)
class NoteType:
    """A kind of note: document `title` and LOINC code, the `prompt` it is written with, its sections in order."""

    key: str
    version: int
    title: str
    loinc: str
    loinc_display: str
    prompt: str
    sections: tuple[SectionType, ...]

    @classmethod
    def from_dict(cls, data: object, *, version: int) -> NoteType:
        """Reads one entry of `note_types`; raises Misconfigured naming the key that is unknown, missing or wrong."""
        entry = _table(data, where="note_types", allowed=_TYPE_KEYS)
        key = _slug(entry, "key", where="note_types")
        where = f"note_types[{key}]"
        listed = entry.get("sections")
        if not isinstance(listed, list) or not listed:
            raise Misconfigured(f"mappings/note-types.yaml: {where}.sections must list at least one section")
        sections = tuple(
            SectionType.from_dict(section, where=f"{where}.sections[{position}]")
            for position, section in enumerate(listed)
        )
        keys = [section.key for section in sections]
        if len(set(keys)) != len(keys):
            raise Misconfigured(f"mappings/note-types.yaml: {where}.sections uses a key twice")
        return cls(
            key=key,
            version=version,
            title=_text(entry, "title", where=where),
            loinc=_loinc(entry, where=where),
            loinc_display=_text(entry, "loinc_display", where=where),
            prompt=_slug(entry, "prompt", where=where),
            sections=sections,
        )

    @property
    def maker(self) -> str:
        """The name a Stamp carries, e.g. `note-types.yaml@1/soap`."""
        return f"note-types.yaml@{self.version}/{self.key}"


def read_note_types(data: object) -> dict[str, NoteType]:
    """The whole parsed file, `{version, note_types}`, as note types by key; raises Misconfigured."""
    table = _table(data, where="top level", allowed=frozenset({"version", "note_types"}))
    version = table.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise Misconfigured("mappings/note-types.yaml: version must be a whole number from 1")
    listed = table.get("note_types")
    if not isinstance(listed, list) or not listed:
        raise Misconfigured("mappings/note-types.yaml: note_types must list at least one note type")
    found: dict[str, NoteType] = {}
    for entry in listed:
        note_type = NoteType.from_dict(entry, version=version)
        if note_type.key in found:
            raise Misconfigured(f"mappings/note-types.yaml: note type {note_type.key} stands twice")
        found[note_type.key] = note_type
    return found


def _table(data: object, *, where: str, allowed: frozenset[str]) -> Mapping[str, object]:
    if not isinstance(data, Mapping):
        raise Misconfigured(f"mappings/note-types.yaml: {where} must be a table of keys")
    unknown = sorted(str(key) for key in data if key not in allowed)
    if unknown:
        raise Misconfigured(f"mappings/note-types.yaml: {where} has the unknown key {unknown[0]!r}")
    return data


def _text(entry: Mapping[str, object], key: str, *, where: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        raise Misconfigured(f"mappings/note-types.yaml: {where}.{key} must be a text")
    return value.strip()


def _slug(entry: Mapping[str, object], key: str, *, where: str) -> str:
    value = _text(entry, key, where=where)
    if not _KEY.match(value):
        raise Misconfigured(f"mappings/note-types.yaml: {where}.{key} must be lower-case letters, digits and _")
    return value


def _loinc(entry: Mapping[str, object], *, where: str) -> str:
    value = entry.get("loinc")
    if not isinstance(value, str) or not is_loinc(value):
        raise Misconfigured(f"mappings/note-types.yaml: {where}.loinc is not a LOINC code (check digit included)")
    return value


def is_loinc(code: str) -> bool:
    """Whether a text has the form of a LOINC code, check digit included."""
    return bool(_LOINC.match(code)) and _check_digit_holds(code)


def _check_digit_holds(code: str) -> bool:
    """LOINC's check digit: Luhn's Mod 10 over the number before the hyphen (LOINC Users' Guide)."""
    number, check = code.split("-")
    total = 0
    for place, digit in enumerate(reversed(number)):
        doubled = int(digit) * 2 if place % 2 == 0 else int(digit)
        total += doubled - 9 if doubled > 9 else doubled
    return (10 - total % 10) % 10 == int(check)
