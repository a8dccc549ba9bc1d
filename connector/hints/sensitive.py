"""Names a policy may hold back. In: mappings/sensitive.yaml and a name or code. Out: its category. Never a person.

A name belongs to a category by a drug's name or class, by words, or by a code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from connector.clinical.drug_book import DrugBook
from connector.errors import Misconfigured
from connector.hints.reading import read_table, read_texts, read_whole

_KEYS = ("classes", "drugs", "words", "codes")
_BETWEEN = re.compile(r"[^\w']+")


@dataclass(frozen=True, slots=True)
class Category:
    """`classes` of drugs/classes.yaml, `drugs` by name, `words` of problems, `codes`: SNOMED CT or ICD-10."""

    classes: tuple[str, ...]
    drugs: tuple[str, ...]
    words: tuple[str, ...]
    codes: tuple[str, ...]


def read_sensitive(data: object) -> dict[str, Category]:
    """The parsed mappings/sensitive.yaml; raises Misconfigured naming the key."""
    file = "mappings/sensitive.yaml"
    table = read_table(data, file, keys=("version", "categories"))
    read_whole(table["version"], f"{file}: version")
    found = {}
    for name, entry in read_table(table["categories"], f"{file}: categories").items():
        where = f"{file}: categories.{name}"
        body = read_table(entry, where, keys=_KEYS)
        found[name] = Category(*(read_texts(body[key], f"{where}.{key}") for key in _KEYS))
    return found


@dataclass(frozen=True)
class Withholding:
    """The categories held back, made ready for many look-ups."""

    names: Mapping[str, frozenset[str]]
    codes: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, categories: Mapping[str, Category], book: DrugBook, *, held: Iterable[str]) -> Withholding:
        """Those of `held`; raises Misconfigured for one that is not defined, or that names a class nobody knows."""
        names, codes = {}, {}
        for name in held:
            if name not in categories:
                raise Misconfigured(f"mappings/keyterms.yaml: withhold names {name!r}, which sensitive.yaml lacks")
            one = categories[name]
            unknown = [group for group in one.classes if group not in book.classes]
            if unknown:
                raise Misconfigured(f"mappings/sensitive.yaml: categories.{name}.classes: no class {unknown[0]!r}")
            drugs = [*one.drugs, *(drug for group in one.classes for drug in book.names_in(group))]
            parts = [part for drug in drugs for part in (drug, *drug.split("-"))]
            names[name] = frozenset(_spread(word) for word in (*parts, *one.words))
            codes[name] = one.codes
        return cls(names, codes)

    def category_of(self, text: str, code: str | None = None) -> str | None:
        """The category a name or code belongs to, or None."""
        if not self.names:
            return None
        spread = _spread(text)
        bare = (code or "").rpartition("|")[2]
        for category, names in self.names.items():
            if any(name in spread for name in names):
                return category
            if bare and any(_is_code(bare, one) for one in self.codes[category]):
                return category
        return None


def _is_code(code: str, one: str) -> bool:
    """SNOMED CT codes, all figures, are whole; of ICD-10 the beginning is enough."""
    return code == one or (not one.isdigit() and code.startswith(one))


def _spread(text: str) -> str:
    """Words in lower case with a blank on either side, so that whole words can be looked for as text."""
    return f" {' '.join(_BETWEEN.sub(' ', text.casefold()).split())} "
