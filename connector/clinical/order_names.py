"""Names of tests and procedures. In: an order's chart string. Out: what is said, best first. Never raises."""

from __future__ import annotations

import re

_LONGEST = 300
_TAG = re.compile(r"\s*\((?:procedure|regime/therapy|observable entity|finding|qualifier value)\)$", re.IGNORECASE)
_LOINC_TAIL = re.compile(
    r"\s*\[[^\]]*\].*|\s+in (?:blood|serum|plasma|urine|ser/plas|venous|arterial|capillary|stool|body fluid).*|"
    r"\s+by .*|\s+-\s+.*|[,;(].*|/\S*\.total.*",
    re.IGNORECASE,
)
_TAIL_MARKS = ("[", ",", ";", "(", "/", " in ", " by ", " - ")
"""One of these is in every text that `_LOINC_TAIL` shortens."""
_DROPPED_WORDS = ("hour", "contrast", "panel")
_DROPPED = re.compile(r"\b(?:24|12) hour\b|\bwithout contrast\b|\bwith contrast\b|\bpanel,?$", re.IGNORECASE)


def said_orders(name: str) -> tuple[str, ...]:
    """`Hemoglobin A1c/Hemoglobin.total in Blood` → (`hemoglobin A1c`,); () where nothing is named."""
    text = " ".join(name[:_LONGEST].split())
    if "(" in text:
        text = _TAG.sub("", text)
    folded = text.casefold()
    if any(mark in folded for mark in _TAIL_MARKS):
        text = _LOINC_TAIL.sub("", text)
    if any(word in folded for word in _DROPPED_WORDS):
        text = _DROPPED.sub(" ", text)
    if not any(character.isalpha() for character in text):
        return ()
    return (" ".join([_lowered(word) for word in text.split()]),)


def _lowered(word: str) -> str:
    """Sentence capitals go; abbreviations and words with figures stay."""
    if word.isalpha() and word.islower():
        return word
    plain = word[:1] + word[1:].lower() == word and not any(character.isdigit() for character in word)
    return word.lower() if plain and len(word) > 1 else word
