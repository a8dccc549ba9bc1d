"""One written form for each term. In: a text. Out: it tidied, and the key it is the same by. Never other words."""

from __future__ import annotations

import re

from connector.clinical.drug_words import CATIONS, SAID_SALTS, SALTS

_NOT_WORD = re.compile(r"[^\w']+")
_SHORTEST_PLURAL = 4


def tidy(text: str) -> str:
    """Single blanks, and nothing that cannot be printed; "" where no letter is left."""
    plain = text if text.isprintable() else "".join(one if one.isprintable() else " " for one in text)
    plain = " ".join(plain.split())
    return plain if plain[:1].isalpha() or any(one.isalpha() for one in plain) else ""


def same_as(text: str) -> str:
    """The key two spellings share: case, hyphens, apostrophes, a plural's s and an unsaid salt make no difference."""
    folded = text.casefold()
    if "s" not in folded and folded.isalpha():
        return folded
    if not folded.replace(" ", "").isalnum():
        folded = _NOT_WORD.sub(" ", folded.replace("’", "'")).replace("'", "")
    words = [_singular(word) if word.endswith("s") else word for word in folded.split()]
    while len(words) > 1 and words[-1] in SALTS and words[-1] not in SAID_SALTS and words[-2] not in CATIONS:
        words.pop()
    return " ".join(words)


def _singular(word: str) -> str:
    if len(word) < _SHORTEST_PLURAL or word.endswith(("ss", "us", "is")):
        return word
    return word[:-3] + "y" if word.endswith("ies") and len(word) > _SHORTEST_PLURAL else word[:-1]
