"""Values of a mapping, read strictly. In: parsed YAML and where it stands. Out: typed values, or Misconfigured.

Never fills in what is missing: a key that is absent is an error that names it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from connector.errors import Misconfigured


def read_table(value: object, where: str, *, keys: Collection[str] | None = None) -> Mapping[str, Any]:
    """A table with exactly these keys, or with any text keys where `keys` is None. `where`: file, and key if inside."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) and key.strip() for key in value):
        raise Misconfigured(f"{where} must be a table of keys")
    if keys is not None:
        for key in value:
            if key not in keys:
                raise Misconfigured(f"{where}: unknown key {key!r}")
        for key in keys:
            if key not in value:
                raise Misconfigured(f"{where}: {key} is missing")
    return value


def read_whole(value: object, where: str, *, least: int | None = 1) -> int:
    """A whole number, `least` or more; None for any."""
    if not isinstance(value, int) or isinstance(value, bool) or (least is not None and value < least):
        raise Misconfigured(f"{where} must be a whole number" + ("" if least is None else f" from {least}"))
    return value


def read_text(value: object, where: str) -> str:
    """A text that is not blank, its blanks made single."""
    if not isinstance(value, str) or not value.strip():
        raise Misconfigured(f"{where} must be a text")
    return " ".join(value.split())


def read_texts(value: object, where: str) -> tuple[str, ...]:
    """A list of texts, which may be empty."""
    if not isinstance(value, list):
        raise Misconfigured(f"{where} must be a list of texts")
    return tuple(read_text(text, f"{where}.{place}") for place, text in enumerate(value))


def read_switch(value: object, where: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise Misconfigured(f"{where} must be true or false")
    return value


def read_texts_by_key(value: object, where: str) -> dict[str, tuple[str, ...]]:
    """A table of texts to lists of texts; keys in lower case."""
    table = read_table(value, where)
    return {" ".join(key.casefold().split()): read_texts(texts, f"{where}.{key}") for key, texts in table.items()}
