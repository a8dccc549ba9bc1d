"""How keyterms are chosen. In: the parsed mappings/keyterms.yaml. Out: a frozen KeytermMapping. Never reads a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connector.errors import Misconfigured

KINDS = ("drug", "allergen", "problem", "person", "vocabulary")
_KEYS = frozenset({"version", "limits", "max_words", "order", "vocabulary", "drop"})


@dataclass(frozen=True, slots=True)
class KeytermMapping:
    """Order of kinds, terms a model takes at most, words a term has at most, general vocabulary, terms to leave out."""

    version: int
    limits: Mapping[str, int]
    max_words: int
    order: tuple[str, ...]
    vocabulary: tuple[str, ...]
    drop: frozenset[str]

    @classmethod
    def from_dict(cls, data: object) -> KeytermMapping:
        """Reads the parsed file; raises Misconfigured naming the key that is unknown, missing or of the wrong kind."""
        if not isinstance(data, Mapping):
            raise Misconfigured("mappings/keyterms.yaml: must be a table of keys")
        unknown = sorted(str(key) for key in data if key not in _KEYS)
        if unknown:
            raise Misconfigured(f"mappings/keyterms.yaml: unknown key {unknown[0]!r}")
        order = _texts(data, "order")
        if sorted(order) != sorted(KINDS):
            raise Misconfigured(f"mappings/keyterms.yaml: order must name each of {', '.join(KINDS)} once")
        return cls(
            version=_whole(data.get("version"), "version"),
            limits=_limits(data.get("limits")),
            max_words=_whole(data.get("max_words"), "max_words"),
            order=order,
            vocabulary=_texts(data, "vocabulary"),
            drop=frozenset(term.casefold() for term in _texts(data, "drop")),
        )

    def limit_for(self, model: str) -> int:
        """Terms the speech model takes at most; raises Misconfigured for a model without a limit."""
        if model not in self.limits:
            raise Misconfigured(f"mappings/keyterms.yaml: limits has no entry for the model {model!r}")
        return self.limits[model]

    @property
    def maker(self) -> str:
        """The name a Stamp carries, e.g. `hints/keyterms.yaml@1`."""
        return f"hints/keyterms.yaml@{self.version}"


def _whole(value: object, key: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise Misconfigured(f"mappings/keyterms.yaml: {key} must be a whole number from 1")
    return value


def _limits(value: object) -> dict[str, int]:
    if not isinstance(value, Mapping) or not value:
        raise Misconfigured("mappings/keyterms.yaml: limits must be a table of speech model to number of terms")
    return {str(model): _whole(limit, f"limits.{model}") for model, limit in value.items()}


def _texts(data: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = data.get(key)
    if not isinstance(value, list) or not all(isinstance(text, str) and text.strip() for text in value):
        raise Misconfigured(f"mappings/keyterms.yaml: {key} must be a list of texts")
    return tuple(" ".join(text.split()) for text in value)
