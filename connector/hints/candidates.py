"""Terms as a chart offers them. In: PatientContext, rules, the visit's setting. Out: candidates. Never ranks or cuts.

Each carries the entry it comes from, and that entry's category where a policy holds it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from connector.clinical.order_names import said_orders
from connector.clinical.person_names import spoken_people
from connector.clinical.said_names import said_drugs, said_problems, said_reactions, said_substances
from connector.hints.limits import TermLimits
from connector.hints.rules import KeytermRules
from connector.hints.sensitive import Withholding
from connector.records import KeytermEdit, PatientContext, Source

_REFUTED = frozenset({"refuted", "entered-in-error"})
_LONGEST_NAME = 300
_OF_HEALTH = frozenset({"problem", "order", "procedure"})
_CLASS_MATES = 3
"""Other drugs of a class come behind the brands of one."""


@dataclass(frozen=True, slots=True)
class HintSetting:
    """What a visit brings beside its chart. `target` names the use and model, such as `prerecorded/universal-2`.

    `clinician` is a name, `practitioner` a relative reference; `edits` are the clinician's, oldest first.
    """

    limits: TermLimits
    target: str = ""
    clinician: str | None = None
    practitioner: str | None = None
    tenant: str = ""
    note_type: str = ""
    specialty: str = ""
    edits: tuple[KeytermEdit, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A term as found. `rank` is its place among the forms of one entry; `category` what it is held back for."""

    text: str
    kind: str
    origin: str
    rank: int = 0
    sources: tuple[Source, ...] = ()
    when: date | None = None
    own: bool = False
    category: str | None = None


@dataclass(slots=True)
class _Entry:
    """All entries of one kind with one string and code: where they stand, the latest, whether this clinician's."""

    kind: str
    name: str
    code: str | None
    sources: list[Source] = field(default_factory=list)
    when: date | None = None
    own: bool = False


