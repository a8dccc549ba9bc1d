"""Vocabularies, lists, problem names, common words. In: their parsed files. Out: frozen tables. Never reads a file."""

from __future__ import annotations

from dataclasses import dataclass

from connector.clinical.problem_names import ProblemBook
from connector.errors import Misconfigured
from connector.hints.reading import read_table, read_text, read_texts, read_texts_by_key, read_whole

_MOST_WORDS = 6
_MOST_CHARACTERS = 50


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Terms for every visit of some note types or specialties (folded); both empty: for every visit."""

    title: str
    note_types: frozenset[str]
    specialties: frozenset[str]
    terms: tuple[str, ...]

    @classmethod
    def from_dict(cls, data: object, *, file: str = "mappings/vocabularies") -> Vocabulary:
        """Reads one parsed file of mappings/vocabularies; raises Misconfigured naming the key."""
        table = read_table(data, file, keys=("version", "title", "note_types", "specialties", "terms"))
        read_whole(table["version"], f"{file}: version")
        return cls(
            title=read_text(table["title"], f"{file}: title"),
            note_types=_folded(table["note_types"], f"{file}: note_types"),
            specialties=_folded(table["specialties"], f"{file}: specialties"),
            terms=_read_terms(table["terms"], f"{file}: terms"),
        )

    def fits(self, note_type: str, specialty: str) -> bool:
        """Whether a visit with this note type, or with this said of its specialty, wants the terms."""
        if not self.note_types and not self.specialties:
            return True
        said = specialty.casefold()
        return note_type.casefold() in self.note_types or any(word in said for word in self.specialties)


@dataclass(frozen=True, slots=True)
class WordList:
    """Terms of an integrator, for the tenants named; none named: for all."""

    title: str
    tenants: frozenset[str]
    terms: tuple[str, ...]

    @classmethod
    def from_dict(cls, data: object, *, file: str = "mappings/lists") -> WordList:
        """Reads one parsed file of mappings/lists; raises Misconfigured naming the key."""
        table = read_table(data, file, keys=("version", "title", "tenants", "terms"))
        read_whole(table["version"], f"{file}: version")
        return cls(
            title=read_text(table["title"], f"{file}: title"),
            tenants=frozenset(read_texts(table["tenants"], f"{file}: tenants")),
            terms=_read_terms(table["terms"], f"{file}: terms"),
        )


def read_problem_book(data: object) -> ProblemBook:
    """The parsed mappings/problem-names.yaml."""
    file = "mappings/problem-names.yaml"
    table = read_table(data, file, keys=("version", "problems", "substances", "reactions"))
    read_whole(table["version"], f"{file}: version")
    return ProblemBook(
        problems=read_texts_by_key(table["problems"], f"{file}: problems"),
        substances=read_texts_by_key(table["substances"], f"{file}: substances"),
        reactions=read_texts_by_key(table["reactions"], f"{file}: reactions"),
    )


def read_common_words(data: object) -> frozenset[str]:
    """The parsed mappings/common-words.yaml: words in lower case."""
    file = "mappings/common-words.yaml"
    table = read_table(data, file, keys=("version", "words"))
    read_whole(table["version"], f"{file}: version")
    return frozenset(read_text(table["words"], f"{file}: words").casefold().split())


def _folded(value: object, where: str) -> frozenset[str]:
    return frozenset(text.casefold() for text in read_texts(value, where))


def _read_terms(value: object, where: str) -> tuple[str, ...]:
    terms = read_texts(value, where)
    for place, term in enumerate(terms):
        if len(term.split()) > _MOST_WORDS or len(term) > _MOST_CHARACTERS:
            raise Misconfigured(f"{where}.{place} must have at most {_MOST_WORDS} words, {_MOST_CHARACTERS} characters")
    return terms
