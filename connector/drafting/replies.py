"""Question and answer. In: what the clinician asked, what the patient answered. Out: note text resting on both.

Never reads more out of a "yes" or "no" than the question put in; where it cannot say it in other words, it quotes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from connector.clinical.lexicon import is_clinical, names_symptom
from connector.clinical.word_lists import word_set
from connector.drafting.history import denied_in, is_cut_off
from connector.drafting.phrases import Pronouns, capital, from_clinician, from_patient, small_start
from connector.drafting.questions import core_of, items_asked, statement_from
from connector.drafting.speech import opens_question, without_opener
from connector.drafting.verbs import BASE_VERBS, is_past

_OPENING = re.compile(r"^(?:(?:oh|ohh|well|um|so|and|okay|ok|actually|honestly|i mean)\b[\s,]*)+", re.IGNORECASE)
_YES = re.compile(
    r"(?:yes|yeah|yep|yup|uh-huh|mm-hmm|mhm|correct|exactly|absolutely|definitely|of course|"
    r"that's (?:right|correct|true)|i do|i have|i am|i did|it is|it does|it has|they do|they are|i think so|"
    r"i believe so)"
    r"(?=[\s,.!]|$)[\s,.!]*",
    re.IGNORECASE,
)
_NO = re.compile(
    r"(?:(?:no|nope|nah)(?=\s*(?:[,.!-]|$))|no(?=\s+(?:i|it|not|nothing|no|that|they|the|none|never|my|just)\b)|"
    r"not really|not at all|not that i(?:'ve| have)? (?:noticed|know of|know|can (?:think|remember))(?: of)?|"
    r"none(?: of (?:that|those|them))?(?=\s*[,.!]|$)|never(?=\s*[,.!]|$)|nothing like that|i don't think so|"
    r"i do not think so|negative)(?=[\s,.!]|$)[\s,.!]*",
    re.IGNORECASE,
)
_NOTHING_MORE = re.compile(
    r"(?:sir|ma'am|doctor|doc|no|none|i am|i do|i have|i did|i'm not|it is|it does|it doesn't|it hasn't|it isn't|"
    r"it didn't|"
    r"they are|they do|(?:all |very |pretty )?(?:good|fine)|yes|yeah|that's right|thanks?|thank (?:you|god|goodness)|"
    r"thankfully|okay|of course|absolutely|definitely|none of (?:that|those|them)|not that i .*|"
    r"not (?:really|at all|recently|currently|right now|yet|anymore|particularly|so far|lately)|"
    r"nothing(?: (?:like that|out of the ordinary|significant|else|at all|really|new|major))*.{0,40}|"
    r"i (?:don't|do not|haven't|have not|didn't|did not|am not)(?: think so| noticed.*| had any.*| really)?|)[\s.,!]*",
    re.IGNORECASE,
)
_NOT_ASKED = re.compile(
    r"\b(?:questions?|concerns|make sense|sounds? good|ready|hear me|mind if|all right with|okay with|ok with|"
    r"remember|"
    r"understand|see (?:it|this|that)|is that okay|how can i help|what brings you|how are you|how have you been|"
    r"what can i do|how may i help|confirm your|show me|point (?:to|with))\b",
    re.IGNORECASE,
)
_LABELS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), label)
    for pattern, label in (
        (r"\bhow long (?:does|do|did) (?:it|they|that|the \w+)\b.*\blast", "Duration"),
        (r"\bhow long ago\b|\bwhen (?:did|was|were)\b|\bwhat (?:day|time|date)\b|\bsince when\b", "When"),
        (r"\bhow long\b|\bhow many (?:days|weeks|months|years)\b", "Duration"),
        (r"\bhow often\b|\bhow (?:many times|frequent|regular)", "Frequency"),
        (r"\bscale\b|\bhow (?:bad|severe|intense|much pain)\b|\brate\b.*\bpain\b|\bout of 10\b", "Severity"),
        (r"\bwhere(?:abouts)?\b", "Location"),
        (r"\b(?:what|which) side\b", "Side"),
        (r"\bmakes? (?:it|the \w+|that|them) (?:\w+ )?worse\b|\bbrings? it on\b|\btrigger", "Worse with"),
        (r"\bmakes? (?:it|the \w+|that|them) (?:\w+ )?better\b|\brelieve|\bwhat helps\b", "Better with"),
        (r"\bfeel like\b|\bdescribe\b|\b(?:what|which) (?:kind|type|sort) of pain\b", "Character"),
        (r"\bwho (?:do|are) you liv|\blive with\b|\blives? at home\b", "Lives with"),
        (r"\bwhat do you (?:do for (?:work|a living)|work as)\b|\boccupation\b", "Occupation"),
        (r"\bhow (?:much|many) (?:do|did|would|have) you (?:\w+ )?(?:drink|smoke)", "Amount"),
        (r"\bwhat colou?r\b", "Color"),
    )
)
_TAKES = re.compile(
    r"(?:what|which(?: one)?)(?: else)? (?:do|are|did|have) you (?:usually |currently |been )?"
    r"(?:take|taking|taken|took|tried|try|use|using)(?P<rest>.*)",
    re.IGNORECASE,
)
_LAST = re.compile(
    r"when (?:was|were|did you have) (?:your|the) (?P<noun>(?:last|most recent|latest) [\w' -]{3,40})$", re.IGNORECASE
)
_WHICH = re.compile(
    r"(?:what|which) (?P<noun>[a-z][\w' -]{2,30}?) (?:do|did|are|is|was|were|have|has|does|would) (?:you|they|he|"
    r"she|it|the)\b",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"(?:what about|how about|how's|how is|how are|how has|how have|tell me about) (?:your |the |"
    r"any )?(?P<noun>[\w' -]{3,40}?)"
    r"(?: been| doing| feeling| going| today| lately| at the moment| otherwise| then| at all)*"
    r"|(?:your |the )(?P<bare>[\w'-]+(?: [\w'-]+){0,2})",
    re.IGNORECASE,
)
_FINITE = word_set(
    """
    is are was were am has have had do does did can could will would should may might i'm i've it's that's there's
    he's she's they're we're they've isn't aren't don't doesn't didn't can't haven't hasn't wasn't makes gets goes
    hurts feels comes helps keeps seems starts won't couldn't wouldn't weren't
    """
)
_ALSO_NOUNS = word_set("left cut hit set read cost spread wound bit lay hurt felt saw led tired depressed stressed")
_SUBJECTS = word_set("i we they you to not n't don't can't usually always never sometimes just also really")
_COUNTS = word_set("two three four five six few several some couple many a the my no of and one")
_CHAT = word_set(
    "okay ok sure alright right thanks thank you great good sounds perfect all mm-hmm uh-huh mhm well hello hi bye"
    " yeah sorry"
)
_WH = re.compile(
    r"(?:what(?! about)|when|where|which|who|why|how(?! about)|(?:do )?you remember|can you (?:tell|describe)|"
    r"tell me)\b",
    re.IGNORECASE,
)
_TWO_QUESTIONS = re.compile(
    r"(?P<wh>(?:how|what|when|where|which|who|why)\b[^?]{3,80}?),? and "
    r"(?:do|does|did|is|are|was|were|has|have|can)\b[^?]*\??",
    re.IGNORECASE,
)
_EXCEPTING = re.compile(
    r"(?:just|only|except|apart from|other than|aside from|besides|unless|not (?:specifically|exactly|often))\b",
    re.IGNORECASE,
)
_NEGATIVE = re.compile(r"\b(?:no|not|never|none|nothing|without|nor|neither|nope)\b|n't\b", re.IGNORECASE)
_OF_CARE = re.compile(r"\b(?:problem|issue|symptom|complaint|trouble|difficult|history|allerg|concern)", re.IGNORECASE)
_LONGEST_ITEMS = 80
_LONGEST_ASKED = 160
_LONGEST_BARE = 14


@dataclass(frozen=True, slots=True)
class Reply:
    """Note text for a question and its answer ("" if only `denied` speaks); `rest` of the answer is yet to be told."""

    text: str
    denied: tuple[str, ...] = ()
    rest: str = ""


def read_reply(question: str, answer: str, pronouns: Pronouns, *, first: bool = True) -> Reply | None:
    """What a question and a sentence of its answer say together, or None where the answer speaks for itself.

    A "yes" or "no" is read only in the `first` sentence of an answer.
    """
    core = core_of(question)
    compound = _TWO_QUESTIONS.match(without_opener(question).strip())
    if not answer or answer.endswith("?") or not core or _NOT_ASKED.search(core) or denied_in(answer):
        return None
    positive = _polarity(answer)
    if positive is not None:
        return _yes_or_no(core, answer, pronouns, positive=positive) if first else None
    bare = (without_opener(answer) or answer).strip(" .!,")
    if not is_fragment(bare):
        return None
    if compound and not first:
        # Which of the two questions this answers is not said: it stands as it was spoken.
        return Reply(f"{capital((from_patient(bare, pronouns) or bare).rstrip('.'))}.")
    return _labelled(compound["wh"] if compound else core, bare, pronouns)


def asks_twice(question: str) -> bool:
    """Whether a question puts two: `How long does it last, and does it come at rest?`"""
    return _TWO_QUESTIONS.match(without_opener(question).strip()) is not None


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
        return before in _SUBJECTS or before.endswith("ly")
    return (
        word.endswith("s")
        and word[:-1] in BASE_VERBS
        and bool(before)
        and before[:1].isalpha()
        and before not in _COUNTS
    )


def _polarity(answer: str) -> bool | None:
    text = _OPENING.sub("", answer)
    if _YES.match(text):
        return True
    return False if _NO.match(text) else None


def _after_polarity(answer: str) -> str:
    text = _OPENING.sub("", answer)
    while match := (_YES.match(text) or _NO.match(text)):
        text = text[match.end() :]
    return text.strip(" ,.!")


def _yes_or_no(core: str, answer: str, pronouns: Pronouns, *, positive: bool) -> Reply | None:
    if _WH.match(core):
        return None
    rest = _after_polarity(answer)
    spent = _NOTHING_MORE.fullmatch(rest) is not None
    detail = rest if not spent and is_fragment(rest) else ""
    left = "" if spent or detail else rest
    items = items_asked(core, pronouns)
    if items and not _OF_CARE.search(core) and not is_clinical(core):
        return None
    if positive and detail and _NEGATIVE.search(detail):
        return Reply(_asked_back(core, f'"{_unquoted(answer)}"'))
    if items and not positive and (detail or _EXCEPTING.match(rest)):
        return Reply(f'Asked about {_joined(items)}, answers "{_unquoted(answer)}".')
    if items and not positive:
        return Reply("", items, "" if spent else rest)
    if items:
        covered = bool(left) and names_symptom(left)
        return Reply("" if covered else _with_detail(f"Reports {_joined(items)}", detail, pronouns), (), left)
    said = statement_from(core, pronouns, positive=positive)
    if said and (is_clinical(core) or is_clinical(rest)):
        return Reply(_with_detail(said, detail, pronouns), (), left)
    about = _ABOUT.fullmatch(core)
    if about and spent and is_clinical(core):
        return Reply(capital(f"{about['noun'] or about['bare']}: {'yes' if positive else 'no'}"))
    if spent and is_clinical(core) and len(core) <= _LONGEST_ASKED and not is_cut_off(core):
        return Reply(_asked_back(core, "yes" if positive else "no"))
    return Reply("", (), rest) if rest and not spent else None


def _asked_back(core: str, answer: str) -> str:
    return f'Asked "{_unquoted(capital(core))}?", answers {answer.rstrip(".")}.'


def _unquoted(text: str) -> str:
    return text.replace('"', "'").strip(" .,")


def _joined(items: tuple[str, ...]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} or {items[-1]}"


def _with_detail(text: str, detail: str, pronouns: Pronouns) -> str:
    turned = from_patient(detail, pronouns) if detail else None
    if not turned:
        return capital(text)
    return capital(f"{text.rstrip('.')}: {small_start(turned)}")


def _labelled(core: str, bare: str, pronouns: Pronouns) -> Reply | None:
    """A verbless answer under what was asked: `Duration: about 2 weeks.`"""
    turned = from_patient(bare, pronouns)
    if not turned:
        return None
    answer = small_start(turned.rstrip("."))
    takes = _TAKES.fullmatch(core)
    if takes:
        return Reply(_taken(takes["rest"], answer, pronouns))
    last = _LAST.match(core)
    if last:
        return Reply(capital(f"{last['noun']}: {answer}"))
    for pattern, label in _LABELS:
        if pattern.search(core):
            return Reply(capital(f"{label}: {answer}"))
    noun = _WHICH.match(core)
    about = _ABOUT.fullmatch(core)
    name = noun["noun"] if noun else (about["noun"] or about["bare"]) if about else ""
    if name and is_clinical(name) and name.casefold() not in {"one", "else"}:
        return Reply(capital(f"{name}: {answer}"))
    denying = _NEGATIVE.search(bare) is not None
    said = statement_from(core, pronouns, positive=True)
    if said and is_clinical(said) and not denying:
        return Reply(_with_detail(said, bare, pronouns))
    items = items_asked(core, pronouns)
    if items and is_clinical(" ".join(items)) and len(_joined(items)) <= _LONGEST_ITEMS and not denying:
        return Reply(_with_detail(f"Asked about {_joined(items)}", bare, pronouns))
    clinical = is_clinical(core) or is_clinical(bare)
    if clinical and len(core) <= _LONGEST_ASKED and opens_question(core):
        return Reply(_asked_back(core, f'"{_unquoted(bare)}"'))
    return None


def _taken(rest: str, answer: str, pronouns: Pronouns) -> str:
    reason = re.fullmatch(r"\s*for (?!it\b|that\b|this\b|them\b)(?P<what>.+)", rest, re.IGNORECASE)
    what = from_clinician(reason["what"], pronouns) if reason else None
    return capital(f"Takes for {small_start(what.rstrip('.'))}: {answer}" if what else f"Takes {answer}")
