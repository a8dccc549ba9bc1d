"""Charts of any size with no name twice. In: charts that were read. Out: a PatientContext. Never a name it gave before.

The entries of the charts come in turn. The first time round they keep their names; after that every name gets
syllables of a number that no other entry, and no other chart of another `turn`, has: `Anemia` → `Anegubemia`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from connector.records import PatientContext, Section, SectionState, Source

_SYLLABLES = tuple("".join(pair) for pair in product("bdfgklmnprstvz", "aeiou"))
_WORD = re.compile(r"[^\W\d_]{4,}")
_TAG = re.compile(r"[(\[].*")
_STEM = 3
_TURN = 100_000
_NAMES = {"allergies": "substance"}


@dataclass(frozen=True)
class Pattern:
    """Entries to grow from, each name once, and for each section how many of 1,000 resources it holds."""

    entries: Mapping[str, tuple[Any, ...]]
    shares: Mapping[str, float]
    base: PatientContext

    @classmethod
    def of(cls, contexts: Mapping[str, PatientContext], shares: Mapping[str, float]) -> "Pattern":
        """Those of several charts. A section without entries takes those of the procedures, as orders do."""
        entries = {}
        for section in shares:
            found = _distinct(section, contexts)
            entries[section] = found or _distinct("procedures", contexts)
        return cls(entries, shares, next(iter(contexts.values())))

    def grow(self, resources: int, *, turn: int, unseen: bool = False) -> PatientContext:
        """A chart of that many resources, those that offer no name included by leaving room for them.

        `unseen`: every name is new, those of the first time round as well.
        """
        sections: dict[str, Section[Any]] = {}
        number = turn * _TURN
        for section, share in self.shares.items():
            grown = []
            for place in range(round(resources * share)):
                number += 1
                grown.append(self._copy(section, place, number, unseen=unseen))
            sections[section] = Section(SectionState.OK, tuple(grown))
        return replace(self.base, **sections)

    def _copy(self, section: str, place: int, number: int, *, unseen: bool) -> Any:
        entries = self.entries[section]
        item = entries[place % len(entries)]
        kind = item.source.reference.partition("/")[0]
        field = _NAMES.get(section, "name")
        name = getattr(item, field)
        source = Source(f"{kind}/{number}", "1")
        kept = place < len(entries) and not unseen
        return replace(item, source=source, **{field: name if kept else rename(name, number)})


def rename(name: str, number: int) -> str:
    """The name with the number's syllables inside its longest word that stands in no brackets."""
    syllables = ""
    while number:
        number, place = divmod(number, len(_SYLLABLES))
        syllables += _SYLLABLES[place]
    words = list(_WORD.finditer(_TAG.sub("", name))) or list(_WORD.finditer(name))
    if not words:
        return f"{name} {syllables}"
    longest = max(words, key=lambda word: len(word.group()))
    stem = longest.start() + _STEM
    return name[:stem] + syllables + name[stem : longest.end()].lower() + name[longest.end() :]


def _distinct(section: str, contexts: Mapping[str, PatientContext]) -> tuple[Any, ...]:
    field = _NAMES.get(section, "name")
    items = [item for context in contexts.values() for item in getattr(context, section).items]
    return tuple({getattr(item, field): item for item in items}.values())
