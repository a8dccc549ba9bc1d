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
from connector.records import KeytermEdit, Medication, PatientContext, Problem, Source

_REFUTED = frozenset({"refuted", "entered-in-error"})
_LONGEST_NAME = 300


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


@dataclass(frozen=True, slots=True)
class _Entry:
    """One chart entry: its string, where it stands, its code, when it was written, whether this clinician wrote it."""

    name: str
    source: Source
    code: str | None = None
    when: date | None = None
    own: bool = False


@dataclass(slots=True)
class Collecting:
    """One collection of candidates; names said twice in a chart are worked out once."""

    context: PatientContext
    rules: KeytermRules
    setting: HintSetting
    withholding: Withholding
    _known: dict[tuple[str, str], tuple[tuple[str, ...], str | None]] = field(default_factory=dict)

    def collect(self) -> Iterator[Candidate]:
        """Everything worth telling, in no order, repeats included."""
        context = self.context
        for drug in context.medications.items:
            yield from self._drug(drug)
        for allergy in context.allergies.items:
            if not allergy.none_known and allergy.verification not in _REFUTED:
                yield from self._said("allergen", _Entry(allergy.substance, allergy.source))
                for reaction in allergy.reactions:
                    yield from self._said("reaction", _Entry(reaction, allergy.source))
        for problem in context.problems.items:
            if not self._beside_health(problem.name):
                yield from self._problem(problem)
        for kind, section in (("order", context.orders), ("procedure", context.procedures)):
            for entry in section.items:
                yield from self._said(kind, _Entry(entry.name, entry.source, when=entry.when))
        yield from self._people()
        yield from self._words()

    def _drug(self, drug: Medication) -> Iterator[Candidate]:
        own = drug.requester is not None and drug.requester == self.setting.practitioner
        entry = _Entry(drug.name, drug.source, drug.code, drug.authored, own)
        yield from self._said("drug", entry)
        forms, category = self._forms("drug", entry)
        book = self.rules.drugs
        for form in forms:
            names = (*book.brands_of(form), *book.generics_of(form))
            yield from self._neighbours(names, drug.source, category, start=0)
        for form in forms:
            group = book.class_of(form)
            if group is not None:
                yield from self._neighbours(tuple(book.classes[group]), drug.source, category, start=3)

    def _problem(self, problem: Problem) -> Iterator[Candidate]:
        entry = _Entry(problem.name, problem.source, problem.code, problem.recorded or problem.onset)
        yield from self._said("problem", entry)
        forms, category = self._forms("problem", entry)
        choices = self.rules.choices_by_word
        for name in dict.fromkeys(run for form in forms for run in _runs(form) if run in choices):
            yield from self._neighbours(choices[name], problem.source, category, start=1)

    def _neighbours(
        self, names: tuple[str, ...], source: Source, category: str | None, *, start: int
    ) -> Iterator[Candidate]:
        """Names not in the chart; those of a held-back entry are held back with it."""
        for place, name in enumerate(names):
            yield Candidate(name, "drug", "neighbour", start + place, (source,), category=category or self._held(name))

    def _said(self, kind: str, entry: _Entry) -> Iterator[Candidate]:
        forms, category = self._forms(kind, entry)
        for rank, text in enumerate(forms):
            yield Candidate(text, kind, "chart", rank, (entry.source,), entry.when, entry.own, category)

    def _forms(self, kind: str, entry: _Entry) -> tuple[tuple[str, ...], str | None]:
        """What is said of an entry, and its category; both once for each name."""
        name, code = entry.name, entry.code
        key = (kind, name if code is None else f"{name}\n{code}")
        found = self._known.get(key)
        if found is None:
            speak = _SPEAK[kind]
            forms = speak(name[:_LONGEST_NAME], self.rules)
            category = self.withholding.category_of(name, code) if self.withholding.names else None
            for form in forms:
                category = category or self._held(form)
            found = self._known[key] = (forms, category)
        return found

    def _held(self, name: str) -> str | None:
        return self.withholding.category_of(name) if self.withholding.names else None

    def _beside_health(self, name: str) -> bool:
        folded = name.casefold()
        return any(word in folded for word in self.rules.mapping.drop_words)

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
