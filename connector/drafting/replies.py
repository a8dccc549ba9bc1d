"""Question and answer. In: what the clinician asked, what the patient answered. Out: note text resting on both.

Never reads more out of a "yes" or "no" than the question put in; where it cannot say it in other words, it quotes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from connector.clinical.drug_words import BRANDS
from connector.clinical.lexicon import is_clinical, names_symptom
from connector.clinical.word_lists import word_set
from connector.drafting.history import denied_in, split_items
from connector.drafting.phrases import Pronouns, capital, from_clinician, from_patient
from connector.drafting.speech import opens_question, without_opener
from connector.drafting.verbs import BASE_VERBS, is_past, third_person

_YES = re.compile(
    r"(?:yes|yeah|yep|yup|uh-huh|mm-hmm|mhm|correct|exactly|absolutely|definitely|of course|that's (?:right|correct|true)|"
    r"i do|i have|i am|i did|it is|it does|it has|they do|i think so|i believe so)\b[\s,.!]*",
    re.IGNORECASE,
)
_NO = re.compile(
    r"(?:(?:no|nope|nah)(?=\s*(?:[,.!-]|$))|no(?=\s+(?:i|it|not|nothing|no|that|they|the|none|never|my|just)\b)|not really|"
    r"not at all|none(?: of (?:that|those|them))?(?=\s*[,.!]|$)|never(?=\s*[,.!]|$)|nothing like that|i don't think so|"
    r"i do not think so|negative)[\s,.!]*",
    re.IGNORECASE,
)
_NOTHING_MORE = re.compile(
    r"(?:sir|ma'am|doctor|doc|no|none|not (?:really|at all|that i(?:'ve| have)? .*|recently|currently|right now|yet|anymore|"
    r"particularly|so far)|nothing(?: like that| out of the ordinary| significant| else| at all| really)*.{0,40}|"
    r"none of (?:that|those|them)|i (?:don't|do not|haven't|have not|didn't|did not|am not)(?: think so| noticed.*| had any.*"
    r"| really)?|i'm not|it (?:doesn't|hasn't|isn't|didn't)|thank god|thankfully|not that i .*|i am|i do|i have|i did|it is|"
    r"it does|(?:all |very )?(?:good|fine)|yes|yeah|that's right|thanks|thank you|okay|"
    r"of course|absolutely|definitely)?[\s.,!]*",
    re.IGNORECASE,
)
_ANY = re.compile(
    r"(?:and |or |so |but |then )*(?:(?:do|did|have|has|are|were|is|was) (?:you|there|they|it|he|she) (?:\w+ly |also |ever |"
    r"still )*(?:(?:have|had|having|get|got|getting|been having|been experiencing|experiencing|experienced|experience|"
    r"noticing|noticed|notice|feeling|felt|feel|been|seen|suffering from|suffered from|dealing with|denying)\s+)?)?"
    r"(?:any|no)\s+(?P<what>.+)",
    re.IGNORECASE,
)
_HAVING = re.compile(
    r"(?:and |or |so |but )*(?:do you (?:have|get|feel)|did you (?:have|get|feel)|have you (?:had|felt|been having|noticed)|"
    r"are you (?:having|getting|feeling|experiencing))\s+(?P<what>(?!to\b|been\b|like\b|that\b).+)",
    re.IGNORECASE,
)
_YOURS = re.compile(
    r"\s*\b(?:that )?(?:you(?:'ve| have|'re| are)?|I should) (?:noticed|had|know of|been having|having|be aware of|aware of)(?: of)?\b",
    re.IGNORECASE,
)
_LIKE = re.compile(
    r"^(?:(?:other|new|associated|additional|more) )?(?:symptoms?|problems?|issues?|things?)(?: or (?:symptoms|problems|issues))?"
    r"(?: like| such as|,? for example|,? including|,)\s+(?:any )?",
    re.IGNORECASE,
)
_EMPTY_TAIL = re.compile(
    r"[\s,]*\b(?:or )?(?:anything (?:like that|else)|things? like that|at all|or anything|like that|or no|or not|for you|is that right)$",
    re.IGNORECASE,
)
_NOT_ASKED = re.compile(
    r"\b(?:questions?|concerns|make sense|sound good|sounds good|ready|hear me|mind if|all right with|okay with|ok with|"
    r"remember|understand|see (?:it|this|that)|is that okay)\b",
    re.IGNORECASE,
)
_LABELS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), label)
    for pattern, label in (
        (r"\bhow long (?:does|do|did) (?:it|they|that|the \w+)\b.*\blast", "Duration"),
        (r"\bhow long ago\b|\bwhen (?:did|was|were)\b|\bwhat (?:day|time|date)\b|\bsince when\b", "When"),
        (r"\bhow long\b|\bhow many (?:days|weeks|months|years)\b", "Duration"),
        (r"\bhow often\b|\bhow (?:many times|frequent|regular)", "Frequency"),
        (
            r"\bscale\b|\bhow (?:bad|severe|intense|much pain)\b|\brate\b.*\bpain\b|\b1 to 10\b|\bout of 10\b",
            "Severity",
        ),
        (r"\bwhere(?:abouts)?\b", "Location"),
        (r"\b(?:what|which) side\b", "Side"),
        (r"\bmakes? (?:it|the \w+|that|them) (?:\w+ )?worse\b|\bbrings? it on\b|\btrigger", "Worse with"),
        (r"\bmakes? (?:it|the \w+|that|them) (?:\w+ )?better\b|\brelieve|\bwhat helps\b", "Better with"),
        (r"\bfeel like\b|\bdescribe\b|\b(?:what|which) (?:kind|type|sort) of pain\b", "Character"),
        (r"\bwho (?:do|are) you liv|\blive with\b|\blives? at home\b", "Lives with"),
        (r"\bwhat do you do for (?:work|a living)\b|\boccupation\b", "Occupation"),
        (r"\bhow (?:much|many) (?:do|did|would|have) you (?:\w+ )?(?:drink|smoke)", "Amount"),
        (r"\bwhat colou?r\b", "Color"),
    )
)
_TAKES = re.compile(
    r"(?:and |so |but )*(?:what|which(?: one)?)(?: else)? (?:do|are|did|have) you (?:usually |currently |been )?(?:take|taking|taken|took|"
    r"tried|try|use|using)(?P<rest>.*)",
    re.IGNORECASE,
)
_WHICH = re.compile(
    r"(?:and |so |but )*(?:what|which) (?P<noun>[a-z][\w' -]{2,30}?) (?:do|did|are|is|was|were|have|has|does|would) (?P<who>you|they|he|she|it|the)\b",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"(?:and |so |but |okay,? )*(?:what about|how about|how's|how is|how are|how has|how have|tell me about|and) (?P<noun>(?:your|the) [\w' -]{3,40}?)"
    r"(?: been| doing| feeling| going| today| lately| at the moment| otherwise| then)*",
    re.IGNORECASE,
)
_AUX = {
    "do": "",
    "does": "",
    "did": "did",
    "have": "has",
    "has": "has",
    "are": "is",
    "is": "is",
    "were": "was",
    "was": "was",
}
_AUX |= {"can": "can", "could": "could", "will": "will", "would": "would", "should": "should", "had": "had"}
_FINITE = word_set(
    "is are was were am has have had do does did can could will would should may might i'm i've it's that's there's "
    "he's she's they're we're they've isn't aren't don't doesn't didn't can't haven't hasn't wasn't makes gets goes "
    "hurts feels comes helps keeps seems starts"
)
_ALSO_NOUNS = word_set("left cut hit set read cost spread wound bit lay hurt felt saw led")
_SUBJECTS = word_set("i we they you to not n't don't can't usually always never sometimes just also really")
_COUNTS = word_set("two three four five six few several some couple many a the my no of and one")
_CHAT = word_set(
    "okay ok sure alright right thanks thank you great good sounds perfect all mm-hmm uh-huh mhm well hello hi bye yeah"
)
_LONGEST_ASKED = 160
_LONGEST_BARE = 14


@dataclass(frozen=True, slots=True)
class Reply:
    """Note text for one question and its answer ("" if only `denied` speaks); `rest` of the answer is yet to be told."""

    text: str
    denied: tuple[str, ...] = ()
    rest: str = ""


def read_reply(question: str, answer: str, pronouns: Pronouns, *, first: bool = True) -> Reply | None:
    """What a question and a sentence of its answer say together, or None where the answer speaks for itself.

    A "yes" or "no" is read only in the `first` sentence of an answer.
    """
    asked = without_opener(question).rstrip(" ?.!,-")
    if not answer or not asked or _NOT_ASKED.search(asked) or denied_in(answer):
        return None
    positive = _polarity(answer)
    if positive is not None and not first:
        return None
    if positive is not None:
        return _yes_or_no(asked, answer, pronouns, positive=positive)
    bare = (without_opener(answer) or answer).strip(" .!,")
    return _labelled(asked, bare, pronouns) if is_fragment(bare) else None


def is_asking_any(question: str) -> bool:
    """Whether a question is of the kind "any fever?", which takes more items after it ("nausea? vomiting?")."""
    asked = without_opener(question).rstrip(" ?.!,-")
    return bool(_ANY.fullmatch(asked) or _HAVING.fullmatch(asked))


def is_fragment(text: str) -> bool:
    """Whether an answer has no verb of its own: `about two weeks`, `the left one`, `Lisinopril, 10 mg`."""
    words = [word.strip(".,").casefold() for word in text.split()]
    if not words or len(words) > _LONGEST_BARE or all(word in _CHAT for word in words):
        return False
    return not any(_is_verb(word, words[place - 1] if place else "") for place, word in enumerate(words))


def _is_verb(word: str, before: str) -> bool:
    if word in _FINITE or (is_past(word) and word not in _ALSO_NOUNS):
        return True
    if word in BASE_VERBS:
        return before in _SUBJECTS
    return (
        word.endswith("s")
        and word[:-1] in BASE_VERBS
        and bool(before)
        and before[:1].isalpha()
        and before not in _COUNTS
    )


def _polarity(answer: str) -> bool | None:
    text = re.sub(r"^(?:oh|well|um|so|and|okay|ok|actually|honestly)\b[\s,]*", "", answer, flags=re.IGNORECASE)
    if _YES.match(text):
        return True
    if _NO.match(text):
        return False
    return None


def _after_polarity(answer: str) -> str:
    text = re.sub(r"^(?:oh|well|um|so|and|okay|ok|actually|honestly)\b[\s,]*", "", answer, flags=re.IGNORECASE)
    while match := (_YES.match(text) or _NO.match(text)):
        text = text[match.end() :]
    return text.strip(" ,.!")


def _yes_or_no(asked: str, answer: str, pronouns: Pronouns, *, positive: bool) -> Reply | None:
    rest = _after_polarity(answer)
    spent = _NOTHING_MORE.fullmatch(rest) is not None
    items = _asked_for(asked, pronouns)
    detail = "" if spent or not is_fragment(rest) else rest
    left = "" if spent or detail else rest
    if items and not positive:
        return Reply("", items, "" if spent else rest)
    if items:
        covered = bool(left) and names_symptom(left)
        return Reply("" if covered else _with_detail(f"Reports {_joined(items)}", detail, pronouns), (), left)
    said = _as_statement(asked, pronouns, positive=positive)
    if said:
        return Reply(_with_detail(said, detail, pronouns), (), left)
    if spent and is_clinical(asked) and len(asked) <= _LONGEST_ASKED:
        return Reply(f'Asked "{asked}?", answers {"yes" if positive else "no"}.')
    return Reply("", (), rest) if rest and not spent else None


def _joined(items: tuple[str, ...]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} or {items[-1]}"


def _with_detail(text: str, detail: str, pronouns: Pronouns) -> str:
    turned = from_patient(detail, pronouns) if detail else None
    if not turned:
        return capital(text)
    return capital(f"{text.rstrip('.')}: {_lower_first(turned)}")


def _asked_for(asked: str, pronouns: Pronouns) -> tuple[str, ...]:
    """What a question of the kind "any chest pain or cough?" asks for, item by item; () for other questions."""
    match = _ANY.fullmatch(asked) or _HAVING.fullmatch(asked)
    if not match:
        return ()
    what = _EMPTY_TAIL.sub("", _YOURS.sub("", _LIKE.sub("", match["what"].strip(" ,-")))).strip(" ,-")
    if not what:
        return ()
    if re.search(r"\b(?:you|your|yourself|i|we)\b", what, re.IGNORECASE):
        turned = from_clinician(f"any {what}", pronouns)
        return (turned[:1].lower() + turned[1:].rstrip("."),) if turned else ()
    return split_items(what)


def _as_statement(asked: str, pronouns: Pronouns, *, positive: bool) -> str | None:
    """`are you taking it regularly` → `Is taking it regularly`, `do you smoke` → `Does not smoke`."""
    words = re.sub(r"^(?:and|so|but|or|then)\s+", "", asked, flags=re.IGNORECASE).split()
    if len(words) < 3 or words[0].casefold() not in _AUX or " or " in f" {asked} ":
        return _from_declarative(asked, pronouns, positive=positive)
    aux, subject, rest = words[0].casefold(), words[1].casefold(), words[2:]
    if subject not in {"you", "it", "that", "they", "there"}:
        return None
    verb = rest[0].casefold()
    lead = "" if subject == "you" else f"{subject} "
    auxiliary = _AUX[aux] if subject != "they" else aux
    if aux in {"do", "does", "did"}:
        if verb not in BASE_VERBS and verb not in {"ever", "still", "usually", "currently", "also"}:
            return None
        negative = "did" if aux == "did" else "does" if subject != "they" else "do"
        tail = " ".join(rest)
        said = f"{lead}{negative} not {tail}" if not positive else f"{lead}{_affirm_do(aux, rest)}"
    else:
        said = f"{lead}{auxiliary}{'' if positive else ' not'} {' '.join(rest)}"
    said = re.sub(r"\b(?:ever|at all)\b\s*", "", said) if positive else said
    return from_clinician(said, pronouns)


def _affirm_do(aux: str, rest: list[str]) -> str:
    if aux == "did":
        return f"did {' '.join(rest)}"
    adverbs = [word for word in rest if word.casefold() in {"ever", "still", "usually", "currently", "also"}]
    verbs = rest[len(adverbs) :]
    return " ".join([*adverbs, third_person(verbs[0]), *verbs[1:]]) if verbs else " ".join(rest)


def _from_declarative(asked: str, pronouns: Pronouns, *, positive: bool) -> str | None:
    """`you're taking your medication` with a yes → `Is taking the medication`."""
    if not positive or not re.match(
        r"(?:and |so |but )*(?:you|your|it|it's|there|there's|that|the)\b", asked, re.IGNORECASE
    ):
        return None
    if opens_question(asked):
        return None
    plain = re.sub(r"^(?:and|so|but)\s+", "", asked, flags=re.IGNORECASE)
    said = from_clinician(plain, pronouns)
    return said if said and is_clinical(said) else None


def _lower_first(text: str) -> str:
    """A small first letter, unless the first word is a brand or an abbreviation."""
    first = text.split()[0].strip(".,") if text.split() else ""
    keep = first.casefold() in BRANDS or first[1:2].isupper() or first in {"I"}
    return text if keep else text[:1].lower() + text[1:]


def _labelled(asked: str, bare: str, pronouns: Pronouns) -> Reply | None:
    turned = from_patient(bare, pronouns)
    if not turned or not bare:
        return None
    answer = _lower_first(turned.rstrip("."))
    takes = _TAKES.fullmatch(asked)
    if takes:
        rest = _EMPTY_TAIL.sub("", takes["rest"]).strip()
        reason = re.fullmatch(r"for (?!it\b|that\b|this\b|them\b)(?P<what>.+)", rest, re.IGNORECASE)
        what = from_clinician(reason["what"], pronouns) if reason else None
        purpose = f" for {what[:1].lower()}{what[1:].rstrip('.')}" if what else ""
        return Reply(capital(f"Takes{purpose}: {answer}" if purpose else f"Takes {answer}"))
    for pattern, label in _LABELS:
        if pattern.search(asked):
            return Reply(capital(f"{label}: {answer}"))
    noun = _WHICH.match(asked) or _ABOUT.fullmatch(asked)
    if noun:
        name = re.sub(r"^(?:your|the)\s+", "", noun["noun"], flags=re.IGNORECASE)
        if is_clinical(name) and name.casefold() not in {"one", "else"}:
            return Reply(capital(f"{name}: {answer}"))
    said = _as_statement(asked, pronouns, positive=True)
    if said and is_clinical(said):
        return Reply(_with_detail(said, bare, pronouns))
    items = _asked_for(asked, pronouns)
    if items and is_clinical(" ".join(items)):
        return Reply(_with_detail(f"Asked about {_joined(items)}", bare, pronouns))
    if (is_clinical(asked) or is_clinical(bare)) and len(asked) <= _LONGEST_ASKED and opens_question(asked):
        return Reply(f'Asked "{asked}?", answers "{bare.replace(chr(34), chr(39))}".')
    return None
