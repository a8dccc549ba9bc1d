"""How many tokens a text takes. In: text. Out: an estimate on the safe side. Never asks a model or the network."""

from __future__ import annotations

import re

_PIECES = re.compile(r"[A-Za-z]+| +|[^A-Za-z ]")
_LETTERS_A_TOKEN = 3


def estimate_tokens(text: str) -> int:
    """Tokens of a text, rather too many than too few, for any model: there is no tokenizer to ask offline.

    Tokenizers of the byte-pair kind hold common English words whole and break rare ones into pieces of about four
    letters; each starts with the blank before it. Counted here: one token for each three letters begun of a word, one
    for each digit and sign, one for every blank after the first of a row, and outside ASCII one for each byte of UTF-8,
    which is the most a tokenizer with byte fallback needs. English prose so comes out a third or so above real counts.
    """
    return sum(_count(piece) for piece in _PIECES.findall(text))


def _count(piece: str) -> int:
    if piece.startswith(" "):
        return len(piece) - 1
    if piece.isascii():
        return -(-len(piece) // _LETTERS_A_TOKEN) if piece.isalpha() else 1
    return len(piece.encode("utf-8", errors="replace"))
