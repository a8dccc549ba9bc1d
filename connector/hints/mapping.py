"""How keyterms are chosen. In: the parsed mappings/keyterms.yaml. Out: a frozen KeytermMapping. Never reads a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connector.hints.limits import TermLimits, find_limits, read_limits
from connector.hints.reading import read_switch, read_table, read_texts, read_whole

_FILE = "mappings/keyterms.yaml"
WEIGHTS = (
    "drug",
    "allergen",
    "problem",
    "order",
    "procedure",
    "reaction",
    "person",
    "list",
    "neighbour",
    "vocabulary",
)
ADJUSTMENTS = ("other_form", "common", "recent", "this_clinician", "sound_alike")
PEOPLE = ("clinician", "patient", "relatives", "care_team")
_KEYS = (
    "version",
    "limits",
    "weights",
    "adjust",
    "recent_days",
    "people",
    "withhold",
    "withhold_for_tenants",
    "most_neighbours",
    "drop",
    "drop_words",
)


@dataclass(frozen=True)
class KeytermMapping:
    """Limits by use and model, weights by kind, adjustments, whose names are sent, what is held back, what is dropped.

    `drop` and `drop_words` are in lower case.
    """

    version: int
    limits: Mapping[str, Mapping[str, TermLimits]]
    weights: Mapping[str, int]
    adjust: Mapping[str, int]
    recent_days: int
    people: frozenset[str]
    withhold: tuple[str, ...]
    withhold_for_tenants: Mapping[str, tuple[str, ...]]
    most_neighbours: int
    drop: frozenset[str]
    drop_words: tuple[str, ...]

    @classmethod
    def from_dict(cls, data: object) -> KeytermMapping:
        """Reads the parsed file; raises Misconfigured naming the key that is unknown, missing or of the wrong kind."""
        table = read_table(data, _FILE, keys=_KEYS)
        people = read_table(table["people"], f"{_FILE}: people", keys=PEOPLE)
        tenants = read_table(table["withhold_for_tenants"], f"{_FILE}: withhold_for_tenants")
        return cls(
            version=read_whole(table["version"], f"{_FILE}: version"),
            limits=read_limits(table["limits"]),
            weights=_numbers(table["weights"], "weights", WEIGHTS),
            adjust=_numbers(table["adjust"], "adjust", ADJUSTMENTS),
            recent_days=read_whole(table["recent_days"], f"{_FILE}: recent_days"),
            people=frozenset(one for one in PEOPLE if read_switch(people[one], f"{_FILE}: people.{one}")),
            withhold=read_texts(table["withhold"], f"{_FILE}: withhold"),
            withhold_for_tenants={
                tenant: read_texts(names, f"{_FILE}: withhold_for_tenants.{tenant}")
                for tenant, names in tenants.items()
            },
            most_neighbours=read_whole(table["most_neighbours"], f"{_FILE}: most_neighbours", least=0),
            drop=frozenset(text.casefold() for text in read_texts(table["drop"], f"{_FILE}: drop")),
            drop_words=tuple(text.casefold() for text in read_texts(table["drop_words"], f"{_FILE}: drop_words")),
        )

    def limits_for(self, use: str, model: str) -> TermLimits:
        """What the speech model takes in this use; raises Misconfigured for a model without limits."""
        return find_limits(self.limits, use, model)

    def held_back(self, tenant: str) -> tuple[str, ...]:
        """Categories held back at this EHR."""
        return tuple(dict.fromkeys((*self.withhold, *self.withhold_for_tenants.get(tenant, ()))))

    @property
    def maker(self) -> str:
        """The name a Stamp carries, e.g. `hints/keyterms.yaml@2`."""
        return f"hints/keyterms.yaml@{self.version}"


def _numbers(value: object, key: str, names: tuple[str, ...]) -> dict[str, int]:
    table = read_table(value, f"{_FILE}: {key}", keys=names)
    return {name: read_whole(table[name], f"{_FILE}: {key}.{name}", least=None) for name in names}
