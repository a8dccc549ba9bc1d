"""First and second person to third. In: one spoken sentence. Out: the same in a note's third person, or None.

None where the sentence cannot be turned safely: the caller then quotes it. Never changes what is affirmed or denied.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

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
_NO_VERBS = word_set(
    """
    the an by of to in on at for with from and or but if that this these those it my your our not no so than who what
    which when where why how because about into me you we they he she as any some there here oh um uh well yeah
    """
)
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
    """The sentence with `speaker` ("i" or "you") as third person; None where a first or second person is left."""
    tokens = _expanded(_TOKEN.findall(sentence.replace("’", "'").strip()))
    text = capital(_Turning(tokens, speaker, pronouns).turn())
    left = _FIRST if speaker == "you" or pronouns is not _CLINICIAN else _OWN
    return None if left.search(text) else text


@dataclass(slots=True)
class _Turning:
    """One sentence being turned: tokens with the blank before them, what is written, whether the verb got its -s."""

    tokens: list[str]
    speaker: str
    pronouns: Pronouns
    out: list[str] = field(default_factory=list)
    conjugated: bool = False

    def turn(self) -> str:
        place = 0
        while place < len(self.tokens):
            low = _low(self.tokens[place])
            if low == self.speaker and not (self.speaker == "you" and _is_object(self.tokens, place)):
                place = self._subject(place)
                continue
            if self.conjugated and low in BASE_VERBS and self.out and _low(self.out[-1]) in _JOINS:
                self.out.append(f" {third_person(low)}")
            else:
                self.out.append(_pronoun(self.tokens[place], self.speaker, self.pronouns, start=not self.out))
            self.conjugated = self.conjugated and low not in _STOPS
            place += 1
        return "".join(self.out).strip()

    def _subject(self, place: int) -> int:
        """Writes subject and verb; the subject stays out at the start of the sentence, where a verb follows."""
        first = not any(token.strip().isalnum() for token in self.out)
        before = _low(self.out[-1]) if self.out else ""
        if before in _INVERTED and not first:
            self.out[-1] = self.out[-1].replace(self.out[-1].strip(), _INVERTED[before])
            self.out.append(f" {self.pronouns.subject}")
            return place + 1
        verb = self._verb_place(place + 1)
        elided = first and verb is not None and self.pronouns is not _CLINICIAN
        joined = before == "and" and not self.conjugated and _ends_name(self.out)
        if not elided:
            self.out.append(f" {self.pronouns.subject}")
        if verb is None:
            return place + 1
        self.out += self.tokens[place + 1 : verb]
        return self._verb(verb, plural=joined or (self.pronouns.plural and not elided))

    def _verb_place(self, place: int) -> int | None:
        """Where the verb after the subject stands, adverbs skipped; None where no verb follows."""
        while place < len(self.tokens) and (
            _low(self.tokens[place]) in _ADVERBS or _low(self.tokens[place]).endswith("ly")
        ):
            place += 1
        low = _low(self.tokens[place]) if place < len(self.tokens) else ""
        return place if len(low) > 1 and low[0].isalpha() and low not in _NO_VERBS else None

    def _verb(self, place: int, *, plural: bool) -> int:
        emphatic = _low(self.tokens[place]) == "do" and _low("".join(self.tokens[place + 1 : place + 2])) in BASE_VERBS
        verb = self.tokens[place + int(emphatic)].strip()
        form = {"am": "are", "was": "were"}.get(verb.casefold(), verb) if plural else third_person(verb)
        self.out.append(f" {form}")
        self.conjugated = verb.casefold() in BASE_VERBS and not plural
        return place + int(emphatic) + 1


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
