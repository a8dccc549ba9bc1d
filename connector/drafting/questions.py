"""What a clinician asks. In: a question. Out: the items it asks for, or the statement a yes or no makes of it.

Never answers: polarity comes from the patient's own words.
"""

from __future__ import annotations

import re

from connector.clinical.lexicon import is_clinical, names_symptom
from connector.clinical.word_lists import word_set
from connector.drafting.history import is_cut_off, split_items
from connector.drafting.phrases import Pronouns, from_clinician, small_start
from connector.drafting.speech import opens_question, without_opener
from connector.drafting.verbs import BASE_VERBS, past, third_person

_TAG = re.compile(
    r",\s*(?:do|does|did|is|are|has|have|was|were|can|would|don't|doesn't|didn't|isn't|aren't|hasn't|haven't|"
    r"wasn't|weren't)"
    r" (?:you|it|they|that|there|he|she)$",
    re.IGNORECASE,
)
_LAST_CLAUSE = re.compile(
    r"^.*[,;]\s*(?:and |or |so |but |like |then )*(?=(?:do|does|did|is|are|has|have|was|were|can|could|would) "
    r"(?:you|it|they|that|there|your|the)\b)",
    re.IGNORECASE,
)
_PREFIX = re.compile(
    r"^(?:[\w' ,-]{2,60}?[,\s])??(?=(?:(?:do|did|have|has|are|were|is|was) (?:you|there|they|it|your|the)|any)\b)",
    re.IGNORECASE,
)
_OPENS_ANY = re.compile(
    r"(?:(?:in terms of|what about|how about|regarding|as far as|and|or|so|but|then) )*"
    r"(?:(?:do|did|have|has|had|are|were|is|was) (?:you|there|they|it|he|she) (?:\w+ly |also |ever |still |been |"
    r"currently )*)?"
    r"(?:(?:have|had|having|get|got|getting|experiencing|experienced|experience|noticing|noticed|notice|feeling|"
    r"felt|feel|"
    r"seen|suffering from|suffered from|dealing with|denying|with) )?(?:any|no) (?P<what>.+)",
    re.IGNORECASE,
)
_OPENS_HAVING = re.compile(
    r"(?:(?:and|or|so|but|then) )*(?:do you (?:also |still |ever )?(?:have|get|feel)|did you (?:have|get|feel)|"
    r"have you (?:been )?(?:had|felt|having|feeling|experiencing|noticed)|are you (?:having|getting|feeling|"
    r"experiencing)|"
    r"you (?:didn't|don't|haven't|did not|do not|have not) (?:notice|noticed|have|had|feel|felt|get)|"
    r"you're not (?:having|feeling|getting)) "
    r"(?P<what>(?!to |been |like |that |about )(?:any )?.+)",
    re.IGNORECASE,
)
_NOTICED = re.compile(
    r"\s*\b(?:that )?(?:you(?:'ve| have|'re| are)?|i should) (?:noticed?|had|know of|been having|having|"
    r"be aware of|aware of)"
    r"(?: of)?\b",
    re.IGNORECASE,
)
_LIKE = re.compile(
    r"^(?:(?:other|new|associated|additional|more) )?(?:symptoms?|problems?|issues?|things?)(?: or \w+)?"
    r"(?: like| such as|,? for example|,? including|,)\s+(?:any )?",
    re.IGNORECASE,
)
_LISTED = re.compile(
    r"(?:(?!(?:and|or|but|so)\b)[a-z'-]+ ?){1,3}(?:(?:,| or|, or|, and) (?:[a-z'-]+ ?){1,3})*", re.IGNORECASE
)
_NO_ITEM = re.compile(
    r"^(?:does|do|did|is|are|was|can|could|thank|to|just|only|this|that|it)\b|\b(?:questions?|thank you|"
    r"does (?:that|it|this)|"
    r"unless|is it|are there|have you|do you|listen to|can i|is that)\b|^(?:further|other|else|anything|any|more)$",
    re.IGNORECASE,
)
_EMPTY = re.compile(
    r"[\s,]*\b(?:(?:or )?(?:anything|things?) (?:like that|else|of that sort)|at all|or anything|like that|or no|"
    r"or not|for you|"
    r"you know|is that right|as well|by any chance|with (?:it|that|this))(?=$|,)",
    re.IGNORECASE,
)
_PLACE = re.compile(r"(?:on|in|at|to|with|for|of|from|during|after|before|around|when|while)\b", re.IGNORECASE)
_FAMILY = re.compile(r"\bfamily\b", re.IGNORECASE)
_LONGEST_ITEM = 12
_AUXILIARY = {"do": "", "does": "", "did": "did", "have": "has", "has": "has", "are": "is", "is": "is", "were": "was"}
_AUXILIARY |= {"was": "was", "can": "can", "could": "could", "will": "will", "would": "would", "had": "had"}
_BEFORE_VERB = word_set("ever still usually currently also really always")
_PREDICATES = word_set(
    """
    worse better okay ok normal constant sharp dull there still always usually on in at with able any more tender
    painful sore swollen stable fine good regular irregular dry productive itchy intermittent due up down back new
    similar severe
    """
)
_LONGEST_NOUN = 5


