"""Word lists as Python reads them. In: a block of words. Out: a frozen set. Never changes case or spelling."""

from __future__ import annotations


def word_set(block: str) -> frozenset[str]:
    """The blank-separated words of a text block; `_` stands for a blank inside one entry."""
    return frozenset(word.replace("_", " ") for word in block.split())
