"""What the patient says. In: one sentence in first person. Out: note text in third person, or what it denies.

Never turns a complaint into a denial or back; a sentence it cannot turn is quoted.
"""

from __future__ import annotations

import re

from connector.clinical.lexicon import is_clinical, names_drug, names_symptom
from connector.clinical.negation import is_negated
from connector.clinical.quantities import find_quantities
from connector.drafting.phrases import Pronouns, capital, from_patient
from connector.drafting.speech import opens_question, without_opener

_SOFT = r"(?:also |still |just |really |currently |actually |kind of |sort of |only )*"
_HAS = re.compile(
    rf"(?:i {_SOFT}(?:have|get|have got)|i've {_SOFT}got|i'm {_SOFT}(?:having|getting|experiencing)|i am (?:having|"
    rf"getting|"
    rf"experiencing)) (?!to\b|been\b|not\b|no\b|never\b|an appointment\b|a question\b)(?P<what>.+)",
    re.IGNORECASE,
)
_FEELS = re.compile(
    rf"(?:i {_SOFT}feel|i'm {_SOFT}feeling|i am {_SOFT}feeling) (?!like\b|that\b)(?P<what>.+)", re.IGNORECASE
)
_DENIES = (
    re.compile(
        r"(?:i (?:also )?(?:do not|don't|did not|didn't|have not|haven't) (?:have|had|get|gotten|got|notice|"
        r"noticed|feel|"
        r"experience|experienced)|i'm not (?:having|getting|feeling|experiencing)|i am not (?:having|getting)|"
        r"i've not had|i've had|i have had|there's|there is|there was|there hasn't been|i have|not having|haven't had|"
        r"i haven't had) (?P<what>(?:any|no) .+)",
        re.IGNORECASE,
    ),
    re.compile(r"i deny (?P<what>.+)", re.IGNORECASE),
    re.compile(
        r"(?P<what>no (?!i\b|it\b|it's\b|that\b|that's\b|they\b|we\b|the\b|my\b|not\b|no\b|problem\b|worries\b|"
        r"just\b|only\b|but\b|except\b|real\b|well\b|so\b|because\b|one\b|thank).+)",
        re.IGNORECASE,
    ),
)
_NEXT_DENIED = re.compile(
    r"\s*(?:,\s*(?:and\s+|or\s+)?|\s+and\s+|\s+or\s+|;\s*|\.\s*)(?:no|any|"
    r"nor)\s+",
    re.IGNORECASE,
)
_LISTED = re.compile(r"\s*,\s*(?:and\s+|or\s+)?|\s+(?:or|and)\s+(?=[\w' -]+$)", re.IGNORECASE)
_CLAUSE = re.compile(
    r"\b(?:but|because|since|when|whenever|if|that|which|who|i|it|he|she|they|we|until|unless|except|other than|just|"
    r"only|apart from|besides|does|is|are|was|were|don't|doesn't)\b",
    re.IGNORECASE,
)
_RELATIVE = re.compile(r"\b(?:that|which|who|when|whenever|where) (?!you\b|i\b)", re.IGNORECASE)
_LONGEST_ITEM = 8
_LONGEST_QUOTE = 300
_SHORTEST_TOLD = 3
_CUT_OFF = re.compile(
    r"\b(?:the|a|an|of|from|my|your|and|or|but|because|when|if|i|she|he|kind of|sort of|don't think|didn't|doesn't|"
    r"like|"
    r"it's|i'm|about the|don't think so|that i|that she)$",
    re.IGNORECASE,
)
_YOUR = re.compile(r"\byours?\b", re.IGNORECASE)
_LONGEST_QUOTED = 30
_OWN = re.compile(
    r"\b(?:i|i'(?:m|ve|d)|me|my)\b(?! (?:think we|want to (?:go|get|take)|"
    r"would like to))",
    re.IGNORECASE,
)
_SAYS_NOTHING = re.compile(
    r"\b(?:thank|thanks|sounds good|that's (?:all|it|right|fine|okay|good|great|true|correct|a relief)|that (?:is|"
    r"would be) "
    r"(?:good|great|fine|all|right|a relief)|of course|no problem|i see|i will|i understand|got it|you know|"
    r"let me (?:see|think)|"
    r"i don't know|i'm not sure|i guess|makes sense|for sure|how are you|nice to|i hope|hello|bye|my name)\b",
    re.IGNORECASE,
)


