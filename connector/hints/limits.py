"""What a speech model takes. In: the `limits` of mappings/keyterms.yaml. Out: TermLimits of a target. No guess."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from connector.errors import Misconfigured
from connector.hints.reading import read_table, read_whole

USES = ("prerecorded", "streaming", "sync", "voice-agent")
DEFAULT = "default"
_KEYS = ("terms", "words", "characters", "characters_in_all", "prompt")
_PROMPTS = ("both", "either")
_FILE = "mappings/keyterms.yaml"


@dataclass(frozen=True, slots=True)
class TermLimits:
    """Most terms, words in a term, characters in a term, characters in all; 0 characters: no limit.

    `exclusive`: the model takes a prompt or keyterms, not both.
    """

    terms: int
    words: int
    characters: int = 0
    characters_in_all: int = 0
    exclusive: bool = False

    def allows(self, text: str) -> bool:
        """Whether one term keeps within words and characters."""
        return len(text.split()) <= self.words and not 0 < self.characters < len(text)


def strictest(limits: Iterable[TermLimits]) -> TermLimits:
    """What every one of several models takes: a request that names more than one may be answered by any of them.

    Raises Misconfigured for none at all.
    """
    every = tuple(limits)
    if not every:
        raise Misconfigured("No speech model is set: name at least one in the settings.")

    def least(values: Iterable[int]) -> int:
        return min((value for value in values if value), default=0)

    return TermLimits(
        terms=min(one.terms for one in every),
        words=min(one.words for one in every),
        characters=least(one.characters for one in every),
        characters_in_all=least(one.characters_in_all for one in every),
        exclusive=any(one.exclusive for one in every),
    )


def read_limits(value: object) -> dict[str, dict[str, TermLimits]]:
    """Use to model to limits; raises Misconfigured naming the key."""
    uses = read_table(value, f"{_FILE}: limits", keys=USES)
    return {use: _read_use(models, f"{_FILE}: limits.{use}") for use, models in uses.items()}


def _read_use(value: object, where: str) -> dict[str, TermLimits]:
    models = read_table(value, where)
    if not models:
        raise Misconfigured(f"{where} must not be empty")
    found = {}
    for model, entry in models.items():
        body = read_table(entry, f"{where}.{model}", keys=_KEYS)
        if body["prompt"] not in _PROMPTS:
            raise Misconfigured(f"{where}.{model}.prompt must be one of {', '.join(_PROMPTS)}")
        found[model] = TermLimits(
            terms=read_whole(body["terms"], f"{where}.{model}.terms"),
            words=read_whole(body["words"], f"{where}.{model}.words"),
            characters=read_whole(body["characters"], f"{where}.{model}.characters", least=0),
            characters_in_all=read_whole(body["characters_in_all"], f"{where}.{model}.characters_in_all", least=0),
            exclusive=body["prompt"] == "either",
        )
    return found


def find_limits(limits: Mapping[str, Mapping[str, TermLimits]], use: str, model: str) -> TermLimits:
    """The limits of a model in a use, else the use's default; raises Misconfigured where there is neither."""
    models = limits.get(use, {})
    found = models.get(model) or models.get(DEFAULT)
    if found is None:
        raise Misconfigured(f"{_FILE}: limits.{use} has no entry for the model {model!r}")
    return found