@dataclass(slots=True)
class Collecting:
    """One collection of candidates. Entries with the same string are one: a chart repeats itself."""

    context: PatientContext
    rules: KeytermRules
    setting: HintSetting
    withholding: Withholding
    _entries: dict[tuple[str, str, str | None], _Entry] = field(default_factory=dict)
    _offered: dict[str, int] = field(default_factory=dict)

    def collect(self) -> Iterator[Candidate]:
        """Everything worth telling, in no order, repeats included."""
        self._gather()
        for entry in self._entries.values():
            yield from self._said(entry)
        yield from self._people()
        yield from self._words()

    def _gather(self) -> None:
        context, me = self.context, self.setting.practitioner
        for drug in context.medications.items:
            entry = self._add("drug", drug.name, drug.source, code=drug.code, when=drug.authored)
            entry.own = entry.own or (me is not None and drug.requester == me)
        for allergy in context.allergies.items:
            if not allergy.none_known and allergy.verification not in _REFUTED:
                self._add("allergen", allergy.substance, allergy.source)
                for reaction in allergy.reactions:
                    self._add("reaction", reaction, allergy.source)
        for problem in context.problems.items:
            when = problem.recorded or problem.onset
            self._add("problem", problem.name, problem.source, code=problem.code, when=when)
        for kind, section in (("order", context.orders), ("procedure", context.procedures)):
            for one in section.items:
                self._add(kind, one.name, one.source, when=one.when)

    def _add(
        self, kind: str, name: str, source: Source, *, code: str | None = None, when: date | None = None
    ) -> _Entry:
        key = (kind, name, code)
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry(kind, name[:_LONGEST_NAME], code)
        entry.sources.append(source)
        if when is not None and (entry.when is None or when > entry.when):
            entry.when = when
        return entry

    def _said(self, entry: _Entry) -> Iterator[Candidate]:
        if entry.kind in _OF_HEALTH and self.rules.beside_health.search(entry.name.casefold()):
            return
        forms = _SPEAK[entry.kind](entry.name, self.rules)
        sources = tuple(dict.fromkeys(entry.sources)) if len(entry.sources) > 1 else (entry.sources[0],)
        category = self._category_of(entry, forms)
        for rank, text in enumerate(forms):
            yield Candidate(text, entry.kind, "chart", rank, sources, entry.when, entry.own, category)
        neighbours = self._beside_drug(forms) if entry.kind == "drug" else ()
        for place, name in self._beside_problem(forms) if entry.kind == "problem" else neighbours:
            if self._offered.get(name, place + 1) <= place:
                continue
            held = category or self._held(name)
            if held is None:
                self._offered[name] = place
            yield Candidate(name, "drug", "neighbour", place, sources, category=held)

    def _category_of(self, entry: _Entry, forms: tuple[str, ...]) -> str | None:
        """What an entry is held back for: by its string, its code or what is said of it."""
        if not self.withholding.names:
            return None
        category = self.withholding.category_of(entry.name, entry.code)
        return category or next((one for form in forms if (one := self._held(form)) is not None), None)

    def _beside_drug(self, forms: tuple[str, ...]) -> Iterator[tuple[int, str]]:
        """Brands of a generic and generics of a brand, then other drugs of its class; with their place."""
        book = self.rules.drugs
        for form in forms:
            yield from enumerate((*book.brands_of(form), *book.generics_of(form)))
            group = book.class_of(form)
            if group is not None:
                yield from enumerate(book.classes[group], start=_CLASS_MATES)

    def _beside_problem(self, forms: tuple[str, ...]) -> Iterator[tuple[int, str]]:
        """Drugs commonly begun for it, with their place."""
        choices = self.rules.choices_by_word
        for name in dict.fromkeys(run for form in forms for run in _runs(form) if run in choices):
            yield from enumerate(choices[name], start=1)

    def _held(self, name: str) -> str | None:
        return self.withholding.category_of(name) if self.withholding.names else None

    def _people(self) -> Iterator[Candidate]:
        allowed = self.rules.mapping.people
        patient = self.context.patient.items[0] if self.context.patient.items else None
        if "clinician" in allowed and self.setting.clinician:
            yield from _person(self.setting.clinician)
        if patient is not None and "patient" in allowed:
            yield from _person(patient.name, patient.source)
        if patient is not None and "relatives" in allowed:
            hidden = frozenset() if "patient" in allowed else frozenset(patient.name.casefold().split())
            for name in patient.relatives:
                yield from _person(" ".join(w for w in name.split() if w.casefold() not in hidden), patient.source)
        if "care_team" in allowed:
            for member in self.context.care_team.items:
                yield from _person(member.name, member.source)
            for encounter in self.context.encounter.items:
                for one in encounter.participants:
                    yield from _person(one.name, encounter.source)

    def _words(self) -> Iterator[Candidate]:
        setting = self.setting
        kinds = [encounter.kind for encounter in self.context.encounter.items if encounter.kind]
        specialty = " ".join([setting.specialty, *kinds])
        for one in self.rules.lists:
            if not one.tenants or setting.tenant in one.tenants:
                yield from (Candidate(term, "vocabulary", "list") for term in one.terms)
        for vocabulary in self.rules.vocabularies:
            if vocabulary.fits(setting.note_type, specialty):
                yield from (Candidate(term, "vocabulary", "vocabulary") for term in vocabulary.terms)


_SPEAK: dict[str, Callable[[str, KeytermRules], tuple[str, ...]]] = {
    "drug": lambda name, rules: said_drugs(name, rules.drugs),
    "allergen": lambda name, rules: said_substances(name, rules.drugs, rules.problems),
    "reaction": lambda name, rules: said_reactions(name, rules.problems),
    "problem": lambda name, rules: said_problems(name, rules.problems),
    "order": lambda name, rules: said_orders(name),
    "procedure": lambda name, rules: said_orders(name),
}


def _person(name: str, *sources: Source) -> Iterator[Candidate]:
    for rank, text in enumerate(spoken_people(name)):
        yield Candidate(text, "person", "person", rank, sources)


def _runs(form: str) -> Iterator[str]:
    """Every run of one to four words of a form, folded."""
    words = form.casefold().split()
    for start in range(len(words)):
        for end in range(start + 1, min(start + 4, len(words)) + 1):
            yield " ".join(words[start:end])


def days_since(when: date | None, now: datetime) -> int | None:
    """Whole days between a day and now; None where the day is not known."""
    return None if when is None else (now.date() - (when.date() if isinstance(when, datetime) else when)).days
