"""What counts as a visit, and what as a doubt. In: the parsed mappings/speech.yaml. Out: frozen rules. Reads no file.

Never fills in what is missing: a key that is absent, unknown or of the wrong kind is an error that names it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from connector.errors import Misconfigured

_FILE = "mappings/speech.yaml"
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
_HUNDRED = 100


@dataclass(frozen=True, slots=True)
class SpeechThresholds:
    """The least a recording must hold. A visit of four short sentences passes them.

    `speech_s`: seconds in which words were heard, overlaps once, a word at most two seconds.
    `words`: how many were heard. `words_per_minute`: over the whole recording; conversation has 100 to 180, and a
    visit with long silences still more than 10; not asked of a recording with `enough_words`, since a recorder left
    running after a visit is common. `confidence`: mean of all words; clear speech is recognised above 0.8.
    `one_word`: the largest share of all words that may be one and the same.
    """

    speech_s: float = 4.0
    words: int = 12
    words_per_minute: float = 8.0
    enough_words: int = 150
    confidence: float = 0.5
    one_word: float = 0.4


@dataclass(frozen=True, slots=True)
class LeastForDraft:
    """From this much on a note may be drafted all the same, with a warning."""

    speech_s: float = 2.0
    words: int = 5


@dataclass(frozen=True, slots=True)
class DoubtRules:
    """How careful doubts are; see the comments in mappings/speech.yaml."""

    least_words: int = 60
    length_s: float = 30.0
    length_share: float = 0.2
    drugs_said: int = 2
    drugs_in_chart: int = 3
    everyday: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DoubtfulWords:
    """Below which confidence (0 to 1) words are marked: any word, and what harms most when it is misheard."""

    word: float = 0.6
    drug: float = 0.85
    dose: float = 0.85
    negation: float = 0.85


@dataclass(frozen=True, slots=True)
class SpeechRules:
    """All of mappings/speech.yaml: `invented` as folded words, `languages` as code to little words."""

    least: SpeechThresholds = field(default_factory=SpeechThresholds)
    draft: LeastForDraft = field(default_factory=LeastForDraft)
    invented: tuple[tuple[str, ...], ...] = ()
    doubts: DoubtRules = field(default_factory=DoubtRules)
    low_trust_s: float = 30.0
    doubtful: DoubtfulWords = field(default_factory=DoubtfulWords)
    languages: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    language_share: float = 0.18

    @classmethod
    def from_dict(cls, data: object) -> SpeechRules:
        """The parsed file; raises Misconfigured naming the key."""
        keys = ("nothing_said", "draft_anyway", "invented", "doubts", "speakers", "doubtful_words", "languages")
        top = read_table(data, _FILE, ("version", *keys))
        _whole(top["version"], "version", least=1)
        speakers = read_table(top["speakers"], f"{_FILE}: speakers", ("low_trust_seconds",))
        languages = read_table(top["languages"], f"{_FILE}: languages", ("least_percent", "words"))
        return cls(
            least=_read_least(top["nothing_said"]),
            draft=_read_draft(top["draft_anyway"]),
            invented=_read_invented(top["invented"]),
            doubts=_read_doubts(top["doubts"]),
            low_trust_s=_whole(speakers["low_trust_seconds"], "speakers.low_trust_seconds"),
            doubtful=_read_doubtful(top["doubtful_words"]),
            languages=_read_languages(languages["words"]),
            language_share=_percent(languages["least_percent"], "languages.least_percent", least=1),
        )


def fold_words(text: str) -> list[str]:
    """The words of a text in lower case, without punctuation: `It's 130/80, OK.` → it's 130 80 ok."""
    return [word.replace("’", "'").casefold() for word in _WORD.findall(text)]


