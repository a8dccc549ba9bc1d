"""Negation in speech. In: one statement. Out: which stretches of it are denied. Never decides what an answer means."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NOT_NEGATION = re.compile(
    r"\b(?:no (?:increase|change|further|longer|more than|less than|later than|doubt|matter|problem|worries|wonder)|"
    r"not (?:only|necessarily|just|certain|sure|yet sure|too bad|bad)|"
    r"no,? (?:that's|it's|you're) (?:fine|okay|ok|good))\b",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"\b(?:no|not|never|without|denie[sd]|deny|denying|negative for|free of|absence of|absent|lacks?|lacking|none of|"
    r"no evidence of|no signs? of|ruled out|rules? out|neither|nor|hasn['’]?t|haven['’]?t|hadn['’]?t|doesn['’]?t|"
    r"don['’]?t|didn['’]?t|isn['’]?t|aren['’]?t|wasn['’]?t|weren['’]?t|can['’]?t|cannot|couldn['’]?t|won['’]?t|"
    r"wouldn['’]?t|shouldn['’]?t|nil)\b",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"\b(?:(?:is|are|was|were|has been|have been) (?:negative|absent|ruled out|denied|not (?:present|seen))|"
    r"negative|denied|unlikely|ruled out)\b",
    re.IGNORECASE,
)
_STOP = re.compile(
    r"\b(?:but|however|except|although|though|because|since|apart from|aside from|other than|still|yet|which|who|"
    r"until|unless|only)\b|[.;:?!]|,\s*(?:and\s+)?(?:i|he|she|they|we|you|it|there|the|his|her|my|your)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class NegatedSpan:
    """A stretch [start, end) of a text that `trigger` denies."""

    start: int
    end: int
    trigger: str


def find_negated(text: str) -> tuple[NegatedSpan, ...]:
    """The stretches denied, left to right: from a trigger ("no", "denies", "n't") to the end of its clause, or from the
    start of the clause to a trigger that follows ("… is negative"). "No change", "not only" and the like deny nothing.

    After NegEx (Chapman et al. 2001, J Biomed Inform 34:301), with clause ends instead of a window of words.
    """
    blocked = [match.span() for match in _NOT_NEGATION.finditer(text)]
    spans: list[NegatedSpan] = []
    for match in _BEFORE.finditer(text):
        if any(start <= match.start() < end for start, end in blocked):
            continue
        if spans and match.start() < spans[-1].end:
            continue
        spans.append(NegatedSpan(match.end(), _clause_end(text, match.end()), match.group()))
    for match in _AFTER.finditer(text):
        start = _clause_start(text, match.start())
        if not any(span.start < match.end() and start < span.end for span in spans):
            spans.append(NegatedSpan(start, match.start(), match.group()))
    return tuple(sorted(spans, key=lambda span: span.start))


def is_negated(text: str, start: int, end: int) -> bool:
    """Whether the words at [start, end) stand in a denied stretch."""
    return any(span.start <= start and end <= span.end for span in find_negated(text))


def _clause_end(text: str, place: int) -> int:
    stop = _STOP.search(text, place)
    return stop.start() if stop else len(text)


def _clause_start(text: str, place: int) -> int:
    stops = [match.end() for match in re.finditer(r"[.;:?!,]|\b(?:but|however|and|although|though)\b", text[:place])]
    return stops[-1] if stops else 0
