"""Everything keyterms are chosen by. In: parsed files of mappings/. Out: a frozen KeytermRules. Never reads a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from connector.clinical.drug_book import DrugBook
from connector.clinical.problem_names import ProblemBook
from connector.hints.drug_tables import read_drug_book
from connector.hints.mapping import KeytermMapping
from connector.hints.sensitive import Category, Withholding, read_sensitive
from connector.hints.word_tables import Vocabulary, WordList, read_common_words, read_problem_book

DRUG_FILES = ("classes", "names", "sound-alikes", "first-choices")


@dataclass(frozen=True)
class KeytermRules:
    """The mapping with the tables beside it. `common` are words in lower case that every recogniser knows."""

    mapping: KeytermMapping
    drugs: DrugBook
    problems: ProblemBook
    sensitive: Mapping[str, Category]
    common: frozenset[str]
    vocabularies: tuple[Vocabulary, ...] = ()
    lists: tuple[WordList, ...] = ()

    @classmethod
    def from_files(cls, files: Mapping[str, object]) -> KeytermRules:
        """Out of parsed files by their names in mappings/, such as `drugs/classes.yaml`; raises Misconfigured."""
        rules = cls(
            mapping=KeytermMapping.from_dict(files["keyterms.yaml"]),
            drugs=read_drug_book({name: files[f"drugs/{name}.yaml"] for name in DRUG_FILES}),
            problems=read_problem_book(files["problem-names.yaml"]),
            sensitive=read_sensitive(files["sensitive.yaml"]),
            common=read_common_words(files["common-words.yaml"]),
            vocabularies=tuple(Vocabulary.from_dict(files[name], file=name) for name in _in("vocabularies", files)),
            lists=tuple(WordList.from_dict(files[name], file=name) for name in _in("lists", files)),
        )
        mapping = rules.mapping
        for held in (tuple(rules.sensitive), mapping.withhold, *mapping.withhold_for_tenants.values()):
            rules.withholding(held)
        return rules

    def withholding(self, held: Iterable[str]) -> Withholding:
        """What the categories named hold back; raises Misconfigured for one that is not defined."""
        return Withholding.of(self.sensitive, self.drugs, held=held)

    @cached_property
    def choices_by_word(self) -> Mapping[str, tuple[str, ...]]:
        """Drugs commonly begun, by the folded words of a problem."""
        found: dict[str, tuple[str, ...]] = {}
        for choice in self.drugs.first_choices:
            for word in choice.words:
                found[word.casefold()] = (*found.get(word.casefold(), ()), *choice.drugs)
        return found


def _in(folder: str, files: Mapping[str, object]) -> list[str]:
    return sorted(name for name in files if name.startswith(f"{folder}/"))
