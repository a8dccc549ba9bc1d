"""What is known of drugs' names. In: tables handed in. Out: brands, classes, partners, first choices. Never a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FirstChoice:
    """Drugs commonly begun for a problem whose name holds one of `words`."""

    words: tuple[str, ...]
    drugs: tuple[str, ...]


@dataclass(frozen=True)
class DrugBook:
    """Tables of mappings/drugs. Keys are folded names (lower case); values are written as people write them.

    `instead` and `also` are keyed by the charted ingredient; `sound_alikes` by either partner.
    """

    classes: Mapping[str, Mapping[str, tuple[str, ...]]]
    instead: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sound_alikes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    first_choices: tuple[FirstChoice, ...] = ()
    brands: Mapping[str, str] = field(init=False)
    """Brand, folded, to the brand as written."""
    respelled: frozenset[str] = field(init=False)
    """Charted names, folded, that are said otherwise, also otherwise, or written with a capital."""
    _generics: Mapping[str, tuple[str, ...]] = field(init=False)
    _brands_of: Mapping[str, tuple[str, ...]] = field(init=False)
    _class_of: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        brands: dict[str, str] = {}
        generics: dict[str, tuple[str, ...]] = {}
        brands_of: dict[str, tuple[str, ...]] = {}
        class_of: dict[str, str] = {}
        for name, members in self.classes.items():
            for generic, written in members.items():
                class_of.setdefault(generic.casefold(), name)
                brands_of[generic.casefold()] = written
                for brand in written:
                    brands.setdefault(brand.casefold(), brand)
                    generics[brand.casefold()] = (*generics.get(brand.casefold(), ()), generic)
        for key, value in (("brands", brands), ("_generics", generics), ("_brands_of", brands_of)):
            object.__setattr__(self, key, value)
        object.__setattr__(self, "_class_of", class_of)
        object.__setattr__(self, "respelled", frozenset((*brands, *self.instead, *self.also)))

    def generics_of(self, brand: str) -> tuple[str, ...]:
        """`Zestril` → (`lisinopril`,); () where it is no brand we know."""
        return self._generics.get(brand.casefold(), ())

    def brands_of(self, generic: str) -> tuple[str, ...]:
        """`lisinopril` → (`Zestril`, `Prinivil`)."""
        return self._brands_of.get(generic.casefold(), ())

    def class_of(self, generic: str) -> str | None:
        """`lisinopril` → `ACE inhibitors`."""
        return self._class_of.get(generic.casefold())

    def names_in(self, class_name: str) -> tuple[str, ...]:
        """Every generic and brand of a class."""
        members = self.classes.get(class_name, {})
        return (*members, *(brand for brands in members.values() for brand in brands))
