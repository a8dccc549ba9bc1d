"""Names of people. In: a name as an EHR shows it. Out: what a visit calls the person, best first. Never raises."""

from __future__ import annotations

import re

_TITLES = re.compile(
    r"(?:dr|doctor|mr|mrs|ms|miss|mx|prof|professor|rev|sir|sr|jr|md|do|np|pa|rn|dnp|phd|dds|dmd|pharmd|m\.d|d\.o|"
    r"ph\.d"
    r"|pa-c|aprn|fnp|facp|ii|iii|iv)\.?\Z",
    re.IGNORECASE,
)
_NOT_NAME = re.compile(r"[^\w\s'’.\-]|[\d_]")


def spoken_people(name: str) -> tuple[str, ...]:
    """`Dr. María José Pérez, MD` → (`María José Pérez`, `Pérez`). Titles, degrees and digits are left out."""
    given, comma, rest = name[:200].partition(",")
    turned = f"{rest} {given}" if comma and not _all_titles(rest) else given
    words = [word for word in _NOT_NAME.sub("", turned).split() if not _TITLES.match(word)]
    words = [word for word in words if any(character.isalpha() for character in word)]
    if not words:
        return ()
    full = " ".join(words)
    return (full,) if len(words) == 1 else (full, words[-1])


def _all_titles(text: str) -> bool:
    words = text.replace(",", " ").split()
    return all(_TITLES.match(word) for word in words)
