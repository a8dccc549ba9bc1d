"""Which languages speech models know, and how charts write them. In: parsed mappings/speech-models.yaml. Out: a frozen
SpeechModels. Reads no file, and never takes a language it does not know for another.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from connector.errors import Misconfigured
from connector.transcript.rules import read_table

_FILE = "mappings/speech-models.yaml"
_CODE = re.compile(r"[a-z]{2}")
_DAY = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}")
_FIRST_PART = re.compile(r"[^\W\d_]+(?:[ '’][^\W\d_]+)*")
_ALL = "all"
_HUNDRED = 100
Known = frozenset[str] | None
"""Languages by their codes; None: all of them."""


@dataclass(frozen=True, slots=True)
class Domain:
    """A vendor's domain, such as Medical Mode, and the languages it has."""

    title: str
    languages: Known


@dataclass(frozen=True)
class SpeechModels:
    """All of mappings/speech-models.yaml. `spellings` are names and codes in lower case, each with its code of two
    letters; `titles` the name shown of each code. Below `least_confidence` (0 to 1) `fallback` is taken."""

    as_of: str
    models: Mapping[str, Known]
    domains: Mapping[str, Domain]
    titles: Mapping[str, str]
    spellings: Mapping[str, str]
    fallback: str
    least_confidence: float

    @classmethod
    def from_dict(cls, data: object) -> SpeechModels:
        """The parsed file; raises Misconfigured naming the key."""
        keys = ("version", "as_of", "source", "models", "domains", "detection", "languages")
        top = _table(data, _FILE, keys)
        _whole(top["version"], "version", least=1)
        if not _DAY.fullmatch(_text(top["as_of"], "as_of")):
            raise Misconfigured(f"{_FILE}: as_of must be a day in quotes")
        _text(top["source"], "source")
        names = _read_names(top["languages"])
        detection = _table(top["detection"], f"{_FILE}: detection", ("fallback", "least_percent"))
        fallback = _text(detection["fallback"], "detection.fallback")
        if fallback not in names:
            raise Misconfigured(f"{_FILE}: detection.fallback: {fallback!r} is not among the languages")
        return cls(
            as_of=top["as_of"],
            models=_read_models(top["models"]),
            domains=_read_domains(top["domains"]),
            titles=MappingProxyType({code: spelled[0] for code, spelled in names.items()}),
            spellings=MappingProxyType(_read_spellings(names)),
            fallback=fallback,
            least_confidence=_whole(detection["least_percent"], "detection.least_percent", most=_HUNDRED) / _HUNDRED,
        )

    def code_of(self, written: str | None) -> str | None:
        """The code of a language as a chart or a person writes it: `es`, `es-MX`, `Spanish`, `Spanish (Mexico)`; None
        for one that is not known."""
        whole = " ".join((written or "").split()).casefold()
        if whole in self.spellings:
            return self.spellings[whole]
        first = _FIRST_PART.match(whole)
        return self.spellings.get(first[0]) if first else None

    def name_of(self, code: str) -> str:
        """The English name of a code, or the code itself."""
        return self.titles.get(code[:2], code)

    def knowing(self, models: Sequence[str], language: str | None) -> tuple[str, ...]:
        """Those of the models that know a language, in their order, such as know every language last; all of them
        where the language is None. Raises Misconfigured for a model the mapping does not name."""
        for model in models:
            if model not in self.models:
                raise Misconfigured(
                    f"{_FILE}: models has no entry for the model {model!r}: say which languages it has."
                )
        able = [model for model in models if language is None or _knows(self.models[model], language)]
        return tuple(sorted(able, key=lambda model: self.models[model] is None))

    def has(self, domain: str, language: str) -> bool:
        """Whether a domain has a language; of a domain that is not named nothing is known, and it is asked for."""
        found = self.domains.get(domain)
        return found is None or _knows(found.languages, language)


def _knows(known: Known, language: str) -> bool:
    return known is None or language[:2] in known


def _read_models(value: object) -> Mapping[str, Known]:
    table = _table(value, f"{_FILE}: models", None)
    return MappingProxyType({model: _read_known(known, f"models.{model}") for model, known in table.items()})


def _read_domains(value: object) -> Mapping[str, Domain]:
    found = {}
    for name, entry in _table(value, f"{_FILE}: domains", None).items():
        body = _table(entry, f"{_FILE}: domains.{name}", ("title", "languages"))
        known = _read_known(body["languages"], f"domains.{name}.languages")
        found[name] = Domain(_text(body["title"], f"domains.{name}.title"), known)
    return MappingProxyType(found)


def _read_known(value: object, where: str) -> Known:
    if value == _ALL:
        return None
    if not isinstance(value, list) or not value:
        raise Misconfigured(f"{_FILE}: {where} must be a list of codes, or all")
    return frozenset(_code(one, f"{where}.{place}") for place, one in enumerate(value))


def _read_names(value: object) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for code, spelled in _table(value, f"{_FILE}: languages", None).items():
        if not isinstance(spelled, list) or not spelled:
            raise Misconfigured(f"{_FILE}: languages.{code} must be a list of names")
        _code(code, f"languages.{code}")
        names[code] = [_text(one, f"languages.{code}.{place}") for place, one in enumerate(spelled)]
    return names


def _read_spellings(names: Mapping[str, Sequence[str]]) -> dict[str, str]:
    spellings = {code: code for code in names}
    for code, spelled in names.items():
        for one in spelled:
            if spellings.setdefault(one.casefold(), code) != code:
                raise Misconfigured(f"{_FILE}: languages.{code}: {one!r} stands for two languages")
    return spellings


def _code(value: object, where: str) -> str:
    if not isinstance(value, str) or not _CODE.fullmatch(value):
        raise Misconfigured(f'{_FILE}: {where} must be a code of two letters, "no" in quotes')
    return value


def _table(value: object, where: str, keys: Collection[str] | None) -> Mapping[str, Any]:
    if not value:
        raise Misconfigured(f"{where} must not be empty")
    return read_table(value, where, keys)


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Misconfigured(f"{_FILE}: {where} must be a text")
    return value


def _whole(value: object, where: str, *, least: int = 0, most: int | None = None) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least or (most is not None and value > most):
        raise Misconfigured(f"{_FILE}: {where} must be a whole number from {least}")
    return value
