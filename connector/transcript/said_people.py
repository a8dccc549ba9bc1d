"""Whom a visit's talk addresses. In: a Transcript and the patient's names. Out: names that are nobody's here. Pure.

Careful on purpose: only forms of address and introductions count, and a single mention of the patient settles it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from connector.clinical.lexicon import looks_like_drug
from connector.clinical.word_lists import word_set
from connector.records import PatientContext, Transcript, Turn

_NAME = r"[A-Z][a-zà-ÿ]+(?:['’-][A-Z]?[a-zà-ÿ]+)*"
_TITLE = r"(?:Mr|Mrs|Ms|Miss|Mister|Missus)\b\.?"
_OPENING = r"(?:hi|hello|hey|good (?:morning|afternoon|evening|day)|welcome)"
_LEADS = (
    rf"(?:{_OPENING}|thank you|thanks|okay|ok|all right|alright|right|well|so|now|yes|come in|nice to (?:see|meet) you|"
    r"good to (?:see|meet) you|how are you)"
)
_TITLED = (
    re.compile(rf"^(?:(?i:{_LEADS})[,.!]?\s+)*(?:there,?\s+)?{_TITLE}\s+({_NAME})(?=\s*[,.!?]|$)"),
    re.compile(rf"(?:[.!?]|,)\s+(?:(?i:{_LEADS}),?\s+)?{_TITLE}\s+({_NAME})\s*[.!?]?$"),
    re.compile(rf"[.!?]\s+(?:(?i:{_LEADS}),?\s+){_TITLE}\s+({_NAME})(?=\s*[,.!?]|$)"),
    re.compile(
        rf"(?i:\b(?:are you|am i speaking (?:to|with)|is (?:this|that)|speaking (?:to|with)))\s+{_TITLE}\s+({_NAME})"
    ),
)
_GREETED = re.compile(
    rf"^(?i:{_OPENING})(?: there)?,?\s+({_NAME})(?=[,.!?]|\s+(?:how|nice|good|it|I|my|thanks|thank|what|please)\b|$)"
)
_INTRODUCED = (
    re.compile(rf"(?i:\bmy name is|\bmy name's)\s+({_NAME}(?: {_NAME})?)"),
    re.compile(rf"(?i:\bthis is)\s+({_NAME} {_NAME})(?=[,.!?]|$)"),
)
_NOBODY = word_set(
    """
    doctor doc dr nurse there everyone everybody all sir madam maam mom mum dad again and how come nice good it i my
    thank thanks yes no yeah what so okay ok well please you we monday tuesday wednesday thursday friday saturday sunday
    january february march april may june july august september october november december mr mrs ms miss professor
    """
)
_FIRST_TURNS = 8
_SIMILAR = 0.75
_SHORTEST = 3
_DIGITS = re.compile(r"[\d]+")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody addressed by a name that is nobody's of this visit: as said, and where."""

    name: str
    turn_ids: tuple[str, ...]


def find_stranger(transcript: Transcript, context: PatientContext, *, clinician: str) -> Stranger | None:
    """The person addressed in the place of the patient; None where the patient is named anywhere, or nobody is.

    `clinician` is the name as the EHR shows it. Names are compared as they sound to a recogniser: roughly.
    """
    person = context.patient.items[0] if context.patient.items else None
    if person is None:
        return None
    own = set(_names((person.name, person.family, *person.given)))
    if not own or any(_is_one_of(word, own) for turn in transcript.turns for word in _capitalised(turn.text)):
        return None
    others = set(_names((clinician, *person.relatives)))
    others |= set(_names(one.name for one in context.care_team.items))
    for encounter in context.encounter.items:
        others |= set(_names(one.name for one in encounter.participants))
    found: dict[str, list[str]] = {}
    for turn, name in _addressed(transcript):
        if not any(_is_one_of(word, others) for word in _names((name,))):
            found.setdefault(name, []).append(turn.turn_id)
    if not found:
        return None
    name = max(found, key=lambda one: len(found[one]))
    return Stranger(name, tuple(dict.fromkeys(found[name])))


def _addressed(transcript: Transcript) -> Iterator[tuple[Turn, str]]:
    """Every name somebody is addressed or introduced by; the patient's own greetings address the clinician."""
    for place, turn in enumerate(transcript.turns):
        by_patient = turn.role.casefold() == "patient" and turn.role_from != "guess"
        early = place < _FIRST_TURNS
        for pattern in _patterns(early=early, by_patient=by_patient):
            for match in pattern.finditer(turn.text):
                words = match[1].split()
                if not any(word.casefold() in _NOBODY or looks_like_drug(word) for word in words):
                    yield turn, _with_title(match)


def _patterns(*, early: bool, by_patient: bool) -> tuple[re.Pattern[str], ...]:
    if by_patient:
        return _INTRODUCED if early else ()
    return (*_TITLED, _GREETED) if early else _TITLED


def _with_title(match: re.Match[str]) -> str:
    """The name as it was said, with the title before it."""
    titled = re.search(rf"({_TITLE})\s+{re.escape(match[1])}", match[0])
    return f"{titled[1]} {match[1]}" if titled else match[1]


def _names(texts: Iterable[str]) -> Iterator[str]:
    """The words of names, folded; digits that synthetic names carry are no part of them."""
    for text in texts:
        for word in _WORD.findall(_DIGITS.sub(" ", text)):
            folded = word.casefold()
            if len(folded) >= _SHORTEST and folded not in _NOBODY:
                yield folded


def _capitalised(text: str) -> Iterator[str]:
    return (word.casefold() for word in _WORD.findall(text) if word[0].isupper())


def _is_one_of(word: str, names: set[str]) -> bool:
    """Whether a word may be one of the names, as spelled by somebody who only heard it."""
    word = word.removesuffix("'s").removesuffix("’s")
    if len(word) < _SHORTEST:
        return False
    return any(
        word == name
        or (min(len(word), len(name)) > _SHORTEST and (word.startswith(name) or name.startswith(word)))
        or SequenceMatcher(None, word, name).ratio() >= _SIMILAR
        for name in names
    )
