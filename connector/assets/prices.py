"""What the vendors take. In: the parsed mappings/prices.yaml. Out: frozen prices, and what a use of them comes to.

Money is counted in millionths of a dollar. A price nobody told is None, never a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from connector.errors import Misconfigured

_FILE = "mappings/prices.yaml"
_HOUR = 3600
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Priced:
    """What a use comes to: `micros` in millionths of a dollar, None where nobody told the price; told on `as_of`."""

    micros: int | None
    as_of: str | None


@dataclass(frozen=True, slots=True)
class _Price:
    rates: Mapping[str, float | None]
    as_of: str


@dataclass(frozen=True)
class Prices:
    """All of mappings/prices.yaml. Names are the vendor's own: of speech models, of extras, of language models."""

    speech: Mapping[str, _Price] = field(default_factory=dict)
    extras: Mapping[str, _Price] = field(default_factory=dict)
    models: Mapping[str, _Price] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, raw: object) -> Prices:
        """Parses the mapping; raises Misconfigured naming the key that is wrong."""
        if not isinstance(raw, Mapping) or set(raw) != {"version", "speech", "extras", "models"}:
            raise Misconfigured(f"{_FILE}: holds version, speech, extras and models, and nothing else.")
        version = raw["version"]
        if isinstance(version, bool) or not isinstance(version, int) or version < 1:
            raise Misconfigured(f"{_FILE}: version must be a whole number from 1.")
        return cls(
            _read_table(raw["speech"], "speech", ("hour",)),
            _read_table(raw["extras"], "extras", ("hour",)),
            _read_table(raw["models"], "models", ("input", "output")),
        )

    def of_sound(self, model: str, seconds: int) -> Priced:
        """So many seconds of sound by one model."""
        return _by_hour(self.speech.get(model), seconds)

    def of_extra(self, name: str, seconds: int) -> Priced:
        """So many seconds of sound with one thing beside the model."""
        return _by_hour(self.extras.get(name), seconds)

    def of_tokens(self, model: str, way: str, tokens: int) -> Priced:
        """So many tokens of one language model; `way` is `input` or `output`."""
        price = self.models.get(model)
        if price is None or (rate := price.rates[way]) is None:
            return Priced(None, price.as_of if price else None)
        return Priced(round(rate * tokens), price.as_of)


def _by_hour(price: _Price | None, seconds: int) -> Priced:
    if price is None or (rate := price.rates["hour"]) is None:
        return Priced(None, price.as_of if price else None)
    return Priced(round(rate * MILLION * seconds / _HOUR), price.as_of)


def _read_table(raw: object, where: str, rates: tuple[str, ...]) -> dict[str, _Price]:
    if not isinstance(raw, Mapping):
        raise Misconfigured(f"{_FILE}: {where} must be a table of keys.")
    return {str(name): _read_price(one, f"{where}.{name}", rates) for name, one in raw.items()}


def _read_price(one: object, where: str, rates: tuple[str, ...]) -> _Price:
    if not isinstance(one, Mapping) or set(one) != {*rates, "as_of", "source"}:
        raise Misconfigured(f"{_FILE}: {where} must hold {', '.join(rates)}, as_of and source, and nothing else.")
    if not isinstance(one["source"], str) or not one["source"].strip():
        raise Misconfigured(f"{_FILE}: {where}.source must say where the price stands.")
    return _Price({name: _read_rate(one[name], f"{where}.{name}") for name in rates}, _read_day(one["as_of"], where))


def _read_rate(value: Any, where: str) -> float | None:
    if value is None:
        return None
    # Dollars: what is written without a point is a number of them too.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < MILLION:
        raise Misconfigured(f"{_FILE}: {where} must be dollars, or nothing.")
    return float(value)


def _read_day(value: object, where: str) -> str:
    try:
        return date.fromisoformat(value if isinstance(value, str) else "").isoformat()
    except ValueError:
        raise Misconfigured(f"{_FILE}: {where}.as_of must be a day in quotes, such as '2026-10-07'.") from None
