"""Keyterms for speech recognition. In: PatientContext, rules, the visit's setting. Out: SpeechHints.

Never holds a term without its origin, nor one that a policy holds back or the clinician removed; exceeds no limit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain

from connector.hints.candidates import Candidate, Collecting, HintSetting
from connector.hints.editing import added_terms, removed_keys
from connector.hints.limits import TermLimits
from connector.hints.rules import KeytermRules, Look
from connector.hints.written import same_as
from connector.records import Keyterm, PatientContext, Source, SpeechHints, Stamp, Withheld

_STEPS = 3
"""Forms of one entry beyond this many weigh no less."""


def derive_hints(context: PatientContext, rules: KeytermRules, *, setting: HintSetting, now: datetime) -> SpeechHints:
    """The terms worth telling a recogniser, best first: the clinician's own, then by weight.

    Terms keep the limits of `setting`, stand once (case, salt and plural ignored, sources merged) and are cut from the
    end; `left_out` counts what did not fit. A section that could not be read yields nothing.
    """
    withholding = rules.withholding(rules.mapping.held_back(setting.tenant))
    candidates = list(Collecting(context, rules, setting, withholding).collect())
    own = {same_as(text): Keyterm(text, "own", (), "clinician") for text in added_terms(setting.edits)}
    terms, held = _Choice(rules, setting.limits, now).choose(candidates, own=own.keys())
    removed = removed_keys(setting.edits)
    kept = [*own.values(), *(term for key, term in terms.items() if key not in own and key not in removed)]
    fitting = _fit(kept, setting.limits)
    return SpeechHints(
        keyterms=tuple(fitting),
        limit=setting.limits.terms,
        left_out=len(kept) - len(fitting),
        stamp=Stamp(maker=rules.mapping.maker, at=now),
        target=setting.target,
        withheld=tuple(Withheld(category, count) for category, count in sorted(held.items())),
        edits=setting.edits,
    )


def fit_hints(hints: SpeechHints, limits: TermLimits, *, target: str) -> SpeechHints:
    """The list as models with these limits take it: never another term than was shown, the best first, and `left_out`
    counts what fell away."""
    kept = _fit((term for term in hints.keyterms if limits.allows(term.text)), limits)
    left_out = hints.left_out + len(hints.keyterms) - len(kept)
    return replace(hints, keyterms=tuple(kept), limit=limits.terms, left_out=left_out, target=target)


def _fit(terms: Iterable[Keyterm], limits: TermLimits) -> list[Keyterm]:
    """As many as go, from the beginning."""
    fitting: list[Keyterm] = []
    characters = 0
    for term in terms:
        characters += len(term.text)
        if len(fitting) == limits.terms or 0 < limits.characters_in_all < characters:
            break
        fitting.append(term)
    return fitting


@dataclass(slots=True)
class _Merged:
    """All candidates of one key: the heaviest gives the written form, all of its origin give their sources.

    `groups` are the sources of all, None while there is but one.
    """

    best: Candidate
    weight: int
    groups: list[tuple[Source, ...]] | None
    text: str

    def join(self, one: Candidate, weight: int, text: str) -> None:
        """Takes another candidate of the same origin in."""
        if self.groups is None:
            self.groups = [self.best.sources]
        self.groups.append(one.sources)
        if weight > self.weight:
            self.best, self.weight, self.text = one, weight, text

    def sources(self) -> tuple[Source, ...]:
        """Those of all entries, each once."""
        return self.best.sources if self.groups is None else tuple(dict.fromkeys(chain.from_iterable(self.groups)))


class _Choice:
    """Merges candidates and orders them. Whatever depends on a text alone is worked out once for each text."""

    def __init__(self, rules: KeytermRules, limits: TermLimits, now: datetime) -> None:
        self._rules = rules
        self._limits = limits
        self._tables = rules.looked_at
        self._texts: dict[str, Look | None] = {}
        self._weights, self._beside = rules.mapping.weights, rules.mapping.weights["neighbour"]
        self._recent, self._recent_days = rules.mapping.adjust["recent"], rules.mapping.recent_days
        self._this_clinician = rules.mapping.adjust["this_clinician"]
        self._steps = [rules.mapping.adjust["other_form"] * min(rank, _STEPS) for rank in range(_STEPS + 1)]
        self._today = now.date().toordinal()

    def choose(
        self, candidates: Iterable[Candidate], *, own: Collection[str] = ()
    ) -> tuple[dict[str, Keyterm], Mapping[str, int]]:
        """Terms by key, best first, and how many terms of each category were held back.

        What a clinician added by hand, `own` by key, is not held back: it is sent by their decision.
        """
        merged: dict[str, _Merged] = {}
        held: dict[str, str] = {}
        spared: dict[str, str] = {}
        texts, weigh, look_at = self._texts, self._weigh, self._look_at
        for one in candidates:
            text = one.text
            known = texts[text] if text in texts else look_at(text, one.look)
            if known is None:
                continue
            key, plain, bonus = known
            if one.category is not None:
                (spared if one.origin == "neighbour" else held)[key] = one.category
                continue
            weight = weigh(one) + bonus
            before = merged.get(key)
            if before is None:
                merged[key] = _Merged(one, weight, None, plain)
            elif before.best.origin == one.origin:
                before.join(one, weight, plain)
            elif weight > before.weight:
                merged[key] = _Merged(one, weight, None, plain)
        kept = [item for item in merged.items() if item[0] not in held]
        kept.sort(key=lambda item: item[1].weight, reverse=True)
        if spared:
            sent = {key for key, _ in kept}
            spared = {key: category for key, category in spared.items() if key not in sent}
        counted = Counter(category for key, category in {**spared, **held}.items() if key not in own)
        return self._without_excess(kept), counted

    def _without_excess(self, kept: Iterable[tuple[str, _Merged]]) -> dict[str, Keyterm]:
        room = self._rules.mapping.most_neighbours
        terms: dict[str, Keyterm] = {}
        for key, one in kept:
            best = one.best
            if best.origin == "neighbour":
                if room <= 0:
                    continue
                room -= 1
            sources = best.sources if one.groups is None else one.sources()
            terms[key] = Keyterm(one.text, best.kind, sources, best.origin)
        return terms

    def _look_at(self, text: str, look: Look | None) -> Look | None:
        """Key, written form and what the words themselves weigh; None for a term that is not to be told."""
        found = look or self._tables.get(text) or self._rules.look_at(text)
        key, plain, _ = found
        dropped = not key or plain.casefold() in self._rules.mapping.drop
        self._texts[text] = told = None if dropped or not self._limits.allows(plain) else found
        return told

    def _weigh(self, one: Candidate) -> int:
        origin, rank = one.origin, one.rank
        if origin == "neighbour":
            return self._beside - rank
        weight = self._weights["list" if origin == "list" else one.kind]
        if rank:
            weight += self._steps[rank if rank < _STEPS else _STEPS]
        if one.when is not None and 0 <= self._today - one.when.toordinal() <= self._recent_days:
            weight += self._recent
        return weight + self._this_clinician if one.own else weight