def core_of(question: str) -> str:
    """The question proper: without opener, closing mark, tag, and what stands before its last inverted clause."""
    plain = without_opener(question).rstrip(" ?.!,-")
    plain = _TAG.sub("", plain)
    if not is_asking_any(plain):
        plain = _LAST_CLAUSE.sub("", plain)
    return plain.strip(" ,")


def is_asking_any(question: str) -> bool:
    """Whether a question is of the kind "any fever?", which takes more items after it ("nausea? vomiting?")."""
    return _asking_any(without_opener(question).rstrip(" ?.!,-")) is not None


def items_asked(question: str, pronouns: Pronouns) -> tuple[str, ...]:
    """What a question of the kind "any chest pain or cough?" asks for, item by item; () for other questions."""
    core = core_of(question)
    match = _asking_any(core)
    if not match and not _LISTED.fullmatch(core):
        return ()
    what = re.sub(r"^any\s+", "", (match["what"] if match else core).strip(" ,-"), flags=re.IGNORECASE)
    if not match and not names_symptom(what):
        return ()
    what = _EMPTY.sub("", _NOTICED.sub("", _LIKE.sub("", what))).strip(" ,-")
    items = [_item(item, pronouns) for item in _with_places(split_items(what)) if item]
    if any(is_cut_off(item) or len(item.split()) > _LONGEST_ITEM for item in items):
        return ()
    before = core[: len(core) - len(match.group())] if match else ""
    if _FAMILY.search(before):
        items = [_of_family(item) for item in items]
    return tuple(small_start(item) for item in items) if items and all(items) else ()


def statement_from(question: str, pronouns: Pronouns, *, positive: bool) -> str | None:
    """What a yes or no makes of a question; None where that cannot be said safely.

    `are you taking it daily` and yes → `Is taking it daily.`; `do you smoke` and no → `Does not smoke.`
    """
    core = core_of(question)
    if positive and re.search(r"\bor\b", core):
        return None
    words = core.split()
    auxiliary = words[0].casefold() if words else ""
    if auxiliary not in _AUXILIARY:
        return _from_declarative(core, pronouns, positive=positive)
    subject, rest = _subject_of(words[1:], auxiliary)
    if not subject or not rest:
        return None
    said = _from_do(auxiliary, subject, rest, positive) if auxiliary in {"do", "does", "did"} else None
    if said is None:
        if auxiliary in {"do", "does", "did"}:
            return None
        helper = _AUXILIARY[auxiliary] if subject in {"you", "it", "that", "there"} else auxiliary
        said = " ".join([_lead(subject), helper, *([] if positive else ["not"]), *rest])
    if positive:
        said = re.sub(r"\bany(?=\b|thing\b|where\b|one\b)", "some", re.sub(r"\b(?:ever|at all)\b\s*", "", said))
    return from_clinician(" ".join(said.split()), pronouns)


