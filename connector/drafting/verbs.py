"""English verb forms. In: a verb as spoken. Out: its third person or past form. Never guesses a meaning."""

from __future__ import annotations

from connector.clinical.word_lists import word_list, word_set

_IRREGULAR = {"am": "is", "are": "is", "have": "has", "do": "does", "were": "was", "go": "goes", "don't": "doesn't"}
_IRREGULAR |= {"haven't": "hasn't", "aren't": "isn't", "weren't": "wasn't", "ain't": "isn't"}
_UNCHANGED = word_set(
    """
    is was has does had did can could will would shall should may might must cannot can't couldn't won't wouldn't
    shouldn't mightn't hadn't didn't wasn't isn't doesn't hasn't used ought better
    """
)
_PAST = word_set(
    """
    went took felt got saw came had did was were said told knew thought gave found made ran drank ate slept woke
    began became broke brought bought built caught chose cut hit hurt put let set read cost quit shut spread split
    fell flew forgot gone grew heard held kept laid led left lent lay lost meant met paid rode rose rang sat sold
    sent shook sang spoke spent stood stole stuck stung swam swore threw understood wore won wrote bent bit bled
    drove drew fought froze hid taught tore wound kicked slid started stopped
    """
)
_PAST_OF = dict(
    pair.split("/")
    for pair in word_list(
        """
    go/went take/took feel/felt get/got see/saw come/came have/had do/did say/said tell/told know/knew think/thought
    give/gave find/found make/made run/ran drink/drank eat/ate sleep/slept wake/woke begin/began become/became
    break/broke bring/brought buy/bought catch/caught cut/cut hit/hit hurt/hurt put/put fall/fell forget/forgot
    grow/grew hear/heard hold/held keep/kept lead/led leave/left lose/lost meet/met pay/paid quit/quit ride/rode
    send/sent set/set sit/sat spread/spread stand/stood stick/stuck swim/swam throw/threw wear/wore bend/bent
    bleed/bled drive/drove slip/slipped stop/stopped pop/popped vomit/vomited twist/twisted bite/bit tear/tore
    """
    )
)
BASE_VERBS = frozenset(_PAST_OF) | word_set(
    """
    take use check feel have get go come see try keep need want think know notice sleep eat drink smoke walk run
    work live exercise wake cough vomit hurt ache bleed itch burn sweat faint pass lose gain watch drive sit stand
    lie bend lift move climb breathe swallow urinate pee do make put give find tell say call stop start continue
    avoid miss skip forget remember worry believe guess hope like love hate prefer help play swim ride cook clean
    stay travel visit spend wear measure monitor rest stretch ice apply wash rub tend seem look sound last happen
    radiate spread bother affect fill own
    """
)
"""Verbs common in visits, in their base form."""


def is_past(verb: str) -> bool:
    """Whether a word reads as a verb's past form."""
    verb = verb.casefold()
    return verb in _PAST or (verb.endswith("ed") and len(verb) > 3 and verb not in {"need", "feed", "bleed", "speed"})


def third_person(verb: str) -> str:
    """`take` → `takes`, `have` → `has`, `went` → `went`."""
    low = verb.casefold()
    if low in _IRREGULAR:
        return _IRREGULAR[low]
    if low in _UNCHANGED or is_past(low):
        return verb
    if low.endswith(("s", "sh", "ch", "x", "z", "o")):
        return f"{verb}es"
    if low.endswith("y") and low[-2:-1] not in "aeiou":
        return f"{verb[:-1]}ies"
    return f"{verb}s"


def past(verb: str) -> str:
    """`fall` → `fell`, `notice` → `noticed`."""
    low = verb.casefold()
    if low in _PAST_OF:
        return _PAST_OF[low]
    if low.endswith("e"):
        return f"{verb}d"
    if low.endswith("y") and low[-2:-1] not in "aeiou":
        return f"{verb[:-1]}ied"
    return f"{verb}ed"
