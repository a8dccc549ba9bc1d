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
_DROPPED = re.compile(r"\b(?:24|12) hour\b|\bwithout contrast\b|\bwith contrast\b|\bpanel,?$", re.IGNORECASE)


def said_orders(name: str) -> tuple[str, ...]:
    """`Hemoglobin A1c/Hemoglobin.total in Blood` → (`hemoglobin A1c`,); () where nothing is named."""
    text = _LOINC_TAIL.sub("", _TAG.sub("", " ".join(name[:_LONGEST].split())))
    words = " ".join(_DROPPED.sub(" ", text).split()).split()
    if not any(character.isalpha() for word in words for character in word):
        return ()
    return (" ".join(_lowered(word) for word in words),)


def _lowered(word: str) -> str:
    """Sentence capitals go; abbreviations and words with figures stay."""
    plain = word[:1] + word[1:].lower() == word and not any(character.isdigit() for character in word)
    return word.lower() if plain and len(word) > 1 else word
