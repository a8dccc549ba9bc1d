"""In: a completed transcript as printed. Out: captions (SRT, VTT), and where words are said in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connector_sandbox.assemblyai.refusals import Refused

USUAL_CHARS = 128
MOST_SEARCHED = 5
_ENDINGS = ".,?!;:"

Words = Sequence[dict[str, Any]]


def print_srt(words: Words, *, chars: int) -> str:
    """The captions as SRT."""
    return "".join(
        f"{number}\n{_time(lines, ',')}\n{_text(lines)}\n\n" for number, lines in enumerate(_cut(words, chars), start=1)
    )


def print_vtt(words: Words, *, chars: int) -> str:
    """The captions as WebVTT."""
    return "WEBVTT\n\n" + "".join(f"{_time(lines, '.')}\n{_text(lines)}\n\n" for lines in _cut(words, chars))


def read_chars(value: str | None) -> int:
    """How many characters a caption may have; Refused (400) for what is no number."""
    if value is None:
        return USUAL_CHARS
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= 10_000):
        raise Refused(400, '"chars_per_caption" must be a positive integer')
    return int(value)


def search_words(words: Words, wanted: str) -> dict[str, Any]:
    """Each of the wanted words or phrases (at most five words, split by commas), with its times and places."""
    phrases = [phrase.split() for phrase in wanted.split(",") if phrase.strip()]
    if not phrases or any(len(phrase) > MOST_SEARCHED for phrase in phrases):
        raise Refused(400, f'"words" must hold words or phrases of at most {MOST_SEARCHED} words, split by commas')
    bare = [_bare(word["text"]) for word in words]
    matches = [_match(words, bare, phrase=phrase) for phrase in phrases]
    found = [match for match in matches if match["count"]]
    return {"total_count": sum(match["count"] for match in found), "matches": found}


def _match(words: Words, bare: Sequence[str], *, phrase: Sequence[str]) -> dict[str, Any]:
    sought = [_bare(word) for word in phrase]
    places = [place for place in range(len(bare)) if list(bare[place : place + len(sought)]) == sought]
    return {
        "text": " ".join(sought),
        "count": len(places),
        "timestamps": [[words[place]["start"], words[place + len(sought) - 1]["end"]] for place in places],
        "indexes": places,
    }


def _cut(words: Words, chars: int) -> list[list[dict[str, Any]]]:
    """The words by caption, none longer than the limit but for a single word that is."""
    captions: list[list[dict[str, Any]]] = []
    for word in words:
        if captions and len(_text([*captions[-1], word])) <= chars:
            captions[-1].append(word)
        else:
            captions.append([word])
    return captions


def _text(words: Words) -> str:
    return " ".join(word["text"] for word in words)


def _time(words: Words, point: str) -> str:
    return f"{_clock(words[0]['start'], point)} --> {_clock(words[-1]['end'], point)}"


def _clock(milliseconds: int, point: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{point}{rest:03}"


def _bare(text: str) -> str:
    return text.strip(_ENDINGS).lower()