def _read_least(value: object) -> SpeechThresholds:
    where = "nothing_said"
    keys = ("speech_seconds", "words", "words_per_minute", "enough_words", "confidence_percent", "one_word_percent")
    table = read_table(value, f"{_FILE}: {where}", keys)
    return SpeechThresholds(
        speech_s=_whole(table["speech_seconds"], f"{where}.speech_seconds"),
        words=_whole(table["words"], f"{where}.words", least=1),
        words_per_minute=_whole(table["words_per_minute"], f"{where}.words_per_minute"),
        enough_words=_whole(table["enough_words"], f"{where}.enough_words", least=1),
        confidence=_percent(table["confidence_percent"], f"{where}.confidence_percent"),
        one_word=_percent(table["one_word_percent"], f"{where}.one_word_percent", least=1),
    )


def _read_draft(value: object) -> LeastForDraft:
    table = read_table(value, f"{_FILE}: draft_anyway", ("speech_seconds", "words"))
    seconds = _whole(table["speech_seconds"], "draft_anyway.speech_seconds")
    return LeastForDraft(seconds, _whole(table["words"], "draft_anyway.words", least=1))


def _read_doubts(value: object) -> DoubtRules:
    keys = ("least_words", "length_seconds", "length_percent", "drugs_said", "drugs_in_chart")
    table = read_table(value, f"{_FILE}: doubts", (*keys, "everyday_drugs"))
    whole = {key: _whole(table[key], f"doubts.{key}", least=1) for key in keys}
    return DoubtRules(
        least_words=whole["least_words"],
        length_s=whole["length_seconds"],
        length_share=whole["length_percent"] / _HUNDRED,
        drugs_said=whole["drugs_said"],
        drugs_in_chart=whole["drugs_in_chart"],
        everyday=frozenset(fold_words(_text(table["everyday_drugs"], "doubts.everyday_drugs"))),
    )


def _read_doubtful(value: object) -> DoubtfulWords:
    kinds = ("word", "drug", "dose", "negation")
    table = read_table(value, f"{_FILE}: doubtful_words", [f"{kind}_percent" for kind in kinds])
    shares = {kind: _percent(table[f"{kind}_percent"], f"doubtful_words.{kind}_percent") for kind in kinds}
    return DoubtfulWords(**shares)


def _read_invented(value: object) -> tuple[tuple[str, ...], ...]:
    if not isinstance(value, list):
        raise Misconfigured(f"{_FILE}: invented must be a list of texts")
    phrases = [tuple(fold_words(_text(one, f"invented.{place}"))) for place, one in enumerate(value)]
    return tuple(sorted({one for one in phrases if one}, key=lambda one: (-len(one), one)))


def _read_languages(value: object) -> Mapping[str, frozenset[str]]:
    table = read_table(value, f"{_FILE}: languages.words", None)
    for code in table:
        if not _LANGUAGE.fullmatch(code):
            raise Misconfigured(f"{_FILE}: languages.words: {code!r} is no language's code of two or three letters")
    if "en" not in table:
        raise Misconfigured(f"{_FILE}: languages.words: en is missing")
    return MappingProxyType(
        {code: frozenset(fold_words(_text(words, f"languages.words.{code}"))) for code, words in table.items()}
    )


def read_table(value: object, where: str, keys: Collection[str] | None) -> Mapping[str, Any]:
    """A mapping's table with just these keys, or with any; raises Misconfigured saying where it is not one."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise Misconfigured(f"{where} must be a table of keys")
    for key in value if keys is not None else ():
        if key not in (keys or ()):
            raise Misconfigured(f"{where}: unknown key {key!r}")
    for key in keys or ():
        if key not in value:
            raise Misconfigured(f"{where}: {key} is missing")
    return value


def _whole(value: object, where: str, *, least: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise Misconfigured(f"{_FILE}: {where} must be a whole number from {least}")
    return value


def _percent(value: object, where: str, *, least: int = 0) -> float:
    whole = _whole(value, where, least=least)
    if whole > _HUNDRED:
        raise Misconfigured(f"{_FILE}: {where} must be at most {_HUNDRED}")
    return whole / _HUNDRED


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Misconfigured(f"{_FILE}: {where} must be a text")
    return value
