"""Terms as a chart offers them. In: PatientContext, rules, the visit's setting. Out: candidates. Never ranks or cuts.

Each carries the entry it comes from, and that entry's category where a policy holds it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

from connector.clinical.person_names import spoken_people
from connector.hints.limits import TermLimits
from connector.hints.rules import KeytermRules, Look
from connector.hints.sensitive import Withholding
from connector.records import KeytermEdit, PatientContext, Source

_REFUTED = frozenset({"refuted", "entered-in-error"})
_LONGEST_NAME = 300
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
    edits: tuple[KeytermEdit, ...] = ()


@dataclass(slots=True)
class Candidate:
    """A term as found. `rank` is its place among the forms of one entry; `category` what it is held back for; `look`
    what is known of the text already.

    Never changed; not frozen, which would treble the price of making one.
    """

    text: str
    kind: str
    origin: str
    rank: int = 0
    sources: tuple[Source, ...] = ()
    when: date | None = None
    own: bool = False
    category: str | None = None
    look: Look | None = None


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
    _offered: dict[str, tuple[int, tuple[Source, ...]]] = field(default_factory=dict)
    _spread: set[str] = field(default_factory=set)

    def collect(self) -> Iterator[Candidate]:
        """Everything worth telling, in no order, repeats included."""
        self._gather()
        said: list[Candidate] = []
        for entry in self._entries.values():
            self._say(entry, said)
        yield from said
        yield from self._neighbours()
        yield from self._people()
        yield from self._words()

    def _gather(self) -> None:
        context, me = self.context, self.setting.practitioner
        for drug in context.medications.items:
            entry = self._add("drug", drug.name, drug.source, code=drug.code, when=drug.authored)
            if me is not None and drug.requester == me:
                entry.own = True
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

    def _say(self, entry: _Entry, said: list[Candidate]) -> None:
        """Adds what one entry is called to `said`, and offers what stands beside it."""
        kind = entry.kind
        told = (self.rules.say if entry.code is None else self.rules.say_known)(kind, entry.name)
        sources = tuple(dict.fromkeys(entry.sources)) if len(entry.sources) > 1 else (entry.sources[0],)
        when, own = entry.when, entry.own
        category = self._category_of(entry, [form for form, _ in told.forms]) if self.withholding.names else None
        for rank, (text, look) in enumerate(told.forms):
            said.append(Candidate(text, kind, "chart", rank, sources, when, own, category, look))
        if not told.beside:
            return
        offered = self._offered
        for names, first in self._beside_drug(told.beside) if kind == "drug" else self._beside_problem(told.beside):
            for place, name in enumerate(names, start=first):
                held = category or self._held(name)
                if held is not None:
                    said.append(Candidate(name, "drug", "neighbour", place, sources, category=held))
                elif name not in offered or place < offered[name][0]:
                    offered[name] = (place, sources)

    def _neighbours(self) -> Iterator[Candidate]:
        """What stands beside the chart's drugs and problems, each with its best place and the entry it has it by."""
        for name, (place, sources) in self._offered.items():
            yield Candidate(name, "drug", "neighbour", place, sources)

    def _category_of(self, entry: _Entry, forms: Iterable[str]) -> str | None:
        """What an entry is held back for: by its string, its code or what is said of it."""
        category = self.withholding.category_of(entry.name, entry.code)
        return category or next((one for form in forms if (one := self._held(form)) is not None), None)

    def _beside_drug(self, forms: tuple[str, ...]) -> Iterator[tuple[Iterable[str], int]]:
        """Brands of a generic and generics of a brand, then other drugs of its class; with the place of the first."""
        for form in self._fresh(forms):
            group, names = self.rules.beside_drugs[form]
            yield names, 0
            if group is not None and any(self._fresh((f"class {group}",))):
                yield self.rules.drugs.classes[group], _CLASS_MATES

    def _beside_problem(self, runs: tuple[str, ...]) -> Iterator[tuple[Iterable[str], int]]:
        """Drugs commonly begun for it, with the place of the first."""
        for name in self._fresh(runs):
            yield self.rules.choices_by_word[name], 1

    def _fresh(self, names: Iterable[str]) -> Iterator[str]:
        """Names whose neighbours were not offered yet; all of them where a policy counts what it holds back."""
        for name in dict.fromkeys(names):
            if self.withholding.names or name not in self._spread:
                self._spread.add(name)
                yield name

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
        specialty = " ".join(encounter.kind for encounter in self.context.encounter.items if encounter.kind)
        for one in self.rules.lists:
            if not one.tenants or setting.tenant in one.tenants:
                yield from (Candidate(term, "vocabulary", "list") for term in one.terms)
        for vocabulary in self.rules.vocabularies:
            if vocabulary.fits(setting.note_type, specialty):
                yield from (Candidate(term, "vocabulary", "vocabulary") for term in vocabulary.terms)


def _person(name: str, *sources: Source) -> Iterator[Candidate]:
    for rank, text in enumerate(spoken_people(name)):
        yield Candidate(text, "person", "person", rank, sources)
