"""Word lists as Python reads them. In: a block of words. Out: a tuple or frozen set. Never changes case or spelling."""

from __future__ import annotations


def word_list(block: str) -> tuple[str, ...]:
    """The blank-separated words of a text block, in order; `_` stands for a blank inside one entry."""
    return tuple(word.replace("_", " ") for word in block.split())


def word_set(block: str) -> frozenset[str]:
    """The words of `word_list`, without order."""
    return frozenset(word_list(block))
