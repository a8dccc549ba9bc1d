"""Drugs the note gives against the chart's allergies. In: a sentence and the allergies. Out: Findings.

Part of a safety net, never the whole of it: names are compared, drug classes are not, and silence proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from connector.clinical.problem_names import spoken_substances
from connector.records import Allergy, Finding, Sentence
from connector.review.wording import find_words

_GIVES = re.compile(
    r"\b(?:start|begin|beg[au]n|prescrib|initiat|giv(?:e|en|ing)|gave|administer|tak(?:e|es|en|ing)|add|increas|titrat|"
    r"rais|switch|chang|continu|resum|refill|renew|order|dispens|inject|try|trial|use)\w*",
    re.IGNORECASE,
)
_STRENGTH = re.compile(r"\b\d+(?:[.,]\d+)?\s*(?:mg|mcg|g|ml|units?|milligrams?|micrograms?)\b", re.IGNORECASE)
_FILLER = r"(?:(?:the|any|all|her|his|their|of|to|home|further|take|taking|use|using|give|giving|start|starting|on) )"
_AGAINST = re.compile(
    r"\b(?:avoid|avoids|avoiding|allergic|allergy|allergies|do not|don't|never|no longer|no more|no further|no other|"
    r"without|stop|stopped|stopping|discontinue|discontinued|instead of|rather than|hold|held|reaction|"
    rf"intolerance|intolerant) {_FILLER}{{0,3}}$",
    re.IGNORECASE,
)
_BEFORE = 80


def find_allergy_conflicts(sentence: Sentence, allergies: Iterable[Allergy], *, in_plan: bool) -> Iterator[Finding]:
    """One finding for each allergy in force whose substance the sentence gives; `in_plan`: every drug there counts.

    Elsewhere a sentence gives a drug when a verb says so or a strength stands in it.
    """
    if not in_plan and _GIVES.search(sentence.text) is None and _STRENGTH.search(sentence.text) is None:
        return
    for allergy in allergies:
        said = None if allergy.none_known else _said_substance(sentence.text, allergy.substance)
        if said is not None:
            signs = f" (reaction: {', '.join(allergy.reactions)})" if allergy.reactions else ""
            gives = "gives" if in_plan else "speaks of giving or taking"
            text = f"The note {gives} {said}, and the chart lists an active allergy to {allergy.substance}{signs}."
            yield Finding(kind="allergy", text=text, sentence_id=sentence.sentence_id)


def _said_substance(text: str, substance: str) -> str | None:
    """The substance as the sentence says it, unless each mention is one of avoiding or stopping it."""
    for name in spoken_substances(substance):
        for start, end in find_words(name, text):
            before = " ".join(text[max(0, start - _BEFORE) : start].split()) + " "
            if _AGAINST.search(before) is None:
                return text[start:end]
    return None
