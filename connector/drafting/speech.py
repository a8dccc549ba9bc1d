"""Speech as text. In: one turn as transcribed. Out: its sentences, without fillers and with taken-back values settled.

Never changes a name, a number's value or a negation.
"""

from __future__ import annotations

import re

from connector.clinical.quantities import in_figures, settle_corrections
from connector.clinical.word_lists import word_set

_TAGS = re.compile(
    r"<[^<>]{0,80}>|\[(?:inaudible|crosstalk|noise|laughter|silence|music|pause)[^\[\]]{0,40}\]", re.IGNORECASE
)
_HESITATION = re.compile(
    r"(?:[,\s]{0,4}\b(?:um+|uh+|erm?|ehm?|hm+|mm+|ah|uhm|huh)\b(?!-)[,.]*)+(?=[\s,.?!]|$)", re.IGNORECASE
)
_CUT_WORD = re.compile(r"(?<![\w'-])[^\W\d_]{1,4}-(?=\s+[^\W\d_])")
_PHRASE_TWICE = re.compile(
    r"\b(?!no\b)((?:[\w'’]+\s+){0,3}[\w'’]+)(?:\s*,\s*|\s+-\s+|\s*\.\.\.\s*)(?:and\s+)?\1\b(?!['’-])", re.IGNORECASE
)
_WORD_TWICE = re.compile(
    r"\b(?!(?:very|really|had|that|no|so|much|more|better|up|out|bye)\b)([^\W\d_]+)\s+\1\b(?!['’-])", re.IGNORECASE
)
_CONTRACTED_TWICE = re.compile(r"\b([^\W\d_]+)\s+(?=\1'[a-z])|\b([^\W\d_]+'[a-z]+)(?:[,\s]+\2\b)+", re.IGNORECASE)
_PAIR_TWICE = re.compile(r"\b([\w']+\s+[\w']+(?:\s+[\w']+)?)\s+\1\b(?!')", re.IGNORECASE)
_FILLERS = re.compile(
    r"(?:^|(?<=[\s,.]))(?:,\s*)?\b(?:you know(?! (?:what|how|why|when|where|if|who)\b)|"
    r"i mean(?=,)|like(?=,)|basically|obviously|honestly|to be honest|i guess(?=,)|let's see(?=,)|or whatever|"
    r"and stuff(?: like that)?|or something(?: like that)?(?=[.,]|$))(?:\s*,)?",
    re.IGNORECASE,
)
_STARTERS = re.compile(
    r"(?:(?:okay|ok|all ?right|alright|right|well|so|now|and then|then|great|ohh|ok so|um|good|perfect|sure|yeah|"
    r"yes|yep|fine|cool|"
    r"got it|i see|oh|ooh|wow|awesome|excellent|wonderful|anyway|basically|and|but|gotcha|hey|listen|look|again|"
    r"mm-hmm|uh-huh|thank you|thanks|sorry)(?:[,.!]+|(?=\s)|$)\s*)+",
    re.IGNORECASE,
)
_TAILS = re.compile(
    r"[\s,]+(?:okay|ok|all ?right|alright|right|yeah|you know|so|and|but|sir|ma'am|you guys|then|correct|um|uh|"
    r"is that "
    r"(?:okay|right)|does that (?:make sense|sound (?:good|okay)))\s*(?P<mark>[?.!]*)$",
    re.IGNORECASE,
)
_ABBREVIATED = re.compile(r"\b(?:dr|mr|mrs|ms|vs|st|e\.g|i\.e|approx|a\.m|p\.m|prof)\.\Z", re.IGNORECASE)
_BREAK = re.compile(r"(?<=[.?!])[\"”’)]*\s+")
_LONGEST_SENTENCE = 40
_ANEW = re.compile(
    r",?\s+(?:(?:okay|ok|alright|all right|right|well|now|so|and|but|then|also)\s+)*(?="
    r"(?:i want|i'd like|i would like|i also|i'm going to|i am going to|i do\b|i don't|i think|i know|i reviewed|"
    r"i appreciate|"
    r"i recommend|i then|let's|lem me|let me|we'll|we will|we're going to|you have|you do have|you're|"
    r"your (?:\w+ ){1,3}(?:is|are|was|were|has|shows?|showed|looks?)|there (?:is|are|was)|there's|"
    r"on your|for your|looking at|do you|are you|have you|did you|any other|if you|my (?:assessment|impression|plan)|"
    r"it's|it is|he's|she's|this is|that's|this means|that means|i've|i'm|i was|i had|i have|i just|i feel)\b)"
    r"|\s+(?:okay|alright|all right)\s+",
    re.IGNORECASE,
)
_DEPENDENT = word_set(
    """
    if that whether because since when as what how where which who why than like unless until while though although
    or nor not with for to of from on in at by about exam examination think thinks know see hope believe feel
    suspect say said says told make sure means mean wonder wondering guess think, notice noticed says, tell where's
    before after
    """
)
_SPLIT_TOKENS = (
    (re.compile(r"\s+(n['’]t\b)", re.IGNORECASE), r"\1"),
    (re.compile(r"\s+(['’](?:s|m|re|ve|ll|d)\b)", re.IGNORECASE), r"\1"),
    (re.compile(r"\b(gon|wan|got)\s+(na|ta)\b", re.IGNORECASE), r"\1\2"),
    (re.compile(r"\bca n['’]?t\b", re.IGNORECASE), "can't"),
    (re.compile(r"\blem me\b", re.IGNORECASE), "let me"),
    (re.compile(r"\bgonna\b", re.IGNORECASE), "going to"),
    (re.compile(r"\bwanna\b", re.IGNORECASE), "want to"),
    (re.compile(r"\bgotta\b", re.IGNORECASE), "have to"),
    (re.compile(r"(?<!\w)['’]cause\b|\bcuz\b", re.IGNORECASE), "because"),
    (re.compile(r"\s+([,.?!;:%])"), r"\1"),
    (re.compile(r"\bi\b(?=['’\s]|$)"), "I"),
)


