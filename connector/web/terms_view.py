"""The names told to the recogniser, for people. In: SpeechHints and the PatientContext behind them. Out: frozen views.

Never names what a policy held back, and never shows a term without saying where it comes from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from connector.hints.editing import ADD
from connector.records import Keyterm, KeytermEdit, PatientContext, Source, SpeechHints
from connector.web.chart_view import name_sources
from connector.web.moments import Moment, count, show_moment


@dataclass(frozen=True, slots=True)
class SourceView:
    """One version of one resource behind a term; `label` is the chart entry in words, where it is one."""

    label: str | None
    reference: str
    version: str | None


@dataclass(frozen=True, slots=True)
class TermSetView:
    """Terms that rest on the same resources, best first; on none: lists, vocabulary, what the clinician added."""

    sources: tuple[SourceView, ...]
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TermGroupView:
    """Terms of one kind; `note` says what they are where the title does not."""

    key: str
    title: str
    note: str | None
    total: int
    sets: tuple[TermSetView, ...]


@dataclass(frozen=True, slots=True)
class KeytermsView:
    """All terms in groups. `left_out` says how many did not fit, `withheld` how many a policy held back.

    `undo` says what the clinician's last change was.
    """

    total: int
    groups: tuple[TermGroupView, ...]
    left_out: str | None
    withheld: str | None
    undo: str | None


@dataclass(frozen=True, slots=True)
class SentView:
    """What left for the recogniser at one time, word for word."""

    at: Moment
    total: int
    groups: tuple[TermGroupView, ...]


# Where terms come from, in the order they are shown.
_GROUPS: Mapping[str, tuple[str, str | None]] = {
    "own": ("Added by you", None),
    "drug": ("Drugs in the chart", None),
    "allergen": ("Allergens in the chart", None),
    "reaction": ("Reactions in the chart", None),
    "problem": ("Problems in the chart", None),
    "order": ("On order", None),
    "procedure": ("Procedures in the chart", None),
    "person": ("People", None),
    "list": ("Your organisation's list", None),
    "neighbour": ("Names that may come up", "Not in the chart: what is often prescribed beside or instead of what is."),
    "vocabulary": ("General vocabulary", "Words of the specialty and of the kind of note; not from this chart."),
    "other": ("Others", None),
}


def build_keyterms(hints: SpeechHints | None, context: PatientContext | None) -> KeytermsView | None:
    """The names the recogniser will listen for; None before the chart is read."""
    if hints is None:
        return None
    held = sum(one.count for one in hints.withheld)
    return KeytermsView(
        total=len(hints.keyterms),
        groups=_group(hints.keyterms, name_sources(context)),
        left_out=f"{count(hints.left_out, 'more name')} did not fit." if hints.left_out else None,
        withheld=f"Held back by policy: {held}." if held else None,
        undo=_describe(hints.edits[-1]) if hints.edits else None,
    )


def build_sent(sent: Iterable[SpeechHints], context: PatientContext | None, now: datetime) -> tuple[SentView, ...]:
    """What was sent, the last time first; nothing for lists that never left."""
    named = name_sources(context)
    return tuple(
        SentView(show_moment(hints.sent, now), len(hints.keyterms), _group(hints.keyterms, named))
        for hints in sent
        if hints.sent is not None
    )


def _group(terms: Iterable[Keyterm], named: Mapping[str, str]) -> tuple[TermGroupView, ...]:
    groups: dict[str, dict[tuple[Source, ...], list[str]]] = {key: {} for key in _GROUPS}
    for term in terms:
        groups[_place(term)].setdefault(term.sources, []).append(term.text)
    shown = []
    for key, sets in groups.items():
        views = tuple(TermSetView(tuple(_show(one, named) for one in of), tuple(texts)) for of, texts in sets.items())
        if views:
            shown.append(TermGroupView(key, *_GROUPS[key], sum(len(one.terms) for one in views), views))
    return tuple(shown)


def _place(term: Keyterm) -> str:
    key = term.origin if term.origin in ("neighbour", "list") else term.kind
    return key if key in _GROUPS else "other"


def _show(source: Source, named: Mapping[str, str]) -> SourceView:
    return SourceView(named.get(source.reference), source.reference, source.version)


def _describe(edit: KeytermEdit) -> str:
    if edit.action != ADD:
        return f"“{edit.text}” removed"
    return f"“{edit.text}” added" if edit.instead is None else f"“{edit.instead}” changed to “{edit.text}”"
