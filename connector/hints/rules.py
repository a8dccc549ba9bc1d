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
from connector.hints.written import same_as, tidy

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
    def looked_at(self) -> Mapping[str, tuple[str, str, int]]:
        """What `look_at` gives for every name of the tables, once for all visits. Holds nothing of a chart."""
        book = self.drugs
        texts = [name for group in book.classes for name in book.names_in(group)]
        texts += [name for choice in book.first_choices for name in choice.drugs]
        texts += [term for vocabulary in self.vocabularies for term in vocabulary.terms]
        texts += [term for one in self.lists for term in one.terms]
        return {text: self.look_at(text) for text in texts}

    def look_at(self, text: str) -> tuple[str, str, int]:
        """The key a text is the same by, its written form, and what its words weigh; empty where nothing is said."""
        plain = tidy(text)
        folded = plain.casefold()
        words = folded.replace("-", " ").split()
        known = not words or (words[0] in self.common and self.common.issuperset(words))
        bonus = self.mapping.adjust["common"] if known else 0
        if folded in self.drugs.sound_alikes:
            bonus += self.mapping.adjust["sound_alike"]
        return same_as(plain), plain, bonus

    def beside_health(self, name: str) -> bool:
        """Whether a name holds one of `drop_words`."""
        folded = name.casefold()
        return any(word in folded for word in self.mapping.drop_words)

    @cached_property
    def beside_drugs(self) -> Mapping[str, tuple[str | None, tuple[str, ...]]]:
        """Class of each known name, folded, and what it is called besides: its brands, or the generics of a brand."""
        book = self.drugs
        names = {name.casefold() for group in book.classes for name in book.names_in(group)}
        return {name: (book.class_of(name), (*book.brands_of(name), *book.generics_of(name))) for name in names}

    @cached_property
    def choices_by_word(self) -> Mapping[str, tuple[str, ...]]:
        """Drugs commonly begun, by the folded words of a problem."""
        found: dict[str, tuple[str, ...]] = {}
        for choice in self.drugs.first_choices:
            for word in choice.words:
                found[word.casefold()] = (*found.get(word.casefold(), ()), *choice.drugs)
        return found

    @cached_property
    def choice_starts(self) -> frozenset[str]:
        """The first words of `choices_by_word`: a problem without any has no drug commonly begun for it."""
        return frozenset(word.partition(" ")[0] for word in self.choices_by_word)


def _in(folder: str, files: Mapping[str, object]) -> list[str]:
    return sorted(name for name in files if name.startswith(f"{folder}/"))