def settled(text: str) -> str:
    """The turn as one text: transcription tags, hesitation, stutters and fillers gone, values settled, in figures."""
    text = _TAGS.sub(" ", text.replace("’", "'").replace("…", "..."))
    for pattern, written in _SPLIT_TOKENS:
        text = pattern.sub(written, text)
    text = _HESITATION.sub(" ", text)
    text = re.sub(r"\s*\.\.\.+\s*", ", ", text)
    text = in_figures(settle_corrections(_single(text)))
    text = _FILLERS.sub(" ", text)
    text = re.sub(r"\s+([,.?!;:])", r"\1", re.sub(r",(?:\s*,)+", ",", text))
    text = re.sub(r",\s*([.?!])", r"\1", text)
    return " ".join(text.split()).strip(" ,;-")


def _single(text: str) -> str:
    """Words said twice in a row, once."""
    text = _CUT_WORD.sub("", " ".join(text.split()))
    for _ in range(4):
        before = text
        text = _CONTRACTED_TWICE.sub(r"\2", text)
        text = _WORD_TWICE.sub(r"\1", _PAIR_TWICE.sub(r"\1", _PHRASE_TWICE.sub(r"\1", text)))
        if text == before:
            break
    return text


def sentences(text: str) -> list[str]:
    """The sentences of a settled text, each with its closing mark, without leading "okay, so" or trailing "okay?"."""
    found: list[str] = []
    pending = ""
    for piece in _BREAK.split(text):
        pending = f"{pending} {piece}".strip()
        if _ABBREVIATED.search(pending):
            continue
        found.append(pending)
        pending = ""
    if pending:
        found.append(pending)
    trimmed = (trim(part) for sentence in found for part in _run_on(sentence))
    return [sentence for sentence in trimmed if any(character.isalnum() for character in sentence)]


def _run_on(sentence: str) -> list[str]:
    """A sentence without inner punctuation that runs on, cut where speech starts anew; others stay whole.

    Never cut after "if", "that", "because" and the like: what follows depends on them.
    """
    if len(sentence.split()) <= _LONGEST_SENTENCE:
        return [sentence]
    parts: list[str] = []
    last = 0
    for match in _ANEW.finditer(sentence):
        before = sentence[last : match.start()].split()
        if before and before[-1].casefold().strip(",") not in _DEPENDENT:
            parts.append(" ".join(before))
            last = match.end()
    return [part.strip(" ,") for part in [*parts, sentence[last:]] if part.strip(" ,")]


def trim(sentence: str) -> str:
    """One sentence without openers and tags that carry nothing ("okay, so …", "…, all right?")."""
    sentence = sentence.strip(" ,;-")
    for _ in range(3):
        tail = _TAILS.search(sentence)
        if not tail or not tail.start():
            break
        statement_mark = "." if "?" in tail["mark"] and not opens_question(sentence) else tail["mark"]
        sentence = sentence[: tail.start()].rstrip(" ,.?!") + (statement_mark or ".")
    return sentence


def without_opener(sentence: str) -> str:
    """The sentence without "okay", "so", "and", "yeah" and the like in front."""
    opener = _STARTERS.match(sentence)
    rest = sentence[opener.end() :] if opener else sentence
    return rest.strip(" ,;-")


_INVERTED = re.compile(
    r"(?:do|does|did|is|are|was|were|am|has|have|had|can|could|will|would|should|may|don't|doesn't|didn't|isn't|"
    r"aren't|"
    r"haven't|hasn't|wasn't|weren't|can't)\s+(?:you|your|it|it's|that|this|there|they|he|she|we|i|any|the|those|these|"
    r"anyone|anybody|anything|one|either|both)\b",
    re.IGNORECASE,
)
_ASKING = re.compile(
    r"(?:and |but |so |or |then )*(?:what|what's|when|where|where's|whereabouts|which|who|whom|whose|why|how|how's|"
    r"how about|what about)\b",
    re.IGNORECASE,
)


def opens_question(sentence: str) -> bool:
    """Whether a sentence starts as questions do: inverted verb, question word."""
    opened = without_opener(sentence)
    return bool(_INVERTED.match(opened) or _ASKING.match(opened))
