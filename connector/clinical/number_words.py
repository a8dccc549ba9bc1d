"""Number words. In: text as spoken. Out: the numbers in it, with their places. Never touches pronoun or ordinal use."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from connector.clinical.word_lists import word_list, word_set

_SMALL = {
    word: value
    for value, word in enumerate(
        word_list(
            """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen
    """
        )
    )
}
_TENS = {
    word: 10 * value
    for value, word in enumerate(word_list("twenty thirty forty fifty sixty seventy eighty ninety"), start=2)
}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_WORDS = {*_SMALL, *_TENS, *_SCALES, "oh", "point", "and", "a", "half", "quarter"}
_TOKEN = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|[^\W\d_]+(?:['’][^\W\d_]+)?|\S")
_FIGURES = frozenset("0123456789")
_MOST_DIGITS = 12
_LONGEST_RUN = 16
_VAGUE = word_set("few couple several many some the per")
_NO_DECIMAL_BEFORE = word_set("that this the some which what to a")


@dataclass(frozen=True, slots=True)
class SpokenNumber:
    """A number at [start, end) of the text; `digits` as written in figures, `in_words` where words were spoken."""

    start: int
    end: int
    digits: str
    in_words: bool

    @property
    def value(self) -> float:
        return float(self.digits)


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    start: int
    end: int


def find_numbers(text: str) -> tuple[SpokenNumber, ...]:
    """Every number in figures or words, left to right: `one twenty-eight` → 128, `ninety-eight point six` → 98.6,
    `two and a half` → 2.5, `1,200` → 1200. Ordinals (`twenty-third`) and parts of names (`B12`, `COVID-19`) are none.
    """
    tokens = [_Token(match.group().casefold(), match.start(), match.end()) for match in _TOKEN.finditer(text)]
    found: list[SpokenNumber] = []
    place = 0
    while place < len(tokens):
        number, end = _number_at(tokens, place, text)
        if number is not None:
            found.append(number)
        while place < len(tokens) and tokens[place].start < end:
            place += 1
    return tuple(found)


def _number_at(tokens: Sequence[_Token], place: int, text: str) -> tuple[SpokenNumber | None, int]:
    """The number that starts with this token, if any, and where in the text to look on."""
    token = tokens[place]
    if token.text[0] in _FIGURES:
        return _figures_at(tokens, place, text)
    if token.text not in _SMALL and token.text not in _TENS and not _opens(tokens, place):
        return None, token.end
    run = _run(tokens, place, text)
    digits, used = _spoken(run)
    end = run[used - 1].end
    if _glued(text, token.start, end):
        return None, end
    return SpokenNumber(token.start, end, digits, in_words=True), end


def _figures_at(tokens: Sequence[_Token], place: int, text: str) -> tuple[SpokenNumber | None, int]:
    token = tokens[place]
    before = text[max(token.start - 2, 0) : token.start]
    if re.search(r"[^\W\d]-?\Z|_\Z", before) or len(token.text) > _MOST_DIGITS:
        return None, token.end
    figures = token.text.replace(",", "")
    words = [part.text for part in tokens[place + 1 : place + 4]]
    if "." not in figures and words == ["and", "a", "half"]:
        return SpokenNumber(token.start, tokens[place + 3].end, figures + ".5", in_words=True), tokens[place + 3].end
    if "." not in figures and words[:1] == ["point"] and len(words) > 1 and words[1][:1] in _FIGURES:
        return SpokenNumber(token.start, tokens[place + 2].end, f"{figures}.{words[1]}", in_words=True), tokens[
            place + 2
        ].end
    return SpokenNumber(token.start, token.end, figures, in_words=False), token.end


def _opens(tokens: Sequence[_Token], place: int) -> bool:
    """`a hundred` and `point five`, which start with a word that is no number by itself."""
    following = tokens[place + 1].text if place + 1 < len(tokens) else ""
    before = tokens[place - 1].text if place else ""
    if tokens[place].text == "a":
        return following in _SCALES
    if tokens[place].text == "hundred":
        return before not in _VAGUE
    return tokens[place].text == "point" and _SMALL.get(following, 10) <= 9 and not _follows_other(before)


def _follows_other(before: str) -> bool:
    return before in _WORDS or before[:1] in _FIGURES or before in _NO_DECIMAL_BEFORE


def _glued(text: str, start: int, end: int) -> bool:
    """Part of a hyphenated word (`one-sided`, `twenty-third`), which is no number by itself."""
    after = text[end : end + 2]
    if len(after) == 2 and after[0] == "-" and after[1].isalpha():
        rest = re.match(r"-(?:year|week|month|day|hour|minute|pack|milligram|pound|point)", text[end:], re.IGNORECASE)
        return rest is None
    before = text[max(start - 2, 0) : start]
    return len(before) == 2 and before[1] == "-" and before[0].isalpha()


def _run(tokens: Sequence[_Token], place: int, text: str) -> list[_Token]:
    """Number words that follow each other with nothing but a blank or hyphen between."""
    run = [tokens[place]]
    for token in tokens[place + 1 : place + _LONGEST_RUN]:
        between = text[run[-1].end : token.start]
        if token.text == "-":
            continue
        if token.text not in _WORDS or not re.fullmatch(r"\s*-?\s*", between):
            break
        run.append(token)
    return run


def _spoken(run: Sequence[_Token]) -> tuple[str, int]:
    """Figures for the longest number at the start of the run, and how many of its words that took."""
    words = [token.text for token in run]
    if words[0] == "point":
        fraction, taken = _fraction(words[1:])
        return f"0.{fraction}", 1 + taken
    whole, used = _whole(words)
    if words[used : used + 3] == ["and", "a", "half"]:
        return f"{whole}.5", used + 3
    if words[used : used + 1] == ["point"]:
        fraction, taken = _fraction(words[used + 1 :])
        if taken:
            return f"{whole}.{fraction}", used + 1 + taken
    return str(whole), used


def _fraction(words: Sequence[str]) -> tuple[str, int]:
    """Digits after the point, said one by one or as a pair: `six`, `oh five`, `seventy-five`."""
    figures = ""
    taken = 0
    for word in words:
        value = 0 if word == "oh" else _SMALL.get(word)
        if value is None or value > 9:
            break
        figures += str(value)
        taken += 1
    if not taken and words and words[0] in _TENS:
        value, taken = _below_hundred(words)
        figures = str(value)
    return figures, taken


def _whole(words: Sequence[str]) -> tuple[int, int]:
    total, used = _below_thousand(words)
    while words[used : used + 1] == ["thousand"] or words[used : used + 1] == ["million"]:
        total *= _SCALES[words[used]]
        used += 1
        joined = 1 if words[used : used + 1] == ["and"] else 0
        rest, taken = _below_thousand(words[used + joined :])
        if taken:
            total, used = total + rest, used + joined + taken
    return total, used


def _below_thousand(words: Sequence[str]) -> tuple[int, int]:
    if words[:1] == ["a"] or words[:1] == ["hundred"]:
        first, used = 1, int(words[0] == "a")
    else:
        first, used = _below_hundred(words)
    if not used and words[:1] != ["hundred"]:
        return 0, 0
    following = words[used] if used < len(words) else ""
    if following == "hundred":
        used += 1
        joined = 1 if words[used : used + 1] == ["and"] else 0
        rest, taken = _below_hundred(words[used + joined :])
        return (first * 100 + rest, used + joined + taken) if taken else (first * 100, used)
    if used == 1 and 1 <= first <= 9:
        return _said_by_digits(words, first)
    rest, taken = _below_hundred(words[used:])
    if (first == 19 and rest >= 10) or (first == 20 and used == 1 and 10 <= rest <= 39):
        return first * 100 + rest, used + taken
    return first, used


def _said_by_digits(words: Sequence[str], first: int) -> tuple[int, int]:
    """`one twenty-eight` and `one oh five`, as people read out three figures."""
    if words[1:2] == ["oh"] and 1 <= _SMALL.get(words[2] if len(words) > 2 else "", 0) <= 9:
        return first * 100 + _SMALL[words[2]], 3
    rest, taken = _below_hundred(words[1:])
    return (first * 100 + rest, 1 + taken) if taken and rest >= 10 else (first, 1)


def _below_hundred(words: Sequence[str]) -> tuple[int, int]:
    if not words:
        return 0, 0
    if words[0] in _SMALL:
        return _SMALL[words[0]], 1
    if words[0] not in _TENS:
        return 0, 0
    unit = _SMALL.get(words[1], 0) if len(words) > 1 else 0
    return (_TENS[words[0]] + unit, 2) if 1 <= unit <= 9 else (_TENS[words[0]], 1)
