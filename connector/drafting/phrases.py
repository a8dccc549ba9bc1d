"""First and second person to third. In: one spoken sentence. Out: the same in a note's third person, or None.

None where the sentence cannot be turned safely: the caller then quotes it. Never changes what is affirmed or denied.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from connector.clinical.drug_words import BRANDS
from connector.clinical.word_lists import word_set
from connector.drafting.verbs import BASE_VERBS, is_past, third_person

_TOKEN = re.compile(r"\s*(?:[^\W\d_]+(?:['-][^\W\d_]+)*|[^\W_]+|\S)")
_LONGEST_NAME = 4
_SUBJECT_VERBS = word_set("are have were do can should will may might need feel had")
_ADVERBS = word_set(
    """
    also always usually often sometimes still just really only never probably maybe actually currently recently
    already occasionally mostly mainly generally normally rarely hardly barely almost even definitely certainly sort
    kind of kinda sorta then now typically regularly constantly basically first finally both all too either since
    """
)
_SHORT = {
    "i'm": ("I", "am"),
    "i've": ("I", "have"),
    "i'll": ("I", "will"),
    "im": ("I", "am"),
    "ive": ("I", "have"),
    "we're": ("we", "are"),
    "we've": ("we", "have"),
    "we'll": ("we", "will"),
    "you're": ("you", "are"),
    "you've": ("you", "have"),
    "you'll": ("you", "will"),
    "you'd": ("you", "would"),
    "we'd": ("we", "would"),
}
_HAD = word_set("been had gone taken seen done felt gotten come better")
_JOINS = word_set("and or but then")
_STOPS = word_set("that if when because so since while as where which who until unless before after than what how why")
_TOLD = re.compile(
    r"\byou(?:'ve| had| have| guys)?\s+(?=(?:gave|given|told|said|prescribed|put|started|asked|recommended|mentioned|"
    r"wanted|sent|ordered|increased|changed|suggested|referred|switched|stopped|did|saw)\b)",
    re.IGNORECASE,
)
_OWN = re.compile(r"\b(?:i|i'\w+|me|my|mine|myself)\b", re.IGNORECASE)
_FIRST = re.compile(r"\b(?:i|i'\w+|me|my|mine|myself|you|you'\w+|your|yours|yourself)\b", re.IGNORECASE)
_OBJECT_BEFORE = word_set(
    """
    for to with on of about at from by in than like give giving gives gave put putting start starting keep keeping
    get getting send sending see seeing tell told have having make making makes let letting refer referring
    prescribe show bring call ask continue recheck examine schedule set order wean taper bothering causing hurting
    help helping helps thank remind treat treating follow around against behind between without affect affecting
    bother bothers
    """
)


_INVERTED = {"are": "is", "have": "has", "do": "does", "were": "was", "did": "did", "can": "can", "will": "will"}
_AROUND = word_set("into to in on at with for up down out off today now here a an the some any this that more")
_OPENERS = word_set(
    "and but if that when because so since while as what how where which though although unless until once or then"
    " whether"
)


@dataclass(frozen=True, slots=True)
class Pronouns:
    """How the note refers to the patient; `plural` where verbs after `subject` take the plural form."""

    subject: str
    object: str
    possessive: str
    own: str
    reflexive: str
    plural: bool


_CLINICIAN = Pronouns(
    "the clinician", "the clinician", "the clinician's", "the clinician's", "the clinician", plural=False
)


def pronouns_for(sex: str | None) -> Pronouns:
    """By FHIR administrative gender; anything but `female` and `male` gives they/them."""
    if sex == "female":
        return Pronouns("she", "her", "her", "hers", "herself", plural=False)
    if sex == "male":
        return Pronouns("he", "him", "his", "his", "himself", plural=False)
    return Pronouns("they", "them", "their", "theirs", "themself", plural=True)


def from_patient(sentence: str, pronouns: Pronouns) -> str | None:
    """What the patient said, in third person: `I get dizzy when I stand up.` → `Gets dizzy when she stands up.`"""
    sentence = _TOLD.sub("the clinician ", sentence)
    if re.search(r"\b(?:you|your|yours|you'\w+)\b", sentence, re.IGNORECASE):
        return None
    return _turned(sentence, "i", pronouns)


def from_clinician(sentence: str, pronouns: Pronouns) -> str | None:
    """What the clinician said to the patient, in third person: `You have some fluid in your legs.` → `Has some fluid in
    the legs.` The clinician's own "I" becomes "the clinician"; "we" stays, as notes have it.
    """
    own = _turned(sentence, "i", _CLINICIAN)
    return _turned(own, "you", pronouns) if own else None


def capital(text: str) -> str:
    """First letter large, one full stop at the end."""
    text = text.strip(" ,;:-")
    text = text[:1].upper() + text[1:]
    return text if not text or text.endswith((".", "!", "?", '"')) else f"{text}."


def small_start(text: str) -> str:
    """A small first letter, unless the first word is a brand or an abbreviation."""
    first = text.split()[0].strip(".,") if text.split() else ""
    keep = first.casefold() in BRANDS or first[1:2].isupper() or first == "I"
    return text if keep else text[:1].lower() + text[1:]


def _turned(sentence: str, speaker: str, pronouns: Pronouns) -> str | None:
    tokens = _expanded(_TOKEN.findall(sentence.replace("’", "'").strip()))
    out: list[str] = []
    place = 0
    conjugated = False
    while place < len(tokens):
        low = _low(tokens[place])
        if low == speaker and not (speaker == "you" and _is_object(tokens, place)):
            first = not any(token.strip().isalnum() for token in out)
            joined = bool(out) and _low(out[-1]) == "and" and not conjugated and _ends_name(out)
            elided = first and pronouns is not _CLINICIAN
            out += [] if elided else [f" {pronouns.subject}"]
            plural = joined or (pronouns.plural and not elided)
            if not first and len(out) > 1 and _low(out[-2]) in _INVERTED:
                out[-2] = out[-2].replace(out[-2].strip(), _INVERTED[_low(out[-2])])
                place += 1
                continue
            place, present = _verb_after(tokens, place + 1, out, plural=plural)
            conjugated = present and not plural
            continue
        if conjugated and low in BASE_VERBS and out and _low(out[-1]) in _JOINS:
            out.append(f" {third_person(low)}")
        else:
            out.append(_pronoun(tokens[place], speaker, pronouns, start=not out))
        conjugated = conjugated and low not in _STOPS
        place += 1
    text = capital("".join(out).strip())
    left = _FIRST if speaker == "you" or pronouns is not _CLINICIAN else _OWN
    return None if left.search(text) else text


def _low(token: str) -> str:
    return token.strip().casefold()


def _ends_name(out: list[str]) -> bool:
    """`my wife and I`: the words so far are a person joined to the subject, not a clause."""
    return len(out) <= _LONGEST_NAME and not any(_low(token) in BASE_VERBS for token in out)


def _expanded(tokens: list[str]) -> list[str]:
    full: list[str] = []
    for position, token in enumerate(tokens):
        low = _low(token)
        blank = token[: len(token) - len(token.lstrip())]
        if low == "i'd":
            following = next((_low(t) for t in tokens[position + 1 :] if _low(t) not in _ADVERBS), "")
            full += [f"{blank}I", " had" if following in _HAD or is_past(following) else " would"]
        elif low in _SHORT:
            subject, verb = _SHORT[low]
            full += [f"{blank}{subject}", f" {verb}"]
        else:
            full.append(token)
    return full


def _is_object(tokens: list[str], place: int) -> bool:
    """ "you" that receives: `put you on`, `for you`, `will not qualify you.`, not the subject of a verb of its own."""
    before = _low(tokens[place - 1]) if place else ""
    following = _low(tokens[place + 1]) if place + 1 < len(tokens) else ""
    if before in _INVERTED and (following == "been" or following.endswith("ing") or is_past(following)):
        return False
    if not before[:1].isalpha() or before in _OPENERS or following in _SUBJECT_VERBS:
        return before in {"for", "with"} and not following[:1].isalpha()
    return before in _OBJECT_BEFORE or following in _AROUND or not following[:1].isalpha()


def _verb_after(tokens: list[str], place: int, out: list[str], *, plural: bool) -> tuple[int, bool]:
    """Copies adverbs and the verb after the subject, verb in third person; tells whether it was present tense."""
    while place < len(tokens) and (_low(tokens[place]) in _ADVERBS or _low(tokens[place]).endswith("ly")):
        out.append(tokens[place])
        place += 1
    if place >= len(tokens) or not _low(tokens[place])[:1].isalpha():
        return place, False
    emphatic = _low(tokens[place]) == "do" and place + 1 < len(tokens) and _low(tokens[place + 1]) in BASE_VERBS
    place += int(emphatic)
    verb = tokens[place].strip()
    if plural:
        out.append(f" { {'am': 'are', 'was': 'were'}.get(verb.casefold(), verb) }")
    else:
        out.append(f" {third_person(verb)}")
    return place + 1, verb.casefold() in BASE_VERBS


def _pronoun(token: str, speaker: str, pronouns: Pronouns, *, start: bool) -> str:
    low = _low(token)
    blank = token[: len(token) - len(token.lstrip())]
    if pronouns is _CLINICIAN:
        table = _of_self(pronouns)
    else:
        table = _of_clinician(pronouns, start=start) if speaker == "you" else _of_patient(pronouns)
    if low not in table:
        return token
    turned = table[low]
    return blank + (turned.capitalize() if start else turned) if turned else ""


def _of_clinician(pronouns: Pronouns, *, start: bool) -> dict[str, str]:
    return {
        "your": "" if start else "the",
        "you": pronouns.object,
        "yours": pronouns.own,
        "yourself": pronouns.reflexive,
    }


def _of_self(pronouns: Pronouns) -> dict[str, str]:
    return {"my": pronouns.possessive, "me": pronouns.object, "mine": pronouns.own, "myself": pronouns.reflexive}


def _of_patient(pronouns: Pronouns) -> dict[str, str]:
    return {
        "my": pronouns.possessive,
        "me": pronouns.object,
        "mine": pronouns.own,
        "myself": pronouns.reflexive,
        "we": "they",
        "us": "them",
        "our": "their",
        "ours": "theirs",
        "ourselves": "themselves",
    }