def denied_in(sentence: str) -> tuple[str, ...]:
    """What a sentence denies, item by item: `No numbness, no weakness, and no fever.` → three items; () if nothing."""
    plain = without_opener(sentence).strip(" .!")
    for pattern in _DENIES:
        match = pattern.fullmatch(plain)
        if not match:
            continue
        place = match.end("what") - len(re.sub(r"^(?:any|no),?\s+", "", match["what"], flags=re.IGNORECASE))
        if not is_negated(plain, place, place + 1):
            continue
        what = re.sub(r"^(?:any|no),?\s+", "", match["what"], flags=re.IGNORECASE)
        items = [item.strip(" ,.") for item in _NEXT_DENIED.split(what)]
        if _CLAUSE.search(what) or not items or not is_clinical(what):
            return ()
        return tuple(item for item in items if item) if all(_short(item) for item in items) else ()
    return ()


def split_items(text: str) -> tuple[str, ...]:
    """`fever, chills, or cough` → three items; a text that is not a plain list stays one item."""
    items = [item.strip(" ,.") for item in _LISTED.split(text)]
    items = [re.sub(r"^(?:any|no|or|and|like)\s+", "", item, flags=re.IGNORECASE) for item in items if item]
    plain = all(_short(item) for item in items) and not _RELATIVE.search(text)
    return tuple(item for item in items if item) if plain else (text,)


def told_by_patient(sentence: str, pronouns: Pronouns, *, context: bool = False) -> str | None:
    """A patient's sentence as note text, or None where it says nothing for a note (chat, questions).

    With `context` (it answers a clinical question, or goes on from a sentence that was noted) it need not name anything
    clinical itself.
    """
    plain = without_opener(sentence)
    if not plain or plain.endswith("?") or opens_question(plain) or is_cut_off(plain):
        return None
    if not worth_noting(plain) and (not context or _SAYS_NOTHING.search(plain) or len(plain.split()) < _SHORTEST_TOLD):
        return None
    for pattern, lead in ((_HAS, "Reports"), (_FEELS, "Reports feeling")):
        match = pattern.match(plain)
        if match and names_symptom(match["what"]):
            turned = from_patient(f"{lead} {match['what']}", pronouns)
            if turned:
                return turned
    return from_patient(plain, pronouns) or (quoted(plain) if _is_own_account(plain) else None)


def _is_own_account(plain: str) -> bool:
    """A patient speaking of themself, not somebody speaking to one ("your lungs are clear") under the wrong label."""
    return bool(_OWN.search(plain)) and not _YOUR.search(plain) and len(plain.split()) <= _LONGEST_QUOTED


def is_cut_off(sentence: str) -> bool:
    """Whether a sentence breaks off: it ends in a word that needs another after it."""
    return bool(_CUT_OFF.search(sentence.rstrip(" .,;-")))


def worth_noting(sentence: str) -> bool:
    """Whether a patient's sentence bears on care: clinical words, a drug, or a quantity with a unit."""
    if is_clinical(sentence) or names_drug(sentence):
        return True
    return any(quantity.unit for quantity in find_quantities(sentence)) and len(sentence.split()) > 3


def quoted(sentence: str) -> str | None:
    """The patient's own words in quotation marks, where no turn of phrase is safe."""
    words = sentence.replace('"', "'").strip(" ,;")
    return f'States: "{capital(words)}"' if words and len(words) <= _LONGEST_QUOTE else None


def _short(item: str) -> bool:
    return 0 < len(item.split()) <= _LONGEST_ITEM
