"""Keyterms for speech recognition. In: PatientContext, rules, the visit's setting. Out: SpeechHints.

Never holds a term without its origin, nor one that a policy holds back or the clinician removed; exceeds no limit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from connector.hints.candidates import Candidate, Collecting, HintSetting
from connector.hints.editing import added_terms, removed_keys
from connector.hints.limits import TermLimits
from connector.hints.rules import KeytermRules
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
    """All candidates of one key: the heaviest gives the written form, all of its origin give their sources."""

    best: Candidate
    weight: int
    groups: list[tuple[Source, ...]]
    text: str

    def sources(self) -> tuple[Source, ...]:
        """Those of all entries, each once."""
        first, *others = self.groups
        return tuple(dict.fromkeys(chain(first, *others))) if others else first


class _Choice:
    """Merges candidates and orders them. Whatever depends on a text alone is worked out once for each text."""

    def __init__(self, rules: KeytermRules, limits: TermLimits, now: datetime) -> None:
        self._rules = rules
        self._limits = limits
        self._tables = rules.looked_at
        self._texts: dict[str, tuple[str, str, int] | None] = {}
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
            known = texts[one.text] if one.text in texts else look_at(one.text)
            if known is None:
                continue
            key, text, bonus = known
            if one.category is not None:
                (spared if one.origin == "neighbour" else held)[key] = one.category
                continue
            weight = weigh(one) + bonus
            before = merged.get(key)
            if before is None:
                merged[key] = _Merged(one, weight, [one.sources], text)
            elif before.best.origin == one.origin:
                before.groups.append(one.sources)
                if weight > before.weight:
                    before.best, before.weight, before.text = one, weight, text
            elif weight > before.weight:
                merged[key] = _Merged(one, weight, [one.sources], text)
        kept = sorted((item for item in merged.items() if item[0] not in held), key=lambda item: -item[1].weight)
        sent = {key for key, _ in kept}
        spared = {key: category for key, category in spared.items() if key not in sent}
        counted = Counter(category for key, category in {**spared, **held}.items() if key not in own)
        return dict(self._without_excess(kept)), counted

    def _without_excess(self, kept: Iterable[tuple[str, _Merged]]) -> Iterable[tuple[str, Keyterm]]:
        room = self._rules.mapping.most_neighbours
        for key, one in kept:
            if one.best.origin == "neighbour":
                if room <= 0:
                    continue
                room -= 1
            yield key, Keyterm(one.text, one.best.kind, one.sources(), one.best.origin)

    def _look_at(self, text: str) -> tuple[str, str, int] | None:
        """Key, written form and what the words themselves weigh; None for a term that is not to be told."""
        found = self._tables.get(text) or self._rules.look_at(text)
        key, plain, _ = found
        dropped = not key or plain.casefold() in self._rules.mapping.drop
        self._texts[text] = told = None if dropped or not self._limits.allows(plain) else found
        return told

    def _weigh(self, one: Candidate) -> int:
        mapping = self._rules.mapping
        if one.origin == "neighbour":
            return mapping.weights["neighbour"] - one.rank
        weight = mapping.weights["list" if one.origin == "list" else one.kind] + self._steps[min(one.rank, _STEPS)]
        if one.when is not None and 0 <= self._today - one.when.toordinal() <= mapping.recent_days:
            weight += mapping.adjust["recent"]
        return weight + (mapping.adjust["this_clinician"] if one.own else 0)
