"""Everything keyterms are chosen by. In: parsed files of mappings/. Out: a frozen KeytermRules. Never reads a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from connector.clinical.drug_book import DrugBook
from connector.clinical.order_names import said_orders
from connector.clinical.problem_names import ProblemBook
from connector.clinical.said_names import said_drugs, said_problems, said_reactions, said_substances
from connector.hints.drug_tables import read_drug_book
from connector.hints.mapping import KeytermMapping
from connector.hints.sensitive import Category, Withholding, read_sensitive
from connector.hints.word_tables import Vocabulary, WordList, read_common_words, read_problem_book
from connector.hints.written import same_as, tidy

if TYPE_CHECKING:
    from functools import _lru_cache_wrapper

DRUG_FILES = ("classes", "names", "sound-alikes", "first-choices")
Look = tuple[str, str, int]
"""The key a text is the same by, its written form, what its words weigh."""
_OF_HEALTH = frozenset({"problem", "order", "procedure"})
_KEPT = 8192


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of one entry, best first, each with its look; and `beside`: what of it has neighbours, folded."""

    forms: tuple[tuple[str, Look], ...]
    beside: tuple[str, ...] = ()


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
    def looked_at(self) -> Mapping[str, Look]:
        """What `look_at` gives for every name of the tables, once for all visits. Holds nothing of a chart."""
        book = self.drugs
        texts = [name for group in book.classes for name in book.names_in(group)]
        texts += [name for choice in book.first_choices for name in choice.drugs]
        texts += [term for vocabulary in self.vocabularies for term in vocabulary.terms]
        texts += [term for one in self.lists for term in one.terms]
        return {text: self.look_at(text) for text in texts}

    @cached_property
    def say_known(self) -> _lru_cache_wrapper[Said]:
        """`say`, with what it gave for the last few thousand names: charts repeat what terminologies call things.

        For entries that carry a code alone: what somebody wrote in their own words about one patient is not kept.
        """
        return lru_cache(maxsize=_KEPT)(self.say)

    def say(self, kind: str, name: str) -> Said:
        """What is said of an entry of a kind by its name; nothing where the name holds one of `drop_words`."""
        if kind in _OF_HEALTH and self._beside_health(name):
            return Said(())
        forms = _SPEAK[kind](name, self)
        beside: Iterable[str] = ()
        if kind == "drug":
            known = self.beside_drugs
            beside = [folded for form in forms if (folded := form.casefold()) in known]
        elif kind == "problem":
            beside = [run for form in forms for run in _runs(form, self.choice_starts) if run in self.choices_by_word]
        return Said(tuple([(form, self.look_at(form)) for form in forms]), tuple(dict.fromkeys(beside)))

    def look_at(self, text: str) -> Look:
        """The key a text is the same by, its written form, and what its words weigh; empty where nothing is said."""
        plain = tidy(text)
        folded = plain.casefold()
        words = (folded,) if folded.isalpha() else folded.replace("-", " ").split()
        known = not words or (words[0] in self.common and self.common.issuperset(words))
        bonus = self.mapping.adjust["common"] if known else 0
        if folded in self.drugs.sound_alikes:
            bonus += self.mapping.adjust["sound_alike"]
        return same_as(folded), plain, bonus

    def _beside_health(self, name: str) -> bool:
        folded = name.casefold()
        for word in self.mapping.drop_words:  # noqa: SIM110 - a generator takes twice as long
            if word in folded:
                return True
        return False

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


_SPEAK: dict[str, Callable[[str, KeytermRules], tuple[str, ...]]] = {
    "drug": lambda name, rules: said_drugs(name, rules.drugs),
    "allergen": lambda name, rules: said_substances(name, rules.drugs, rules.problems),
    "reaction": lambda name, rules: said_reactions(name, rules.problems),
    "problem": lambda name, rules: said_problems(name, rules.problems),
    "order": lambda name, rules: said_orders(name),
    "procedure": lambda name, rules: said_orders(name),
}


def _runs(form: str, starts: frozenset[str]) -> list[str]:
    """Every run of one to four words of a form that begins with one of `starts`, folded."""
    words = form.casefold().split()
    if starts.isdisjoint(words):
        return []
    begun = [place for place, word in enumerate(words) if word in starts]
    return [" ".join(words[at:end]) for at in begun for end in range(at + 1, min(at + 4, len(words)) + 1)]


def _in(folder: str, files: Mapping[str, object]) -> list[str]:
    return sorted(name for name in files if name.startswith(f"{folder}/"))