def _asking_any(plain: str) -> re.Match[str] | None:
    match = _OPENS_ANY.fullmatch(plain) or _OPENS_HAVING.fullmatch(plain)
    if match or not plain:
        return match
    later = _PREFIX.sub("", plain, count=1)
    return _OPENS_ANY.fullmatch(later) or _OPENS_HAVING.fullmatch(later) if later != plain else None


def _with_places(items: tuple[str, ...]) -> list[str]:
    """`rashes`, `on the skin` are one item."""
    joined: list[str] = []
    for item in items:
        if joined and _PLACE.match(item):
            joined[-1] = f"{joined[-1]} {item}"
        else:
            joined.append(item)
    return joined


def _of_family(item: str) -> str:
    if _FAMILY.search(item):
        return item
    return f"family {item}" if item.startswith("history") else f"family history of {item}"


def _item(item: str, pronouns: Pronouns) -> str:
    """One item as a noun phrase, "your" and "you" turned to the patient; "" where it is none."""
    item = re.sub(r"(?:^(?:kind|type|sort)s? of |,? no$)", "", item, flags=re.IGNORECASE)
    item = re.sub(r"^(?:have|had|having|get|got) (?:any |a |an )?", "", item, flags=re.IGNORECASE)
    item = re.sub(r"^been ", "being ", item, flags=re.IGNORECASE)
    if _NO_ITEM.search(item):
        return ""
    if not re.search(r"\b(?:you|your|yourself|i|we|me)\b", item, re.IGNORECASE):
        return item
    turned = from_clinician(f"any {item}", pronouns)
    if turned is None:
        return ""
    plain = turned.rstrip(".")
    return plain[4:] if not re.search(r"\bchance\b", plain) else f"any {plain[4:]}"


def _subject_of(words: list[str], auxiliary: str) -> tuple[str, list[str]]:
    """The subject after the inverted verb, and what follows it; ("", []) where its end cannot be told."""
    if not words:
        return "", []
    first = words[0].casefold()
    if first in {"you", "it", "that", "they", "there"}:
        return first, words[1:]
    if first not in {"your", "the", "this", "those", "these", "any"}:
        return "", []
    for place in range(2, min(len(words), _LONGEST_NOUN)):
        word = words[place].casefold()
        ends = word in BASE_VERBS if auxiliary in {"do", "does", "did"} else word in _PREDICATES or word.endswith("ing")
        if ends:
            return " ".join(words[:place]), words[place:]
    return "", []


def _lead(subject: str) -> str:
    return "you" if subject == "you" else subject


def _from_do(auxiliary: str, subject: str, rest: list[str], positive: bool) -> str | None:
    adverbs = [word for word in rest[:2] if word.casefold() in _BEFORE_VERB]
    verbs = rest[len(adverbs) :]
    if not verbs or verbs[0].casefold() not in BASE_VERBS:
        return None
    plural = subject in {"you", "they", "those", "these"} or (subject.startswith("your ") and subject.endswith("s"))
    if not positive:
        return " ".join([_lead(subject), "did" if auxiliary == "did" else "do" if plural else "does", "not", *rest])
    if auxiliary == "did":
        return " ".join([_lead(subject), *adverbs, past(verbs[0]), *verbs[1:]])
    verb = verbs[0] if plural else third_person(verbs[0])
    return " ".join([_lead(subject), *adverbs, verb, *verbs[1:]])


def _from_declarative(core: str, pronouns: Pronouns, *, positive: bool) -> str | None:
    """`you're taking your medication` with a yes → `Is taking the medication.`"""
    if (
        not positive
        or opens_question(core)
        or not re.match(r"(?:you|your|it|it's|there|there's|the)\b", core, re.IGNORECASE)
    ):
        return None
    said = from_clinician(core, pronouns)
    return said if said and is_clinical(said) else None
